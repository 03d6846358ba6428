// Old answers instead of none: stale-while-revalidate, grace, early refresh, time-outs of the origin, remembered failures.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { manualClock } from '#dist/testing/index.js';
import { temporaryDirectory } from '../disk/support.js';
import { all, failed, source, texts } from './stream-support.js';
import { assemble, deferred, openMock, turns } from './support.js';

const test = suite('freshness');
const hourMs = 3_600_000;
const fails = () => Promise.reject(new Error('overloaded'));
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

/** A cache with the answer `old`, whose time to live of an hour has just passed. */
async function aged(freshness: Parameters<typeof assemble>[0] & object = {}) {
  const clock = manualClock();
  const cache = assemble({ clock, ttlMs: hourMs, ...freshness });
  await cache.wrap('what is the big question', () => 'old');
  await cache.idle();
  clock.advance(hourMs);
  return { clock, cache };
}
const q = 'what is the big question';

test('without options an answer past its time is gone, whatever the origin does', async () => {
  const { cache } = await aged();
  assert.is(await failed(cache.wrap(q, fails)), 'overloaded');
  assert.is(await cache.wrap(q, () => 'new'), 'new');
});

test('stale-while-revalidate serves the old answer at once and makes one new in the background', async () => {
  const { cache } = await aged({ freshness: { staleWhileRevalidateMs: 1_000 } });
  const gate = deferred<string>();
  let calls = 0;
  const generate = () => {
    calls++;
    return gate.promise;
  };
  const answers = [await cache.ask(q, generate), await cache.ask(q, generate)];
  const paraphrase = await cache.ask(`${q} please`, () => new Promise<string>(() => {}));
  assert.equal(
    [...answers, paraphrase].map(({ value, stale }) => [value, stale]),
    Array(3).fill(['old', true]),
  );
  assert.is((await cache.get(q)).match, 'none');
  assert.is(calls, 1);
  gate.resolve('new');
  await turns();
  await cache.idle();
  const after = await cache.ask(q, () => assert.unreachable());
  assert.equal([after.value, after.stale, calls], ['new', false, 1]);
  const { stale, revalidations } = await cache.stats();
  assert.equal([stale, revalidations], [3, 2]);
});

test('beyond its window a stale answer is no answer; a revalidation that fails leaves it', async () => {
  const { cache, clock } = await aged({ freshness: { staleWhileRevalidateMs: 1_000 } });
  assert.is(await cache.wrap(q, fails), 'old');
  await turns();
  clock.advance(999);
  assert.is(await cache.wrap(q, fails), 'old');
  await turns();
  clock.advance(1);
  assert.is(await failed(cache.wrap(q, fails)), 'overloaded');
});

test('grace serves the old answer when the origin fails, and only then', async () => {
  const { cache, clock } = await aged({ freshness: { graceMs: 1_000 } });
  assert.is(await cache.wrap(q, fails), 'old');
  assert.is((await cache.ask(q, fails)).stale, true);
  assert.equal(await all(await cache.wrapStream(q, () => Promise.reject(new Error('no')))), ['old']);
  clock.advance(1_000);
  assert.is(await failed(cache.wrap(q, fails)), 'overloaded');
  const again = await aged({ freshness: { graceMs: 1_000 } });
  assert.is(await again.cache.wrap(q, () => 'new'), 'new');
  await again.cache.idle();
  assert.is((await again.cache.get(q)).value, 'new');
});

test('what was invalidated is not served in grace', async () => {
  const { cache } = await aged({ freshness: { graceMs: hourMs, staleWhileRevalidateMs: hourMs } });
  await cache.invalidate({ key: (await cache.get(q)).key });
  assert.is(await failed(cache.wrap(q, fails)), 'overloaded');
});

test('what is invalidated while the origin is asked is not served in its place', async () => {
  const { cache } = await aged({ freshness: { graceMs: hourMs } });
  const gate = deferred<string>();
  const asked = failed(cache.wrap(q, () => gate.promise));
  await turns();
  await cache.invalidate({ key: (await cache.get(q)).key });
  gate.reject(new Error('overloaded'));
  assert.is(await asked, 'overloaded');
});

test('a call can say how old an answer may be, within what was kept', async () => {
  const { cache } = await aged({ freshness: { graceMs: hourMs } });
  assert.is(await failed(cache.wrap(q, fails, { freshness: { graceMs: 0 } })), 'overloaded');
  assert.is(await cache.wrap(q, fails), 'old');
});

test('early refresh makes the answer anew in the background before it is stale', async () => {
  const clock = manualClock();
  const cache = assemble({ clock, ttlMs: hourMs, freshness: { earlyRefresh: 0.8 } });
  await cache.wrap(q, () => 'old');
  clock.advance(0.8 * hourMs - 1);
  assert.is(await cache.wrap(q, () => assert.unreachable()), 'old');
  clock.advance(1);
  assert.is(await cache.wrap(q, () => 'new'), 'old');
  await turns();
  await cache.idle();
  assert.is(await cache.wrap(q, () => assert.unreachable()), 'new');
  const near = await cache.ask(`${q} please`, () => assert.unreachable());
  assert.is(near.value, 'new');
});

test('after the soft time-out an old answer is served, and the new one is finished in the background', async () => {
  const { cache, clock } = await aged({ freshness: { graceMs: 10_000, softTimeoutMs: 100 } });
  const gate = deferred<string>();
  const asked = cache.ask(q, () => gate.promise);
  await turns();
  clock.advance(99);
  await turns();
  clock.advance(1);
  const answer = await asked;
  assert.equal([answer.value, answer.stale], ['old', true]);
  gate.resolve('new');
  await turns();
  await cache.idle();
  assert.is((await cache.get(q)).value, 'new');
  assert.is(clock.timers, 0);
});

test('after the hard time-out the call rejects; the answer is stored when it comes, or aborted where that is wanted', async () => {
  const clock = manualClock();
  for (const completeInBackground of [true, false]) {
    const cache = assemble({ clock, freshness: { hardTimeoutMs: 100, completeInBackground } });
    const gate = deferred<string>();
    let signal: AbortSignal | undefined;
    const asked = cache
      .wrap(q, (context) => {
        signal = context.signal;
        return gate.promise;
      })
      .catch((error) => error);
    await turns();
    clock.advance(100);
    const error = await asked;
    assert.equal([error.code, error.timeoutMs], ['ERR_LLM_CACHE_ORIGIN_TIMEOUT', 100]);
    assert.is(signal?.aborted, !completeInBackground);
    gate.resolve('late');
    await turns();
    await cache.idle();
    if (completeInBackground) assert.is((await cache.get(q)).value, 'late');
  }
});

test('of a stream the time-outs end with the first part; a late one is read and stored in the background', async () => {
  const { cache, clock } = await aged({
    freshness: { graceMs: 10_000, softTimeoutMs: 100, hardTimeoutMs: 200 },
  });
  const late = source();
  const opening = cache.wrapStream(q, late.generate);
  await turns();
  clock.advance(100);
  const stream = await opening;
  assert.is(stream.lookup.stale, true);
  assert.equal(await all(stream), ['old']);
  late.push('n');
  await turns();
  clock.advance(10_000);
  late.push('ew');
  late.end();
  await turns();
  await cache.idle();
  assert.equal(await all(await cache.wrapStream(q, () => texts())), ['n', 'ew']);
  const none = source();
  const rejected = failed(cache.wrapStream('another matter', none.generate));
  await turns();
  clock.advance(200);
  assert.match(await rejected, 'within 200 ms');
});

test('failures are remembered only if that is wanted, for their time, and until a removal or a refresh', async () => {
  const clock = manualClock();
  const cache = assemble({ clock });
  const freshness = { negativeTtlMs: 1_000 };
  assert.is(await failed(cache.wrap(q, fails)), 'overloaded');
  assert.is(await failed(cache.wrap(q, fails, { freshness })), 'overloaded');
  assert.is(await failed(cache.wrap(q, () => 'fine')), 'overloaded');
  clock.advance(1_000);
  assert.is(await cache.wrap(q, () => 'fine'), 'fine');
  assert.is(await failed(cache.wrap('other', fails, { freshness })), 'overloaded');
  await cache.delete('other');
  assert.is(await cache.wrap('other', () => 'fine'), 'fine');
  assert.is(await failed(cache.wrap('third', fails, { freshness })), 'overloaded');
  assert.is(await cache.wrap('third', () => 'fine', { refresh: true }), 'fine');
});

test('no failure is remembered by default, and only the latest 1,000 where they are', async () => {
  const cache = assemble({ clock: manualClock() });
  assert.is(await failed(cache.wrap('default', fails)), 'overloaded');
  assert.is(await cache.wrap('default', () => 'fine'), 'fine');
  const freshness = { negativeTtlMs: 1_000 };
  for (let i = 0; i <= 1_000; i++) await failed(cache.wrap(`q${i}`, fails, { freshness, exact: true }));
  assert.is(await cache.wrap('q0', () => 'fine', { exact: true }), 'fine', 'there was no room for it');
  assert.is(await failed(cache.wrap('q1000', () => 'fine', { exact: true })), 'overloaded');
  assert.is(await failed(cache.wrap('q500', () => 'fine', { exact: true })), 'overloaded');
});

test('stale answers survive a restart, and expire on disk and in the vector tier', async () => {
  const clock = manualClock();
  const directory = temporaryDirectory();
  const options = { directory, clock, cache: { ttlSeconds: 3600 }, freshness: { graceSeconds: 60 } };
  const first = await openMock(options);
  await first.wrap(q, () => 'old');
  await first.close();
  clock.advance(hourMs + 59_000);
  const second = await openMock(options);
  assert.is((await second.get(q)).match, 'none');
  assert.is(await second.wrap(q, fails), 'old');
  assert.is(await second.wrap(`${q} please`, fails), 'old');
  clock.advance(1_000);
  assert.is(await failed(second.wrap(q, fails)), 'overloaded');
  assert.is(await failed(second.wrap(`${q} please`, fails)), 'overloaded');
  await second.close();
});

test('closing aborts what runs in the background', async () => {
  const { cache } = await aged({ freshness: { staleWhileRevalidateMs: 1_000 } });
  let signal: AbortSignal | undefined;
  await cache.wrap(q, (context) => {
    signal = context.signal;
    return new Promise<string>(() => {});
  });
  await turns();
  assert.is(signal?.aborted, false);
  await cache.close();
  assert.is(signal?.aborted, true);
  assert.equal(unhandled, []);
});

test.run();
