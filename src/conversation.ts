// A question within its conversation: when the earlier turns belong to it. The one rule; cache.ts imports it, adapters give it their turns.
import { canonicalJson } from './core/canonical.js';
import { InvalidArgumentError } from './core/errors.js';
import { checkQuestion } from './core/key.js';
import { native } from './core/native.js';
import type { Scope, ScopeFields } from './core/scope.js';
import { standsAlone } from './decide/standalone.js';
import { setsTerms } from './decide/terms.js';

/** Where a question is looked for. */
export interface Place {
  readonly scope: Scope;
  /** By key alone. */
  readonly exact: boolean | undefined;
}

/**
 * The place of a question: its scope where it stands alone, as `standsAlone` judges, and no earlier turn sets terms for its answer
 * (`setsTerms`); otherwise a part of the scope for those very turns. One without words, or too long to be judged, is matched by its key
 * alone. Cost: linear in the lengths, some 10 microseconds.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for turns that are no list of JSON values.
 */
export function placeOf(
  prompt: string,
  turns: readonly unknown[],
  { scope, exact }: Place,
  scopeOf: (fields: ScopeFields) => Scope,
): Place {
  checkQuestion(prompt);
  if (!Array.isArray(turns)) throw new InvalidArgumentError('turns', 'a list of turns', turns);
  const said = canonicalJson(turns, 'turns');
  if (turns.length === 0) return { scope, exact };
  const { standsAlone: alone, reasons } = standsAlone(prompt);
  if (alone && !turns.some(setsTerms)) return { scope, exact };
  const isUnread = reasons.some(({ kind }) => kind === 'empty' || kind === 'length');
  const conversation = native.sha256Fields(['turns/1', said]);
  return { scope: scopeOf({ ...scope.fields, conversation }), exact: exact || isUnread };
}
