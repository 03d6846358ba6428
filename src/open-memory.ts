// Puts the chat memory together, as open.ts does the cache; the public face exports its function.
import { join, resolve } from 'node:path';
import { ChatMemory } from './chat-memory.js';
import type { Config } from './config/types.js';
import { type Clock, systemClock } from './core/clock.js';
import type { Embedder } from './core/embedder.js';
import { InvalidArgumentError } from './core/errors.js';
import { Scope } from './core/scope.js';
import { Environment } from './disk/environment.js';
import { Erasures } from './memory/erasures.js';
import { Follower } from './memory/follower.js';
import { openGraph } from './memory/graph.js';
import type { GraphIndex } from './memory/graph-index.js';
import { diskLog } from './memory/log.js';
import { checkText } from './memory/message.js';
import { Recall } from './memory/recall.js';
import { redisLog } from './memory/redis-log.js';
import type { CountTokens } from './memory/types.js';
import { configOf, type OpenOptions } from './open.js';
import { checkDimension, openEmbedder } from './open-embedder.js';
import { openRedis, type RedisConnection } from './redis/connection.js';
import { memoryDatabase, openDatabase, redisOptions, sealOptions } from './stores.js';
import type { VectorDatabase } from './vectordb/database.js';

/** Which conversation it is. */
export interface SessionFields {
  /** Name of the conversation, 1 to 512 characters. */
  readonly session: string;
  /** Whose it is: customer or user, 1 to 512 characters. Equal sessions of different tenants have nothing in common. */
  readonly tenant?: string | undefined;
}

/** What a graph is made of. */
export interface GraphGround {
  readonly environment: Environment;
  readonly embedder: Embedder;
  /** Hard partition of the session: 64 hexadecimal digits. */
  readonly scope: string;
  readonly clock: Clock;
}

/** How a chat memory is opened: any configuration key, and what only code can give. */
export interface OpenMemoryOptions extends OpenOptions, SessionFields {
  /** Where messages are kept: in the cache directory, or in the configured Redis, where several machines see them. Default `disk`. */
  readonly log?: 'disk' | 'redis' | undefined;
  /** Model whose tokens are counted. Default `gpt-4o`. */
  readonly model?: string | undefined;
  /** Counts tokens in the place of the model's tokenizer. */
  readonly countTokens?: CountTokens | undefined;
  /**
   * Keeps a graph of what the conversation speaks of, and widens contexts by it: true for the one of this package, or what makes another.
   * A graph holds what was said since it was first switched on. Default false.
   */
  readonly graph?: boolean | ((ground: GraphGround) => Promise<GraphIndex>) | undefined;
}

/** The folder below the cache directory that holds memories: apart, because what is forgotten is overwritten in the whole file. */
const folder = 'memory';
// A message must not be lost to a time-out that is made for cache misses.
const leastTimeoutMs = 2000;

/**
 * Opens the memory of a session, in the embedded database, Faiss or Qdrant, as configured. The embedder's workers start at once and
 * are not waited for.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · and as `openCache`
 * @example await using memory = await openChatMemory({ session: 'support-4711', tenant: 'ada' });
 */
export async function openChatMemory(options: OpenMemoryOptions): Promise<ChatMemory> {
  const { session, tenant, log = 'disk', model = 'gpt-4o', countTokens, graph, ...rest } = options;
  checkFields({ session, tenant });
  if (log !== 'disk' && log !== 'redis') throw new InvalidArgumentError('log', 'disk or redis', log);
  if (graph !== undefined && typeof graph !== 'boolean' && typeof graph !== 'function') {
    throw new InvalidArgumentError('graph', 'true, false or a function', graph);
  }
  if (countTokens !== undefined && typeof countTokens !== 'function') {
    throw new InvalidArgumentError('countTokens', 'a function', countTokens);
  }
  checkText('model', model, 256);
  const { embedder: given, clock = systemClock, redisClient } = rest;
  const config = configOf(rest);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <R extends { close(): Promise<void> }>(resource: R): R => {
    opened.unshift(resource);
    return resource;
  };
  const release = async () => {
    // What stands on others goes first; one that fails does not keep the rest open.
    const failures: unknown[] = [];
    for (const resource of opened) await resource.close().catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    // Without a memory of embeddings: what is forgotten must not live on in it.
    const embedder = keep(given ?? (await openEmbedder(config, clock)));
    checkDimension(config, embedder);
    const environment = keep(new Environment(join(resolve(config.cache.directory), folder)));
    await environment.bindEmbedder(embedder);
    const database = keep(await openDatabase(memoryDatabase, config, environment, embedder, clock));
    const place = redisClient === undefined ? undefined : { client: redisClient };
    const connection = log === 'redis' ? keep(await connect(config, place, clock)) : undefined;
    embedder.warm().catch(() => {});
    const ground = { config, clock, embedder, environment, database, connection };
    const settings = { model, countTokens, graph };
    return await openSession(ground, settings, { session, tenant }, release);
  } catch (error) {
    await release().catch(() => {});
    throw error;
  }
}

interface Ground {
  readonly config: Config;
  readonly clock: Clock;
  readonly embedder: Embedder;
  readonly environment: Environment;
  readonly database: VectorDatabase;
  readonly connection: RedisConnection | undefined;
}

type Settings = Pick<OpenMemoryOptions, 'countTokens' | 'graph'> & { readonly model: string };

async function openSession(
  ground: Ground,
  settings: Settings,
  fields: SessionFields,
  release: () => Promise<void>,
): Promise<ChatMemory> {
  checkFields(fields);
  const { config, clock, embedder, environment, database, connection } = ground;
  const { session, tenant } = fields;
  const scope = new Scope({ tenant, extra: { chat: session } }, embedder.fingerprint).id;
  const { keyPrefix } = config.redis;
  const log =
    connection === undefined
      ? diskLog(environment, scope)
      : redisLog(connection, { keyPrefix, scope, seal: sealOptions(config.redis) });
  const recall = new Recall({ database, embedder, scope, clock });
  const graph = await graphOf(settings.graph, { environment, embedder, scope, clock });
  // Vectors on a server are written by whoever adds a message; those of a directory are made anew by each machine.
  const follows = connection !== undefined && config.vectorDb.backend !== 'qdrant';
  const [last] = await log.before(undefined, 1);
  const memory = new ChatMemory(
    {
      log,
      recall,
      follower: follows ? new Follower({ environment, scope, log, recall, graph }) : undefined,
      erasures: new Erasures(environment, scope),
      graph,
      clock,
      model: settings.model,
      countTokens: settings.countTokens,
      scrub: () => environment.scrub(),
      session: (other, onEnd) => openSession(ground, settings, other, onEnd),
      release,
    },
    last?.id,
  );
  await memory.resume();
  return memory;
}

function graphOf(graph: Settings['graph'], ground: GraphGround): Promise<GraphIndex> | undefined {
  if (typeof graph === 'function') return graph(ground);
  if (!graph) return undefined;
  const { environment, embedder, scope, clock } = ground;
  const embed = async (text: string) => (await embedder.embed(text)).vector;
  return openGraph(environment, { scope, clock, embed });
}

function connect(
  config: Config,
  given: { readonly client: NonNullable<OpenOptions['redisClient']> } | undefined,
  clock: Clock,
): Promise<RedisConnection> {
  const commandTimeoutMs = Math.max(config.redis.commandTimeoutMs, leastTimeoutMs);
  const socketTimeoutMs = Math.max(config.redis.socketTimeoutMs, leastTimeoutMs);
  return openRedis({ ...(given ?? redisOptions(config)), commandTimeoutMs, socketTimeoutMs, clock });
}

function checkFields({ session, tenant }: SessionFields): void {
  if (session === undefined) throw new InvalidArgumentError('session', 'a text', session);
  checkText('session', session, 512);
  checkText('tenant', tenant, 512);
}
