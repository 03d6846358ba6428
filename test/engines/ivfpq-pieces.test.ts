// Lists that are learnt from a sample and filled in pieces, against a map of what stands.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '#dist/core/native.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import { type IvfPqEngineOptions, listsBytes } from '#dist/engines/ivfpq-options.js';
import { cosine, randomUnitVector, seededRandom, vectorAt } from '#dist/testing/index.js';
import { printedSeed } from './conformance.ts';

const test = suite('ivfpq engine, in pieces');
const random = seededRandom(printedSeed());
const dimension = 32;
const centres = Array.from({ length: 40 }, () => randomUnitVector(dimension, random));
const draw = () => vectorAt(centres[Math.floor(random() * centres.length)] as Float32Array, 0.8, random);
const drawMany = (count: number) => Array.from({ length: count }, draw);

function matrix(vectors: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(vectors.length * dimension);
  for (const [row, vector] of vectors.entries()) out.set(vector, row * dimension);
  return out;
}

const open = (options: IvfPqEngineOptions = {}) => new IvfPqEngine(dimension, { trainFrom: 500, ...options });

/** A piece of rows, and the model's view of it. */
function put(engine: IvfPqEngine, rows: Map<number, Float32Array>, ids: readonly number[], partition = 7) {
  const vectors = drawMany(ids.length);
  engine.setMany(Uint32Array.from(ids), partition, matrix(vectors));
  for (const [at, id] of ids.entries()) rows.set(id, vectors[at] as Float32Array);
}

/** Every row that stands is the first or, rounded as it is, among the first of a search for it; nothing else is there. */
function agrees(engine: IvfPqEngine, rows: ReadonlyMap<number, Float32Array>, partition = 7) {
  assert.is(engine.size, rows.size);
  let found = 0;
  for (const [id, vector] of rows) {
    const hits = engine.search(vector, partition, 3);
    for (const hit of hits) {
      const right = cosine(rows.get(hit.id) as Float32Array, vector);
      assert.ok(Math.abs(hit.similarity - right) < 0.02, `${hit.similarity}, not ${right}`);
    }
    if (hits.some((hit) => hit.id === id)) found++;
  }
  assert.ok(found >= rows.size * 0.999, `${found} of ${rows.size}`);
}

const codeOf = (code: string) => (error: unknown) => (error as { code?: string }).code === code;

async function rejects(work: Promise<unknown>, code: string) {
  await work.then(
    () => assert.unreachable('was resolved'),
    (error) => assert.ok(codeOf(code)(error), String(error)),
  );
}

test('pieces fill prepared lists, replaced rows and repeated ids among them', async () => {
  const engine = open();
  const rows = new Map<number, Float32Array>();
  await engine.prepare(7, 3_000, matrix(drawMany(1_000)));
  assert.is(engine.size, 0);
  for (let first = 0; first < 3_000; first += 300) {
    const some = Array.from({ length: 300 }, (_, i) => first + i);
    put(engine, rows, [...some, ...some.slice(0, 5), Math.floor(random() * (first + 1))]);
  }
  assert.is(engine.rowsInLists, 3_000);
  agrees(engine, rows);
  for (let id = 0; id < 3_000; id += 7) assert.ok(engine.remove(id) && rows.delete(id));
  put(engine, rows, [0, 7, 14, 2_999]);
  agrees(engine, rows);
  await engine.settled();
  assert.is(engine.lastFailure, undefined);
  await engine.close();
});

test('codes alone in pieces find what codes of one build find', async () => {
  const options = { rescore: 'none', m: 16, nlist: 32, nprobe: 32 } as const;
  const vectors = drawMany(2_000);
  const ids = Uint32Array.from(vectors, (_, id) => id);
  const engine = open(options);
  await engine.prepare(0, vectors.length, matrix(vectors));
  for (let first = 0; first < ids.length; first += 250)
    engine.setMany(ids.subarray(first, first + 250), 0, matrix(vectors.slice(first, first + 250)));
  const whole = open(options);
  await whole.load(ids, new Uint32Array(ids.length), matrix(vectors));
  for (const question of drawMany(50)) {
    // Rows whose codes are equal have no order among themselves.
    const similarities = [engine, whole].map((one) =>
      one.search(question, 0, 10).map(({ similarity }) => similarity.toFixed(5)),
    );
    assert.equal(similarities[0], similarities[1]);
  }
  for (const one of [engine, whole]) await one.close();
});

test('pieces of a small partition are exact, and make it go into lists', async () => {
  const engine = open();
  const rows = new Map<number, Float32Array>();
  for (let first = 0; first < 1_000; first += 200) {
    put(
      engine,
      rows,
      Array.from({ length: 200 }, (_, i) => first + i),
    );
    if (first === 0) assert.is(engine.rowsInLists, 0);
  }
  await engine.settled();
  assert.is(engine.rowsInLists, 1_000);
  agrees(engine, rows);
  await engine.close();
});

test('a piece takes its ids from the partitions where they were', async () => {
  const engine = open();
  const [exact, listed, target] = [1, 2, 3];
  const elsewhere = new Map<number, Float32Array>();
  const rows = new Map<number, Float32Array>();
  put(
    engine,
    elsewhere,
    Array.from({ length: 100 }, (_, i) => i),
    exact,
  );
  await engine.prepare(listed, 500, matrix(drawMany(500)));
  put(
    engine,
    elsewhere,
    Array.from({ length: 100 }, (_, i) => 100 + i),
    listed,
  );
  await engine.prepare(target, 500, matrix(drawMany(500)));
  put(engine, rows, [50, 150, 250], target);
  assert.is(engine.size, 201);
  assert.is(engine.search(draw(), exact, 200).length, 99);
  assert.is(engine.search(draw(), listed, 200).length, 99);
  assert.is(engine.search(draw(), target, 200).length, 3);
  await engine.close();
});

test('what comes while lists are prepared is brought over', async () => {
  const engine = open();
  const rows = new Map<number, Float32Array>();
  put(engine, rows, [1, 2, 3]);
  const ready = engine.prepare(7, 1_000, matrix(drawMany(1_000)));
  rows.clear();
  await new Promise(setImmediate);
  put(engine, rows, [4, 5, 6]);
  await ready;
  assert.is(engine.rowsInLists, 3);
  agrees(engine, rows);
  await engine.close();
});

test('a piece with a vector that is refused changes nothing', async () => {
  const engine = open();
  const rows = new Map<number, Float32Array>();
  await engine.prepare(7, 600, matrix(drawMany(600)));
  put(
    engine,
    rows,
    Array.from({ length: 600 }, (_, i) => i),
  );
  const questions = drawMany(20);
  const answers = () => questions.map((question) => engine.search(question, 7, 10));
  const before = answers();
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, 3]) {
    const piece = matrix(drawMany(10));
    piece[5 * dimension + 3] = wrong;
    const ids = Uint32Array.from({ length: 10 }, (_, i) => 595 + i);
    assert.throws(() => engine.setMany(ids, 7, piece), codeOf('ERR_LLM_CACHE_ARGUMENT'));
  }
  assert.throws(
    () => engine.setMany(new Uint32Array(2), 7, new Float32Array(dimension)),
    codeOf('ERR_LLM_CACHE_DIMENSION'),
  );
  assert.is(engine.size, 600);
  assert.equal(answers(), before);
  await engine.close();
});

test('a sample that nothing can be learnt from is refused, and the partition serves on', async () => {
  const engine = open({ nlist: 64 });
  await rejects(engine.prepare(7, 1_000, matrix(drawMany(20))), 'ERR_LLM_CACHE_ARGUMENT');
  await rejects(engine.prepare(7, 1_000, new Float32Array(33)), 'ERR_LLM_CACHE_DIMENSION');
  await rejects(engine.prepare(7, 0, matrix(drawMany(100))), 'ERR_LLM_CACHE_ARGUMENT');
  const rows = new Map<number, Float32Array>();
  put(engine, rows, [1, 2, 3]);
  assert.is(engine.rowsInLists, 0);
  agrees(engine, rows);
  const ready = engine.prepare(7, 1_000, matrix(drawMany(1_000)));
  await new Promise(setImmediate);
  await engine.close();
  await rejects(ready, 'ERR_LLM_CACHE_CLOSED');
});

test('the addon itself sets all rows of a piece or none', async () => {
  const vectors = matrix(drawMany(300));
  const ids = Uint32Array.from({ length: 300 }, (_, i) => i);
  const shape = [dimension, 8, 8, 4, 1, 0, 4, 300, 1, 2, 300] as const;
  const index = await native.IvfIndex.build(...shape, ids, vectors).promise;
  const piece = matrix(drawMany(4));
  piece[3 * dimension] = Number.NaN;
  assert.throws(
    () => index.setMany(Uint32Array.of(1, 2, 900, 901), piece, 2),
    codeOf('ERR_LLM_CACHE_ARGUMENT'),
  );
  assert.throws(
    () => index.setMany(Uint32Array.of(2 ** 32 - 1), piece.subarray(0, dimension), 2),
    codeOf('ERR_LLM_CACHE_ARGUMENT'),
  );
  assert.is(index.size, 300);
  index.setMany(Uint32Array.of(1, 900, 900), piece.subarray(0, 3 * dimension), 2);
  assert.is(index.size, 301);
  const out = new Float32Array(dimension);
  assert.ok(index.read(900, out));
  assert.ok(cosine(out, piece.subarray(2 * dimension, 3 * dimension)) > 0.99);
});

for (const options of [
  { nbits: 4, rescore: 'none' },
  { nbits: 8, rescore: 'none', m: 16 },
  { rescore: 'int8' },
  { rescore: 'float16', nlist: 50 },
] as const) {
  test(`lists weigh what the formula says, ${JSON.stringify(options)}`, async () => {
    const engine = open({ m: 8, ...options });
    const rows = 40_000 + Math.floor(random() * 10_000);
    await engine.prepare(0, rows, matrix(drawMany(2_000)));
    for (let first = 0; first < rows; first += 5_000) {
      const ids = Uint32Array.from({ length: Math.min(5_000, rows - first) }, (_, i) => first + i);
      engine.setMany(ids, 0, matrix(drawMany(ids.length)));
    }
    const expected = listsBytes(rows, dimension, { m: 8, ...options });
    const off = engine.bytes / expected - 1;
    assert.ok(Math.abs(off) < 0.05, `${engine.bytes} bytes of ${rows} rows, not ${expected}: ${off}`);
    await engine.close();
  });
}

test.run();
