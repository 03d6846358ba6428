// What a cache answers: exact, by meaning, refused or not at all; bad input; time to live; values; counts and events.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Lookup } from '#dist/cache-types.js';
import { policy } from '#dist/decide/policy.js';
import { functionEmbedder } from '#dist/embed/function.js';
import { manualClock, mockEmbedder } from '#dist/testing/index.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { assemble, openMock } from './support.js';

const test = suite('cache lookups');
const question = 'how do I undo the last commit in git';
const inOtherWords = 'how do I undo the last commit in git please';

test('a question is answered exactly, then by meaning, and the first time by the origin', async () => {
  const cache = await openMock();
  let calls = 0;
  const generate = () => `answer ${++calls}`;
  const first = await cache.ask(question, generate);
  assert.equal([first.match, first.tier, first.value, first.similarity], ['none', 'origin', 'answer 1', 0]);
  await cache.idle();
  const exact = await cache.ask(`  ${question.toUpperCase()} `, generate);
  assert.equal([exact.match, exact.tier, exact.value, exact.similarity], ['exact', 'memory', 'answer 1', 1]);
  assert.is(exact.embedMs, 0, 'nothing is embedded for an exact hit');
  const semantic = await cache.ask(inOtherWords, generate);
  assert.equal([semantic.match, semantic.tier, semantic.value], ['semantic', 'memory', 'answer 1']);
  assert.ok(semantic.similarity >= 0.8 && semantic.similarity < 1);
  assert.is(semantic.question, question);
  assert.is(calls, 1);
  await cache.close();
});

test('a near question with another number is refused, told so, and goes to the origin', async () => {
  const cache = await openMock();
  await cache.wrap('how long do I boil 6 eggs in hot water', () => 'six');
  await cache.idle();
  const answer = await cache.ask('how long do I boil 9 eggs in hot water', () => 'nine');
  assert.is(answer.value, 'nine');
  assert.is(answer.match, 'none');
  assert.is(answer.refused?.rule, 'numbers');
  assert.is(answer.refused?.question, 'how long do I boil 6 eggs in hot water');
  assert.is((await cache.stats()).refused, 1);
  await cache.close();
});

test('a hit by meaning is copied into the tiers above, under the question that was stored', async () => {
  const directory = temporaryDirectory();
  const first = await openMock({ directory });
  await first.set(question, 'stored');
  await first.close();
  const cache = await openMock({ directory });
  const semantic = await cache.get(inOtherWords);
  assert.equal([semantic.match, semantic.tier, semantic.value], ['semantic', 'vector', 'stored']);
  await cache.idle();
  assert.is((await cache.get(inOtherWords)).tier, 'memory');
  assert.is((await cache.get(question)).tier, 'memory');
  await cache.close();
});

test('the threshold is inclusive: equal passes, the next number below fails', async () => {
  const cosines = { stored: 1, equal: 0.9, below: 0.9 - 2 ** -20 };
  const vectors = (text: string) => {
    const x = cosines[text as keyof typeof cosines];
    return [x, Math.sqrt(1 - x * x), 0, 0, 0, 0, 0, 0];
  };
  const embedder = functionEmbedder({ name: 'by hand', dimension: 8, embed: vectors });
  const probe = assemble({ embedder, policy: policy({ minSimilarity: -1, rules: 'none' }) });
  await probe.set('stored', 'x');
  const { similarity } = await probe.get('equal');
  const cache = assemble({ embedder, policy: policy({ minSimilarity: similarity, rules: 'none' }) });
  await cache.set('stored', 'x');
  assert.is((await cache.get('equal')).match, 'semantic');
  assert.is((await cache.get('below')).match, 'none');
});

test('what is no question is refused with a typed error, by every call and before any work', async () => {
  const embedder = mockEmbedder();
  const cache = assemble({ embedder });
  const bad = [
    '',
    ' \t\n\u00a0',
    'lone \ud800 surrogate',
    'x'.repeat(10 << 20),
    undefined,
    null,
    7,
    {},
    [],
  ] as string[];
  for (const [i, prompt] of bad.entries()) {
    for (const call of [
      () => cache.wrap(prompt, () => assert.unreachable()),
      () => cache.get(prompt),
      () => cache.set(prompt, 'v'),
      () => cache.delete(prompt),
    ]) {
      assert.is(await codeOf(call), 'ERR_LLM_CACHE_ARGUMENT', `case ${i}`);
    }
  }
  assert.is(embedder.calls, 0);
  await cache.wrap('x'.repeat(1 << 20), () => 'the longest question there may be');
});

test('unusable options are refused', async () => {
  const cache = assemble();
  for (const ttlMs of [0, -1, Number.NaN, '5' as unknown as number]) {
    assert.is(await codeOf(() => cache.wrap('q', () => 1, { ttlMs })), 'ERR_LLM_CACHE_ARGUMENT');
    assert.is(await codeOf(() => cache.set('q', 1, { ttlMs })), 'ERR_LLM_CACHE_ARGUMENT');
  }
  assert.is(await codeOf(() => cache.wrap('q', undefined as never)), 'ERR_LLM_CACHE_ARGUMENT');
  assert.is(await codeOf(() => openMock({ cache: { directoy: 'x' } as object })), 'ERR_LLM_CACHE_CONFIG');
  assert.is(await codeOf(() => openMock({ cahe: {} } as object)), 'ERR_LLM_CACHE_CONFIG');
});

test('an entry lives for its time and not longer, wherever it was copied to', async () => {
  const clock = manualClock();
  const directory = temporaryDirectory();
  const cache = await openMock({ clock, directory });
  await cache.set('short', 'v', { ttlMs: 1000 });
  await cache.set('default', 'v');
  await cache.set('for ever', 'v', { ttlMs: Number.POSITIVE_INFINITY });
  clock.advance(600);
  await cache.close();
  const again = await openMock({ clock, directory });
  const hit = await again.get('short');
  assert.is(hit.tier, 'disk');
  assert.is(hit.createdAtMs, clock.wall() - 600, 'a copy keeps the time of the generation');
  await again.idle();
  assert.is((await again.get('short')).tier, 'memory');
  clock.advance(399);
  assert.is((await again.get('short')).match, 'exact');
  clock.advance(1);
  assert.is((await again.get('short')).match, 'none');
  clock.advance(86_400_000);
  assert.is((await again.get('default')).match, 'none');
  assert.is((await again.get('for ever')).match, 'exact');
  await again.close();
});

test('refresh generates anew and replaces what is stored, even while a lookup is under way', async () => {
  const cache = await openMock();
  await cache.wrap(question, () => 'old');
  assert.is(await cache.wrap(question, () => 'new', { refresh: true }), 'new');
  await cache.idle();
  assert.is((await cache.get(question)).value, 'new');
  const directory = temporaryDirectory();
  const first = await openMock({ directory });
  await first.set(question, 'old');
  await first.close();
  const second = await openMock({ directory });
  // The disk answers at once, so that the lookup is made slow by asking for what only the vector tier has.
  const [looked, renewed] = await Promise.all([
    second.wrap(inOtherWords, () => 'generated'),
    second.wrap(inOtherWords, () => 'renewed', { refresh: true }),
  ]);
  assert.is(looked, 'old');
  assert.is(renewed, 'renewed');
  await second.close();
  await cache.close();
});

test('nobody changes what the next caller gets', async () => {
  const cache = await openMock();
  const value = { list: [1, { deep: 1 }], when: new Date(0) };
  const generated = await cache.wrap('q', () => value);
  value.list.push(2);
  try {
    (generated as typeof value).list.push(3);
    (generated as typeof value).when.setFullYear(1999);
  } catch {
    // Frozen: just as good.
  }
  await cache.idle();
  assert.equal((await cache.get('q')).value, { list: [1, { deep: 1 }], when: new Date(0) });
  const later = { n: 1 };
  const setting = cache.set('later', later);
  later.n = 2;
  await setting;
  assert.equal((await cache.get('later')).value, { n: 1 });
  await cache.close();
});

test('what cannot be stored is handed out all the same, counted, and generated again next time', async () => {
  const cache = await openMock();
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const values = [
    undefined,
    () => 1,
    Symbol('s'),
    cycle,
    { f: () => 1 },
    { later: Promise.resolve() },
    new Proxy({}, {}),
    new WeakMap(),
  ];
  for (const [i, value] of values.entries()) {
    let calls = 0;
    const generate = () => {
      calls++;
      return value;
    };
    assert.is(await cache.wrap(`value ${i}`, generate), value, `case ${i}`);
    await cache.idle();
    await cache.wrap(`value ${i}`, generate);
    assert.is(calls, 2, `case ${i}`);
    assert.is(await codeOf(() => cache.set(`value ${i}`, value)), 'ERR_LLM_CACHE_ARGUMENT', `case ${i}`);
  }
  assert.is((await cache.stats()).uncacheable, 2 * values.length);
  assert.is((await cache.stats()).storeErrors, 0);
  await cache.close();
});

test('null, false, zero and the empty text are answers', async () => {
  const cache = await openMock();
  for (const value of [null, false, 0, '']) {
    const prompt = `what is ${String(value) || 'empty'}`;
    await cache.wrap(prompt, () => value);
    await cache.idle();
    assert.is(await cache.wrap(prompt, () => assert.unreachable()), value);
  }
  await cache.close();
});

test('delete removes one answer, clear a scope or all; nothing comes back after a restart', async () => {
  const directory = temporaryDirectory();
  const cache = await openMock({ directory });
  const scope = { tenant: 'a' };
  await cache.set('one', 1);
  await cache.set('two', 2);
  await cache.set('one', 'of a', { scope });
  assert.is(await cache.delete('ONE '), true);
  assert.is(await cache.delete('one'), false);
  assert.is((await cache.get('one')).match, 'none');
  assert.is((await cache.get('one', { scope })).value, 'of a');
  await cache.clear({ scope });
  assert.is((await cache.get('one', { scope })).match, 'none');
  assert.is((await cache.get('two')).value, 2);
  await cache.close();
  const again = await openMock({ directory });
  assert.is((await again.get('one')).match, 'none');
  assert.is((await again.get('one', { scope })).match, 'none');
  assert.is((await again.get('two')).value, 2);
  await again.clear();
  assert.is((await again.get('two')).match, 'none');
  assert.equal(
    (await again.stats()).tiers.map(({ entries }) => entries),
    [0, 0, 0],
  );
  await again.close();
});

test('an answer deleted right after it was handed out is gone from every tier', async () => {
  const directory = temporaryDirectory();
  const cache = await openMock({ directory });
  await cache.wrap(question, () => 'secret');
  await cache.delete(question);
  await cache.wrap('clear me soon', () => 'secret');
  await cache.clear();
  await cache.idle();
  assert.is((await cache.get(question)).match, 'none');
  assert.is((await cache.get(inOtherWords)).match, 'none');
  assert.is((await cache.get('clear me soon')).match, 'none');
  await cache.close();
  const again = await openMock({ directory });
  assert.is((await again.get(inOtherWords)).match, 'none');
  await again.close();
});

test('statistics count what happened', async () => {
  const cache = await openMock();
  await cache.wrap(question, () => 'v');
  await cache.idle();
  await cache.wrap(question, () => 'v');
  await cache.wrap(question, () => 'v');
  await cache.wrap(inOtherWords, () => 'v');
  await cache.get('something else entirely');
  const stats = await cache.stats();
  assert.is(stats.queries, 5);
  assert.is(stats.hits, 3);
  assert.is(stats.misses, 2);
  const [memory, disk, vector] = stats.tiers;
  assert.equal([memory?.name, disk?.name, vector?.name], ['memory', 'disk', 'vector']);
  assert.is(memory?.exact.count, 2);
  assert.is(memory?.semantic.count, 1);
  assert.equal([memory?.entries, disk?.entries, vector?.entries], [1, 1, 1]);
  for (const { bytes, health } of stats.tiers) {
    assert.ok(bytes > 0);
    assert.is(health.state, 'ok');
  }
  for (const summary of [stats.miss, memory?.exact]) {
    assert.ok(
      summary && summary.p50Ms > 0 && summary.p50Ms <= summary.p95Ms && summary.p95Ms <= summary.p99Ms,
    );
  }
  await cache.close();
});

test('each query is told once, as a hit or a miss', async () => {
  const cache = await openMock();
  const events: string[] = [];
  cache.on('hit', (lookup: Lookup) => events.push(`hit ${lookup.match} ${lookup.tier}`));
  cache.on('miss', (lookup: Lookup) => events.push(`miss ${lookup.tier}`));
  await cache.wrap(question, () => 'v');
  await cache.idle();
  await cache.wrap(question, () => 'v');
  await cache.get(inOtherWords);
  await cache.get('something else entirely');
  assert.equal(events, ['miss origin', 'hit exact memory', 'hit semantic memory', 'miss origin']);
  await cache.close();
});

test('a text that the embedder cannot tell from others is matched exactly or not at all', async () => {
  const cache = await openMock();
  const long = Array.from({ length: 400 }, (_, i) => `word${i}`).join(' ');
  const first = await cache.ask(long, () => 'long');
  assert.is(first.truncated, true);
  await cache.idle();
  assert.is((await cache.get(`${long} and more`)).match, 'none');
  assert.is((await cache.get(long)).value, 'long');
  await cache.set('???', 'only marks');
  assert.is((await cache.get('???')).match, 'exact');
  assert.is((await cache.get('!!!')).match, 'none');
  assert.equal(
    (await cache.stats()).tiers.map(({ entries }) => entries),
    [2, 2, 0],
  );
  await cache.close();
});

test('what a tier does not keep is not called stored', async () => {
  const vast = assemble({ tiers: [memoryTier({ dimension: mockEmbedder().dimension, maxBytes: 5_000 })] });
  assert.equal(await vast.set('q', 'x'.repeat(10_000)), { stored: [], failed: [] });
  assert.equal(await vast.set('q', 'x'), { stored: ['memory'], failed: [] });
});

test('an option that is not known is refused, so that a mistyped scope shares nothing', async () => {
  const cache = assemble();
  await cache.set('what is my balance', 'of acme', { scope: { tenant: 'acme' } });
  const wrong = { tenant: 'acme' } as object;
  for (const call of [
    () => cache.wrap('what is my balance', () => 'new', wrong),
    () => cache.get('what is my balance', wrong),
    () => cache.set('what is my balance', 'new', wrong),
    () => cache.delete('what is my balance', wrong),
    () => cache.clear({ scpoe: { tenant: 'acme' } } as object),
    () => cache.get('q', null as unknown as object),
    () => cache.get('q', { signal: {} } as object),
  ]) {
    assert.is(await codeOf(call), 'ERR_LLM_CACHE_ARGUMENT');
  }
  assert.is((await cache.get('what is my balance', { scope: { tenant: 'acme' } })).value, 'of acme');
});

test('an instance of a class is handed out as it is and not stored', async () => {
  const cache = assemble();
  class Reply {
    readonly text = 'hello';
  }
  for (const value of [new Reply(), new URL('http://localhost'), { nested: [new Reply()] }]) {
    assert.is(await cache.wrap('q', () => value), value);
    assert.is(await codeOf(() => cache.set('q', value)), 'ERR_LLM_CACHE_ARGUMENT');
    assert.is((await cache.get('q')).match, 'none');
  }
});

test('callers at the same time each get a stream of their own', async () => {
  const cache = assemble();
  async function* count() {
    for (let i = 0; i < 3; i++) yield i;
  }
  const read = async () => {
    const seen: number[] = [];
    for await (const i of await cache.wrap('stream', async () => count())) seen.push(i);
    return seen;
  };
  assert.equal(await Promise.all([read(), read(), read()]), [
    [0, 1, 2],
    [0, 1, 2],
    [0, 1, 2],
  ]);
});

test('a listener that throws fails no caller', async () => {
  const cache = assemble();
  const warned = new Promise((resolve) => process.once('warning', resolve));
  cache.on('miss', () => {
    throw new Error('the listener is broken');
  });
  assert.is(await cache.wrap('q', () => 'answer'), 'answer');
  assert.match(((await warned) as Error).message, /the listener is broken/);
});

test.run();
