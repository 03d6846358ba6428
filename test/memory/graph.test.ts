// A graph under a chat memory: what it relates is in contexts, and it is told of every message and of every forgetting.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GraphIndex, GraphMessage } from '#dist/index.js';
import { openMemory } from './support.ts';

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

test.run();
