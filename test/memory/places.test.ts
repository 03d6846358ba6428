// The other places of a memory's vectors, and the real model: Qdrant (a stand-in, or the server of QDRANT_URL) and recall by meaning.
import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openChatMemory } from '#dist/index.js';
import { temporaryDirectory } from '../disk/support.js';
import { startDouble } from '../qdrant/double.ts';
import { optionsOf } from './support.ts';

const test = suite('places of the chat memory');

test('in Qdrant vectors are found and forgotten, and no words are sent', async () => {
  const double = await startDouble();
  const bodies: string[] = [];
  double.fault = ({ body }) => {
    bodies.push(JSON.stringify(body ?? null));
    return undefined;
  };
  const directory = temporaryDirectory();
  const options = {
    ...optionsOf({}, directory),
    vectorDb: { backend: 'qdrant' as const },
    qdrant: { host: '127.0.0.1', port: double.port, collection: `test-${randomUUID()}` },
  };
  const memory = await openChatMemory(options);
  const wanted = await memory.addMessage('user', 'the violin stands behind the piano');
  for (let i = 0; i < 10; i++) await memory.addMessage('user', `bicycle ${i}`);
  const other = await memory.session({ session: 'other' });
  await other.addMessage('user', 'the violin stands behind the piano');
  assert.equal((await memory.search('violin piano', { topK: 3 }))[0]?.message, wanted);
  assert.is((await memory.getContext('violin piano', { recent: 1, topK: 1 })).messages.length, 2);
  assert.is(await memory.forget(wanted.id), 1);
  const found = await memory.search('violin piano', { topK: 20 });
  assert.is(found.length, 10);
  assert.is(await memory.clear(), 10);
  assert.is((await other.search('violin')).length, 1);
  assert.ok(bodies.length > 10);
  assert.not.ok(bodies.some((body) => body.includes('violin')));
  await memory.close();
  await double.stop();
});

test('with the real model, a question in other words brings back what was said long ago', async () => {
  await using memory = await openChatMemory({
    session: 's',
    file: null,
    env: {},
    cache: { directory: temporaryDirectory() },
    embedding: { workers: 1 },
  });
  const facts = [
    ['user', 'By the way, I cannot eat anything with peanuts in it, I get a rash.'],
    ['user', 'My sister Ada moved to Porto last spring.'],
    ['assistant', 'The invoice of the roofer came to 4,200 euros.'],
  ] as const;
  for (const [role, content] of facts) await memory.addMessage(role, content);
  const chatter = [
    'Nice weather today.',
    'Did you see the match?',
    'I fixed the gate.',
    'The cat sleeps.',
    'Thanks!',
    'See you later.',
  ];
  for (const text of chatter) await memory.addMessage('user', text);
  const questions = [
    'Do I have any food allergies?',
    'Where does my sibling live now?',
    'How much did we pay for the roof?',
  ];
  for (const [index, question] of questions.entries()) {
    const { messages, details, tokens } = await memory.getContext(question, {
      recent: 2,
      topK: 1,
      maxTokens: 80,
    });
    assert.is(messages[0]?.content, facts[index]?.[1], question);
    assert.equal(
      details.map(({ reason }) => reason),
      ['recalled', 'recent', 'recent'],
    );
    assert.ok(tokens <= 80);
  }
  const words = Array.from({ length: 700 }, (_, i) => (i % 2 === 0 ? 'meeting' : 'notes')).join(' ');
  const long = await memory.addMessage('user', `${words}. The wifi password of the cabin is heron-lake.`);
  assert.ok(long.parts > 2);
  assert.is(
    (await memory.search('What is the wireless password at the cabin?', { topK: 1 }))[0]?.message.id,
    long.id,
  );
});

test.run();
