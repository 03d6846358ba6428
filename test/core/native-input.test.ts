// What the addon does with arguments that TypeScript would not let through: typed errors, nothing changed, no crash.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NativeAddon, native } from '#dist/core/native.js';

const test = suite('native input');
const root = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(import.meta.url);

const loaded = Object.keys(require.cache).find((path) => path.endsWith('.node')) as string;
// Calls with whatever types.
const loose = native as unknown as Record<string, (...values: unknown[]) => unknown>;
const looseIndex = (index: object) => index as Record<string, (...values: unknown[]) => unknown>;

function refuses(call: () => unknown, code: string): void {
  try {
    call();
  } catch (error) {
    assert.is((error as { code?: string }).code, code, String(error));
    assert.instance(error, Error);
    return;
  }
  assert.unreachable(`no error with code ${code}`);
}

function detached<T extends Float32Array | Uint8Array>(array: T): T {
  structuredClone(array, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

function filled(): { index: InstanceType<NativeAddon['FlatIndex']>; snapshot: () => string } {
  const index = new native.FlatIndex(4);
  for (let id = 0; id < 20; id++) index.set(id, id % 2, Float32Array.of(id, 1, -id, 0.5));
  const snapshot = () => {
    const rows = Array.from({ length: 25 }, (_, id) => {
      const out = new Float32Array(4);
      return index.read(id, out) ? [...out].join() : 'none';
    });
    const found = [0, 1].map((partition) => {
      const ids = new Uint32Array(20);
      const count = index.search(Float32Array.of(1, 2, 3, 4), partition, 20, ids, new Float32Array(20));
      return [...ids.subarray(0, count)].join();
    });
    return JSON.stringify([index.size, rows, found]);
  };
  return { index, snapshot };
}

const notVectors = [
  undefined,
  null,
  1,
  'abcd',
  [1, 2, 3, 4],
  new Float64Array(4),
  new Uint8Array(16),
  new ArrayBuffer(16),
  {},
];

test('values that are no typed array of the right kind are refused', () => {
  const digest = new Uint8Array(32);
  for (const bad of notVectors) {
    refuses(() => loose.dot?.(bad, new Float32Array(4)), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(() => loose.dotInt8?.(bad, new Int8Array(4)), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(() => loose.dotMany?.(new Float32Array(4), bad, new Float32Array(1)), 'ERR_LLM_CACHE_ARGUMENT');
  }
  for (const bad of [undefined, 'abc', [1], new Uint16Array(4), new DataView(new ArrayBuffer(8))]) {
    refuses(() => loose.sha256?.(bad), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(() => loose.queryKey?.('text', bad), 'ERR_LLM_CACHE_ARGUMENT');
  }
  for (const bad of [undefined, null, 3, {}, ['a'], Symbol('s')]) {
    refuses(() => loose.queryKey?.(bad, digest), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(() => loose.queryKeyNormalised?.(bad, digest), 'ERR_LLM_CACHE_ARGUMENT');
  }
  refuses(() => native.queryKey('text', new Uint8Array(31)), 'ERR_LLM_CACHE_ARGUMENT');
  for (const bad of [undefined, 'ab', { length: 1 }, [1], [null], [['a']]]) {
    refuses(() => loose.sha256Fields?.(bad), 'ERR_LLM_CACHE_ARGUMENT');
  }
});

test('an error thrown by an element of the fields comes through as it is', () => {
  const fields = ['a', 'b'];
  Object.defineProperty(fields, 1, {
    get() {
      throw new RangeError('mine');
    },
  });
  assert.throws(
    () => native.sha256Fields(fields),
    (error: Error) => error instanceof RangeError && error.message === 'mine',
  );
});

test('lengths that do not fit are refused', () => {
  refuses(() => native.dot(new Float32Array(3), new Float32Array(4)), 'ERR_LLM_CACHE_DIMENSION');
  refuses(() => native.dotInt8(new Int8Array(3), new Int8Array(4)), 'ERR_LLM_CACHE_DIMENSION');
  refuses(
    () => native.dotMany(new Float32Array(3), new Float32Array(7), new Float32Array(2)),
    'ERR_LLM_CACHE_DIMENSION',
  );
  refuses(
    () => native.dotMany(new Float32Array(3), new Float32Array(6), new Float32Array(1)),
    'ERR_LLM_CACHE_DIMENSION',
  );
  refuses(
    () => native.dotMany(new Float32Array(0), new Float32Array(6), new Float32Array(1)),
    'ERR_LLM_CACHE_DIMENSION',
  );
});

test('dimensions outside 1 to 65536 and bits of no storage are refused, and a call without new', () => {
  const Loose = native.FlatIndex as unknown as new (dimension?: unknown) => object;
  for (const bad of [0, -1, 1.5, 65537, Number.NaN, Number.POSITIVE_INFINITY, '4', undefined, null]) {
    refuses(() => new Loose(bad), 'ERR_LLM_CACHE_ARGUMENT');
  }
  const Bits = native.FlatIndex as unknown as new (dimension: number, bits: unknown) => object;
  for (const bad of [0, 7, 9, 24, 64, -8, 8.5, Number.NaN, '8', null]) {
    refuses(() => new Bits(4, bad), 'ERR_LLM_CACHE_ARGUMENT');
  }
  assert.throws(() => (native.FlatIndex as unknown as (dimension: number) => void)(4));
});

test('components that no half holds are refused where rows are kept as halves, and the index is as it was', () => {
  const index = new native.FlatIndex(2, 16);
  index.set(1, 0, Float32Array.of(65_504, 1));
  for (const bad of [65_520, -1e6]) {
    refuses(() => index.set(1, 0, Float32Array.of(1, bad)), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(
      () => index.setMany(Uint32Array.of(2, 3), 0, Float32Array.of(1, 1, 1, bad)),
      'ERR_LLM_CACHE_ARGUMENT',
    );
  }
  assert.is(index.size, 1);
  const out = new Float32Array(2);
  assert.ok(index.read(1, out));
  assert.equal(out, Float32Array.of(65_504, 1));
});

test('refused vectors, ids, partitions and counts leave the index as it was', () => {
  const { index, snapshot } = filled();
  const before = snapshot();
  const calls = looseIndex(index);
  const good = new Float32Array(4).fill(1);
  const ids = new Uint32Array(8);
  const products = new Float32Array(8);
  for (const bad of notVectors) {
    refuses(() => calls.set?.(1, 0, bad), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(() => calls.search?.(bad, 0, 1, ids, products), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(() => calls.read?.(1, bad), 'ERR_LLM_CACHE_ARGUMENT');
  }
  for (const [at, number] of [0, 1, 2, 3].flatMap((i) =>
    [Number.NaN, Infinity, -Infinity, 1e19].map((x) => [i, x] as const),
  )) {
    const bad = good.slice();
    bad[at] = number;
    refuses(() => index.set(1, 0, bad), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(() => index.search(bad, 0, 1, ids, products), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(
      () => index.setMany(Uint32Array.of(1, 30), 0, Float32Array.of(...good, ...bad)),
      'ERR_LLM_CACHE_ARGUMENT',
    );
  }
  for (const length of [0, 3, 5]) {
    refuses(() => index.set(1, 0, new Float32Array(length)), 'ERR_LLM_CACHE_DIMENSION');
    refuses(() => index.search(new Float32Array(length), 0, 1, ids, products), 'ERR_LLM_CACHE_DIMENSION');
    refuses(
      () => index.setMany(Uint32Array.of(1, 2), 0, new Float32Array(4 + length)),
      'ERR_LLM_CACHE_DIMENSION',
    );
  }
  for (const bad of [-1, 1.5, 2 ** 32 - 1, 2 ** 32, Number.NaN, '1', undefined, null, 1n]) {
    refuses(() => calls.set?.(bad, 0, good), 'ERR_LLM_CACHE_ARGUMENT');
    refuses(() => calls.set?.(1, bad, good), 'ERR_LLM_CACHE_ARGUMENT');
  }
  refuses(
    () => index.setMany(Uint32Array.of(1, 2 ** 32 - 1), 0, new Float32Array(8)),
    'ERR_LLM_CACHE_ARGUMENT',
  );
  for (const bad of [0, -1, 0.5, Number.NaN, undefined, '3']) {
    refuses(() => calls.search?.(good, 0, bad, ids, products), 'ERR_LLM_CACHE_ARGUMENT');
  }
  refuses(() => index.search(good, 0, 9, ids, products), 'ERR_LLM_CACHE_ARGUMENT');
  for (const bad of ['x', null, -1, 0.5]) refuses(() => calls.clear?.(bad), 'ERR_LLM_CACHE_ARGUMENT');
  assert.is(snapshot(), before);
});

test('detached, shared and out-of-bounds memory is refused', () => {
  const { index, snapshot } = filled();
  const before = snapshot();
  refuses(() => index.set(1, 0, detached(new Float32Array(4))), 'ERR_LLM_CACHE_ARGUMENT');
  refuses(() => native.dot(detached(new Float32Array(4)), new Float32Array(4)), 'ERR_LLM_CACHE_ARGUMENT');
  refuses(() => native.sha256(detached(new Uint8Array(4))), 'ERR_LLM_CACHE_ARGUMENT');
  refuses(() => index.set(1, 0, new Float32Array(new SharedArrayBuffer(16))), 'ERR_LLM_CACHE_ARGUMENT');
  refuses(() => native.sha256(new Uint8Array(new SharedArrayBuffer(16))), 'ERR_LLM_CACHE_ARGUMENT');
  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: object,
  ) => ArrayBuffer & { resize(bytes: number): void };
  const buffer = new Resizable(64, { maxByteLength: 128 });
  const fixed = new Float32Array(buffer, 16, 4).fill(1);
  const tracking = new Float32Array(buffer, 32);
  assert.is(index.set(1, 1, fixed), false);
  assert.ok(Number.isFinite(native.dot(tracking, new Float32Array(8))));
  buffer.resize(24);
  refuses(() => index.set(1, 0, fixed), 'ERR_LLM_CACHE_DIMENSION');
  refuses(() => native.dot(tracking, new Float32Array(8)), 'ERR_LLM_CACHE_DIMENSION');
  index.set(1, 1, Float32Array.of(1, 1, -1, 0.5));
  assert.is(snapshot(), before);
});

test('a view is read from its own offset', () => {
  const buffer = new Float32Array([9, 9, 1, 2, 3, 4, 9]);
  const index = new native.FlatIndex(4);
  index.set(7, 0, buffer.subarray(2, 6));
  const out = new Float32Array(8);
  assert.ok(index.read(7, out.subarray(3, 7)));
  assert.equal([...out], [0, 0, 0, 1, 2, 3, 4, 0]);
  assert.is(native.dot(buffer.subarray(2, 6), buffer.subarray(2, 6)), 30);
});

test('methods refuse a foreign receiver', () => {
  const { search, set } = native.FlatIndex.prototype as InstanceType<NativeAddon['FlatIndex']>;
  for (const receiver of [undefined, {}, Object.create(native.FlatIndex.prototype), new Map()]) {
    assert.throws(() => set.call(receiver as never, 1, 0, new Float32Array(4)));
    assert.throws(() =>
      search.call(receiver as never, new Float32Array(4), 0, 1, new Uint32Array(1), new Float32Array(1)),
    );
  }
});

test('a build that is refused rejects with a code and the stack of its caller', async () => {
  async function callerOfBuild(vectors: Float32Array): Promise<unknown> {
    return native.FlatIndex.build(2, Uint32Array.of(1, 2), Uint32Array.of(0, 0), vectors);
  }
  try {
    await callerOfBuild(Float32Array.of(1, 2, 3, Number.NaN));
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code?: string }).code, 'ERR_LLM_CACHE_ARGUMENT');
    assert.match((error as Error).message, 'finite');
    assert.match((error as Error).stack as string, 'callerOfBuild');
  }
  await callerOfBuild(new Float32Array(3)).then(
    () => assert.unreachable(),
    (error) => {
      assert.is(error.code, 'ERR_LLM_CACHE_DIMENSION');
    },
  );
});

test('a build does not see what happens to its arrays afterwards', async () => {
  const vectors = Float32Array.of(1, 2, 3, 4);
  const building = native.FlatIndex.build(2, Uint32Array.of(5, 6), Uint32Array.of(0, 1), vectors);
  vectors.fill(0);
  const index = await building;
  const out = new Float32Array(2);
  assert.ok(index instanceof native.FlatIndex);
  assert.is(index.size, 2);
  assert.ok(index.read(6, out));
  assert.equal([...out], [3, 4]);
});

for (const [variable, value] of [
  ['LLM_CACHE_KERNEL', 'sse9'],
  ['LLM_CACHE_SHA256', 'md5'],
] as const) {
  test(`an unknown name in ${variable} is a clear error at load`, () => {
    const script = `try { require(${JSON.stringify(loaded)}) } catch (e) { console.log(e.code, e.message) }`;
    const child = spawnSync(process.execPath, ['-e', script], {
      env: { ...process.env, [variable]: value },
      encoding: 'utf8',
    });
    assert.is(child.status, 0, child.stderr);
    assert.match(child.stdout, `ERR_LLM_CACHE_NATIVE ${variable} is "${value}"; this machine runs: `);
  });
}

test('worker threads load, use and leave the addon, also in the middle of a build', async () => {
  const body = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { FlatIndex } = require(workerData);
    const n = 20000, vectors = new Float32Array(n * 64).fill(0.5), ids = Uint32Array.from({ length: n }, (_, i) => i);
    const index = new FlatIndex(64);
    index.setMany(ids, 0, vectors);
    const count = index.search(vectors.subarray(0, 64), 0, 3, new Uint32Array(3), new Float32Array(3));
    FlatIndex.build(64, ids, new Uint32Array(n), vectors);
    parentPort.postMessage(count);`;
  for (let round = 0; round < 4; round++) {
    const worker = new Worker(body, { eval: true, workerData: loaded });
    const count = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    assert.is(count, 3);
    await worker.terminate();
  }
});

test('a second copy of the addon in the process is independent of the first', () => {
  const directory = mkdtempSync(join(tmpdir(), 'llm-cache-'));
  try {
    const path = join(directory, 'copy.node');
    copyFileSync(loaded, path);
    const copy = require(path) as NativeAddon;
    const index = new copy.FlatIndex(4);
    index.set(1, 0, new Float32Array(4).fill(1));
    assert.is(index.size, 1);
    assert.is.not(copy.FlatIndex, native.FlatIndex);
    assert.throws(() => native.FlatIndex.prototype.has.call(index, 1));
    assert.is(copy.sha256Fields(['a']), native.sha256Fields(['a']));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('indexes that nobody holds any more are freed, because the collector knows their weight', () => {
  const script = `
    const { FlatIndex } = require(${JSON.stringify(loaded)});
    const vectors = new Float32Array(5000 * 384).fill(0.1), ids = Uint32Array.from({ length: 5000 }, (_, i) => i);
    (async () => {
      let greatest = 0;
      for (let i = 0; i < 200; i++) {
        new FlatIndex(384).setMany(ids, 0, vectors);
        greatest = Math.max(greatest, process.memoryUsage().rss);
        // Node runs finalisers between turns of the event loop.
        await new Promise(setImmediate);
      }
      console.log(Math.round(greatest / 2 ** 20));
    })();`;
  const child = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
  assert.is(child.status, 0, child.stderr);
  // All 200 together would weigh over 2,000 MiB.
  assert.ok(Number(child.stdout) < 1000, `${child.stdout} MiB`);
});

test.run();
