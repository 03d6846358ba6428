// Tells a misspelt word from another one. Only decide/ imports it.

/** One letter more, less or other, or two neighbours swapped. Cost: linear in the lengths. */
export function oneEditApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  let at = 0;
  while (at < short.length && short.charCodeAt(at) === long.charCodeAt(at)) at++;
  if (endAlike(short, at + 1, long, at + 1) || endAlike(short, at, long, at + 1)) return true;
  return short[at] === long[at + 1] && short[at + 1] === long[at] && endAlike(short, at + 2, long, at + 2);
}

/** What stands from an index on is the same in both; beyond the end stands nothing. */
function endAlike(a: string, fromA: number, b: string, fromB: number): boolean {
  const rest = Math.max(a.length - fromA, 0);
  if (rest !== Math.max(b.length - fromB, 0)) return false;
  for (let i = 0; i < rest; i++) if (a.charCodeAt(fromA + i) !== b.charCodeAt(fromB + i)) return false;
  return true;
}
