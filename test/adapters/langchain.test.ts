// The LangChain adapter against @langchain/core: vectors, documents, message history, bytes.
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { FakeEmbeddings } from '@langchain/core/utils/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  TieredByteStore,
  TieredChatMessageHistory,
  TieredEmbeddings,
  TieredVectorStore,
} from '#dist/adapters/langchain/index.js';
import { mockEmbedder } from '#dist/embed/mock.js';
import { ChatMemory, openVectorDatabase } from '#dist/index.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('langchain adapter');
const embedder = mockEmbedder({ dimension: 64 });
const embeddings = new TieredEmbeddings(embedder);

async function withStore(
  body: (open: (tenant?: string) => TieredVectorStore, directory: string) => Promise<void>,
): Promise<void> {
  const directory = temporaryDirectory();
  const ground = await openVectorDatabase({ cache: { directory }, embedder });
  await body((tenant) => new TieredVectorStore(embeddings, { database: ground.database, tenant }), directory);
  await ground.close();
}

const documents = [
  { pageContent: 'red apples grow on trees', metadata: { kind: 'fruit', page: 1, nested: { a: [1] } } },
  { pageContent: 'red apples grow on old trees', metadata: { kind: 'fruit', page: 2 } },
  { pageContent: 'trains leave at noon', metadata: { kind: 'travel', page: 3 } },
];

test('a text has the vector that the embedder gives it', async () => {
  const [one, two] = await embeddings.embedDocuments(['a b', 'c d']);
  assert.equal(one, Array.from((await embedder.embed('a b')).vector));
  assert.equal(two, await embeddings.embedQuery('c d'));
});

test('documents are found by meaning with their scores, filtered, replaced by id, and deleted', async () => {
  await withStore(async (open) => {
    const store = open();
    const ids = await store.addDocuments(documents);
    assert.equal(await store.addDocuments(documents), ids, 'the same documents are stored once');
    const found = await store.similaritySearchWithScore('red apples grow on trees', 3);
    assert.is(found.length, 3);
    assert.equal(found[0]?.[0].metadata, documents[0]?.metadata);
    assert.ok(Math.abs((found[0]?.[1] as number) - 1) < 1e-5);
    const travel = await store.asRetriever({ k: 3, filter: { kind: 'travel' } }).invoke('red apples');
    assert.equal(
      travel.map(({ pageContent }) => pageContent),
      ['trains leave at noon'],
    );
    await store.delete({ filter: { page: { $gte: 2 } } });
    assert.is((await store.similaritySearch('red apples', 5)).length, 1);
    await store.delete({ ids: [ids[0] as string] });
    assert.is((await store.similaritySearch('red apples', 5)).length, 0);
  });
});

test('maximal marginal relevance prefers what differs', async () => {
  await withStore(async (open) => {
    const store = open();
    await store.addDocuments(documents);
    const query = 'red apples grow on trees';
    const texts = async (lambda: number) =>
      (await store.maxMarginalRelevanceSearch(query, { k: 2, lambda })).map(({ metadata }) => metadata.page);
    assert.equal(await texts(1), [1, 2]);
    assert.equal(await texts(0), [1, 3]);
  });
});

test('a tenant finds none of another, and vectors of foreign embeddings are taken at any length but zero', async () => {
  await withStore(async (open) => {
    const [one, other] = [open('one'), open('other')];
    await one.addDocuments(documents);
    assert.is((await other.similaritySearch('red apples', 5)).length, 0);
    await other.addVectors(
      [Array.from({ length: 64 }, (_, at) => 5 + at)],
      [{ pageContent: 'x', metadata: {} }],
    );
    assert.is(
      (await other.similaritySearchVectorWithScore(new Array(64).fill(0.001), 1))[0]?.[0].pageContent,
      'x',
    );
    for (const bad of [new Array(64).fill(0), new Array(64).fill(Number.NaN), [1, 2]]) {
      await other.addVectors([bad], [{ pageContent: 'y', metadata: {} }]).then(
        () => assert.unreachable(),
        (error) => assert.match(error.code, /^ERR_LLM_CACHE_(ARGUMENT|DIMENSION)$/),
      );
    }
    assert.is((await other.similaritySearch('y', 5)).length, 1);
  });
  const ground = await openVectorDatabase({
    cache: { directory: temporaryDirectory() },
    embedder: { name: 'fake', dimension: 4, fingerprint: 'fake' },
  });
  const store = await TieredVectorStore.fromTexts(['a'], {}, new FakeEmbeddings(), ground);
  assert.is((await store.similaritySearch('b', 1))[0]?.pageContent, 'a');
  await ground.close();
});

test('a history gives every kind of message back as it came, after a restart too, and is cleared', async () => {
  const directory = temporaryDirectory();
  const open = () =>
    ChatMemory.open({ session: 's', cache: { directory }, embedder: mockEmbedder({ dimension: 64 }) });
  const given = [
    new SystemMessage('be brief'),
    new HumanMessage({ content: [{ type: 'text', text: 'what is this' }], name: 'ann' }),
    new AIMessage({
      content: '',
      tool_calls: [{ id: 'c1', name: 'look', args: { at: 'it' }, type: 'tool_call' }],
    }),
    new ToolMessage({ content: 'a cat', tool_call_id: 'c1' }),
    new AIMessage({
      content: 'a cat',
      response_metadata: { model: 'm', tokens: 5 },
    }),
  ];
  const before = await open();
  await new TieredChatMessageHistory(before).addMessages(given);
  await before.addMessage('user', 'said past LangChain');
  await before.close();
  const memory = await open();
  const history = new TieredChatMessageHistory(memory);
  const got = await history.getMessages();
  assert.equal(
    got.slice(0, 5).map((message) => message.toDict()),
    given.map((message) => message.toDict()),
  );
  assert.equal([got[5]?.getType(), got[5]?.content], ['human', 'said past LangChain']);
  await history.clear();
  assert.equal(await history.getMessages(), []);
  await memory.close();
});

test('bytes come back under their keys, in another process too', async () => {
  const directory = temporaryDirectory();
  const long = 'k'.repeat(5000);
  const store = new TieredByteStore(directory);
  await store.mset([
    ['a:1', new Uint8Array([1, 2])],
    ['a:2', new Uint8Array()],
    [long, new Uint8Array([3])],
  ]);
  await store.mset(Array.from({ length: 600 }, (_, at) => [`b:${at}`, new Uint8Array([at & 255])]));
  await store.mdelete(['a:2']);
  await store.close();
  const again = new TieredByteStore(directory);
  assert.equal(await again.mget(['a:1', 'a:2', long, 'none']), [
    new Uint8Array([1, 2]),
    undefined,
    new Uint8Array([3]),
    undefined,
  ]);
  const keys = async (prefix?: string) => {
    const all: string[] = [];
    for await (const key of again.yieldKeys(prefix)) all.push(key);
    return all.sort();
  };
  assert.equal(await keys('a:'), ['a:1']);
  assert.is((await keys('b:')).length, 600);
  assert.is((await keys()).length, 602);
  await again.close();
});

test.run();
