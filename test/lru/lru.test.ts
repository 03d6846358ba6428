// Tests of the bounded map: bounds, time to live, and what is said about items that leave.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidArgumentError } from '#dist/core/errors.js';
import { boundedMap } from '#dist/lru/lru.js';
import { manualClock } from '../workers/fixtures/clock.js';

const test = suite('bounded map');

test('the least recently used item leaves first, and a peek is no use', () => {
  const left: string[] = [];
  const map = boundedMap<string, number>({
    maxEntries: 2,
    onLeave: (key, value, why) => left.push(`${key}${value} ${why}`),
  });
  map.set('a', 1);
  map.set('b', 2);
  assert.is(map.get('a'), 1);
  assert.is(map.peek('b'), 2);
  map.set('c', 3);
  assert.equal(left, ['b2 evict']);
  assert.equal(
    [...map.entries()],
    [
      ['c', 3],
      ['a', 1],
    ],
  );
});

test('each way to leave has its name', () => {
  const clock = manualClock();
  const left: string[] = [];
  const map = boundedMap<string, number>({
    maxEntries: 9,
    clock,
    onLeave: (key, _value, why) => left.push(`${key} ${why}`),
  });
  map.set('replaced', 1);
  map.set('replaced', 2);
  map.set('removed', 1);
  assert.is(map.delete('removed'), true);
  assert.is(map.delete('removed'), false);
  map.set('old', 1, { ttlMs: 5 });
  clock.advance(5);
  assert.is(map.get('old'), undefined);
  map.clear();
  assert.equal(left, ['replaced replace', 'removed delete', 'old expire', 'replaced delete']);
  assert.is(map.size, 0);
});

for (const start of [0, 0.25, 1e9 + 1 / 3]) {
  test(`an item lives for less than its time to live, on a clock that starts at ${start}`, () => {
    const clock = manualClock(start);
    const map = boundedMap<string, number>({ maxEntries: 9, clock });
    map.set('short', 1, { ttlMs: 100 });
    map.set('tiny', 1, { ttlMs: 1e-9 });
    map.set('for ever', 1);
    map.set('also', 1, { ttlMs: Number.POSITIVE_INFINITY });
    clock.advance(99.9);
    assert.is(map.get('short'), 1);
    assert.is(map.get('tiny'), undefined);
    clock.advance(0.2);
    assert.is(map.peek('short'), undefined);
    assert.is(map.get('short'), undefined);
    clock.advance(1e12);
    assert.equal([...map.entries()].map(([key]) => key).sort(), ['also', 'for ever']);
  });
}

test('at its time to live to the millisecond an item has expired', () => {
  const clock = manualClock();
  const map = boundedMap<string, number>({ maxEntries: 9, clock });
  map.set('a', 1, { ttlMs: 100 });
  clock.advance(100);
  assert.is(map.get('a'), undefined);
});

test('a new value without a time to live does not inherit the old one', () => {
  const clock = manualClock();
  const map = boundedMap<string, number>({ maxEntries: 9, clock });
  map.set('a', 1, { ttlMs: 10 });
  map.set('a', 2);
  clock.advance(1000);
  assert.is(map.get('a'), 2);
});

test('what is too large, or dead at birth, is not stored and takes the old value along', () => {
  const map = boundedMap<string, string>({ maxEntries: 9, maxBytes: 10, sizeOf: (value) => value.length });
  assert.is(map.set('a', 'fits'), true);
  assert.is(map.set('a', 'much too large'), false);
  assert.is(map.get('a'), undefined);
  for (const ttlMs of [0, -1, Number.NaN]) {
    assert.is(map.set('b', 'fits'), true);
    assert.is(map.set('b', 'fits', { ttlMs }), false);
    assert.is(map.get('b'), undefined);
  }
  assert.is(map.bytes, 0);
});

test('onLeave may call the map', () => {
  const map = boundedMap<string, number>({
    maxEntries: 2,
    onLeave: (key, _value, why) => {
      if (why === 'evict') map.delete(key);
    },
  });
  for (let i = 0; i < 10; i++) map.set(String(i), i);
  assert.is(map.size, 2);
});

test('bounds that are none are refused', () => {
  for (const options of [
    { maxEntries: 0 },
    { maxEntries: 1.5 },
    { maxEntries: 9, maxBytes: -1 },
    { maxEntries: 9, maxBytes: 9 },
  ]) {
    assert.throws(
      () => boundedMap(options),
      (error: unknown) => error instanceof InvalidArgumentError,
    );
  }
});

test('behaves as a list of the last used items within both bounds, for any sequence of calls', () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
  const key = fc.integer({ min: 0, max: 9 });
  const step = fc.oneof(
    fc.record({
      op: fc.constant('set' as const),
      key,
      size: fc.integer({ min: 1, max: 12 }),
      ttlMs: fc.option(fc.integer({ min: 1, max: 50 })),
    }),
    fc.record({ op: fc.constant('get' as const), key }),
    fc.record({ op: fc.constant('delete' as const), key }),
    fc.record({ op: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 30 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = manualClock();
      const held = new Map<number, number>();
      const map = boundedMap<number, { size: number; until: number }>({
        maxEntries: 5,
        maxBytes: 20,
        sizeOf: ({ size }) => size,
        clock,
        onLeave: (k) => held.set(k, (held.get(k) ?? 0) - 1),
      });
      const latest = new Map<number, { size: number; until: number }>();
      for (const s of steps) {
        if (s.op === 'advance') clock.advance(s.ms);
        else if (s.op === 'get') {
          const value = map.get(s.key);
          if (value) {
            assert.is(value, latest.get(s.key));
            assert.ok(clock.mono() < value.until, 'an expired value came back');
          }
        } else if (s.op === 'delete') {
          map.delete(s.key);
          latest.delete(s.key);
        } else {
          const value = { size: s.size, until: s.ttlMs === null ? Infinity : clock.mono() + s.ttlMs };
          assert.is(map.set(s.key, value, s.ttlMs === null ? {} : { ttlMs: s.ttlMs }), true);
          held.set(s.key, (held.get(s.key) ?? 0) + 1);
          latest.set(s.key, value);
          assert.is(map.peek(s.key), value, 'the newest is always held');
        }
        assert.ok(map.size <= 5 && map.bytes <= 20);
        assert.is(
          [...held.values()].reduce((a, b) => a + b, 0),
          map.size,
          'each item that left was announced once',
        );
      }
    }),
    { seed, numRuns: 300 },
  );
});

test.run();
