// Reads of a collection with copies ask for what most of them have; writes and single copies do not.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { documentOf, onDouble, scopes } from './support.ts';

const test = suite('qdrant replicas');
const [a] = scopes;
const reads = ['POST points', 'POST points/query', 'POST points/count', 'POST points/scroll'];
const writes = ['PUT points', 'POST points/batch'];

async function consistencies(
  replicationFactor: number | undefined,
): Promise<Map<string, Set<string | null>>> {
  const { double, database, end } = await onDouble({ replicationFactor });
  const seen = new Map<string, Set<string | null>>();
  double.fault = ({ route, query, body }) => {
    assert.not.ok('consistency' in body, `${route} has it in the body, where Qdrant knows no such field`);
    seen.set(route, (seen.get(route) ?? new Set()).add(query.get('consistency')));
    return undefined;
  };
  const document = documentOf('x', { metadata: { n: 1 } });
  await database.upsert([document, documentOf('y')]);
  await database.search(document.vector, { scope: a, topK: 1 });
  assert.is(await database.count(a), 2);
  assert.ok((await database.get(a, ['x']))[0]);
  assert.ok((await database.vectors(a, ['x']))[0]);
  await database.version(a);
  assert.is(await database.delete(a, { n: 1 }), 1);
  assert.is(await database.delete(a, ['y']), 1);
  await database.clear(a);
  await end();
  for (const route of [...reads, ...writes]) assert.ok(seen.has(route), route);
  return seen;
}

test('with two copies, every read says majority and no write does', async () => {
  const seen = await consistencies(2);
  for (const route of reads) assert.equal([...(seen.get(route) ?? [])], ['majority'], route);
  for (const route of writes) assert.equal([...(seen.get(route) ?? [])], [null], route);
});

test('with one copy, or as many as the server makes, nothing is said', async () => {
  for (const factor of [1, undefined]) {
    for (const [route, values] of await consistencies(factor)) assert.equal([...values], [null], route);
  }
});

test.run();
