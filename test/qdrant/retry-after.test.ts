// How long the Qdrant database waits after a 429, by what the server's Retry-After says.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '#dist/core/clock.js';
import { manualClock } from '#dist/testing/index.js';
import { until } from '../disk/support.ts';
import { documentOf, onDouble } from './support.ts';

const test = suite('qdrant retry-after');
const date = (ms: number) => new Date(ms).toUTCString();

/** A clock that tells a pause from the time limit of a request. */
function watchedClock() {
  const clock = manualClock();
  let lastMs = 0;
  const watched: Clock = {
    mono: clock.mono,
    wall: clock.wall,
    after(delayMs, action) {
      lastMs = delayMs;
      return clock.after(delayMs, action);
    },
  };
  const isPausing = () => clock.timers === 1 && lastMs !== timeoutMs;
  return { clock, watched, isPausing };
}
const timeoutMs = 5_001;

const cases: [name: string, header: (nowMs: number) => string | undefined, waitMs: number][] = [
  ['one second', () => '1', 1_000],
  ['half a minute', () => '30', 30_000],
  ['twelve seconds, of which the client keeps one', () => ' 12 ', 12_000],
  ['a date', (now) => date(now + 7_000), 7_000],
  ['a date that has passed', (now) => date(now - 7_000), 100],
  ['no header', () => undefined, 100],
  ['nothing', () => '', 100],
  ['no number', () => 'soon', 100],
  ['less than nothing', () => '-5', 100],
  ['years', () => '999999999', 30_000],
  ['more than a number holds', () => '9'.repeat(400), 30_000],
  ['a date in the far future', () => 'Fri, 31 Dec 9999 23:59:59 GMT', 30_000],
];

for (const [name, header, waitMs] of cases) {
  test(`${name}: the next try comes after ${waitMs} ms`, async () => {
    const { clock, watched, isPausing } = watchedClock();
    const { double, database, end } = await onDouble({ retries: 1, clock: watched, timeoutMs });
    await database.count();
    let asked = 0;
    double.fault = ({ route }, response) => {
      if (route !== 'PUT points' || ++asked > 1) return undefined;
      const value = header(clock.wall());
      response.writeHead(429, value === undefined ? {} : { 'retry-after': value });
      response.end(JSON.stringify({ status: { error: 'limit' } }));
      return true;
    };
    const upsert = database.upsert([documentOf('x')]);
    await until('the pause', () => asked === 1 && isPausing());
    clock.advance(waitMs - 1);
    assert.is(clock.timers, 1, 'the pause goes on');
    // A quarter more at most, so that not all come back at once.
    clock.advance(waitMs / 4 + 2);
    await upsert;
    assert.is(asked, 2);
    await end();
  });
}

test('what another server says is not taken for this one, and closing stops listening', async () => {
  const { clock, watched, isPausing } = watchedClock();
  const [one, other] = [
    await onDouble({ retries: 1, clock: watched, timeoutMs }),
    await onDouble({ retries: 0, clock: watched, timeoutMs }),
  ];
  await one.database.count();
  await other.database.count();
  const answer = (seconds: string, times: number) => {
    let asked = 0;
    return ({ route }: { route: string }, response: import('node:http').ServerResponse) => {
      if (route !== 'PUT points' || ++asked > times) return undefined;
      response.writeHead(429, { 'retry-after': seconds }).end('{}');
      return true;
    };
  };
  one.double.fault = answer('20', 1);
  other.double.fault = answer('2', 100);
  const upsert = one.database.upsert([documentOf('x')]);
  await until('the pause', isPausing);
  await other.database.upsert([documentOf('x')]).catch(() => {});
  clock.advance(19_999);
  assert.is(clock.timers, 1);
  clock.advance(6_000);
  await upsert;
  await one.end();
  await other.end();
  const { channel } = await import('node:diagnostics_channel');
  assert.is(channel('undici:request:headers').hasSubscribers, false);
});

test.run();
