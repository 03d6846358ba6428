// What a product quantiser does with bad input, a cancel, a throwing listener and worker threads: typed errors, nothing written.
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DimensionError, InvalidArgumentError } from '#dist/core/errors.js';
import { native } from '#dist/core/native.js';
import { type PqTraining, ProductQuantiser } from '#dist/engines/product-quantiser.js';

const test = suite('product quantiser');
const dimension = 8;
const shape = { dimension, m: 4, nbits: 4 } as const;
const wave = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * i));
const vectors = wave(300 * dimension);
const made = () => ProductQuantiser.from(wave(16 * dimension), shape);

/** The error of a call or promise. */
async function errorOf(call: () => unknown): Promise<Error & { code?: string }> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  return assert.unreachable('no error') as never;
}

const loose = <T>(value: unknown) => value as T;

test('training refuses shapes, counts and vectors that it cannot take', async () => {
  const bad: [Partial<Record<keyof PqTraining, unknown>>, Float32Array?][] = [
    [{ m: 3 }],
    [{ m: 0 }],
    [{ m: 16 }],
    [{ m: 1.5 }],
    [{ nbits: 5 }],
    [{ nbits: '8' }],
    [{ dimension: 0 }],
    [{ dimension: 65_537 }],
    [{ iterations: 0 }],
    [{ iterations: 1_001 }],
    [{ seed: -1 }],
    [{ seed: 2 ** 32 }],
    [{ threads: 0 }],
    [{ threads: 65 }],
    [{ onProgress: 3 }],
    [{}, vectors.subarray(1)],
    [{}, new Float32Array(0)],
    [{}, vectors.subarray(0, 15 * dimension)],
    [{ nbits: 8 }, vectors.subarray(0, 255 * dimension)],
    [{}, new Float32Array(300 * dimension).fill(0.5)],
    [{}, vectors.with(77, Number.NaN)],
    [{}, vectors.with(2399, Number.NEGATIVE_INFINITY)],
    [{}, vectors.with(0, 1e19)],
    [{}, loose([1, 2, 3])],
    [{}, loose(new Float64Array(300 * dimension))],
    [{}, loose(null)],
  ];
  for (const [change, input = vectors] of bad) {
    const error = await errorOf(() => ProductQuantiser.train(input, loose({ ...shape, ...change })));
    assert.instance(error, InvalidArgumentError, `${JSON.stringify(change)}: ${error}`);
  }
});

test('codebooks, vectors, codes and tables that do not fit are refused', async () => {
  const quantiser = made();
  const books = quantiser.codebooks();
  const wrong = () => ProductQuantiser.from(new Float32Array(5), shape);
  assert.instance(await errorOf(wrong), DimensionError);
  for (const number of [Number.NaN, Infinity, 1e19]) {
    const bad = () => ProductQuantiser.from(books.with(3, number), shape);
    assert.instance(await errorOf(bad), InvalidArgumentError);
    const vector = wave(dimension).with(7, number);
    assert.instance(await errorOf(() => quantiser.encode(vector)), InvalidArgumentError);
    assert.instance(await errorOf(() => quantiser.encodeMany(vector)), InvalidArgumentError);
    assert.instance(await errorOf(() => quantiser.adcTable(vector, 'distance')), InvalidArgumentError);
  }
  const table = quantiser.adcTable(wave(dimension), 'product');
  const calls: (() => unknown)[] = [
    () => quantiser.encode(new Float32Array(7)),
    () => quantiser.encodeMany(new Float32Array(9)),
    () => quantiser.decode(new Uint8Array(3)),
    () => quantiser.adcTable(new Float32Array(9), 'product'),
    () => quantiser.adcTable(wave(dimension), loose('other')),
    () => quantiser.scan(table.subarray(1), new Uint8Array(4)),
    () => quantiser.scan(table, new Uint8Array(3)),
    () => quantiser.scan(table.with(9, Number.NaN), new Uint8Array(4)),
    () => quantiser.scanError(new Float32Array(3)),
    () => quantiser.decode(loose('ab')),
  ];
  for (const call of calls) assert.instance(await errorOf(call), InvalidArgumentError, String(call));
  assert.equal(quantiser.codebooks(), books);
  assert.equal(await quantiser.encodeMany(new Float32Array(0)), new Uint8Array(0));
  assert.equal(quantiser.scan(table, new Uint8Array(0)), new Float32Array(0));
});

test('the addon itself refuses what the class would not let through, and writes nothing', async () => {
  const quantiser = new native.ProductQuantiser(dimension, 4, 4, wave(16 * dimension));
  const calls = loose<Record<string, (...values: unknown[]) => unknown>>(quantiser);
  const shared = new Float32Array(new SharedArrayBuffer(4 * dimension));
  const detached = new Float32Array(dimension);
  structuredClone(detached, { transfer: [detached.buffer] });
  const values = [
    undefined,
    null,
    1.5,
    'ab',
    [1],
    {},
    new Float64Array(8),
    new ArrayBuffer(8),
    shared,
    detached,
  ];
  const good = {
    floats: wave(dimension),
    codes: new Uint8Array(2).fill(7),
    table: new Float32Array(64).fill(7),
  };
  const out = new Float32Array(32).fill(7);
  for (const bad of values) {
    for (const call of [
      () => calls.encode?.(bad, good.codes),
      () => calls.encode?.(good.floats, bad),
      () => calls.decode?.(bad, good.floats),
      () => calls.decode?.(good.codes, bad),
      () => calls.productTable?.(bad, good.table),
      () => calls.distanceTable?.(good.floats, bad),
      () => calls.pack?.(bad),
      () => calls.scan?.(bad, new Uint8Array(64), out),
      () => calls.scan?.(good.table, bad, out),
      () => calls.scan?.(good.table, new Uint8Array(64), bad),
      () => calls.scanError?.(bad),
      () => calls.encodeMany?.(bad),
      () => native.ProductQuantiser.train(dimension, 4, 4, loose(bad), 5, 1, 1),
      () => native.ProductQuantiser.train(dimension, 4, 4, vectors, 5, loose(bad), loose(bad)),
      () => new native.ProductQuantiser(dimension, 4, 4, loose(bad)),
      () => new native.ProductQuantiser(loose(bad), 4, 4, good.floats),
    ]) {
      assert.is((await errorOf(call)).code, 'ERR_LLM_CACHE_ARGUMENT', `${String(call)} with ${typeof bad}`);
    }
  }
  for (const call of [
    () => quantiser.encode(good.floats, new Uint8Array(3)),
    () => quantiser.encode(new Float32Array(9), good.codes),
    () => quantiser.decode(good.codes, new Float32Array(7)),
    () => quantiser.productTable(good.floats, new Float32Array(63)),
    () => quantiser.scan(good.table, new Uint8Array(64), new Float32Array(31)),
    () => quantiser.scan(good.table, new Uint8Array(63), out),
    () => new native.ProductQuantiser(dimension, 4, 8, wave(16 * dimension)),
  ]) {
    assert.is((await errorOf(call)).code, 'ERR_LLM_CACHE_DIMENSION', String(call));
  }
  assert.equal([...good.codes, ...good.table, ...out], new Array(98).fill(7));
});

test('a cancel ends the training with its reason, before and in the middle', async () => {
  const reason = new Error('no more');
  const early = ProductQuantiser.train(vectors, { ...shape, signal: AbortSignal.abort(reason) });
  assert.is(await errorOf(() => early), reason);
  const many = wave(40_000 * 64);
  const controller = new AbortController();
  const training = { dimension: 64, m: 64, signal: controller.signal, threads: 1 };
  const running = ProductQuantiser.train(many, {
    ...training,
    onProgress: () => controller.abort(reason),
  });
  assert.is(await errorOf(() => running), reason);
  const raw = native.ProductQuantiser.train(64, 64, 8, many, 25, 0, 1);
  raw.cancel();
  assert.is((await errorOf(() => raw.promise)).code, 'ABORT_ERR');
  raw.cancel();
});

test('progress rises to at most 1, and what its listener throws ends the training', async () => {
  const shares: number[] = [];
  await ProductQuantiser.train(wave(5_000 * 32), {
    dimension: 32,
    m: 32,
    nbits: 4,
    onProgress: (share) => shares.push(share),
  });
  assert.ok(shares.length > 0);
  assert.equal(
    shares,
    [...new Set(shares)].sort((a, b) => a - b),
  );
  assert.ok((shares.at(0) as number) > 0 && (shares.at(-1) as number) <= 1);
  const mine = new RangeError('mine');
  const throwing = ProductQuantiser.train(wave(20_000 * 64), {
    dimension: 64,
    m: 64,
    onProgress() {
      throw mine;
    },
  });
  assert.is(await errorOf(() => throwing), mine);
});

test('a worker that is ended while it trains takes nothing down with it', async () => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData).then(({ native }) => {
      const vectors = Float32Array.from({ length: 3000 * 16 }, (_, i) => Math.sin(i * i));
      native.ProductQuantiser.train(16, 16, 8, vectors, 25, 0, 2, () => parentPort.postMessage('going'));
      new native.ProductQuantiser(16, 16, 4, vectors.slice(0, 256)).encodeMany(vectors);
    });`;
  const url = import.meta.resolve('#dist/core/native.js');
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(source, { eval: true, workerData: url });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    assert.is(await worker.terminate(), 1);
  }
  assert.is(made().encode(wave(dimension)).length, 2);
});

test.run();
