// What a message adds to the graph: its entities and statements, both bounded. For memory-graph.ts and the resolver.
import { type EntityKind, entitiesOf } from './entities.js';
import { type Statement, statementsOf } from './facts.js';
import { sentencesOf } from './words.js';

/** An entity as a message mentions it. */
export interface Mention {
  readonly kind: EntityKind;
  readonly surface: string;
  readonly form: string;
  /** Only the head noun of a longer phrase; relates less. */
  readonly head: boolean;
}

/** What a message says. */
export interface Analysis {
  readonly mentions: readonly Mention[];
  readonly statements: readonly Statement[];
}

/** Most entities that one message mentions in the graph. */
export const mostMentions = 32;
const mostStatements = 8;
const longestSurface = 120;

/** Reads a text. Deterministic; about 20 microseconds a sentence. */
export function analyse(text: string): Analysis {
  const mentions = new Map<string, Mention>();
  const statements: Statement[] = [];
  for (const sentence of sentencesOf(text)) {
    const found = entitiesOf(sentence);
    for (const { kind, surface, form, head = false } of found) {
      const known = mentions.get(form);
      if (known !== undefined && (!known.head || head)) continue;
      if (known === undefined && mentions.size >= mostMentions) continue;
      mentions.set(form, {
        kind,
        surface: surface.slice(0, longestSurface),
        form: form.slice(0, longestSurface),
        head,
      });
    }
    statements.push(...statementsOf(sentence, found));
    if (mentions.size >= mostMentions && statements.length >= mostStatements) break;
  }
  return { mentions: [...mentions.values()], statements: statements.slice(0, mostStatements) };
}
