// Decides which mentions are the same thing: by form, initials, part of a name, and nearness of vectors. For memory-graph.ts.
import type { Mention } from './analyse.js';
import { initialsOf, isAbbreviation } from './names.js';
import { cosineOf } from './vectors.js';

/** Phrases at least this near are one entity; measured on pairs such as "front-end developer" and "frontend developer". */
export const sameEntityCosine = 0.88;
const mostCompared = 4_096;

/** The entities known so far, as far as a new mention may be one of them. */
export class Resolver {
  readonly #forms = new Map<string, number>();
  readonly #byInitials = new Map<string, Set<number>>();
  readonly #byWord = new Map<string, Set<number>>();
  readonly #abbreviations = new Map<string, number>();
  readonly #vectors: { readonly entity: number; readonly form: string; readonly vector: Int8Array }[] = [];

  /** The entity of a mention; undefined when it is new. Ambiguous short forms stay entities of their own. */
  find(mention: Mention, vector?: Int8Array): number | undefined {
    const known = this.#forms.get(mention.form);
    if (known !== undefined) return known;
    if (mention.kind === 'name') return this.#byAbbreviation(mention) ?? this.#byPart(mention);
    return mention.kind === 'phrase' && vector !== undefined ? this.#byVector(mention, vector) : undefined;
  }

  /** Makes a spelling of an entity known. */
  register(entity: number, mention: Mention, vector?: Int8Array): void {
    this.#forms.set(mention.form, entity);
    if (vector !== undefined && this.#vectors.length < mostCompared) {
      this.#vectors.push({ entity, form: mention.form, vector });
    }
    if (mention.kind !== 'name') return;
    if (isAbbreviation(mention.surface)) this.#abbreviations.set(plain(mention.surface), entity);
    const initials = initialsOf(mention.surface);
    if (initials !== undefined) add(this.#byInitials, initials, entity);
    const words = mention.form.split(' ');
    if (words.length > 1)
      for (const word of [words[0], words.at(-1)] as string[]) add(this.#byWord, word, entity);
  }

  #byAbbreviation({ surface }: Mention): number | undefined {
    if (isAbbreviation(surface)) return only(this.#byInitials.get(plain(surface)));
    const initials = initialsOf(surface);
    return initials === undefined ? undefined : this.#abbreviations.get(initials);
  }

  /** "Whitfield" or "Dana" after "Dana Whitfield", and the whole name after its part. */
  #byPart({ form }: Mention): number | undefined {
    const words = form.split(' ');
    if (words.length === 1) return only(this.#byWord.get(form));
    // A longer name takes over its part only while no other name has it.
    for (const word of [words[0], words.at(-1)] as string[]) {
      const entity = this.#forms.get(word);
      if (entity !== undefined && word.length > 2 && !this.#byWord.has(word) && /^\p{L}/u.test(word))
        return entity;
    }
    return undefined;
  }

  #byVector({ form }: Mention, vector: Int8Array): number | undefined {
    let best: number | undefined;
    let nearest = sameEntityCosine;
    for (const other of this.#vectors) {
      // "Gate 14" is near to "gate 15" and is another gate.
      if (digitsOf(other.form) !== digitsOf(form)) continue;
      const cosine = cosineOf(vector, other.vector);
      if (cosine >= nearest) {
        nearest = cosine;
        best = other.entity;
      }
    }
    return best;
  }
}

const plain = (surface: string) => surface.replaceAll('.', '').toLowerCase();
const digitsOf = (form: string) => form.replace(/\D/g, '');

function only(entities: ReadonlySet<number> | undefined): number | undefined {
  return entities?.size === 1 ? [...entities][0] : undefined;
}

function add(map: Map<string, Set<number>>, key: string, entity: number): void {
  const held = map.get(key);
  if (held === undefined) map.set(key, new Set([entity]));
  else held.add(entity);
}
