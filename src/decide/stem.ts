// Light stems of English words. Only decide/ imports it.

/** Cuts plural and verb endings off; only equality of stems matters, not that they are words. */
export function stemOf(word: string): string {
  const length = word.length;
  if (length < 4) return word;
  if (word.endsWith('ies') && length > 4) return `${word.slice(0, -3)}y`;
  if (word.endsWith('ing') && length > 5) return undouble(word.slice(0, -3));
  if (word.endsWith('ed') && length > 4) return undouble(word.slice(0, -2));
  if (word.endsWith('es') && length > 4) return undouble(word.slice(0, -2));
  if (word.endsWith('s') && !word.endsWith('ss') && !word.endsWith('us') && !word.endsWith('is'))
    return undouble(word.slice(0, -1));
  return undouble(word);
}

function undouble(stem: string): string {
  if (stem.length > 3 && stem.endsWith('e')) return stem.slice(0, -1);
  if (stem.length > 3 && stem.at(-1) === stem.at(-2)) return stem.slice(0, -1);
  return stem;
}
