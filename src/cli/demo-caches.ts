// The two products of the demo over one directory and one embedder: a cache of answers, and the corpus it falls back to. For demo*.ts alone.
import {
  type Answer,
  type Config,
  type Embedder,
  type Embedding,
  type Lookup,
  type Match,
  type OpenOptions,
  openCache,
  openEmbedder,
  openQueryService,
  type QueryService,
  type SemanticCache,
} from '../index.js';

/** A line of `demo --json`. */
export interface DemoRecord {
  readonly question: string;
  readonly match: Match;
  readonly tier: string;
  /** Cosine to the stored question that was served, or refused; 0 when none was near enough. */
  readonly similarity: number;
  readonly refused: { readonly rule: string; readonly why: string } | null;
  readonly latencyMs: number;
  readonly embedMs: number;
  readonly afterRestart: boolean;
}

/** A record, and the document that the answer came from. */
export interface Asked {
  readonly record: DemoRecord;
  readonly source: string;
}

/** What the origin answers with: the best passage, and the document it is from. */
export interface Passage {
  readonly text: string;
  readonly source: string;
}

/** Entries and bytes of a tier or corpus. */
export interface Size {
  readonly name: string;
  readonly entries: number;
  readonly bytes: number;
}

/** The record of a lookup; latencies to a tenth of a microsecond. */
export function recordOf(question: string, lookup: Lookup, afterRestart: boolean): DemoRecord {
  const { match, tier, similarity, refused, latencyMs, embedMs } = lookup;
  const round = (value: number) => Math.round(value * 1e4) / 1e4;
  return {
    question,
    match,
    tier,
    similarity: round(match === 'none' && refused !== null ? refused.similarity : similarity),
    refused: match === 'none' && refused !== null ? { rule: refused.rule, why: refused.why } : null,
    latencyMs: round(latencyMs),
    embedMs: round(embedMs),
    afterRestart,
  };
}

/** The embedder of the configuration, made here so that two products share its workers; undefined for the mock, which has none. */
export async function demoEmbedder(config: Config): Promise<Embedder | undefined> {
  return config.embedding.useMock ? undefined : openEmbedder(config);
}

/** A cache of answers in front of a search of the corpus. */
export class DemoCaches {
  readonly answers: SemanticCache;
  readonly service: QueryService;
  readonly #embedder: Embedder | undefined;

  private constructor(answers: SemanticCache, service: QueryService, embedder: Embedder | undefined) {
    this.answers = answers;
    this.service = service;
    this.#embedder = embedder;
  }

  /** Opens both. @throws as `openCache` */
  static async open(options: OpenOptions, config: Config): Promise<DemoCaches> {
    const embedder = await demoEmbedder(config);
    const lent = embedder === undefined ? undefined : lend(embedder);
    const opened: { close(): Promise<void> }[] = embedder === undefined ? [] : [embedder];
    try {
      const service = await openQueryService({ ...options, embedder: lent });
      opened.unshift(service);
      const answers = await openCache({ ...options, embedder: lent });
      await embedder?.warm();
      return new DemoCaches(answers, service, embedder);
    } catch (error) {
      for (const resource of opened) await resource.close().catch(() => {});
      throw error;
    }
  }

  /** The answer of the cache, or else the best passage of the corpus. */
  ask(question: string, signal: AbortSignal): Promise<Answer<Passage>> {
    const origin = async (): Promise<Passage> => {
      const { results } = await this.service.query(question, { topK: 1, signal });
      const [best] = results;
      return best === undefined ? { text: '', source: '' } : { text: best.text, source: best.source };
    };
    return this.answers.ask(question, origin, { signal });
  }

  /** What the tiers and the corpus hold now. */
  async sizes(): Promise<Size[]> {
    const { tiers } = await this.answers.stats();
    const corpus = { name: 'corpus', entries: await this.service.count(), bytes: await this.service.bytes() };
    return [...tiers.map(({ name, entries, bytes }) => ({ name, entries, bytes })), corpus];
  }

  async close(): Promise<void> {
    await this.answers.close();
    await this.service.close();
    await this.#embedder?.close();
  }
}

/**
 * The embedder for several borrowers: their `close` leaves it open, and what one had embedded the next need not embed again, as the
 * origin that searches for a question which the cache has just embedded.
 */
function lend(embedder: Embedder): Embedder {
  let last: { readonly text: string; readonly embedding: Promise<Embedding> } | undefined;
  return {
    name: embedder.name,
    dimension: embedder.dimension,
    fingerprint: embedder.fingerprint,
    embed(text, options) {
      if (last?.text === text) return last.embedding;
      const embedding = embedder.embed(text, options);
      last = { text, embedding };
      // A failure is told to whoever asked, and not remembered.
      embedding.catch(() => {
        last = undefined;
      });
      return embedding;
    },
    warm: () => embedder.warm(),
    close: async () => {},
  };
}
