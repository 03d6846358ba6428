// Filters mean what a second reading of the language says they mean, and what is no filter is refused. RUNS and SEED come from the environment.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '#dist/testing/index.js';
import {
  checkMetadata,
  type Filter,
  type Metadata,
  type MetadataValue,
  parseFilter,
  passes,
} from '#dist/vectordb/filter.js';

const test = suite('filters');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const runs = Number(process.env.RUNS ?? 20_000);
console.log(`seed ${seed}, ${runs} runs`);
const random = seededRandom(seed);

const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
// Few of each, so that conditions are met often; among them what JavaScript objects are easily wrong about.
const fields = ['a', 'b', 'c', '0', 'toString', '__proto__', 'constructor', 'length', 'a.b', 'ü'];
const values: readonly MetadataValue[] = [
  0,
  -0,
  1,
  2,
  2.5,
  -1e300,
  '',
  '0',
  '1',
  'x',
  'true',
  'null',
  true,
  false,
  null,
];
const numbers = [0, -0, 1, 2, 2.5, -1e300, 1e300];

/** An object whose own property may be called `__proto__`. */
function record(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries);
}

function randomMetadata(): Metadata {
  return record(fields.filter(() => random() < 0.5).map((field) => [field, pick(values)])) as Metadata;
}

function randomCondition(): unknown {
  const kind = random();
  if (kind < 0.25) return pick(values);
  if (kind < 0.4) return Array.from({ length: Math.floor(random() * 4) }, () => pick(values));
  const operators: [string, unknown][] = [];
  if (random() < 0.3)
    operators.push(['$in', Array.from({ length: Math.floor(random() * 4) }, () => pick(values))]);
  for (const name of ['$gt', '$gte', '$lt', '$lte'])
    if (random() < 0.3) operators.push([name, pick(numbers)]);
  if (random() < 0.2 || operators.length === 0) operators.push(['$exists', random() < 0.5]);
  if (random() < 0.1 && !operators.some(([name]) => name === '$lt')) operators.push(['$lt', undefined]);
  return record(operators);
}

function randomFilter(depth: number): Filter {
  const entries: [string, unknown][] = [];
  const several = () => Array.from({ length: Math.floor(random() * 3) }, () => randomFilter(depth - 1));
  for (let left = Math.floor(random() * 3); left > 0; left--) entries.push([pick(fields), randomCondition()]);
  if (depth > 0) {
    if (random() < 0.3) entries.push(['$and', several()]);
    if (random() < 0.3) entries.push(['$or', several()]);
    if (random() < 0.3) entries.push(['$not', randomFilter(depth - 1)]);
  }
  if (random() < 0.05) entries.push([pick([...fields, '$and', '$or', '$not']), undefined]);
  return record(entries) as Filter;
}

/** The language read straight from the filter: no clauses, and three-way numbers instead of operators of JavaScript. */
function holds(filter: unknown, metadata: ReadonlyMap<string, MetadataValue>): boolean {
  let verdict = true;
  for (const [name, operand] of new Map(Object.entries(filter as object))) {
    if (operand === undefined) continue;
    if (name === '$not') verdict = verdict && !holds(operand, metadata);
    else if (name === '$and') verdict = verdict && !operand.some((each: unknown) => !holds(each, metadata));
    else if (name === '$or')
      verdict = verdict && operand.filter((each: unknown) => holds(each, metadata)).length > 0;
    else verdict = verdict && meets(metadata.has(name), metadata.get(name), operand);
  }
  return verdict;
}

function meets(present: boolean, value: MetadataValue | undefined, condition: unknown): boolean {
  const equals = (other: unknown) => present && value === other;
  if (condition === null || typeof condition !== 'object') return equals(condition);
  if (Array.isArray(condition)) return condition.filter(equals).length > 0;
  const failures = Object.entries(condition).filter(([operator, operand]) => {
    if (operand === undefined) return false;
    if (operator === '$in') return operand.filter(equals).length === 0;
    if (operator === '$exists') return operand ? !present : present;
    if (typeof value !== 'number') return true;
    const order = Math.sign(value - operand);
    return !{ $gt: [1], $gte: [0, 1], $lt: [-1], $lte: [-1, 0] }[operator]?.some((each) => each === order);
  });
  return failures.length === 0;
}

test('a filter passes what it says', () => {
  let passed = 0;
  for (let run = 0; run < runs; run++) {
    const filter = randomFilter(3);
    const metadata = randomMetadata();
    checkMetadata(metadata);
    const expected = holds(filter, new Map(Object.entries(metadata)));
    if (passes(parseFilter(filter), metadata) !== expected) {
      const shown = JSON.stringify([Object.entries(filter), Object.entries(metadata)]);
      assert.unreachable(`seed ${seed}, run ${run}: expected ${expected} for ${shown}`);
    }
    if (expected) passed++;
  }
  assert.ok(
    passed > runs * 0.1 && passed < runs * 0.9,
    `${passed} of ${runs} passed: the test tells nothing`,
  );
});

test('a filter without a document, and the complement of one with it', () => {
  for (let run = 0; run < runs / 10; run++) {
    const filter = randomFilter(2);
    const metadata = randomMetadata();
    const judged = (each: Filter) => passes(parseFilter(each), metadata);
    assert.is(judged({ $not: filter }), !judged(filter));
    assert.is(judged({ $and: [filter, { $not: filter }] }), false);
    assert.is(judged({ $or: [filter, { $not: filter }] }), true);
  }
  assert.is(passes(parseFilter(undefined), randomMetadata()), true);
  assert.is(passes(parseFilter({}), randomMetadata()), true);
});

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const nested = (levels: number, leaf: unknown = { a: 1 }): unknown =>
  levels === 0 ? leaf : { $not: nested(levels - 1, leaf) };
class Shape {
  a = 1;
}

test('what is no filter is refused, with where it stands', () => {
  const circular: Record<string, unknown> = {};
  circular.$not = circular;
  const bad: readonly unknown[] = [
    ...[null, [], 'a', 1, true, () => ({}), new Date(), new Map(), new Shape(), /x/],
    ...['$nor', '$where', '$gt', '$', '$AND'].map((name) => ({ [name]: 1 })),
    ...['$ne', '$eq', '$regex', 'gt', '$in ', 'a'].map((name) => ({ a: { [name]: 1 } })),
    ...[Number.NaN, Number.POSITIVE_INFINITY, 1n, Symbol('x'), () => 1, '\ud800'].map((value) => ({
      a: value,
    })),
    ...[Number.NaN, undefined, [1], {}, 1n].map((value) => ({ a: [1, value] })),
    ...[Number.NaN, Number.NEGATIVE_INFINITY, '1', null, true, [1], {}].map((value) => ({
      a: { $gt: value },
    })),
    ...['x', 1, null, {}].map((value) => ({ a: { $in: value } })),
    ...[1, 'true', null, []].map((value) => ({ a: { $exists: value } })),
    ...[{}, { a: 1 }, 'x', null, 1].flatMap((value) => [{ $and: value }, { $or: value }]),
    ...[[], 'x', null, 1, [{}]].map((value) => ({ $not: value })),
    ...[null, 'x', [], 1, undefined].map((value) => ({ $and: [{}, value] })),
    ...[new Date(), new Map(), new Set(), new Shape(), Buffer.from('x'), {}, { $gt: undefined }].map((a) => ({
      a,
    })),
    { '': 1 },
    { ['x'.repeat(257)]: 1 },
    { '\ud800': 1 },
    JSON.parse('{"__proto__": {"$near": 1}}'),
    JSON.parse('{"a": {"__proto__": 1}}'),
    circular,
    nested(16),
    nested(5000),
    { $and: Array.from({ length: 1001 }, () => ({ a: 1 })) },
    { $or: Array.from({ length: 20_000 }, () => ({})) },
    { a: Array.from({ length: 1001 }, () => 1) },
    { $and: Array.from({ length: 20 }, () => ({ a: Array.from({ length: 1000 }, () => 1) })) },
  ];
  for (const [index, filter] of bad.entries()) {
    assert.is(
      codeOf(() => parseFilter(filter as Filter)),
      'ERR_LLM_CACHE_ARGUMENT',
      `number ${index}`,
    );
  }
  assert.throws(
    () => parseFilter({ $or: [{}, { x: { $gt: Number.NaN } }] }),
    (error: Error) => error.message.includes('filter.$or[1].x.$gt'),
  );
  assert.is(
    codeOf(() => parseFilter(nested(15) as Filter)),
    undefined,
    '16 levels are fine',
  );
});

test('fields named like parts of an object are fields like others', () => {
  const bare: Metadata = { a: 1 };
  for (const field of ['__proto__', 'toString', 'constructor', 'hasOwnProperty']) {
    const filter = JSON.parse(`{"${field}": 1}`) as Filter;
    const held = JSON.parse(`{"${field}": 1}`) as Metadata;
    assert.is(passes(parseFilter(filter), bare), false, field);
    assert.is(passes(parseFilter(filter), held), true, field);
    assert.is(passes(parseFilter(JSON.parse(`{"${field}": {"$exists": true}}`) as Filter), bare), false);
    assert.is(passes(parseFilter(JSON.parse(`{"${field}": {"$exists": true}}`) as Filter), held), true);
    checkMetadata(held);
  }
  const bad: readonly unknown[] = [
    null,
    [],
    'x',
    new Map([['a', 1]]),
    new Shape(),
    { $a: 1 },
    { a: new Date() },
  ];
  for (const metadata of bad) {
    assert.is(
      codeOf(() => checkMetadata(metadata as Metadata)),
      'ERR_LLM_CACHE_ARGUMENT',
    );
  }
});

test('a parsed filter does not change with the one it came from', () => {
  const values = ['x'];
  const filter = { a: values, $or: [{ b: 1 }] };
  const clause = parseFilter(filter);
  values.push('y');
  filter.$or.push({ b: 2 });
  assert.is(passes(clause, { a: 'y', b: 1 }), false);
  assert.is(passes(clause, { a: 'x', b: 2 }), false);
  assert.is(passes(clause, { a: 'x', b: 1 }), true);
});

test.run();
