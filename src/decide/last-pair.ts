// Remembers what was worked out of two questions last: rules and numbers of a pair ask for the same again. Only decide/ imports it.
import type { Features } from './features.js';

/** Something worked out of two questions. */
export type OfPair<T> = (asked: Features, stored: Features) => T;

/** `work`, whose last result is remembered; it must depend on the two questions alone. */
export function rememberLast<T>(work: OfPair<T>): OfPair<T> {
  let last: { readonly asked: Features; readonly stored: Features; readonly result: T } | undefined;
  return (asked, stored) => {
    if (last === undefined || last.asked !== asked || last.stored !== stored)
      last = { asked, stored, result: work(asked, stored) };
    return last.result;
  };
}
