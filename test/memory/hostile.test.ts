// What a chat memory refuses, the strangest it takes, and how it fails and closes.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ClosedError, openChatMemory } from '#dist/index.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { codeOf } from '../disk/support.js';
import { callOf, openMemory, optionsOf } from './support.ts';

const test = suite('hostile input of the chat memory');
const contents = (messages: readonly { readonly content: string }[]) =>
  messages.map(({ content }) => content);

test('hostile input is refused by name before anything is stored', async () => {
  await using memory = await openMemory();
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const bad: [unknown, unknown, unknown?][] = [
    ['robot', 'x'],
    ['__proto__', 'x'],
    [undefined, 'x'],
    ['user', ''],
    ['user', ' \n\u2003'],
    ['user', 'half \ud800 pair'],
    ['user', 42],
    ['user', null],
    ['user', 'x'.repeat((1 << 20) + 1)],
    ['user', 'x', null],
    ['user', 'x', []],
    ['user', 'x', cycle],
    ['user', 'x', { at: new Date() }],
    ['user', 'x', { deep: JSON.parse('['.repeat(300) + ']'.repeat(300)) }],
    ['user', 'x', { big: 'y'.repeat(1 << 18) }],
    ['user', 'x', { name: '' }],
    ['user', 'x', { user: '\udc00' }],
    ['user', 'x', { tool_call_id: 'a' }],
    ['user', 'x', { tool_calls: [callOf('a')] }],
    ['tool', 'x'],
    ['tool', 'x', { tool_call_id: '' }],
    ['assistant', '', {}],
    ['assistant', 'x', { tool_calls: [] }],
    ['assistant', 'x', { tool_calls: [callOf('a'), callOf('a')] }],
    ['assistant', 'x', { tool_calls: [{ id: 'a' }] }],
    ['assistant', 'x', { tool_calls: [null] }],
    ['assistant', 'x', { tool_calls: 'call' }],
  ];
  for (const [role, content, metadata] of bad) {
    const code = await codeOf(() =>
      memory.addMessage(role as 'user', content as string, metadata as undefined),
    );
    assert.is(code, 'ERR_LLM_CACHE_ARGUMENT', JSON.stringify([role, String(content).slice(0, 20)]));
  }
  assert.equal(await memory.history(), []);
  for (const call of [
    () => memory.getContext(''),
    () => memory.getContext('x', { maxTokens: 0 }),
    () => memory.getContext('x', { maxTokens: Number.NaN }),
    () => memory.getContext('x', { topK: -1 }),
    () => memory.getContext('x', { recents: 3 } as object),
    () => memory.getContext('x', { pinned: [3] as never }),
    () => memory.getContext('x', { model: '' }),
    () => memory.search('\ud800'),
    () => memory.search('y'.repeat(40_000)),
    () => memory.search('x', { topK: 0 }),
    () => memory.history({ limit: 0 }),
    () => memory.history({ before: '../../etc' }),
    () => memory.forget('all'),
    () => memory.forget({} as never),
    () => memory.forget({ user: '' }),
    () => memory.forget(undefined as never),
    () => memory.session({ session: '' }),
    () => memory.session({} as never),
    () => memory.session({ session: 'x', tenant: 3 as never }),
    () => openChatMemory(optionsOf({ log: 'paper' as never })),
  ]) {
    assert.is(await codeOf(call), 'ERR_LLM_CACHE_ARGUMENT', String(call));
  }
});

test('metadata cannot reach the prototypes of anything', async () => {
  await using memory = await openMemory();
  const metadata = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
  await memory.addMessage('user', 'hello there', metadata);
  const [stored] = await memory.history();
  assert.is(({} as { polluted?: number }).polluted, undefined);
  assert.is(stored?.metadata.polluted, undefined);
  assert.equal(stored?.metadata.constructor, { prototype: { polluted: 1 } });
});

test('the longest message allowed is kept, found by its end, and kept out of a small budget', async () => {
  await using memory = await openMemory();
  const filler = 'lorem ipsum dolor '.repeat(58_250);
  const end = 'the violin stands behind the piano';
  const ends = `\n\n${Array.from({ length: 30 }, () => end).join(' ')}`;
  const text = filler.slice(0, (1 << 20) - ends.length) + ends;
  const long = await memory.addMessage('user', text);
  await memory.addMessage('user', 'short');
  assert.ok((await memory.search(end, { topK: 1 }))[0]?.message.content === text);
  const { messages, leftOut } = await memory.getContext(end, { maxTokens: 200 });
  assert.equal(contents(messages), ['short']);
  assert.equal(
    leftOut.map(({ id, why }) => [id, why]),
    [[long.id, 'budget']],
  );
  const cut = await memory.getContext(end, { maxTokens: 200, truncate: true });
  assert.equal(
    cut.details.map(({ truncated }) => truncated),
    [true, false],
  );
  assert.ok(cut.tokens <= 200 && cut.tokens > 190 && text.startsWith(cut.messages[0]?.content as string));
});

test('the strangest text that is allowed comes back as it was', async () => {
  await using memory = await openMemory();
  const texts = [
    '\u0000',
    '<|im_start|>system',
    '{"$ne":null}',
    '‮abc',
    'a'.repeat(20_000),
    '漢'.repeat(5000),
    '👩‍👩‍👧‍👦'.repeat(50),
    "'; drop table",
  ];
  for (const text of texts) await memory.addMessage('user', text);
  assert.equal(contents(await memory.history()), texts);
  const { tokens, messages } = await memory.getContext('<|endoftext|>', { recent: 20, maxTokens: 3000 });
  assert.ok(tokens <= 3000 && messages.length >= 5);
});

test('an embedder that fails adds nothing, and a closed memory does nothing', async () => {
  const embedder = mockEmbedder({ failOn: (text) => text.includes('poison') });
  const memory = await openChatMemory({ ...optionsOf(), embedder });
  assert.is(await codeOf(() => memory.addMessage('user', 'poison')), 'ERR_LLM_CACHE_EMBED');
  assert.equal(await memory.history(), []);
  const session = await memory.session({ session: 'other' });
  const late = memory.addMessage('user', 'under way');
  await memory.close();
  assert.is((await late).content, 'under way');
  await memory.close();
  for (const closed of [memory, session]) {
    for (const call of [
      () => closed.addMessage('user', 'x'),
      () => closed.getContext('x'),
      () => closed.history(),
      () => closed.clear(),
    ]) {
      const error = await (call() as Promise<unknown>).catch((caught) => caught);
      assert.instance(error, ClosedError);
    }
  }
});

test('a search that is aborted ends with its reason', async () => {
  await using memory = await openMemory();
  await memory.addMessage('user', 'hello there');
  const signal = AbortSignal.abort(new Error('enough'));
  const error = await memory.search('hello', { signal }).catch((caught) => caught);
  assert.is(error.message, 'enough');
});

test.run();
