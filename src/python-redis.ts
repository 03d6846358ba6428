// Reads what the Python package llm-semantic-cache 0.1.1 keeps in Redis, for moving it here. The public face exports it.
import { ClosedError, InvalidArgumentError } from './core/errors.js';
import { maxQuestionLength, normalise, seedQueryKey } from './core/key.js';
import type { SourceDocument } from './ingest/document.js';
import { openRedis, type RedisConnection } from './redis/connection.js';
import type { RedisOptions } from './redis/options.js';

/** Keys of each kind. */
export interface PythonRedisSurvey {
  /** Chunks of documents: `meta:doc:<12 hexadecimal digits>_<number>`. */
  readonly chunks: number;
  /** Documents they belong to. */
  readonly documents: number;
  /** Other `meta:doc:` keys: messages of chats, and documents under ids of their own. */
  readonly others: number;
  /** Results of questions: `cache:query:<key>`. */
  readonly answers: number;
  /** Counters `hits:query:<key>`. */
  readonly counters: number;
}

/** Results of a past question. */
export interface PythonAnswer {
  readonly question: string;
  readonly topK: number;
  /** As the package stored them; `score` is a distance with Faiss (smaller is nearer) and a similarity with Qdrant. */
  readonly results: readonly PythonResult[];
  /** Milliseconds it had left in Redis; undefined for ever. */
  readonly ttlMs: number | undefined;
}

/** A passage as the package stored it. */
export interface PythonResult {
  readonly id: string;
  readonly score: number;
  readonly text: string;
  readonly source: string;
}

/** What could not be brought over, counted while `documents` and `answers` are read. */
export interface PythonRedisLosses {
  /** Messages of chats: they belong to a session, not to the corpus. */
  chatMessages: number;
  /** Values that are no JSON, of another shape, too large, or gone meanwhile. */
  unreadable: number;
  /** Places in documents where a chunk is missing. */
  gaps: number;
  /** Questions whose key other, different questions share, so that nobody can tell whose results these are. */
  ambiguous: number;
  /** Results without any text, which the package gives once its metadata has expired. */
  withoutText: number;
}

/** What the questions were asked with. */
export interface PythonQuestions {
  readonly questions: Iterable<string>;
  /** Each 1 to 10,000; the greatest that has results counts. Default 5. */
  readonly topK?: readonly number[] | undefined;
  /** Default `all-MiniLM-L6-v2`. */
  readonly model?: string | undefined;
}

const scanCount = 500;
const batch = 100;
const mostValueBytes = 2 ** 20;
const mostResults = 10_000;
const commandTimeoutMs = 5_000;
const chunkKey = /^meta:doc:([0-9a-f]{12})_(\d{1,7})$/;
const metaPrefix = 'meta:doc:';
// Less than this may be chance; the package's default is 50.
const leastOverlap = 8;
const mostOverlap = 1000;

/**
 * Opens a Redis that the Python package filled. Only reads: SCAN in batches of about 500, never KEYS.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE without ioredis
 * @example const old = await openPythonRedis({ url: 'redis://localhost:6379/0' });
 */
export async function openPythonRedis(
  options: Pick<RedisOptions, 'url' | 'client' | 'clock'>,
): Promise<PythonRedis> {
  return new PythonRedis(await openRedis({ commandTimeoutMs, ...options }));
}

/** A Redis that the Python package filled. */
export class PythonRedis {
  readonly losses: PythonRedisLosses = {
    chatMessages: 0,
    unreadable: 0,
    gaps: 0,
    ambiguous: 0,
    withoutText: 0,
  };
  readonly #connection: RedisConnection;
  #closed = false;

  /** Use `openPythonRedis`. */
  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** Counts the keys of each kind. Reads names only. @throws {TierError} ERR_LLM_CACHE_TIER */
  async survey(signal?: AbortSignal): Promise<PythonRedisSurvey> {
    const { groups, others } = await this.#documentKeys(signal);
    return {
      chunks: [...groups.values()].reduce((sum, { length }) => sum + length, 0),
      documents: groups.size,
      others: others.length,
      answers: (await this.#names('cache:query:*', signal)).size,
      counters: (await this.#names('hits:query:*', signal)).size,
    };
  }

  /**
   * The documents, put together from their chunks: what neighbours share is taken once, white space at a cut becomes a blank. Chunks that
   * the package dropped (under 100 characters) are lost. Values are read a batch at a time; the names of all keys are held.
   * @throws {TierError} ERR_LLM_CACHE_TIER
   */
  async *documents(signal?: AbortSignal): AsyncGenerator<SourceDocument, void, undefined> {
    const { groups, others } = await this.#documentKeys(signal);
    const taken = new Set<string>();
    const named = (source: string, id: string) => {
      const name = source === '' ? id : taken.has(source) ? `${source} (${id})` : source;
      taken.add(name);
      return name;
    };
    const metadata = { importedFrom: 'llm-semantic-cache' };
    for (const [id, indexes] of groups) {
      const chunks: { readonly index: number; readonly text: string; readonly source: string }[] = [];
      for await (const { key, value } of this.#values(
        indexes.map((index) => `${metaPrefix}${id}_${index}`),
        signal,
      )) {
        const found = passageOf(value);
        if (found === undefined) this.losses.unreadable++;
        else chunks.push({ index: Number(chunkKey.exec(key)?.[2]), ...found });
      }
      const first = chunks[0];
      if (first === undefined) continue;
      yield { source: named(first.source, id), text: this.#joined(chunks), metadata };
    }
    for await (const { key, value } of this.#values(others, signal)) {
      const found = passageOf(value);
      if (isChat(value)) this.losses.chatMessages++;
      else if (found === undefined) this.losses.unreadable++;
      else yield { source: named(found.source, key.slice(metaPrefix.length)), text: found.text, metadata };
    }
  }

  /**
   * The stored results of questions. The package stores hashes of questions, not questions: they must be given, and each is found by
   * `seedQueryKey`. A question is passed over when a different one among the given has the same key, or its key is that of the empty text.
   * @throws {TierError} ERR_LLM_CACHE_TIER · {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
   */
  async *answers(
    given: PythonQuestions,
    signal?: AbortSignal,
  ): AsyncGenerator<PythonAnswer, void, undefined> {
    const { questions, topK = [5], model = 'all-MiniLM-L6-v2' } = given;
    for (const value of topK) {
      if (!Number.isInteger(value) || value < 1 || value > 10_000) {
        throw new InvalidArgumentError('topK', 'integers from 1 to 10,000', value);
      }
    }
    const greatestFirst = [...new Set(topK)].sort((a, b) => b - a);
    for (const group of grouped(this.#distinct(questions, model), Math.ceil(batch / greatestFirst.length))) {
      const wanted = new Map<string, { readonly question: string; readonly topK: number }>(
        group.flatMap((question) =>
          greatestFirst.map(
            (value) =>
              [`cache:query:${seedQueryKey(question, value, model)}`, { question, topK: value }] as const,
          ),
        ),
      );
      const answered = new Set<string>();
      for await (const { key, value, ttlMs } of this.#values([...wanted.keys()], signal)) {
        const { question, topK } = wanted.get(key) as { question: string; topK: number };
        if (answered.has(question)) continue;
        const results = resultsOf(value);
        if (results === undefined) this.losses.unreadable++;
        else if (!results.some(({ text }) => /\S/.test(text))) this.losses.withoutText++;
        else {
          answered.add(question);
          yield { question, topK, results, ttlMs };
        }
      }
    }
  }

  /** Releases the connection. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection.close();
  }

  /** Names that match, each once: SCAN may tell one twice. */
  async #names(pattern: string, signal: AbortSignal | undefined): Promise<Set<string>> {
    const names = new Set<string>();
    for (const node of this.#connection.masters) {
      let cursor = '0';
      do {
        signal?.throwIfAborted();
        if (this.#closed) throw new ClosedError('the connection to Redis');
        const [next, found] = await this.#connection.call('scan', () =>
          node.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount),
        );
        for (const name of found) names.add(name);
        cursor = next;
      } while (cursor !== '0');
    }
    return names;
  }

  async #documentKeys(
    signal: AbortSignal | undefined,
  ): Promise<{ groups: Map<string, number[]>; others: string[] }> {
    const groups = new Map<string, number[]>();
    const others: string[] = [];
    // In order, so that two runs give two documents of one name the same names.
    for (const name of [...(await this.#names(`${metaPrefix}*`, signal))].sort()) {
      const [, id, index] = chunkKey.exec(name) ?? [];
      if (id === undefined) others.push(name);
      else groups.set(id, [...(groups.get(id) ?? []), Number(index)]);
    }
    for (const indexes of groups.values()) indexes.sort((a, b) => a - b);
    return { groups, others };
  }

  /** Values that are JSON, in the order of their keys, with what is left of their lives; what is gone or too large is counted. */
  async *#values(
    keys: readonly string[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ key: string; value: unknown; ttlMs: number | undefined }, void, undefined> {
    for (const group of grouped(keys, batch)) {
      signal?.throwIfAborted();
      const { client } = this.#connection;
      const sizes = await this.#connection.call('strlen', () =>
        Promise.all(group.map((key) => client.strlen(key).catch(wrongType))),
      );
      const readable = group.filter(
        (_, at) => (sizes[at] as number) > 0 && (sizes[at] as number) <= mostValueBytes,
      );
      // A key of a question that was never asked is no loss, and has the length 0.
      this.losses.unreadable += sizes.filter((size) => size > mostValueBytes || size < 0).length;
      const replies = await this.#connection.call('get', () =>
        Promise.all(readable.map((key) => Promise.all([client.get(key), client.pttl(key)]))),
      );
      for (const [at, [text, pttl]] of replies.entries()) {
        let value: unknown;
        try {
          value = JSON.parse(text ?? '');
        } catch {
          this.losses.unreadable++;
          continue;
        }
        yield { key: readable[at] as string, value, ttlMs: pttl > 0 ? pttl : undefined };
      }
    }
  }

  #joined(chunks: readonly { readonly index: number; readonly text: string }[]): string {
    let text = chunks[0]?.text ?? '';
    let last = chunks[0]?.index ?? 0;
    for (const chunk of chunks.slice(1)) {
      if (chunk.index === last + 1) {
        const shared = overlapOf(text, chunk.text);
        text += shared === 0 ? ` ${chunk.text}` : chunk.text.slice(shared);
      } else {
        this.losses.gaps++;
        text += `\n\n${chunk.text}`;
      }
      last = chunk.index;
    }
    return text;
  }

  /** Questions without those that nobody can tell apart. */
  #distinct(questions: Iterable<string>, model: string): string[] {
    const empty = seedQueryKey('', 1, model);
    const byKey = new Map<string, Map<string, string>>();
    for (const question of questions) {
      if (question.length > maxQuestionLength || !/\S/.test(question) || !question.isWellFormed()) continue;
      const key = seedQueryKey(question, 1, model);
      const same = byKey.get(key) ?? new Map<string, string>();
      byKey.set(key, same.set(withoutEnd(normalise(question)), question));
    }
    return [...byKey].flatMap(([key, same]) => {
      if (same.size === 1 && key !== empty) return [...same.values()];
      this.losses.ambiguous += same.size;
      return [];
    });
  }
}

/** A key of another type; what else fails is no matter of the key. */
function wrongType(error: unknown): number {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return -1;
  throw error;
}

/** A question mark at the end makes no other question. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && '?.! '.includes(text[end - 1] as string)) end--;
  return text.slice(0, end);
}

function overlapOf(before: string, after: string): number {
  for (let shared = Math.min(mostOverlap, before.length, after.length); shared >= leastOverlap; shared--) {
    if (before.endsWith(after.slice(0, shared))) return shared;
  }
  return 0;
}

function* grouped<T>(items: readonly T[], size: number): Generator<T[], void, undefined> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function isChat(value: unknown): boolean {
  const { role, session_id: session } = fieldsOf(value);
  return typeof role === 'string' && typeof session === 'string';
}

function passageOf(value: unknown): { text: string; source: string } | undefined {
  const { text, source } = fieldsOf(value);
  if (typeof text !== 'string' || !/\S/.test(text) || !text.isWellFormed() || isChat(value)) return undefined;
  return { text, source: typeof source === 'string' ? source.toWellFormed() : '' };
}

function resultsOf(value: unknown): PythonResult[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostResults) return undefined;
  const results = value.map((item) => {
    const { id, score, text, source } = fieldsOf(item);
    if (typeof id !== 'string' || typeof score !== 'number' || typeof text !== 'string') return undefined;
    return { id, score, text, source: typeof source === 'string' ? source : '' };
  });
  return results.every((result) => result !== undefined) ? results : undefined;
}
