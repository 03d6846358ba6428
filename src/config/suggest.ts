// Guesses which known name a misspelt one meant; config/ imports it.

/** Longer names are not compared: nobody mistypes a key of ours into one. */
const MAX_LENGTH = 48;

/**
 * Number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
 * Cost O(|a| · |b|).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** One letter matches every other one letter at distance 1, so short names are allowed less. */
function allowed(length: number): number {
  if (length <= 1) return 0;
  return length <= 3 ? 1 : 2;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '');
}

/**
 * The name that was most likely meant: the same but for case, `_` and `-`, or else the nearest within two edits (one for
 * names of two or three letters). Undefined when none is near.
 */
export function suggest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  let best: string | undefined;
  let bestDistance = allowed(name.length) + 1;
  for (const candidate of known) {
    const distance = plain(candidate) === plain(name) ? 0 : editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
