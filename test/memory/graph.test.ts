// A graph under a chat memory: what it relates is in contexts, and it is told of every message and of every forgetting.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChatMemory, GraphIndex, GraphMessage } from '#dist/index.js';
import { temporaryDirectory } from '../disk/support.ts';
import { filesWith, openMemory } from './support.ts';

const test = suite('graph under the chat memory');
const contents = (messages: readonly { readonly content: string }[]) =>
  messages.map(({ content }) => content);

/** A graph that relates what the test says, and remembers what it was told. */
function testGraph(relations: (id: string, all: readonly GraphMessage[]) => string[]) {
  const messages: GraphMessage[] = [];
  const told: unknown[][] = [];
  const graph: GraphIndex = {
    async add(message) {
      messages.push(message);
    },
    async expand(seeds, { limit, query }) {
      told.push(['expand', [...seeds.values()].every((weight) => weight > 0), query]);
      const related = [...seeds].flatMap(([id, weight]) =>
        relations(id, messages).map((other) => ({ id: other, weight })),
      );
      return related.filter(({ id }) => !seeds.has(id)).slice(0, limit);
    },
    async forget(ids) {
      told.push(['forget', ...ids]);
    },
    async clear() {
      told.push(['clear']);
    },
    async close() {
      told.push(['close']);
    },
  };
  return { graph, messages, told };
}

test('a graph widens a context, is fed with every message, and forgets with the memory', async () => {
  const answers = (id: string, all: readonly GraphMessage[]) =>
    all.filter(({ replyTo }) => replyTo === id).map((message) => message.id);
  const { graph, messages, told } = testGraph(answers);
  const options = { recent: 1, topK: 2, maxTokens: 300, minSimilarity: 0.3 };
  const memory = await openMemory({ graph: async () => graph });
  const asked = await memory.addMessage('user', 'which train goes to Porto', { user: 'u' });
  const answer = await memory.addMessage('assistant', 'half past nine from platform two', {
    replyTo: asked.id,
  });
  for (let i = 0; i < 10; i++) await memory.addMessage('user', `bicycle talk ${i}`);
  const { messages: shown, details } = await memory.getContext('train Porto', options);
  assert.equal(contents(shown), [asked.content, answer.content, 'bicycle talk 9']);
  assert.ok((details[1]?.relevance ?? 0) > 0 && (details[1]?.relevance ?? 1) < (details[0]?.relevance ?? 0));
  assert.is(messages.length, 12);
  assert.equal([messages[0]?.user, messages[1]?.replyTo, messages[1]?.vector?.length], ['u', asked.id, 384]);

  await using without = await openMemory();
  await without.addMessage('user', asked.content);
  await without.addMessage('assistant', answer.content);
  for (let i = 0; i < 10; i++) await without.addMessage('user', `bicycle talk ${i}`);
  assert.equal(contents((await without.getContext('train Porto', options)).messages), [
    asked.content,
    'bicycle talk 9',
  ]);

  await memory.forget(answer.id);
  assert.equal(contents((await memory.getContext('train Porto', options)).messages), [
    asked.content,
    'bicycle talk 9',
  ]);
  await memory.clear();
  await memory.close();
  assert.equal(
    told.filter(([what]) => what !== 'expand'),
    [['forget', answer.id], ['clear'], ['close']],
  );
  assert.equal(told[0], ['expand', true, 'train Porto']);
});

test('a graph of our own widens a context, is found again after a restart, and is forgotten in every file', async () => {
  const directory = temporaryDirectory();
  const memory = await openMemory({ graph: true }, directory);
  const secret = 'The Albatros account of Marguerite Oyelaran has the number 7741-33.';
  await memory.addMessage('user', 'Marguerite Oyelaran asks for her invoice.');
  for (let i = 0; i < 12; i++) await memory.addMessage('user', `bicycle talk ${i}`);
  const { id } = await memory.addMessage('assistant', secret);
  const about = (opened: ChatMemory) =>
    opened.graph().nodes.filter(({ label }) => label.toLowerCase().includes('albatros'));
  assert.ok(about(memory).length > 0);
  const { messages } = await memory.getContext('Marguerite Oyelaran asks for her invoice', {
    recent: 0,
    topK: 3,
    maxTokens: 300,
  });
  assert.ok(contents(messages).includes(secret), contents(messages).join('\n'));
  await memory.close();

  const again = await openMemory({ graph: true }, directory);
  assert.ok(about(again).length > 0, 'after a restart');
  await again.forget(id);
  assert.equal(about(again), []);
  for (const word of ['Albatros', 'albatros', '7741-33']) assert.equal(filesWith(directory, word), [], word);
  await again.close();
  const without = await openMemory({}, directory);
  assert.throws(
    () => without.graph(),
    (error: { code?: string }) => error.code === 'ERR_LLM_CACHE_ARGUMENT',
  );
  await without.close();
});

test.run();
