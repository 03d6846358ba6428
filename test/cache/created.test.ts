// Removals by time of creation: what was created in it is a miss in every tier, alone or of what else is named; nothing else is.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Invalidation, SemanticCache } from '#dist/index.js';
import { manualClock } from '#dist/testing/index.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { assemble, deferred, openMock } from './support.js';

const test = suite('removal by time');
const tagOf = (i: number) => (i % 2 === 0 ? 'even' : 'odd');
const scopeOf = (i: number) => ({ tenant: i % 3 === 0 ? 'acme' : 'other' });

/** Ten answers, created at 0, 10, … 90 milliseconds after the clock began; their keys. */
async function filled(cache: SemanticCache, advance: (ms: number) => void): Promise<string[]> {
  const keys: string[] = [];
  for (let i = 0; i < 10; i++) {
    await cache.set(`question ${i}`, i, { tags: [tagOf(i)], sources: [`${i}.md`], scope: scopeOf(i) });
    keys.push((await cache.get(`question ${i}`, { scope: scopeOf(i) })).key);
    advance(10);
  }
  return keys;
}

async function missed(cache: SemanticCache): Promise<number[]> {
  const found = Array.from({ length: 10 }, (_, i) => cache.get(`question ${i}`, { scope: scopeOf(i) }));
  return (await Promise.all(found)).flatMap(({ match }, i) => (match === 'none' ? [i] : []));
}

test('from its beginning to before its end, by itself or of what else is named', async () => {
  for (const [name, what, gone] of [
    ['between', (at) => ({ createdAfter: at(30), createdBefore: at(60) }), [3, 4, 5]],
    ['before', (at) => ({ createdBefore: new Date(at(20)) }), [0, 1]],
    ['after', (at) => ({ createdAfter: new Date(at(71)) }), [8, 9]],
    ['of a tag', (at) => ({ createdBefore: at(50), tags: ['odd', 'none'] }), [1, 3]],
    ['of sources', (at) => ({ createdBefore: at(50), sources: ['2.md', '4.md', '5.md'] }), [2, 4]],
    ['of a scope', (at) => ({ createdAfter: at(10), scope: scopeOf(0) }), [3, 6, 9]],
    [
      'of many names at once',
      (at) => ({
        createdAfter: at(20),
        tags: ['odd', ...Array.from({ length: 90 }, (_, i) => `t${i}`)],
        sources: ['1.md', '4.md'],
      }),
      [3, 4, 5, 7, 9],
    ],
    ['of a key', (at, keys) => ({ createdAfter: at(10), key: keys[7] as string }), [7]],
    ['of a key of another time', (at, keys) => ({ createdAfter: at(80), key: keys[7] as string }), []],
    ['all', () => ({ createdAfter: Number.NEGATIVE_INFINITY }), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ] as [string, (at: (ms: number) => number, keys: string[]) => Invalidation, number[]][]) {
    const clock = manualClock();
    const cache = assemble({ clock });
    const begin = clock.wall();
    const keys = await filled(cache, (ms) => clock.advance(ms));
    assert.equal(await missed(cache), []);
    assert.equal(await cache.invalidate(what((ms) => begin + ms, keys)), { shared: true });
    assert.equal(await missed(cache), gone, name);
    await cache.close();
  }
});

test('what is generated afterwards lives although it lies in the time; what was being generated dies', async () => {
  const clock = manualClock();
  const cache = assemble({ clock });
  const gate = deferred();
  const begin = clock.wall();
  const generating = cache.wrap('q', () => gate.promise.then(() => 'old'));
  await cache.get('another');
  await cache.invalidate({ createdAfter: begin });
  const late = cache.wrap('q', () => 'new');
  gate.resolve();
  assert.equal(await Promise.all([generating, late]), ['old', 'new'], 'nobody joins what is removed');
  await cache.idle();
  assert.is((await cache.get('q')).value, 'new');
  await cache.close();
});

test('by meaning too, in memory, on disk and in the vectors, after a restart and in another cache of the directory', async () => {
  const directory = temporaryDirectory();
  const open = () => openMock({ directory });
  const count = 200;
  const question = (i: number) => `where is thing ${i * 7919} kept in house ${i * 104_729}`;
  let [cache, other] = [await open(), await open()];
  const createdAt: number[] = [];
  for (let i = 0; i < count; i++) {
    await cache.set(question(i), i);
    createdAt.push((await cache.get(question(i))).createdAtMs as number);
  }
  const [from, until] = [createdAt[50] as number, createdAt[150] as number];
  const gone = createdAt.flatMap((ms, i) => (ms >= from && ms < until ? [i] : []));
  assert.ok(gone.length > 0 && gone.length < count, `${gone.length} of ${count}`);
  const missing = async (which: typeof cache, end = '') => {
    const found = Array.from({ length: count }, (_, i) => which.get(question(i) + end));
    return (await Promise.all(found)).flatMap(({ value }, i) => (value === i ? [] : [i]));
  };
  assert.equal([await missing(cache), await missing(other), await missing(other, ' please')], [[], [], []]);
  await other.idle();
  await cache.invalidate({ createdAfter: from, createdBefore: until });
  // Brings in what the first has removed.
  await other.invalidate({ tags: ['nothing'] });
  for (const each of [cache, other]) {
    assert.equal(await missing(each), gone);
    assert.equal(await missing(each, ' please'), gone);
    await each.close();
  }
  [cache, other] = [await open(), await open()];
  assert.equal(await missing(cache, ' please'), gone);
  assert.equal(await missing(other), gone);
  await Promise.all([cache.close(), other.close()]);
});

test('many removals by time are kept apart as long as there is room, and never serve what was removed', async () => {
  const clock = manualClock();
  const cache = assemble({ clock });
  const begin = clock.wall();
  const keep = async (name: string) => {
    await cache.set(name, name);
    clock.advance(1000);
  };
  for (let i = 0; i < 200; i++) await keep(`q${i}`);
  for (let i = 0; i < 100; i += 2) {
    await cache.invalidate({ createdAfter: begin + i * 1000, createdBefore: begin + i * 1000 + 1 });
  }
  for (let i = 0; i < 200; i++) {
    const { match } = await cache.get(`q${i}`);
    assert.is(match === 'none', i < 100 && i % 2 === 0, `q${i}`);
  }
  // The later ones take in the earlier ones: no room is needed for them.
  for (let i = 0; i < 150; i++) await cache.invalidate({ createdBefore: begin + i });
  assert.is((await cache.get('q199')).match, 'exact');
  for (let i = 100; i < 200; i++) {
    await cache.invalidate({ createdAfter: begin + i * 1000, createdBefore: begin + i * 1000 + 1 });
    assert.is((await cache.get(`q${i}`)).match, 'none');
  }
  await keep('later');
  assert.is((await cache.get('later')).match, 'exact');
  await cache.close();
});

test('what is no time, and no range of it, is refused', async () => {
  const cache = assemble();
  const refused: [string, unknown][] = [
    ['no date', { createdAfter: new Date('never') }],
    ['no number', { createdBefore: Number.NaN }],
    ['a text', { createdAfter: '2026-01-01' }],
    ['null', { createdAfter: null }],
    ['an empty range', { createdAfter: 5, createdBefore: 5 }],
    ['a range that ends before it begins', { createdAfter: 6, createdBefore: 5 }],
    ['nothing named', { createdAfter: 5, tags: [] }],
    ['another name', { createdSince: 5 }],
    ['too many names', { createdAfter: 5, tags: Array.from({ length: 101 }, (_, i) => `t${i}`) }],
  ];
  for (const [name, what] of refused) {
    assert.is(await codeOf(() => cache.invalidate(what as Invalidation)), 'ERR_LLM_CACHE_ARGUMENT', name);
  }
  const told: unknown[] = [];
  cache.on('invalidated', (event) => told.push(event));
  await cache.invalidate({ createdAfter: new Date(7), tags: ['t'] });
  const rest = { sources: undefined, scope: undefined, key: undefined };
  const times = { createdAfterMs: 7, createdBeforeMs: Number.POSITIVE_INFINITY };
  assert.equal(told, [{ by: 'invalidate', tags: ['t'], ...rest, ...times }]);
  await cache.close();
});

test.run();
