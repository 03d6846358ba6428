// The small parts of the core: canonical JSON, scopes, flights, sealed values, counts, errors and the manual clock.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalJson } from '#dist/core/canonical.js';
import * as errors from '#dist/core/errors.js';
import { Flight } from '#dist/core/flight.js';
import { Scope, type ScopeFields } from '#dist/core/scope.js';
import { Counters, Latency } from '#dist/core/stats.js';
import { seal } from '#dist/core/value.js';
import { manualClock } from '#dist/testing/index.js';
import { codeOf } from '../disk/support.js';

const test = suite('core');
const json = (value: unknown) => canonicalJson(value, 'v');

test('equal JSON has one text, whatever the order of its keys; different JSON has different texts', () => {
  assert.is(json({ b: [1, { d: null, c: 'x' }], a: true }), json({ a: true, b: [1, { c: 'x', d: null }] }));
  assert.is(json({ a: 1, b: undefined }), json({ a: 1 }));
  assert.is(json(Object.assign(Object.create(null), { a: 1 })), json({ a: 1 }));
  const different = [
    null,
    'null',
    0,
    '0',
    false,
    '',
    [],
    {},
    [[]],
    [{}],
    { a: [] },
    { a: {} },
    [1, 2],
    ['1,2'],
    [12],
    { '': 1 },
    { a: 'b","c":"d' },
    { a: 'b', c: 'd' },
  ];
  assert.is(new Set(different.map(json)).size, different.length);
  assert.is(json(-0), json(0));
});

test('what JSON would drop or merge is refused with its path', async () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  const bad = [
    undefined,
    () => 1,
    Symbol('s'),
    1n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    new Date(),
    new Map(),
    new Uint8Array(1),
    '\ud800',
    [undefined],
    new Array(1),
    { a: { b: () => 1 } },
    cycle,
    deep,
  ];
  for (const [i, value] of bad.entries())
    assert.is(await codeOf(() => json(value)), 'ERR_LLM_CACHE_ARGUMENT', `case ${i}`);
  assert.throws(() => json({ a: [1, { b: Number.NaN }] }), /^v\.a\[1\]\.b must be/);
  const shared = { x: 1 };
  assert.is(json([shared, shared]), '[{"x":1},{"x":1}]');
});

test('a scope is made of its known fields and refuses the rest by name', () => {
  assert.throws(
    () => new Scope({ tenat: 'a' } as ScopeFields, 'f'),
    /scope\.tenat must be one of tenant, provider, model/,
  );
  assert.throws(
    () => new Scope({ tenant: 1 } as unknown as ScopeFields, 'f'),
    /scope\.tenant must be a string/,
  );
  assert.throws(() => new Scope({ tools: [() => 1] }, 'f'), /scope\.tools\[0\]/);
  assert.throws(() => new Scope(null as never, 'f'), /scope must be an object/);
  assert.is(new Scope({ tenant: undefined }, 'f').id, new Scope({}, 'f').id);
  assert.is(
    new Scope({ parameters: { a: 1, b: 2 } }, 'f').id,
    new Scope({ parameters: { b: 2, a: 1 } }, 'f').id,
  );
});

test('a flight runs its work once, forgets failures, and is empty afterwards', async () => {
  const flight = new Flight<number>();
  let calls = 0;
  const work = async () => ++calls;
  assert.equal(
    await Promise.all([flight.run('k', work), flight.run('k', work), flight.run('other', work)]),
    [1, 1, 2],
  );
  const failing = () => Promise.reject(new Error('no'));
  const failed = await Promise.allSettled([flight.run('k', failing), flight.run('k', failing)]);
  assert.ok(failed.every(({ status }) => status === 'rejected'));
  assert.is(flight.size, 0);
  assert.is(await flight.run('k', work), 3);
});

test('a flight is aborted when the last caller has left, and a caller without a signal never leaves', async () => {
  const flight = new Flight<string>();
  const signals: AbortSignal[] = [];
  const work = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<string>(() => {});
  };
  const [one, two] = [new AbortController(), new AbortController()];
  const left = [one, two].map(({ signal }) => flight.run('k', work, signal).catch((reason) => reason));
  one.abort('first');
  assert.is(signals[0]?.aborted, false);
  two.abort('second');
  assert.equal(await Promise.all(left), ['first', 'second']);
  assert.is(signals[0]?.aborted, true);
  assert.is(flight.has('k'), false);
  void flight.run('k', work);
  const third = new AbortController();
  const leaving = flight.run('k', work, third.signal).catch((reason) => reason);
  third.abort('third');
  assert.is(await leaving, 'third');
  assert.is(signals[1]?.aborted, false);
});

test('sealed values do not change with what they were made of or what was read', () => {
  const tree = { list: [{ x: 1 }] };
  const sealed = seal(tree);
  tree.list.push({ x: 2 });
  assert.equal(sealed.read(), { list: [{ x: 1 }] });
  assert.is(sealed.read(), sealed.read());
  assert.throws(() => (sealed.read() as typeof tree).list.push({ x: 3 }));
  const mixed = seal({ inner: { map: new Map([['k', [1]]]) }, plain: { a: 1 } });
  const copy = mixed.read() as { inner: { map: Map<string, number[]> }; plain: { a: number } };
  copy.inner.map.get('k')?.push(2);
  copy.plain.a = 2;
  assert.equal(mixed.read(), { inner: { map: new Map([['k', [1]]]) }, plain: { a: 1 } });
  const bytes = new Uint8Array([1]);
  const sealedBytes = seal(bytes);
  bytes[0] = 9;
  assert.equal(sealedBytes.read(), new Uint8Array([1]));
  for (const primitive of [null, undefined, 1, 'x', true, 5n]) assert.is(seal(primitive).read(), primitive);
});

test('counts add up and latencies keep their order', () => {
  const counters = new Counters<'a' | 'b'>();
  counters.add('a');
  counters.add('a', 4);
  assert.equal([counters.get('a'), counters.get('b'), counters.all()], [5, 0, { a: 5 }]);
  const latency = new Latency();
  assert.equal(latency.summary(), { count: 0, averageMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 });
  for (let i = 1; i <= 1000; i++) latency.record(i / 10);
  const { count, averageMs, p50Ms, p95Ms, p99Ms } = latency.summary();
  assert.is(count, 1000);
  for (const [actual, expected] of [
    [averageMs, 50.05],
    [p50Ms, 50],
    [p95Ms, 95],
    [p99Ms, 99],
  ] as const) {
    assert.ok(Math.abs(actual - expected) < expected / 200, `${actual}, expected ${expected}`);
  }
  latency.record(0);
  latency.record(-1);
  assert.is(latency.summary().count, 1002);
});

test('errors have a code, their class as name, and never print what they were given at length', () => {
  const secret = 'x'.repeat(50);
  const all: errors.CacheError[] = [
    new errors.InvalidArgumentError('a', 'b', secret),
    new errors.DimensionError('v', 3, 4),
    new errors.ClosedError('it'),
    new errors.BusyError('it', 1),
    new errors.ConfigError('c'),
    new errors.DirectoryError('/d', 'r'),
    new errors.EmbedderMismatchError('/d', 'one', 'two'),
    new errors.MissingPackageError('p', 'f'),
    new errors.TierError('t', 'o', 'r'),
    new errors.TierTimeoutError('t', 'o', 5),
    new errors.TierOpenError('t', 'o'),
    new errors.EmbedError('m', 'r'),
    new errors.CodecError('c'),
    new errors.IngestError('i'),
    new errors.NativeError('n'),
    new errors.NativeLoadError(['p: why']),
    new errors.CapacityError('c'),
  ];
  assert.is(new Set(all.map(({ code }) => code)).size, all.length);
  for (const error of all) {
    assert.instance(error, errors.CacheError);
    assert.match(error.code, /^ERR_LLM_CACHE_[A-Z_]+$/);
    assert.is(error.name, error.constructor.name);
    assert.not.match(error.message, secret);
  }
  for (const value of [
    undefined,
    null,
    'short',
    1,
    1n,
    () => 1,
    Symbol('s'),
    [1],
    new Uint8Array(3),
    {},
    Object.create(null),
  ]) {
    assert.ok(errors.describe(value).length > 0);
  }
});

test('the manual clock runs timers in order, at their own time, and not when cancelled', () => {
  const clock = manualClock({ wallMs: 1000, monoMs: 5 });
  const ran: string[] = [];
  clock.after(10, () => {
    ran.push(`late at ${clock.mono()}`);
    clock.after(1, () => ran.push(`nested at ${clock.mono()}`));
  });
  clock.after(3, () => ran.push(`early at ${clock.mono()}`));
  clock.after(4, () => ran.push('never'))();
  clock.advance(100);
  assert.equal(ran, ['early at 8', 'late at 15', 'nested at 16']);
  assert.equal([clock.mono(), clock.wall(), clock.timers], [105, 1100, 0]);
  clock.jump(-500);
  assert.equal([clock.mono(), clock.wall()], [105, 600]);
});

test.run();
