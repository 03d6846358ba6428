// The Qdrant database against a server that is absent, slow, in trouble, forgetful or talks nonsense: typed errors, never a wrong row.

import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CacheError } from '#dist/core/errors.js';
import { cosine, manualClock, randomUnitVector, seededRandom } from '#dist/testing/index.js';
import { openQdrantDatabase } from '#dist/vectordb/qdrant.js';
import { codeOf, until } from '../disk/support.ts';
import { Collection } from './collection.ts';
import { startDouble } from './double.ts';
import { dimension, documentOf, onDouble, scopes } from './support.ts';

const test = suite('qdrant faults');
const [a, b] = scopes;

const refuse =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ status: { error: `trouble ${status}` }, time: 0 }));
    return true;
  };

async function errorOf(call: () => unknown): Promise<CacheError> {
  try {
    await call();
  } catch (error) {
    return error as CacheError;
  }
  throw new Error('nothing was thrown');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('a server that is down at first: calls fail typed until it is there, then work', async () => {
  const port = await freePort();
  const database = await openQdrantDatabase({ port, collection: 'c', dimension, embedder: 'e1', retries: 0 });
  const document = documentOf('x');
  const calls = [
    () => database.upsert([document]),
    () => database.search(document.vector, { scope: a, topK: 1 }),
    () => database.get(a, ['x']),
    () => database.delete(a, ['x']),
    () => database.count(),
    () => database.version(a),
    () => database.clear(),
    () => database.bytes(),
  ];
  for (const call of calls) assert.is(await codeOf(call), 'ERR_LLM_CACHE_TIER');
  assert.match((await errorOf(() => database.count())).message, /ECONNREFUSED/);
  const double = await startDouble({ port });
  await database.upsert([document]);
  assert.is(await database.count(), 1);
  await database.close();
  assert.is(await codeOf(() => database.count()), 'ERR_LLM_CACHE_CLOSED');
  await double.stop();
});

test('another dimension or metric is refused with both numbers, and nothing is written', async () => {
  for (const [vectors, pattern] of [
    [{ size: 16, distance: 'Cosine' }, /16.*8/],
    [{ size: 8, distance: 'Dot' }, /Dot.*Cosine/],
    [undefined, /one unnamed vector/],
  ] as const) {
    const double = await startDouble();
    double.collections.set('c', new Collection(vectors ? { vectors } : {}));
    const error = await errorOf(() =>
      openQdrantDatabase({ url: double.url, collection: 'c', dimension, embedder: 'e1' }),
    );
    assert.is(error.code, 'ERR_LLM_CACHE_CONFIG');
    assert.match(error.message, pattern);
    assert.equal(new Set(double.requests), new Set(['GET ']));
    await double.stop();
  }
});

test('a wrong key is a ConfigError at once, and a key is never shown', async () => {
  const double = await startDouble({ apiKey: 'right-key' });
  const options = { url: double.url, collection: 'c', dimension, embedder: 'e1', retries: 0 };
  for (const apiKey of [undefined, 'wrong-key']) {
    const error = await errorOf(() => openQdrantDatabase({ ...options, ...(apiKey && { apiKey }) }));
    assert.is(error.code, 'ERR_LLM_CACHE_CONFIG');
    assert.not.match(`${error.stack} ${JSON.stringify(error)}`, /wrong-key/);
  }
  const database = await openQdrantDatabase({ ...options, apiKey: 'right-key' });
  double.fault = (_request, response) => {
    response.writeHead(500).end('I was given right-key');
    return true;
  };
  const error = await errorOf(() => database.count());
  assert.match(error.message, /I was given \(key\)/);
  assert.is(await codeOf(() => openQdrantDatabase({ ...options, apiKey: 'a\nb' })), 'ERR_LLM_CACHE_CONFIG');
  assert.is(
    await codeOf(() => openQdrantDatabase({ ...options, url: 'http://u:p@127.0.0.1' })),
    'ERR_LLM_CACHE_CONFIG',
  );
  await database.close();
  await double.stop();
});

test('a write is tried again after 5xx and lost connections, a bounded number of times; a read is not', async () => {
  const { double, database, end } = await onDouble({ retries: 2 });
  let failures = 0;
  const failing = (times: number) => {
    failures = 0;
    double.fault = ({ route }, response) => {
      if (route !== 'PUT points' && route !== 'POST points/query') return undefined;
      if (++failures > times) return undefined;
      if (failures === 1) {
        response.destroy();
        return true;
      }
      return refuse(503)(response);
    };
  };
  failing(2);
  await database.upsert([documentOf('x')]);
  assert.is(failures, 3);
  failing(100);
  assert.is(await codeOf(() => database.upsert([documentOf('x')])), 'ERR_LLM_CACHE_TIER');
  assert.is(failures, 3);
  failing(100);
  assert.is(
    await codeOf(() => database.search(documentOf('x').vector, { scope: a, topK: 1 })),
    'ERR_LLM_CACHE_TIER',
  );
  assert.is(failures, 1);
  await end();
});

test('a storm of 429 is waited out as long as it may, and ends in a typed error', async () => {
  const clock = manualClock();
  const { double, database, end } = await onDouble({ retries: 2, clock });
  let asked = 0;
  double.fault = ({ route }, response) => {
    if (route !== 'PUT points') return undefined;
    asked++;
    return refuse(429, { 'retry-after': '30' })(response);
  };
  const failed = errorOf(() => database.upsert([documentOf('x')]));
  await until('the first answer', () => asked === 1 && clock.timers === 1);
  clock.advance(29_000);
  assert.is(asked, 1, 'not before the time the server gave');
  for (const tries of [2, 3]) {
    await until(`try ${tries}`, () => {
      if (asked < tries) clock.advance(1_000);
      return asked === tries;
    });
  }
  const error = await failed;
  assert.match(error.message, /429/);
  assert.is(asked, 3);
  const waiting = errorOf(() => database.upsert([documentOf('x')]));
  await until('a pause', () => asked === 4 && clock.timers === 1);
  await database.close();
  assert.is((await waiting).code, 'ERR_LLM_CACHE_CLOSED');
  await end();
});

test('a silent server costs the time limit, and an aborted search nothing', async () => {
  const { double, database, end } = await onDouble({ timeoutMs: 60 });
  double.fault = () => true;
  assert.is(await codeOf(() => database.count()), 'ERR_LLM_CACHE_TIER_TIMEOUT');
  const controller = new AbortController();
  const { vector } = documentOf('x');
  const search = Promise.resolve(database.search(vector, { scope: a, topK: 1, signal: controller.signal }));
  const reason = search.catch((error) => error);
  controller.abort('enough');
  assert.is(await reason, 'enough');
  await end();
});

test('points acknowledged and dropped are an error that names them', async () => {
  const { double, database, end } = await onDouble();
  double.fault = ({ route, body }, response) => {
    if (route !== 'PUT points') return undefined;
    const kept = (body.points as { payload: { _id?: string } }[]).filter(
      ({ payload }) => payload._id !== 'y',
    );
    double.collections.get('c')?.upsert({ points: kept });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ result: { operation_id: 1, status: 'completed' }, status: 'ok', time: 0 }));
    return true;
  };
  const error = await errorOf(() => database.upsert(['x', 'y', 'z'].map((id) => documentOf(id))));
  assert.is(error.code, 'ERR_LLM_CACHE_TIER');
  assert.match(error.message, /3 documents, of which 1 .*"y"/);
  await end();
});

test('a request over the limit, and a full server, are capacity errors', async () => {
  const double = await startDouble({ maxBytes: 50_000 });
  const options = { url: double.url, collection: 'c', dimension, embedder: 'e1', retries: 0 };
  const database = await openQdrantDatabase(options);
  const huge = documentOf('huge', { text: 'x'.repeat(60_000) });
  assert.is(await codeOf(() => database.upsert([huge])), 'ERR_LLM_CACHE_CAPACITY');
  double.fault = (_request, response) => {
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: { error: 'Service internal error: No space left on device' } }));
    return true;
  };
  assert.is(await codeOf(() => database.upsert([documentOf('x')])), 'ERR_LLM_CACHE_CAPACITY');
  await database.close();
  await double.stop();
});

test('answers of another kind are typed errors', async () => {
  const { double, database, end } = await onDouble();
  const { vector } = documentOf('x');
  for (const body of [
    '',
    'hello',
    '{',
    'null',
    '[]',
    '{"result":null}',
    '{"result":7}',
    '{"result":{"points":{}}}',
  ]) {
    double.fault = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      return true;
    };
    for (const call of [
      () => database.search(vector, { scope: a, topK: 3 }),
      () => database.get(a, ['x']),
      () => database.count(),
      () => database.delete(a, {}),
      () => database.version(a),
    ]) {
      assert.is(await codeOf(call), 'ERR_LLM_CACHE_TIER', body);
    }
  }
  await end();
});

test('a collection that is removed is made anew by the next call', async () => {
  const { double, database, end } = await onDouble();
  await database.upsert([documentOf('x')]);
  double.collections.delete('c');
  assert.is(await codeOf(() => database.count()), 'ERR_LLM_CACHE_TIER');
  await database.upsert([documentOf('y')]);
  assert.is(await database.count(), 1);
  await end();
});

test('whatever is done to its rows, a search gives rows of the scope, right, in order and no more than asked for', async () => {
  const { double, database, end } = await onDouble();
  const seed = Number(process.env.SEED ?? 29);
  console.log(`seed ${seed}`);
  const documents = Array.from({ length: 30 }, (_, i) => documentOf(`d${i}`, { metadata: { i } }));
  const foreign = documents.map((document) => ({ ...document, scope: b, text: 'foreign' }));
  await database.upsert([...documents, ...foreign]);
  const stranger = await openQdrantDatabase({ url: double.url, collection: 'c', dimension, embedder: 'e2' });
  await stranger.upsert(documents.map((document) => ({ ...document, text: 'of another embedder' })));
  const everything = { limit: 1_000, with_payload: true, with_vector: true };
  const all = (double.collections.get('c')?.scroll(everything).points ?? []) as Record<string, unknown>[];
  const wanted = randomUnitVector(dimension, seededRandom(seed));
  type Row = Record<string, unknown>;
  const bends: Record<string, (rows: Row[], n: number) => unknown[]> = {
    reversed: (rows) => [...rows].reverse(),
    doubled: (rows) => [...rows, ...rows],
    foreign: (rows) => [...all.map((row) => ({ ...row, score: 1 })), ...rows],
    scores: (rows, n) =>
      rows.map((row, i) => ({ ...row, score: [null, 'x', Number.NaN, 7, -7, 0.5, 1e39][(i + n) % 7] })),
    slightlyOver: (rows) => rows.map((row) => ({ ...row, score: (row.score as number) + 1e-6 })),
    payload: (rows, n) => rows.map((row, i) => ({ ...row, payload: [null, [], 'x', 3, {}][(i + n) % 5] })),
    meta: (rows, n) =>
      rows.map((row, i) => ({
        ...row,
        payload: { ...(row.payload as Row), meta: [null, [1], { i: [] }][(i + n) % 3] },
      })),
    ids: (rows, n) => rows.map((row, i) => ({ ...row, id: [n, null, 'x', all[n % all.length]?.id][i % 4] })),
    renamed: (rows) => rows.map((row) => ({ ...row, payload: { ...(row.payload as Row), _id: 'd1' } })),
    vectors: (rows, n) =>
      rows.map((row, i) => ({
        ...row,
        vector: [null, [], [1], Array(dimension).fill(n), { x: [1] }, Array(dimension).fill(null)][
          (i + n) % 6
        ],
      })),
    rubbish: (rows) => [null, 1, 'x', [], {}, ...rows],
    fewer: (rows, n) => rows.slice(n % 30),
  };
  const property = fc.asyncProperty(
    fc.array(fc.tuple(fc.constantFrom(...Object.keys(bends)), fc.nat(100)), { maxLength: 3 }),
    fc.integer({ min: 1, max: 40 }),
    async (applied, topK) => {
      double.bend = (route, result) => {
        if (route !== 'POST points/query') return result;
        let rows = (result as { points: Row[] }).points as unknown[];
        for (const [name, n] of applied) {
          rows = (bends[name] as (rows: unknown[], n: number) => unknown[])(
            rows.map((row) => (typeof row === 'object' && row !== null ? row : {})),
            n,
          );
        }
        return { points: rows };
      };
      const found = await database.search(wanted, { scope: a, topK, filter: { i: { $gte: 3 } } });
      assert.ok(found.length <= topK);
      assert.is(new Set(found.map(({ document }) => document.id)).size, found.length);
      let last = 1;
      for (const { document, similarity } of found) {
        const original = documents.find(({ id }) => id === document.id);
        assert.is(document.scope, a);
        assert.is(document.text, original?.text);
        assert.equal(document.metadata, original?.metadata);
        assert.ok((document.metadata.i as number) >= 3);
        assert.ok(Math.abs(similarity - cosine(wanted, original?.vector as Float32Array)) < 1e-5);
        assert.ok(similarity <= last && similarity >= -1);
        last = similarity;
      }
      if (applied.length === 0) assert.is(found.length, Math.min(topK, 27));
    },
  );
  await fc.assert(property, { seed, numRuns: 300 });
  assert.ok(database.dropped > 100, `${database.dropped} dropped`);
  await stranger.close();
  await end();
});

test('foreign points under the asked ids, and pages that never end, do no harm', async () => {
  const { double, database, end } = await onDouble();
  await database.upsert([documentOf('x'), documentOf('x', { scope: b, text: 'foreign' })]);
  const all = double.collections
    .get('c')
    ?.scroll({ limit: 10, with_payload: true, with_vector: true }).points;
  double.bend = (route, result) => (route === 'POST points' ? all : result);
  assert.is((await database.get(a, ['x']))[0]?.text, 'text of x');
  assert.equal(await database.get(a, ['other']), [undefined]);
  assert.is(await codeOf(() => database.version(a)), 'ERR_LLM_CACHE_TIER');
  double.bend = (route, result) =>
    route === 'POST points/scroll'
      ? { points: all, next_page_offset: '00000000-0000-5000-8000-000000000000' }
      : result;
  assert.is(await codeOf(() => database.delete(a, {})), 'ERR_LLM_CACHE_TIER');
  double.bend = undefined;
  assert.is(await database.count(b), 1, 'a filter ignored by the server deleted nothing of another scope');
  await end();
});

test('what has expired is swept after a while, by those who write', async () => {
  const clock = manualClock();
  const { database, end } = await onDouble({ clock });
  await database.upsert([documentOf('mortal', { expiresAtMs: clock.wall() + 1000 }), documentOf('x')]);
  clock.advance(200_000);
  await database.upsert([documentOf('y')]);
  await until('it is swept', async () => (await database.count()) === 2);
  assert.equal(await database.get(a, ['mortal']), [undefined]);
  await end();
});

test.run();
