// The capacity maths: stated facts, zero, refusals, and the formulas of our engines against the memory of a process.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bytesToHumanReadable,
  combinedStorageEstimate,
  flatEngineBytes,
  hnswEngineBytes,
  hnswOverheadBytes,
  ivfPqBytes,
  pqBytes,
  pqCompressionRatio,
  printStorageBreakdown,
  rawEmbeddingsBytes,
} from '#dist/capacity.js';
import { bytesFromText } from '#dist/core/bytes.js';
import { InvalidArgumentError } from '#dist/core/errors.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { openHnswEngine } from '#dist/engines/hnsw.js';
import { randomUnitVector, seededRandom } from '#dist/testing/index.js';

const test = suite('capacity');
const million = 1_000_000;

test('vectors and codes weigh what multiplication says', () => {
  assert.is(rawEmbeddingsBytes(10 * million, 1536), 61_440_000_000);
  assert.is(rawEmbeddingsBytes(10 * million, 1536, 2), 30_720_000_000);
  assert.is(pqBytes(10 * million, 64), 640_000_000);
  assert.is(pqBytes(10 * million, 64, { dimension: 1536 }) - 640_000_000, 1_572_864);
  assert.is(pqBytes(10 * million, 64, { dimension: 1536, includeCodebooks: false }), 640_000_000);
  assert.is(pqBytes(10, 3, { bits: 4 }), 20, 'a code of 12 bits takes 2 bytes');
  assert.is(pqCompressionRatio(1536, 64), 96);
  assert.is(pqCompressionRatio(384, 64), 24);
  assert.is(pqCompressionRatio(1536, 96), 64);
});

test('each rule for graphs says its own', () => {
  const at = (model: 'readme' | 'seed' | 'faiss' | 'hnswlib') =>
    hnswOverheadBytes(10 * million, 16, { model });
  assert.is(at('readme'), 1_920_000_000);
  assert.is(at('seed'), 3_840_000_000);
  assert.is(at('faiss'), 1_280_000_000);
  assert.ok(at('hnswlib') > 2_400_000_000 && at('hnswlib') < 2_550_000_000, String(at('hnswlib')));
  assert.is(hnswOverheadBytes(10 * million, 32, { model: 'seed' }), 2 * at('seed'));
});

test('no vectors weigh nothing, whatever is asked', () => {
  assert.is(rawEmbeddingsBytes(0, 1536), 0);
  assert.is(pqBytes(0, 64, { dimension: 1536 }), 0);
  for (const model of ['readme', 'seed', 'faiss', 'hnswlib'] as const)
    assert.is(hnswOverheadBytes(0, 16, { model }), 0);
  assert.is(flatEngineBytes(0, 384), 0);
  assert.is(hnswEngineBytes(0, 384), 0);
  assert.is(ivfPqBytes(0, 1536), 0);
  const { totalBytes, codebookBytes } = combinedStorageEstimate(0, 1536);
  assert.equal([totalBytes, codebookBytes], [0, 0]);
});

test('an estimate is the sum of its parts', () => {
  const estimate = combinedStorageEstimate(10 * million, 1536, { model: 'readme' });
  assert.equal(estimate, {
    vectors: 10 * million,
    dimension: 1536,
    rawBytes: 61_440_000_000,
    vectorBytes: 641_572_864,
    codebookBytes: 1_572_864,
    hnswBytes: 1_920_000_000,
    totalBytes: 2_561_572_864,
    compressionRatio: 96,
  });
  const bare = combinedStorageEstimate(10 * million, 1536, { usePq: false, model: 'faiss' });
  assert.equal([bare.vectorBytes, bare.codebookBytes, bare.compressionRatio], [61_440_000_000, 0, 1]);
  assert.is(bare.totalBytes, 61_440_000_000 + 1_280_000_000);
});

test('powers of 1,024 never bear the names of powers of 1,000', () => {
  const both = (bytes: number) => [
    bytesToHumanReadable(bytes),
    bytesToHumanReadable(bytes, { format: 'iec' }),
  ];
  assert.equal(both(61_440_000_000), ['61.4 GB', '57.2 GiB']);
  assert.equal(both(0), ['0 B', '0 B']);
  assert.equal(both(1023), ['1.0 kB', '1023 B']);
  assert.equal(both(1024), ['1.0 kB', '1.0 KiB']);
  assert.equal(both(999_950), ['1.0 MB', '976.5 KiB']);
  assert.equal(both(1e18), ['1.0 EB', '888.2 PiB']);
  assert.is(bytesToHumanReadable(999_949), '999.9 kB');
  assert.is(bytesToHumanReadable(1_572_864, { format: 'iec', digits: 3 }), '1.500 MiB');
  for (let bytes = 1; bytes < 1e17; bytes = Math.ceil(bytes * 1.7)) {
    for (const format of ['si', 'iec'] as const) {
      const text = bytesToHumanReadable(bytes, { format, digits: 6 });
      if (/[PE]i?B$/.test(text)) continue;
      const read = bytesFromText(text) as number;
      assert.ok(Math.abs(read - bytes) <= bytes * 1e-6, `${bytes}: ${text} is ${read}`);
    }
  }
});

test('the breakdown names both units and is what it writes', () => {
  let written = '';
  const text = printStorageBreakdown(10 * million, 1536, {
    model: 'readme',
    write: (part) => {
      written += part;
    },
  });
  assert.is(written, text);
  assert.match(text, /float32 vectors +61\.4 GB +57\.2 GiB/);
  assert.match(text, /96\.0 times smaller/);
  assert.match(text, /together +2\.6 GB +2\.4 GiB/);
  assert.not.match(printStorageBreakdown(5, 8, { usePq: false, write: () => {} }), /codes/);
});

test('what cannot be is refused', () => {
  const wrong: (() => unknown)[] = [
    () => rawEmbeddingsBytes(-1, 4),
    () => rawEmbeddingsBytes(1.5, 4),
    () => rawEmbeddingsBytes(Number.NaN, 4),
    () => rawEmbeddingsBytes(1e13, 4),
    () => rawEmbeddingsBytes(1, 0),
    () => rawEmbeddingsBytes(1, 4, 3),
    () => pqBytes(1, 5, { dimension: 8 }),
    () => pqBytes(1, 4, { includeCodebooks: true }),
    () => pqBytes(1, 4, { bits: 17 }),
    () => hnswOverheadBytes(1, 1),
    () => hnswOverheadBytes(1, 16, { model: 'other' as 'seed' }),
    () => hnswOverheadBytes(1, 16, { model: 'toString' as 'seed' }),
    () => ivfPqBytes(1, 1536, { lists: 0 }),
    () => flatEngineBytes(1, 65_537),
    () => flatEngineBytes(1, 8, { storage: 'float64' as 'int8' }),
    () => flatEngineBytes(1, 8, { storage: 'toString' as 'int8' }),
    () => bytesToHumanReadable(-1),
    () => bytesToHumanReadable(Number.POSITIVE_INFINITY),
    () => bytesToHumanReadable(1, { format: 'gb' as 'si' }),
  ];
  for (const call of wrong) {
    try {
      call();
    } catch (error) {
      assert.instance(error, InvalidArgumentError, `${call}`);
      continue;
    }
    assert.unreachable(`${call} was accepted`);
  }
});

test('the exact engine reports what its formula says, to 1 %, at every size, dimension and storage', () => {
  for (const storage of ['float32', 'float16', 'int8'] as const) {
    for (const [rows, dimension] of [
      [4000, 384],
      [10_000, 100],
      [7000, 1536],
      [3080, 768],
    ] as const) {
      const engine = new FlatEngine(dimension, { storage });
      // Where all tie, a search works with all.
      const random = seededRandom(13);
      for (let id = 0; id < rows; id++) engine.set(id, 0, randomUnitVector(dimension, random));
      engine.search(randomUnitVector(dimension, random), 0, 10);
      const ratio = flatEngineBytes(rows, dimension, { storage }) / engine.bytes;
      assert.ok(Math.abs(ratio - 1) < 0.01, `${storage} ${rows} x ${dimension}: ${ratio}`);
    }
  }
});

test('the graph engine reports what its formula says, to 1 %, once its graph stands', async () => {
  const [rows, dimension] = [3000, 8];
  const engine = await openHnswEngine(dimension, { efConstruction: 40 });
  const random = seededRandom(11);
  const vectors = new Float32Array(rows * dimension);
  for (let id = 0; id < rows; id++) vectors.set(randomUnitVector(dimension, random), id * dimension);
  await engine.load(
    Uint32Array.from({ length: rows }, (_, id) => id),
    new Uint32Array(rows),
    vectors,
  );
  await engine.settled();
  assert.is(engine.rowsInGraphs, rows);
  const ratio = hnswEngineBytes(rows, dimension) / engine.bytes;
  assert.ok(Math.abs(ratio - 1) < 0.01, String(ratio));
  await engine.close();
});

const fixture = fileURLToPath(new URL('./fixtures/weigh.mjs', import.meta.url));

function weigh(...args: (string | number)[]): number {
  const command = ['--expose-gc', '--max-semi-space-size=1', fixture, ...args.map(String)];
  const printed = execFileSync(process.execPath, command, { encoding: 'utf8', timeout: 200_000 });
  return (JSON.parse(printed) as { grown: number }).grown;
}

const noStatus = existsSync('/proc/self/status') ? undefined : 'there is no /proc here';

test('the memory of a process grows by what the formulas say, to 5 %', () => {
  if (noStatus !== undefined) {
    console.log(`skipped: ${noStatus}`);
    return;
  }
  const cases: [string, number, number][] = [
    ['flat', weigh('flat', 60_000, 384), flatEngineBytes(60_000, 384)],
    [
      'graph',
      weigh('graph', 150_000, 16, 16),
      hnswOverheadBytes(150_000, 16) + rawEmbeddingsBytes(150_000, 16),
    ],
  ];
  for (const [name, grown, said] of cases) {
    const ratio = said / grown;
    console.log(`${name}: ${said} by the formula, ${grown} measured, ratio ${ratio.toFixed(3)}`);
    assert.ok(Math.abs(ratio - 1) < 0.05, `${name}: ${ratio}`);
  }
});

test.run();
