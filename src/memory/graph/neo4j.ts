// Keeps a graph in a Neo4j server as well; the only importer of its driver, which is loaded on first use. For index.ts.
import { ClosedError, InvalidArgumentError, MissingPackageError, TierError } from '../../core/errors.js';
import type { ConversationGraph } from '../graph.js';
import type { GraphMessage } from '../graph-index.js';
import { edgeProperties, labels, nodeProperties, relationships } from './cypher.js';
import type { GraphData, GraphEdge, GraphNode } from './network.js';

/** What is used of a transaction of the driver. */
export interface Neo4jTransaction {
  run(statement: string, parameters: Record<string, unknown>): PromiseLike<unknown>;
}

/** What is used of a session of the driver. */
export interface Neo4jSession {
  executeWrite<T>(work: (transaction: Neo4jTransaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** What is used of the driver: that of `neo4j-driver`, or anything like it. */
export interface Neo4jDriver {
  session(options: { database?: string }): Neo4jSession;
  close(): Promise<void>;
}

/** Where the graph goes. */
export interface Neo4jOptions {
  /** The graph that is read, and the source of truth. Closed with this one. */
  readonly graph: ConversationGraph;
  /** Keeps graphs of several conversations apart in one database: a property of every node. 1 to 200 characters. */
  readonly scope: string;
  /** A driver of yours, which stays open; or `url`. */
  readonly driver?: Neo4jDriver | undefined;
  /** `neo4j://…` or `bolt://…`; the package `neo4j-driver` must be installed. */
  readonly url?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Time to connect and to try a transaction again, in milliseconds, with `url`; default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Default: the server's. */
  readonly database?: string | undefined;
}

/** A graph that is also in Neo4j. */
export interface Neo4jGraph extends ConversationGraph {
  /** Replaces what the server has of this scope by the whole graph, in one transaction. After a failure of the server, call this. */
  sync(): Promise<void>;
}

const rowsPerStatement = 1_000;

/**
 * The same graph, written through to Neo4j: a message is durable here first, then merged there. Reads never ask the server.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT · {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE
 */
export async function neo4jGraph(options: Neo4jOptions): Promise<Neo4jGraph> {
  const { driver, url, scope } = options;
  if (typeof scope !== 'string' || scope.length === 0 || scope.length > 200) {
    throw new InvalidArgumentError('scope', 'a string of 1 to 200 characters', scope);
  }
  if ((driver === undefined) === (url === undefined)) {
    throw new InvalidArgumentError('driver', 'given, or url instead of it', driver);
  }
  return new MirroredGraph(driver ?? (await connect(options)), driver === undefined, options);
}

async function connect({
  url = '',
  user = 'neo4j',
  password,
  timeoutMs = 5_000,
}: Neo4jOptions): Promise<Neo4jDriver> {
  const { auth, driver } = await import('neo4j-driver').catch((error: unknown) => {
    throw new MissingPackageError('neo4j-driver', 'the graph in Neo4j', { cause: error });
  });
  try {
    return driver(url, password === undefined ? undefined : auth.basic(user, password), {
      connectionTimeout: timeoutMs,
      connectionAcquisitionTimeout: timeoutMs,
      maxTransactionRetryTime: timeoutMs,
    });
  } catch (error) {
    throw new InvalidArgumentError('url', 'an address such as neo4j://localhost:7687', url, { cause: error });
  }
}

class MirroredGraph implements Neo4jGraph {
  readonly #driver: Neo4jDriver;
  readonly #owned: boolean;
  readonly #graph: ConversationGraph;
  readonly #scope: string;
  readonly #database: string | undefined;
  /** Writes reach the server in the order of their calls. */
  #tail: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(driver: Neo4jDriver, owned: boolean, { graph, scope, database }: Neo4jOptions) {
    this.#driver = driver;
    this.#owned = owned;
    this.#graph = graph;
    this.#scope = scope;
    this.#database = database;
  }

  add(message: GraphMessage): Promise<void> {
    return this.#inTurn(async () => {
      const replaced = this.#graph.around(message.id).nodes.length > 0;
      await this.#graph.add(message);
      if (replaced) return this.#replace();
      const part = this.#graph.around(message.id);
      await this.#write('add', (transaction) => this.#merge(transaction, part));
    });
  }

  expand(...given: Parameters<ConversationGraph['expand']>) {
    return this.#graph.expand(...given);
  }

  forget(ids: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#graph.forget(ids);
      await this.#replace();
    });
  }

  clear(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#graph.clear();
      await this.#replace();
    });
  }

  sync(): Promise<void> {
    return this.#inTurn(() => this.#replace());
  }

  graph(): GraphData {
    return this.#graph.graph();
  }

  around(messageId: string): GraphData {
    return this.#graph.around(messageId);
  }

  cypher(): string {
    return this.#graph.cypher();
  }

  graphml(): string {
    return this.#graph.graphml();
  }

  close(): Promise<void> {
    this.#closing ??= this.#tail.then(async () => {
      await this.#graph.close();
      if (this.#owned) await this.#driver.close();
    });
    return this.#closing;
  }

  #replace(): Promise<void> {
    return this.#write('replace', async (transaction) => {
      const statement = 'MATCH (n:LlmCacheMemory {scope: $scope}) DETACH DELETE n';
      await transaction.run(statement, { scope: this.#scope });
      await this.#merge(transaction, this.#graph.graph());
    });
  }

  /** Labels and types come from our own tables; everything else travels as parameters. */
  async #merge(transaction: Neo4jTransaction, { nodes, edges }: GraphData): Promise<void> {
    for (const [kind, group] of grouped(nodes)) {
      const statement =
        'UNWIND $rows AS row MERGE (n:LlmCacheMemory {scope: $scope, id: row.id}) ' +
        `SET n:${labels[kind]}, n += row.properties`;
      const rows = group.map((node) => ({ id: node.id, properties: nodeProperties(node) }));
      await this.#run(transaction, statement, rows);
    }
    for (const [kind, group] of grouped(edges)) {
      const statement =
        'UNWIND $rows AS row MATCH (a:LlmCacheMemory {scope: $scope, id: row.source}), ' +
        '(b:LlmCacheMemory {scope: $scope, id: row.target}) ' +
        `MERGE (a)-[r:${relationships[kind]}]->(b) SET r += row.properties`;
      const rows = group.map((edge) => ({
        source: edge.source,
        target: edge.target,
        properties: edgeProperties(edge),
      }));
      await this.#run(transaction, statement, rows);
    }
  }

  async #run(transaction: Neo4jTransaction, statement: string, rows: readonly object[]): Promise<void> {
    for (let at = 0; at < rows.length; at += rowsPerStatement) {
      await transaction.run(statement, { scope: this.#scope, rows: rows.slice(at, at + rowsPerStatement) });
    }
  }

  async #write(operation: string, work: (transaction: Neo4jTransaction) => Promise<void>): Promise<void> {
    const session = this.#driver.session(this.#database === undefined ? {} : { database: this.#database });
    try {
      await session.executeWrite(work);
    } catch (error) {
      throw new TierError('neo4j', operation, (error as Error).message, { cause: error });
    } finally {
      await session.close().catch(() => {});
    }
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new ClosedError('the graph'));
    const result = this.#tail.then(run);
    this.#tail = result.catch(() => {});
    return result;
  }
}

function grouped<T extends GraphNode | GraphEdge>(all: readonly T[]): Map<T['kind'], T[]> {
  const groups = new Map<T['kind'], T[]>();
  for (const one of all) groups.set(one.kind, [...(groups.get(one.kind) ?? []), one]);
  return groups;
}
