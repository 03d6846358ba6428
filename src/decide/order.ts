// Finds two parts of a question that have changed places in another one. Only rules.ts imports it.

const symmetric = new Set(['and', 'or', 'vs', 'versus', 'between', 'with', 'nor']);
// With these a comparison reads the same in both directions.
const symmetricTopics = new Set(
  'differenc differ different compar comparison similar similarity vs versus distanc relationship relation common equal combin mix'.split(
    ' ',
  ),
);
const prepositions = new Set(
  'of to in on at by for from with about into onto upon over under between among through during per via than as'.split(
    ' ',
  ),
);
const acting = new Set(
  (
    'to into than over from caus affect influenc beat defeat lov like hat follow preced imply contain includ eat kill attack replac produc ' +
    'marry help trigger creat lead own betray sue'
  ).split(' '),
);
const maxCore = 32;

/** Two ranges of the first sequence: start and end, end excluded. */
type Pair = readonly [readonly [number, number], readonly [number, number]];

/**
 * Two parts that stand before and after the same words in `a`, and the other way round in `b`; `undefined` when there are none or
 * when nothing depends on their order. Cost: linear in both lengths but for a differing core of at most 32 words.
 */
export function swapped(a: readonly string[], b: readonly string[]): Pair | undefined {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  if (start === a.length && start === b.length) return undefined;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  if (endA - start < 2 || endB - start < 2) return undefined;
  if (a.some((word) => symmetricTopics.has(word)) || b.some((word) => symmetricTopics.has(word)))
    return undefined;
  if (endA === endB && endA - start <= maxCore) {
    const pair = swappedCore(a.slice(start, endA), b.slice(start, endB), start);
    if (pair !== undefined) return pair;
  }
  return swappedAround(a, b);
}

/** a = X M Y and b = Y M X, with an M that is not symmetric. */
function swappedCore(a: readonly string[], b: readonly string[], offset: number): Pair | undefined {
  const length = a.length;
  if (a.some((word) => symmetric.has(word))) return undefined;
  for (let x = 1; x < length - 1; x++) {
    if (!sameRun(a, 0, b, length - x, x)) continue;
    for (let y = 1; x + y < length; y++) {
      const middle = length - x - y;
      if (!sameRun(a, length - y, b, 0, y) || !sameRun(a, x, b, y, middle)) continue;
      // Adjuncts move freely: `for students in India`, `in India for students`.
      const moved = x > 1 && y > 1 && prepositions.has(a[0] as string) && prepositions.has(b[0] as string);
      if (!moved) {
        return [
          [offset, offset + x],
          [offset + length - y, offset + length],
        ];
      }
    }
  }
  return undefined;
}

function sameRun(
  a: readonly string[],
  atA: number,
  b: readonly string[],
  atB: number,
  count: number,
): boolean {
  for (let i = 0; i < count; i++) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}

/** Neighbours of the same preposition or verb that have changed sides, whatever else the questions say. */
function swappedAround(a: readonly string[], b: readonly string[]): Pair | undefined {
  let seen: Set<string> | undefined;
  for (let i = 1; i + 1 < a.length; i++) {
    if (!acting.has(a[i] as string) || a[i - 1] === a[i + 1]) continue;
    seen ??= triples(b);
    if (seen.has(`${a[i + 1]} ${a[i]} ${a[i - 1]}`)) {
      return [
        [i - 1, i],
        [i + 1, i + 2],
      ];
    }
  }
  return undefined;
}

function triples(words: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (let i = 1; i + 1 < words.length; i++) {
    if (acting.has(words[i] as string)) found.add(`${words[i - 1]} ${words[i]} ${words[i + 1]}`);
  }
  return found;
}
