// What is sent to Neo4j, against a driver that keeps the graph in maps and knows exactly the statements that are expected.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Neo4jDriver, type Neo4jTransaction, neo4jGraph } from '#dist/memory/graph/neo4j.js';
import { codeOf } from '../../disk/support.ts';
import { ground, said, scopeB } from './support.ts';

const test = suite('neo4j');

type Properties = Record<string, unknown>;
interface Row extends Properties {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly properties: Properties;
}

const mergeNode =
  /^UNWIND \$rows AS row MERGE \(n:LlmCacheMemory \{scope: \$scope, id: row\.id\}\) SET n:(Message|Entity|Topic), n \+= row\.properties$/;
const mergeEdge =
  /^UNWIND \$rows AS row MATCH \(a:LlmCacheMemory \{scope: \$scope, id: row\.source\}\), \(b:LlmCacheMemory \{scope: \$scope, id: row\.target\}\) MERGE \(a\)-\[r:([A-Z_]+)\]->\(b\) SET r \+= row\.properties$/;
const wipe = 'MATCH (n:LlmCacheMemory {scope: $scope}) DETACH DELETE n';

/** A stand-in for a server: transactions are kept when they succeed, and lost when they fail. */
function fakeServer() {
  const state = {
    nodes: new Map<string, Properties>(),
    edges: new Map<string, Properties>(),
    fails: false,
    sessions: 0,
    closed: 0,
    databases: [] as unknown[],
  };
  const driver: Neo4jDriver = {
    session: (options) => {
      state.sessions++;
      state.databases.push(options.database);
      return {
        async executeWrite(work) {
          const [nodes, edges] = [new Map(state.nodes), new Map(state.edges)];
          const transaction: Neo4jTransaction = {
            async run(statement, { scope, rows = [] }) {
              if (state.fails) throw new Error('the server is away');
              const node = mergeNode.exec(statement)?.[1];
              const edge = mergeEdge.exec(statement)?.[1];
              assert.ok(node || edge || statement === wipe, statement);
              if (statement === wipe) {
                for (const key of nodes.keys()) if (key.startsWith(`${scope} `)) nodes.delete(key);
                for (const key of edges.keys()) if (key.startsWith(`${scope} `)) edges.delete(key);
              }
              for (const row of rows as Row[]) {
                if (node)
                  nodes.set(`${scope} ${row.id}`, {
                    ...nodes.get(`${scope} ${row.id}`),
                    ...row.properties,
                    label: row.properties.label,
                  });
                else if (nodes.has(`${scope} ${row.source}`) && nodes.has(`${scope} ${row.target}`)) {
                  edges.set(`${scope} ${row.source} ${edge} ${row.target}`, row.properties);
                }
              }
            },
          };
          const result = await work(transaction);
          [state.nodes, state.edges] = [nodes, edges];
          return result;
        },
        async close() {
          state.closed++;
        },
      };
    },
    async close() {
      assert.unreachable('the driver of the caller stays open');
    },
  };
  return { state, driver };
}

/** The edges of a graph as the server should have them. */
function mirrored(
  graph: {
    graph(): { edges: readonly { source: string; kind: string; target: string; validToMs: number | null }[] };
  },
  scope: string,
) {
  const type = (kind: string) => kind.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return graph
    .graph()
    .edges.map(({ source, kind, target, validToMs }) => [
      `${scope} ${source} ${type(kind)} ${target}`,
      validToMs ?? undefined,
    ])
    .sort();
}

const talk = [
  'The deadline for the Orion report is Friday.',
  'Dana waits for the Orion report.',
  'The deadline for the Orion report moved to Monday.',
  "Dana's report: '}) DETACH DELETE n //",
  'Dana likes the Orion report.',
];

test('the server has what the graph has, after every message, a removal and a clearing', async () => {
  const { environment, open } = ground();
  const { state, driver } = fakeServer();
  const local = await open();
  const graph = await neo4jGraph({ graph: local, scope: 'trip', driver, database: 'chat' });
  const compare = () => {
    assert.equal(
      [...state.edges].map(([key, { validToMs }]) => [key, validToMs]).sort(),
      mirrored(graph, 'trip'),
    );
    assert.equal(
      [...state.nodes.keys()].sort(),
      graph
        .graph()
        .nodes.map(({ id }) => `trip ${id}`)
        .sort(),
    );
  };
  for (const [n, content] of talk.entries()) {
    await graph.add(said(n, content));
    compare();
  }
  assert.ok([...state.edges.keys()].some((key) => key.includes('UPDATES')));
  assert.ok((await graph.expand(new Map([['id-0', 1]]), { limit: 3 })).length > 0);
  await graph.add(said(1, 'Dana does not wait any more.'));
  compare();
  await graph.forget(['id-2']);
  compare();
  const other = await neo4jGraph({ graph: await open({ scope: scopeB }), scope: 'other', driver });
  await other.add(said(0, 'Something else.'));
  await graph.clear();
  assert.ok(
    [...state.nodes.keys()].every((key) => key.startsWith('other ')) && state.nodes.size > 0,
    'other scopes stay',
  );
  assert.is(state.sessions, state.closed);
  assert.is(state.databases[0], 'chat');
  await graph.close();
  await environment.close();
});

test('while the server is away messages are kept here, and sync brings them', async () => {
  const { environment, open } = ground();
  const { state, driver } = fakeServer();
  const graph = await neo4jGraph({ graph: await open(), scope: 'trip', driver });
  state.fails = true;
  assert.is(await codeOf(() => graph.add(said(0, talk[0] as string))), 'ERR_LLM_CACHE_TIER');
  assert.is(graph.graph().nodes.filter(({ kind }) => kind === 'message').length, 1);
  assert.is(state.nodes.size, 0);
  state.fails = false;
  await graph.sync();
  assert.is(state.nodes.size, graph.graph().nodes.length);
  await graph.close();
  assert.is(await codeOf(() => graph.sync()), 'ERR_LLM_CACHE_CLOSED');
  await environment.close();
});

test('the real driver is loaded for an address, and a wrong call is refused', async () => {
  const { environment, open } = ground();
  const local = await open();
  const graph = await neo4jGraph({
    graph: local,
    scope: 'trip',
    url: 'bolt://127.0.0.1:1',
    user: 'neo4j',
    password: 'x',
    timeoutMs: 200,
  });
  assert.is(await codeOf(() => graph.add(said(0, 'Hello Dana.'))), 'ERR_LLM_CACHE_TIER');
  await graph.close();
  const refused = 'ERR_LLM_CACHE_ARGUMENT';
  assert.is(await codeOf(() => neo4jGraph({ graph: local, scope: 'trip', url: 'nonsense' })), refused);
  assert.is(await codeOf(() => neo4jGraph({ graph: local, scope: 'trip' })), refused);
  assert.is(await codeOf(() => neo4jGraph({ graph: local, scope: '', url: 'bolt://x' })), refused);
  await environment.close();
});

test.run();
