// Streams through the cache: replay, joining, handing over, leaving, back-pressure; one entry for stream and plain callers.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { manualClock } from '#dist/testing/index.js';
import { temporaryDirectory } from '../disk/support.js';
import { all, failed, source, texts } from './stream-support.js';
import { assemble, openMock, turns } from './support.js';

const test = suite('streams');
const unhandled: unknown[] = [];
const noCall = (): never => assert.unreachable() as never;
process.on('unhandledRejection', (reason) => unhandled.push(reason));

test('a stream is handed on, stored at its end, replayed part by part, and found whole by plain callers', async () => {
  const cache = await openMock();
  const first = await cache.wrapStream('q', () => texts('a', 'bc', '', 'd'));
  assert.is(first.lookup.match, 'none');
  assert.equal(await all(first), ['a', 'bc', '', 'd']);
  await cache.idle();
  const again = await cache.wrapStream('q', noCall);
  assert.is(again.lookup.match, 'exact');
  assert.equal(await all(again), ['a', 'bc', '', 'd']);
  assert.is(await cache.wrap('q', noCall), 'abcd');
  assert.is((await cache.get('q')).value, 'abcd');
  await cache.close();
});

test('parts that are objects come back equal, from disk too, and as copies of their own', async () => {
  const directory = temporaryDirectory();
  let cache = await openMock({ directory });
  const parts = [
    { type: 'start', at: new Date(5) },
    { type: 'text', text: 'hello' },
    { type: 'finish', usage: { tokens: 3 } },
  ];
  const join = (given: readonly (typeof parts)[number][]) => given.map((part) => part.text ?? '').join('');
  const generate = async function* () {
    yield* parts;
  };
  const live = await all(await cache.wrapStream('q', generate, { join }));
  assert.equal(live, parts);
  (live[2] as { usage: object }).usage = {};
  await cache.idle();
  for (const place of ['memory', 'memory', 'disk', 'memory']) {
    if (place === 'disk') {
      await cache.close();
      cache = await openMock({ directory });
    }
    const stream = await cache.wrapStream('q', noCall, { join });
    assert.is(stream.lookup.tier, place);
    const replayed = await all(stream);
    assert.equal(replayed, parts);
    (replayed[2] as { usage: object }).usage = {};
    await cache.idle();
  }
  assert.is(await cache.wrap('q', noCall), 'hello');
  await cache.close();
});

test('an answer that was stored plain streams as one part, or as it is split', async () => {
  const cache = assemble();
  await cache.set('text', 'one two');
  await cache.set('list', [1, 2, 3]);
  assert.equal(await all(await cache.wrapStream('text', () => texts())), ['one two']);
  const split = (value: string) => value.split(' ');
  assert.equal(await all(await cache.wrapStream('text', () => texts(), { split })), ['one', 'two']);
  assert.equal(await all(await cache.wrapStream('list', () => texts() as AsyncIterable<never>)), [1, 2, 3]);
});

test('who comes later gets the prefix at once and then the live tail; the origin runs once', async () => {
  const cache = assemble();
  const origin = source();
  let calls = 0;
  const generate = (context: { signal: AbortSignal }) => {
    calls++;
    return origin.generate(context);
  };
  origin.push('a', 'b');
  const leader = await cache.wrapStream('where is the big red barn', generate);
  assert.equal(
    [await leader.next(), await leader.next()].map(({ value }) => value),
    ['a', 'b'],
  );
  const same = await cache.wrapStream('where is the big red barn', generate);
  const paraphrase = await cache.wrapStream('where is the big red barn please', generate);
  assert.equal([same.lookup.coalesced, paraphrase.lookup.coalesced], [true, true]);
  assert.is(paraphrase.lookup.match, 'semantic');
  assert.is((await same.next()).value, 'a');
  assert.is((await paraphrase.next()).value, 'a');
  const plain = cache.ask('where is the big red barn', noCall);
  const rest = [all(leader), all(same), all(paraphrase)];
  origin.push('c');
  origin.end();
  assert.equal(await Promise.all(rest), [['c'], ['b', 'c'], ['b', 'c']]);
  const answer = await plain;
  assert.equal([answer.value, answer.coalesced, calls], ['abc', true, 1]);
});

test('a thousand callers join one stream: one origin call, identical text', async () => {
  const cache = assemble();
  let calls = 0;
  const generate = async function* () {
    calls++;
    for (let i = 0; i < 50; i++) {
      await turns(1);
      yield `part ${i} `;
    }
  };
  const read = async () => (await all(await cache.wrapStream('the one question', generate))).join('');
  const answers = await Promise.all(Array.from({ length: 1_000 }, read));
  assert.is(calls, 1);
  assert.is(new Set(answers).size, 1);
  assert.is(answers[0]?.length, Array.from({ length: 50 }, (_, i) => `part ${i} `).join('').length);
  const stats = await cache.stats();
  assert.equal([stats.queries, stats.misses, stats.coalesced], [1_000, 1, 999]);
});

test('a stream that fails is not stored; who has read parts gets its error, who has read none a new stream', async () => {
  const cache = assemble();
  const broken = source();
  const whole = source();
  const origins = [broken, whole];
  const generate = (context: { signal: AbortSignal }) =>
    (origins.shift() as ReturnType<typeof source>).generate(context);
  broken.push('half');
  const leader = await cache.wrapStream('q', generate);
  const reader = await cache.wrapStream('q', generate);
  const waiter = await cache.wrapStream('q', generate);
  assert.is((await leader.next()).value, 'half');
  assert.is((await reader.next()).value, 'half');
  broken.fail();
  assert.is(await failed(reader.next()), 'broken');
  assert.is(await failed(leader.next()), 'broken');
  whole.push('all ', 'of it');
  whole.end();
  assert.equal(await all(waiter), ['all ', 'of it']);
  assert.is(origins.length, 0);
  await cache.idle();
  assert.is((await cache.get('q')).value, 'all of it');
});

test('a leader that fails before its first part hands over once; a second failure reaches all', async () => {
  const cache = assemble();
  let calls = 0;
  const failing = (): AsyncIterable<string> => {
    calls++;
    throw new Error(`no ${calls}`);
  };
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => failed(cache.wrapStream('q', failing))),
  );
  assert.is(calls, 2);
  assert.equal(outcomes.filter((message) => message === 'no 1').length, 1);
  assert.equal(outcomes.filter((message) => message === 'no 2').length, 19);
  assert.equal(await all(await cache.wrapStream('q', () => texts('fine'))), ['fine']);
});

test('one reader leaves and the others read on; the last to leave stops the origin, and nothing is stored', async () => {
  for (const how of ['return', 'signal', 'cancel', 'break'] as const) {
    const cache = assemble();
    const origin = source();
    const abort = new AbortController();
    origin.push('a');
    const leaver = await cache.wrapStream('q', origin.generate, { signal: abort.signal });
    const stayer = await cache.wrapStream('q', origin.generate);
    assert.is((await stayer.next()).value, 'a');
    if (how === 'return') await leaver.return();
    else if (how === 'cancel') await leaver.toReadableStream().cancel();
    else if (how === 'break') for await (const _ of leaver) break;
    else {
      abort.abort('enough');
      assert.is(await failed(leaver.next()), 'enough');
    }
    assert.is(origin.state.signal?.aborted, false, how);
    const pending = stayer.next();
    origin.push('b');
    assert.is((await pending).value, 'b');
    const waiting = stayer.next();
    await stayer.return();
    assert.equal(await waiting, { done: true, value: undefined });
    await turns();
    assert.equal([origin.state.signal?.aborted, origin.state.returned], [true, 1], how);
    assert.is((await cache.get('q')).match, 'none');
    assert.equal(await all(await cache.wrapStream('q', () => texts('new'))), ['new']);
  }
});

test('all who wait for the first part leave: the generation is aborted', async () => {
  const cache = assemble();
  const origin = source();
  const aborts = Array.from({ length: 10 }, () => new AbortController());
  const waiting = aborts.map(({ signal }) => failed(cache.wrapStream('q', origin.generate, { signal })));
  await turns();
  for (const abort of aborts) abort.abort('gone');
  assert.equal(await Promise.all(waiting), Array(10).fill('gone'));
  await turns();
  assert.equal([origin.state.signal?.aborted, origin.state.returned], [true, 1]);
});

test('the origin is asked for no more than the fastest reader has read, and goes on without the slow', async () => {
  const cache = assemble();
  const origin = source();
  origin.push(...Array.from({ length: 100 }, (_, i) => `${i}`));
  const fast = await cache.wrapStream('q', origin.generate);
  const slow = await cache.wrapStream('q', origin.generate);
  await turns();
  assert.is(origin.state.asked, 1);
  for (let i = 0; i < 40; i++) await fast.next();
  await turns();
  assert.is(origin.state.asked, 40);
  const web = slow.toReadableStream().getReader();
  assert.is((await web.read()).value, '0');
  await turns();
  assert.is(origin.state.asked, 40);
  origin.end();
  assert.is((await all(fast)).length, 60);
  await web.cancel();
});

test('beyond its bound a stream waits for the slowest reader, is joined by nobody and not stored', async () => {
  const cache = assemble({ maxStreamBytes: 1_000 });
  const origin = source();
  const part = 'x'.repeat(100);
  origin.push(...Array.from({ length: 50 }, () => part));
  origin.end();
  const fast = await cache.wrapStream('q', origin.generate);
  const slow = await cache.wrapStream('q', origin.generate);
  let read = 0;
  const reading = (async () => {
    for await (const _ of fast) read++;
  })();
  await turns(20);
  assert.ok(read >= 4 && read < 10, `${read}`);
  for (let i = 0; i < 10; i++) await slow.next();
  await turns(20);
  assert.ok(read > 10 && read < 20, `${read}`);
  const late = await cache.wrapStream('q', () => texts('own'));
  assert.equal(await all(late), ['own']);
  assert.is((await all(slow)).length, 40);
  await reading;
  assert.is(read, 50);
  await cache.idle();
  assert.is((await cache.get('q')).value, 'own');
});

test('a replay at the original pace keeps the gaps up to the cap, and can be left in the middle', async () => {
  const clock = manualClock();
  const cache = assemble({ clock });
  const origin = source();
  const live = cache.wrapStream('q', origin.generate);
  await turns();
  clock.advance(100);
  origin.push('a');
  const stream = await live;
  await stream.next();
  const second = stream.next();
  await turns();
  clock.advance(5_000);
  origin.push('b');
  await second;
  origin.end();
  await stream.next();
  await cache.idle();
  const paced = await cache.wrapStream('q', () => texts(), { replay: 'paced', maxGapMs: 1_000 });
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const part of paced) seen.push(part);
  })();
  await turns();
  assert.equal(seen, []);
  clock.advance(100);
  await turns();
  assert.equal(seen, ['a']);
  clock.advance(999);
  await turns();
  assert.equal(seen, ['a']);
  clock.advance(1);
  await reading;
  assert.equal(seen, ['a', 'b']);
  const left = await cache.wrapStream('q', () => texts(), { replay: 'paced' });
  const pending = left.next();
  await turns();
  await left.return();
  assert.equal(await pending, { done: true, value: undefined });
  assert.is(clock.timers, 0);
});

test('a web stream, also one that cannot be iterated, is read and cancelled', async () => {
  const cache = assemble();
  let cancelled = 0;
  const make = (iterable: boolean) => {
    let count = 0;
    const web = new ReadableStream<string>({
      pull: (controller) => {
        if (++count > 3) controller.close();
        else controller.enqueue(`${count}`);
      },
      cancel: () => void cancelled++,
    });
    return iterable ? web : ({ getReader: () => web.getReader() } as unknown as ReadableStream<string>);
  };
  for (const iterable of [true, false]) {
    assert.equal(await all(await cache.wrapStream(`whole ${iterable}`, () => make(iterable))), [
      '1',
      '2',
      '3',
    ]);
    const left = await cache.wrapStream(`left early ${iterable}`, () => make(iterable));
    await left.return();
    await turns();
  }
  assert.is(cancelled, 2);
});

test('parts that cannot be copied are handed on as they are and not stored', async () => {
  class Chunk {
    text = 'x';
  }
  const cache = assemble();
  const chunk = new Chunk();
  const generate = async function* () {
    yield chunk;
  };
  assert.is((await all(await cache.wrapStream('q', generate)))[0], chunk);
  await cache.idle();
  const stats = await cache.stats();
  assert.equal([(await cache.get('q')).match, stats.uncacheable], ['none', 1]);
});

test('who asks after a removal does not join a stream that began before it, and that is not stored', async () => {
  const cache = assemble();
  const origin = source();
  origin.push('old');
  const before = await cache.wrapStream('q', origin.generate, { tags: ['t'] });
  await cache.invalidate({ tags: ['t'] });
  assert.equal(await all(await cache.wrapStream('q', () => texts('new'))), ['new']);
  origin.end();
  assert.equal(await all(before), ['old']);
  await cache.idle();
  assert.is((await cache.get('q')).value, 'new');
});

test('what is no stream, and options that are none, are typed errors', async () => {
  const cache = assemble();
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error) => error.code,
    );
  const argument = 'ERR_LLM_CACHE_ARGUMENT';
  assert.is(await code(cache.wrapStream('q', () => 'text' as never)), argument);
  assert.is(await code(cache.wrapStream('q', () => undefined as never)), argument);
  assert.is(await code(cache.wrapStream('q', undefined as never)), argument);
  for (const options of [
    { replay: 'slow' },
    { maxGapMs: -1 },
    { join: 1 },
    { freshness: { graceMs: -1 } },
    { joined: 1 },
  ])
    assert.is(await code(cache.wrapStream('q', () => texts('a'), options as never)), argument);
});

test('nothing was left unhandled', async () => {
  await turns(10);
  assert.equal(unhandled, []);
});

test.run();
