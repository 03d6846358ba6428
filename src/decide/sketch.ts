// A set of small hashes in 2,048 bits, whose overlap with another costs the same however long the texts are. Only decide/ imports it.

const bits = 2_048;
const words = bits / 32;

/** An approximate set: members may share a bit, so an overlap is never underestimated. Cost: O(1) a member, 0.5 kB a set. */
export class Sketch {
  // A list: short typed arrays are slow to make and to collect.
  readonly #bits = new Array<number>(words).fill(0);
  #size = 0;

  add(hash: number): void {
    const bit = (Math.imul(hash, 0x9e3779b1) >>> 0) & (bits - 1);
    const mask = 1 << (bit & 31);
    const at = bit >>> 5;
    const present = this.#bits[at] as number;
    if ((present & mask) !== 0) return;
    this.#bits[at] = present | mask;
    this.#size++;
  }

  /** Share of the members of both that both have, in [0, 1]; 0 when both are empty. Cost: 64 steps. */
  jaccard(other: Sketch): number {
    let shared = 0;
    for (let i = 0; i < words; i++) shared += ones((this.#bits[i] as number) & (other.#bits[i] as number));
    const all = this.#size + other.#size - shared;
    return all === 0 ? 0 : shared / all;
  }
}

/** Count of the bits set in 32. */
function ones(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Three characters in a row of the text, small letters, white space as one blank. */
export function trigrams(text: string): Sketch {
  const sketch = new Sketch();
  const small = text.toLowerCase();
  let before = 32;
  let last = 32;
  // A blank closes the text.
  for (let i = 0; i <= small.length; i++) {
    let code = i < small.length ? small.charCodeAt(i) : 32;
    // Sentence punctuation is written or left out at will.
    if (code <= 32 || code === 46 || code === 63 || code === 33 || code === 44 || code === 160) code = 32;
    if (code === 32 && last === 32) continue;
    sketch.add(Math.imul(Math.imul(before, 0x85ebca6b) ^ last, 0xc2b2ae35) ^ code);
    before = last;
    last = code;
  }
  return sketch;
}

/** Two words in a row. */
export function bigrams(list: readonly string[]): Sketch {
  const sketch = new Sketch();
  let previous = 0;
  for (const word of list) {
    const hash = hashOf(word);
    sketch.add(Math.imul(previous, 0x85ebca6b) ^ hash);
    previous = hash;
  }
  return sketch;
}

function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash;
}
