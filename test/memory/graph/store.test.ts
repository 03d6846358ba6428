// Graphs on disk: reopening, forgetting, partitions, several processes' views, bounds.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mockEmbedder } from '#dist/testing/index.js';
import { codeOf } from '../../disk/support.ts';
import { edgesIn, entitiesIn, ground, said, scopeB, tell } from './support.ts';

const test = suite('graph store');
const talk = [
  'The deadline for the Orion report is Friday.',
  'Dana Whitfield waits for the report of Acme Corporation.',
  'The deadline for the Orion report moved to Monday.',
  'AC says that Whitfield can have it.',
];

async function vectors(contents: readonly string[]) {
  const embedder = mockEmbedder({ dimension: 64 });
  return Promise.all(contents.map(async (text) => (await embedder.embed(text)).vector));
}

test('a graph read back from disk is the graph that was written', async () => {
  const { directory, environment, open } = ground();
  const graph = await open();
  const all = await vectors(talk);
  for (const [n, content] of talk.entries()) {
    await graph.add(
      said(n, content, { vector: all[n], user: 'ann', ...(n > 0 && { replyTo: `id-${n - 1}` }) }),
    );
  }
  const written = graph.graph();
  assert.ok(edgesIn(graph, 'similarTo').length > 0 && edgesIn(graph, 'repliesTo').length === 3);
  assert.ok(edgesIn(graph, 'similarTo').every(({ weight }) => weight >= 0.45 && weight <= 1.0001));
  const found = await graph.expand(new Map([['id-0', 1]]), { limit: 10 });
  await graph.close();
  await environment.close();

  const again = ground(directory);
  const reopened = await again.open();
  assert.equal(reopened.graph(), written);
  assert.equal(await reopened.expand(new Map([['id-0', 1]]), { limit: 10 }), found);
  await again.environment.close();
});

test('what is forgotten leaves nothing: no node, no edge, no entity of its own, no key', async () => {
  const { environment, open } = ground();
  const graph = await open();
  await tell(graph, ...talk, 'My secret is the word Xylophonium.', 'Goodbye Dana Whitfield.');
  const held = environment.reader('memory-graph').count();
  await graph.forget(['id-4', 'id-2', 'nobody']);
  const text = graph.graphml() + graph.cypher() + JSON.stringify(graph.graph());
  assert.not.match(text, /Xylophonium|secret|id-4|Monday/);
  assert.is(edgesIn(graph, 'updates').length, 0);
  const [friday] = edgesIn(graph, 'mentions').filter(({ to }) => to === 'Friday');
  assert.is(friday?.validToMs, null, 'what was updated by a forgotten message holds again');
  assert.ok(entitiesIn(graph).includes('Dana Whitfield'), 'others mention it still');
  assert.is(environment.reader('memory-graph').count(), held - 2);
  for (const [, value] of environment.reader('memory-graph').entries()) {
    assert.not.match(value.toString('latin1'), /Xylophonium|id-4/);
  }
  assert.equal(await graph.expand(new Map([['id-4', 1]]), { limit: 5 }), []);
  await environment.close();
});

test('the graph after forgetting is the graph that never knew', async () => {
  const { environment, open } = ground();
  const one = await open();
  await tell(one, talk[0] as string, talk[1] as string, 'A word about Xylophonium.', talk[3] as string);
  await one.forget(['id-2']);
  const other = await open({ scope: scopeB });
  for (const n of [0, 1, 3]) await other.add(said(n, talk[n] as string));
  const plain = (graph: typeof one) => ({
    entities: entitiesIn(graph),
    edges: ['mentions', 'follows', 'updates', 'about'].map((kind) =>
      edgesIn(graph, kind)
        .map(({ from, to, weight, validToMs }) => [from, to, weight, validToMs])
        .sort(),
    ),
  });
  assert.equal(plain(one), plain(other));
  await environment.close();
});

test('a message added again replaces itself', async () => {
  const { environment, open } = ground();
  const graph = await open();
  await tell(graph, 'I like Vienna.', 'And the river.');
  await graph.add(said(0, 'I like Graz.'));
  assert.equal(entitiesIn(graph), ['Graz', 'river']);
  await environment.close();
});

test('scopes share nothing', async () => {
  const { environment, open } = ground();
  const one = await open();
  const other = await open({ scope: scopeB });
  await tell(one, ...talk);
  await other.add(said(0, 'Dana Whitfield likes the report.'));
  assert.is(other.graph().nodes.filter(({ kind }) => kind === 'message').length, 1);
  assert.equal(await other.expand(new Map([['id-0', 1]]), { limit: 10, query: 'Acme' }), []);
  const before = one.graph();
  await other.clear();
  assert.equal(other.graph(), { nodes: [], edges: [] });
  assert.equal(one.graph(), before);
  const reopened = await open();
  assert.equal(reopened.graph(), before);
  await environment.close();
});

test('two graphs open on one scope see what the other adds and forgets', async () => {
  const { directory, environment, open } = ground();
  const second = ground(directory);
  const [one, other] = [await open(), await second.open()];
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      (n % 2 === 0 ? one : other).add(said(n, `Dana writes letter ${n} to Acme.`)),
    ),
  );
  const seen = async (graph: typeof one) =>
    (await graph.expand(new Map(), { limit: 100, query: 'Dana' })).length;
  assert.is(await seen(one), 20);
  assert.is(await seen(other), 20);
  assert.equal(one.graph(), other.graph());
  await one.forget(['id-3', 'id-4']);
  assert.is(await seen(other), 18);
  await other.clear();
  assert.is(await seen(one), 0);
  const third = await second.open();
  await third.add(said(30, 'Dana is back.'));
  assert.is(await seen(one), 1, 'what a newcomer adds after a clearing');
  await one.add(said(31, 'So is her dog, says Dana.'));
  assert.is(await seen(other), 2);
  await environment.close();
  await second.environment.close();
});

test('above its bound the oldest tenth goes', async () => {
  const { environment, open } = ground();
  const graph = await open({ maxMessages: 100 });
  for (let n = 0; n <= 100; n++) await graph.add(said(n, `Letter ${n} to Dana.`));
  const ids = graph.graph().nodes.flatMap(({ messageId }) => messageId ?? []);
  assert.is(ids.length, 91);
  assert.is(ids[0], 'id-10');
  await environment.close();
});

test('a damaged record costs its message and no other', async () => {
  const { environment, open } = ground();
  await tell(await open(), ...talk);
  const [key, value] = [...environment.reader('memory-graph').entries()][2] as [Buffer, Buffer];
  value[10] = (value[10] as number) ^ 0xff;
  await environment.write([
    { kind: 'put', database: 'memory-graph', key: Uint8Array.from(key), value: Uint8Array.from(value) },
  ]);
  const graph = await open();
  assert.equal(
    graph.graph().nodes.flatMap(({ messageId }) => messageId ?? []),
    ['id-0', 'id-2', 'id-3'],
  );
  await graph.add(said(9, 'More of Dana.'));
  await environment.close();
});

test('what cannot be used is refused, and so is all use after close', async () => {
  const { environment, open } = ground();
  const graph = await open();
  const refused = 'ERR_LLM_CACHE_ARGUMENT';
  assert.is(await codeOf(() => open({ scope: 'x' })), refused);
  assert.is(await codeOf(() => open({ maxMessages: 5 })), refused);
  assert.is(await codeOf(() => graph.add(said(0, 5 as unknown as string))), refused);
  assert.is(await codeOf(() => graph.add(said(0, '', { id: 'x'.repeat(600) }))), refused);
  assert.is(await codeOf(() => graph.add(said(0, '', { createdAtMs: Number.NaN }))), refused);
  assert.is(await codeOf(() => graph.expand(new Map(), { limit: -1 })), refused);
  await graph.add(said(0, ''));
  await graph.close();
  await graph.close();
  for (const call of [
    () => graph.add(said(1, 'x')),
    () => graph.forget(['x']),
    () => graph.clear(),
    () => graph.graph(),
  ]) {
    assert.is(await codeOf(call), 'ERR_LLM_CACHE_CLOSED');
  }
  await environment.close();
});

test.run();
