// The part of the vector-database contract that is about filters; for testing/ alone.
import type { StoredDocument } from '../vectordb/database.js';
import { type Filter, type Metadata, parseFilter, passes } from '../vectordb/filter.js';
import { type Check, type Context, codeOf, scopes, searchAll } from './vector-database-context.js';

const [a, b] = scopes;

const filters: readonly Filter[] = [
  {},
  { kind: 'even' },
  { part: 7 },
  { part: [1, 2, 3], kind: 'odd' },
  { low: true },
  { low: false },
  { none: null },
  { none: [null, 3] },
  { absent: 'x' },
  { absent: null },
  { toString: 'x' },
  { part: '7' },
  { part: [] },
  { part: { $in: [7, 'odd', true, null] } },
  { part: { $gte: 10, $lt: 13 } },
  { part: { $gt: 10, $lte: 10 } },
  { part: { $gt: -0.5, $lt: 0.5 } },
  { kind: { $gt: 0 } },
  { weight: { $gte: -2.5 } },
  { weight: { $exists: true } },
  { weight: { $exists: false } },
  { none: { $exists: true } },
  { $not: { kind: 'even' } },
  { $not: { absent: 'x' } },
  { $not: { weight: { $lt: 0 } } },
  { $not: {} },
  { $or: [] },
  { $and: [] },
  { $or: [{ part: 1 }, { low: true, kind: 'even' }] },
  { $and: [{ part: { $lt: 20 } }, { $not: { part: { $lt: 18 } } }] },
  {
    $or: [
      { $and: [{ kind: 'odd' }, { $or: [{ part: 3 }, { part: 5 }] }] },
      { $not: { $not: { low: true } } },
    ],
  },
  { kind: 'even', $or: [{ weight: { $gt: 0 } }, { part: [0, 2] }], $not: { low: true } },
  { 'a.b[0] "c"': 'Zürich 東京' },
  { ünï: 1e300 },
  { big: 2 ** 53 - 1 },
  { fraction: 0.1 + 0.2 },
  { fraction: { $gt: 0.3, $lte: 0.1 + 0.2 } },
];

/** Registers the tests of filters. */
export function filterContract(check: Check): void {
  check('a filter is exact: enough documents pass or all were seen', async (context) => {
    const documents = await various(context);
    for (const filter of filters) await searchAll(context, documents, filter);
  });

  check('count by filter counts what passes', async (context) => {
    const { database, assert } = context;
    const documents = await various(context);
    for (const filter of filters) {
      const expected = scopes.map((scope) => passing(documents, scope, filter).length);
      const counted = [await database.count(a, filter), await database.count(b, filter)];
      assert.equal(counted, expected, JSON.stringify(filter));
    }
  });

  check(
    'delete by filter removes what passes, of the scope, and says how many there were',
    async (context) => {
      const { database, assert } = context;
      let documents = await various(context);
      for (const filter of filters.filter((each) => Object.keys(each).length > 0)) {
        const doomed = passing(documents, a, filter);
        assert.equal(await database.delete(a, filter), doomed.length, JSON.stringify(filter));
        documents = documents.filter((each) => !doomed.includes(each));
        assert.equal(await database.count(), documents.length);
        if (documents.every(({ scope }) => scope === b)) break;
      }
      await searchAll(context, documents);
      assert.equal(await database.delete(b, {}), countOf(documents, b));
      assert.equal(await database.count(b), 0);
    },
  );

  check('a delete by filter that follows an upsert not yet awaited sees it', async (context) => {
    const { database, document, assert } = context;
    await Promise.all([database.upsert([document('x', a)]), database.delete(a, { yes: true })]);
    assert.equal(await database.count(), 0);
  });

  check('filters that cannot be are refused and delete nothing', async ({ database, document, assert }) => {
    await database.upsert([document('x', a)]);
    const deep = (levels: number): Filter => (levels === 0 ? { yes: true } : { $not: deep(levels - 1) });
    const bad: readonly unknown[] = [
      null,
      [],
      'yes',
      { $where: 'true' },
      { yes: { $ne: true } },
      { yes: { $gt: Number.NaN } },
      { yes: Number.POSITIVE_INFINITY },
      { yes: {} },
      { yes: [[true]] },
      { $or: { yes: true } },
      { $not: [] },
      deep(40),
      { $or: Array.from({ length: 1001 }, () => ({ yes: true })) },
    ];
    for (const filter of bad) {
      const what = JSON.stringify(filter)?.slice(0, 60);
      const remove = () => database.delete(a, filter as Filter);
      // An empty list is a list of ids.
      const expected = Array.isArray(filter) ? undefined : 'ERR_LLM_CACHE_ARGUMENT';
      assert.equal(await codeOf(remove), expected, `delete ${what}`);
      const count = () => database.count(a, filter as Filter);
      assert.equal(await codeOf(count), 'ERR_LLM_CACHE_ARGUMENT', `count ${what}`);
    }
    assert.equal(await database.count(), 1);
  });
}

/** 200 documents of both scopes whose metadata have every type of value, and gaps. */
async function various({ database, document }: Context): Promise<StoredDocument[]> {
  const documents = Array.from({ length: 200 }, (_, i) => {
    const metadata: Metadata = {
      part: i % 40,
      kind: i % 2 === 0 ? 'even' : 'odd',
      low: i < 5,
      none: i % 7 === 0 ? null : i % 7,
      ...(i % 4 === 0 && { weight: i / 10 - 10 }),
      ...(i % 11 === 0 && { 'a.b[0] "c"': 'Zürich 東京', ünï: 1e300, big: 2 ** 53 - 1 }),
      ...(i % 13 === 0 && { fraction: 0.1 + 0.2 }),
    };
    return document(`d${i}`, i % 3 === 0 ? b : a, { metadata });
  });
  await database.upsert(documents);
  return documents;
}

function passing(documents: readonly StoredDocument[], scope: string, filter: Filter): StoredDocument[] {
  const clause = parseFilter(filter);
  return documents.filter((each) => each.scope === scope && passes(clause, each.metadata));
}

function countOf(documents: readonly StoredDocument[], scope: string): number {
  return documents.filter((each) => each.scope === scope).length;
}
