// Tells a misspelt word from another one. Only decide/ imports it.

/** One letter more, less or other, or two neighbours swapped. Cost: linear in the lengths. */
export function oneEditApart(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  if (short.slice(at + 1) === long.slice(at + 1)) return true;
  if (short.slice(at) === long.slice(at + 1)) return true;
  return (
    short[at] === long[at + 1] && short[at + 1] === long[at] && short.slice(at + 2) === long.slice(at + 2)
  );
}
