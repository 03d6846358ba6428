// The chat memory over its public face: order, recall, calls of tools, sessions apart, long messages.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChatMemory } from '#dist/index.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { callOf, openMemory, seed } from './support.ts';

const test = suite('chat memory');
console.log(`seed ${seed}`);
const contents = (messages: readonly { readonly content: string }[]) =>
  messages.map(({ content }) => content);

test('messages come back in the order of the calls, in pages, with what was stored', async () => {
  await using memory = await openMemory();
  const metadata = { name: 'Ada', user: 'u1', mood: ['calm', 3, null] };
  const added = await Promise.all(
    Array.from({ length: 25 }, (_, index) =>
      memory.addMessage('user', `message ${index} ${'x'.repeat(((25 - index) * 97) % 500)}`, metadata),
    ),
  );
  assert.equal(await memory.history({ limit: 100 }), added);
  assert.equal(added[3]?.metadata, metadata);
  const ids = added.map(({ id }) => id);
  assert.equal([...ids].sort(), ids);
  assert.equal(await memory.history({ limit: 4 }), added.slice(-4));
  assert.equal(await memory.history({ limit: 10, before: ids[7] }), added.slice(0, 7));
  assert.equal(await memory.history({ before: ids[0] }), []);
});

test('what is changed after the call does not change what is kept', async () => {
  await using memory = await openMemory();
  const metadata = { tags: ['a'] };
  const adding = memory.addMessage('user', 'hello there', metadata);
  metadata.tags.push('b');
  assert.equal((await adding).metadata, { tags: ['a'] });
  assert.equal((await memory.history())[0]?.metadata, { tags: ['a'] });
});

test('a restart loses nothing, and ids go on rising although the clock went back', async () => {
  const directory = temporaryDirectory();
  const first = await openMemory({}, directory);
  const before = await first.addMessage('user', 'the bicycle is in the cellar');
  await first.close();
  const now = Date.now();
  const clock = {
    mono: () => performance.now(),
    wall: () => now - 3_600_000,
    after: (delayMs: number, action: () => void) => {
      const timer = setTimeout(action, delayMs);
      return () => clearTimeout(timer);
    },
  };
  await using second = await openMemory({ clock }, directory);
  assert.equal(await second.history(), [before]);
  const [match] = await second.search('where is the bicycle');
  assert.equal(match?.message, before);
  assert.ok((match?.similarity ?? 0) > 0.3);
  const after = await second.addMessage('user', 'it needs a new chain');
  assert.ok(after.id > before.id);
  assert.equal(await second.history(), [before, after]);
});

test('a long message is found by its end, and given back whole', async () => {
  await using memory = await openMemory();
  const filler = Array.from({ length: 900 }, (_, index) => `filler${index % 7}`).join(' ');
  const long = await memory.addMessage('user', `${filler} the violin stands behind the piano`);
  for (let i = 0; i < 20; i++) await memory.addMessage('user', `another thing number ${i}`);
  assert.ok(long.parts > 3);
  const [best] = await memory.search('the violin stands behind the piano', { topK: 1 });
  assert.is(best?.message.id, long.id);
  assert.is(best?.message.content, long.content);
  const { messages } = await memory.getContext('the violin stands behind the piano', {
    recent: 2,
    topK: 1,
    maxTokens: 4000,
  });
  assert.ok(contents(messages).includes(long.content));
});

test('a long query is not cut either', async () => {
  await using memory = await openMemory();
  const wanted = await memory.addMessage('user', 'the violin stands behind the piano');
  for (let i = 0; i < 20; i++) await memory.addMessage('user', `filler${i % 7} filler${(i + 1) % 7}`);
  const filler = Array.from({ length: 900 }, (_, index) => `other${index % 9}`).join(' ');
  const [best] = await memory.search(`${filler} the violin stands behind the piano`, { topK: 1 });
  assert.is(best?.message.id, wanted.id);
});

test('recall brings back what is no longer recent, once', async () => {
  await using memory = await openMemory();
  await memory.addMessage('user', 'my sister lives in Porto');
  for (let i = 0; i < 10; i++) await memory.addMessage('user', 'my brother rides a bicycle');
  await memory.addMessage('assistant', 'noted');
  const { messages, details, leftOut } = await memory.getContext('my sister lives in Porto', {
    recent: 3,
    topK: 5,
  });
  assert.equal(contents(messages), [
    'my sister lives in Porto',
    'my brother rides a bicycle',
    'my brother rides a bicycle',
    'noted',
  ]);
  assert.equal(
    details.map(({ reason }) => reason),
    ['recalled', 'recent', 'recent', 'recent'],
  );
  assert.ok(leftOut.length > 0 && leftOut.every(({ why }) => why === 'duplicate'));
});

test('messages that say the same take the place of one', async () => {
  await using memory = await openMemory();
  await memory.addMessage('user', 'the violin of my aunt Clara');
  for (let i = 0; i < 3; i++) await memory.addMessage('user', 'the violin of my aunt');
  for (let i = 0; i < 3; i++) await memory.addMessage('assistant', 'bicycle');
  const { messages } = await memory.getContext('the violin of my aunt', { recent: 1, topK: 2 });
  assert.equal(contents(messages), ['the violin of my aunt Clara', 'the violin of my aunt', 'bicycle']);
});

test('a recalled result of a tool brings its call, and interleaved results stand behind it', async () => {
  await using memory = await openMemory();
  await memory.addMessage('assistant', '', { tool_calls: [callOf('a'), callOf('b')] });
  await memory.addMessage('user', 'hurry up please');
  await memory.addMessage('tool', 'twelve violins in stock', { tool_call_id: 'b' });
  await memory.addMessage('tool', 'nothing', { tool_call_id: 'a' });
  for (let i = 0; i < 12; i++) await memory.addMessage('user', `chat about bicycles ${i}`);
  const { messages } = await memory.getContext('violins in stock', { recent: 1, topK: 1 });
  assert.equal(
    messages.map(({ role }) => role),
    ['assistant', 'tool', 'tool', 'user'],
  );
  assert.equal(
    messages.slice(1, 3).map(({ tool_call_id }) => tool_call_id),
    ['b', 'a'],
  );
});

test('calls whose ids return in a later turn keep their own results', async () => {
  await using memory = await openMemory();
  for (const city of ['Porto', 'Oslo']) {
    await memory.addMessage('assistant', '', {
      tool_calls: [callOf('call_1', 'weather', `{"city":"${city}"}`)],
    });
    await memory.addMessage('tool', `it rains in ${city}`, { tool_call_id: 'call_1' });
  }
  const { messages, leftOut } = await memory.getContext('rain', { recent: 10 });
  assert.equal(contents(messages), ['', 'it rains in Porto', '', 'it rains in Oslo']);
  assert.equal(leftOut, []);
});

test('pinned text alone over the budget is refused, not cut', async () => {
  await using memory = await openMemory();
  await memory.addMessage('user', 'hello there');
  assert.is(
    await codeOf(() => memory.getContext('hi', { maxTokens: 20, pinned: 'word '.repeat(50) })),
    'ERR_LLM_CACHE_ARGUMENT',
  );
});

test('a counter of the caller decides, and one that counts nonsense is refused', async () => {
  await using memory = await openMemory({ countTokens: (text) => text.length });
  await memory.addMessage('user', 'x'.repeat(100));
  assert.is((await memory.getContext('hello', { maxTokens: 90 })).messages.length, 0);
  assert.is((await memory.getContext('hello', { maxTokens: 90, model: 'gpt-4o' })).messages.length, 1);
  assert.is(
    await codeOf(() => memory.getContext('hello', { countTokens: () => Number.NaN })),
    'ERR_LLM_CACHE_ARGUMENT',
  );
});

test('no tenant and no session sees anything of another, by any call', async () => {
  await using root = await openMemory();
  const names = [undefined, 'a', 'b', 'ab', 'A'] as const;
  const rooms: { key: string; memory: ChatMemory; secret: string; id: string }[] = [];
  for (const tenant of names) {
    for (const session of ['1', 'a', 'b:1', '11']) {
      const memory = await root.session({ session, tenant });
      const key = `${tenant} / ${session}`;
      const secret = `the secret word of room ${key}`;
      const { id } = await memory.addMessage('user', secret, { user: 'everyone' });
      rooms.push({ key, memory, secret, id });
    }
  }
  for (const own of rooms) {
    for (const other of rooms) {
      if (own === other) continue;
      assert.is(await own.memory.forget(other.id), 0);
      const page = await own.memory.history({ before: other.id });
      assert.ok(page.every(({ id }) => id === own.id));
    }
    assert.equal(contents(await own.memory.history()), [own.secret]);
    assert.equal(
      (await own.memory.search('the secret word of room')).map(({ message }) => message.content),
      [own.secret],
    );
    assert.equal(contents((await own.memory.getContext('the secret word of room')).messages), [own.secret]);
  }
  assert.is(await rooms[0]?.memory.forget({ user: 'everyone' }), 1);
  assert.is(await rooms[1]?.memory.clear(), 1);
  for (const { memory, secret } of rooms.slice(2)) assert.equal(contents(await memory.history()), [secret]);
});

test('another session’s traffic never changes what a session finds', async () => {
  const sentence = fc.array(fc.constantFrom('cat', 'dog', 'Porto', 'rain', 'bicycle', 'piano', 'green'), {
    minLength: 1,
    maxLength: 6,
  });
  const act = fc.record({ isOurs: fc.boolean(), words: sentence, forgets: fc.boolean() });
  await using crowded = await openMemory();
  await using quiet = await openMemory();
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), sentence, async (acts, query) => {
      const name = `talk ${number++}`;
      const [ours, theirs, alone] = [
        await crowded.session({ session: name, tenant: 'ours' }),
        await crowded.session({ session: name, tenant: 'theirs' }),
        await quiet.session({ session: name, tenant: 'ours' }),
      ];
      for (const { isOurs, words, forgets } of acts) {
        for (const memory of isOurs ? [ours, alone] : [theirs]) {
          await memory.addMessage('user', words.join(' '));
          if (forgets && words.length > 4)
            await memory.forget((await memory.history({ limit: 1 }))[0]?.id as string);
        }
      }
      const found = async (memory: ChatMemory) =>
        (await memory.search(query.join(' '), { topK: 4 })).map(({ message, similarity }) => [
          message.content,
          similarity,
        ]);
      const context = async (memory: ChatMemory) => {
        const { messages, tokens } = await memory.getContext(query.join(' '), {
          topK: 3,
          recent: 3,
          maxTokens: 120,
        });
        return { messages, tokens };
      };
      assert.equal(await found(ours), await found(alone));
      assert.equal(await context(ours), await context(alone));
    }),
    { seed, numRuns: Number(process.env.LLM_CACHE_RUNS ?? 12) },
  );
});

test.run();
