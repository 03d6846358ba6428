// Which id of an engine stands for which stored key; embedded.ts uses it.
import type { MappedIndex, MappedNames } from '../engines/mapped.js';

/**
 * Names and ids both ways. Those of a mapped index stay in its file, which all processes share: only what came and went since is kept
 * here. Names are stored keys, each byte a character.
 */
export class Names {
  #mapped: MappedNames | undefined;
  /** Ids of the file whose names were released. */
  readonly #gone = new Set<number>();
  readonly #ids = new Map<string, number>();
  /** From the first id that is none of the file's. */
  readonly #names: (string | undefined)[] = [];
  readonly #free: number[] = [];
  #resets = 0;

  /** How often all were forgotten so far. */
  get resets(): number {
    return this.#resets;
  }

  /** All ids are below. */
  get limit(): number {
    return this.#first + this.#names.length;
  }

  /** Ids below are the file's. */
  get #first(): number {
    return this.#mapped?.nameCount ?? 0;
  }

  get size(): number {
    return this.#first - this.#gone.size + this.#ids.size;
  }

  find(name: string): number | undefined {
    const id = this.#mapped?.findName(Buffer.from(name, 'latin1'));
    return id === undefined || this.#gone.has(id) ? this.#ids.get(name) : id;
  }

  /** The name's id, a new one if it has none. */
  take(name: string): number {
    const known = this.find(name);
    if (known !== undefined) return known;
    const mapped = this.#mapped?.findName(Buffer.from(name, 'latin1'));
    if (mapped !== undefined) {
      this.#gone.delete(mapped);
      return mapped;
    }
    const id = this.#free.pop() ?? this.#first + this.#names.length;
    this.#ids.set(name, id);
    this.#names[id - this.#first] = name;
    return id;
  }

  at(id: number): string | undefined {
    if (id >= this.#first) return this.#names[id - this.#first];
    return this.#gone.has(id) ? undefined : this.#mapped?.nameAt(id);
  }

  release(name: string, id: number): void {
    if (id < this.#first) {
      this.#gone.add(id);
      return;
    }
    this.#ids.delete(name);
    this.#names[id - this.#first] = undefined;
    this.#free.push(id);
  }

  releaseAll(prefix: string): void {
    for (let id = this.#from(prefix); id < this.#first; id++) {
      if (!this.#mapped?.nameAt(id)?.startsWith(prefix)) break;
      this.#gone.add(id);
    }
    for (const [name, id] of this.#ids) if (name.startsWith(prefix)) this.release(name, id);
  }

  /** Forgets all; from then on the names of the file, if one is given, are these. */
  reset(mapped?: MappedIndex): void {
    this.#resets++;
    this.#mapped = mapped?.names;
    this.#gone.clear();
    for (const id of mapped?.vacant ?? []) this.#gone.add(id);
    this.#ids.clear();
    this.#names.length = 0;
    this.#free.length = 0;
  }

  /** The file's first id whose name is not below the prefix: names ascend with ids. */
  #from(prefix: string): number {
    let low = 0;
    let high = this.#first;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#mapped?.nameAt(middle) as string) < prefix) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
