// Tags and sources of an answer: the names by which `invalidate` removes many at once. Any folder may import it.
import { InvalidArgumentError } from './errors.js';

/** What a caller may say of an answer. */
export interface LabelOptions {
  /** Names by which `invalidate` removes this answer with others: at most 64, of 1 to 256 characters. */
  readonly tags?: readonly string[] | undefined;
  /** Ids of the documents the answer is drawn from: at most 64, of 1 to 256 characters. */
  readonly sources?: readonly string[] | undefined;
}

export const mostLabels = 64;
export const longestLabel = 256;

/** Refuses what cannot be a list of labels. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkLabels(argument: string, labels: unknown, most: number = mostLabels): readonly string[] {
  if (labels === undefined) return [];
  if (!Array.isArray(labels)) throw new InvalidArgumentError(argument, 'a list of strings', labels);
  if (labels.length > most) throw new InvalidArgumentError(argument, `at most ${most} names`, labels);
  for (const label of labels) {
    const fits = typeof label === 'string' && label.length > 0 && label.length <= longestLabel;
    if (!fits || !label.isWellFormed()) {
      throw new InvalidArgumentError(argument, `names of 1 to ${longestLabel} characters`, label);
    }
  }
  return labels as string[];
}

/** The tag by which the answers of a scope's conversations go with the scope. */
export function tagOfBase(scopeId: string): string {
  return `scope:${scopeId}`;
}

/** Collects the labels of one answer while it is generated. */
export class Labels {
  #tags: readonly string[];
  #sources: readonly string[];
  readonly #base: string | undefined;

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
  constructor({ tags, sources }: LabelOptions, scope?: { readonly id: string; readonly base: string }) {
    this.#base = scope === undefined || scope.base === scope.id ? undefined : tagOfBase(scope.base);
    this.#tags = together(none, 'tags', checkLabels('tags', tags));
    this.#sources = together(none, 'sources', checkLabels('sources', sources));
  }

  addTags(...tags: readonly string[]): void {
    this.#tags = together(this.#tags, 'tags', tags);
  }

  addSources(...sources: readonly string[]): void {
    this.#sources = together(this.#sources, 'sources', sources);
  }

  /** As an entry holds them: absent when there are none. */
  read(): LabelOptions {
    const tags = this.#base === undefined ? [...this.#tags] : [...this.#tags, this.#base];
    return {
      ...(tags.length > 0 ? { tags } : {}),
      ...(this.#sources.length > 0 ? { sources: [...this.#sources] } : {}),
    };
  }
}

// Shared by all that have none: a thousand calls may wait for one answer.
const none: readonly string[] = [];

/** Each once. */
function together(held: readonly string[], argument: string, added: readonly string[]): readonly string[] {
  if (added.length === 0) return held;
  const all = [...new Set([...held, ...checkLabels(argument, added)])];
  return checkLabels(argument, all);
}
