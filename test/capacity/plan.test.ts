// The capacity plan: machines, latency and money by hand, and the table of the reference held against its own rules.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { flatEngineBytes, hnswEngineBytes, ivfPqBytes, rawEmbeddingsBytes } from '#dist/capacity.js';
import { planCapacity, referenceTable } from '#dist/capacity-plan.js';
import { InvalidArgumentError } from '#dist/core/errors.js';

const test = suite('capacity plan');

test('each engine has its bytes, and as many machines as the peak needs', () => {
  const plan = planCapacity({ vectors: 10_000_000, dimension: 1536, machineBytes: 100e9, machineShare: 0.5 });
  const [flat, hnsw, ivfpq] = plan.engines;
  assert.is(flat?.bytes, flatEngineBytes(10_000_000, 1536));
  assert.is(flat?.machines, 2);
  assert.is(hnsw?.bytes, hnswEngineBytes(10_000_000, 1536));
  assert.ok((hnsw?.peakBytes ?? 0) > 2 * (hnsw?.bytes ?? 0), 'a graph is built beside the old one');
  assert.is(hnsw?.machines, Math.ceil((hnsw?.peakBytes ?? 0) / 50e9));
  assert.is(ivfpq?.bytes, ivfPqBytes(10_000_000, 1536, { m: 64 }));
  assert.is(ivfpq?.status, 'planned');
  assert.is(flat?.scannedBytes, 10_000_000 * (768 + 16));
  assert.is(plan.rawBytes, rawEmbeddingsBytes(10_000_000, 1536));
  assert.is(plan.traffic, undefined);
  assert.equal(
    planCapacity({ vectors: 0, dimension: 4 }).engines.map(({ bytes, machines }) => [bytes, machines]),
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  );
  assert.is(planCapacity({ vectors: 1, dimension: 100 }).pqM, 50);
});

test('latency, requests under way and money follow from the traffic', () => {
  const { traffic } = planCapacity({
    vectors: 1000,
    dimension: 384,
    requestsPerSecond: 200,
    hitRate: 0.6,
    llmMs: 1200,
    llmCost: 0.002,
    hitMs: 1,
    missMs: 2,
  });
  assert.ok(traffic);
  assert.is(Math.round(traffic.meanMs * 1000), Math.round((0.6 * 1 + 0.4 * 1202) * 1000));
  assert.is(Math.round(traffic.underWayWithout), 240);
  assert.is(Math.round(traffic.underWay * 100), Math.round(200 * 0.4814 * 100));
  assert.is(traffic.sparedCallsPerSecond, 120);
  assert.is(Math.round(traffic.modelCallsPerSecond), 80);
  assert.is(Math.round(traffic.costPerDayWithout), 34_560);
  assert.is(Math.round(traffic.savedPerDay), 20_736);
  assert.is(Math.round(traffic.savedPer30Days), 622_080);
});

test("the reference's table is told what is wrong in each cell", () => {
  const verdicts = Object.fromEntries(
    referenceTable().map(({ what, vectors, verdict }) => [`${what} ${vectors / 1e6}M`, verdict]),
  );
  assert.equal(verdicts, {
    'raw float32 1M': 'GiB called GB',
    'raw float32 10M': 'GiB called GB',
    'raw float32 100M': 'GiB called GB',
    'codes, m = 64 1M': 'MiB called MB',
    'codes, m = 64 10M': 'MiB called MB',
    'codes, m = 64 100M': 'neither',
    'graph, M = 16 1M': 'right',
    'graph, M = 16 10M': 'right',
    'graph, M = 16 100M': 'right',
    'codes and graph 1M': 'neither',
    'codes and graph 10M': 'right',
    'codes and graph 100M': 'right',
  });
  const raw = referenceTable().find(({ printed }) => printed === '57.2 GB');
  assert.is(raw?.bytes, 61_440_000_000);
});

test('what cannot be is refused', () => {
  const base = { vectors: 1, dimension: 8 };
  for (const wrong of [
    { ...base, machineShare: 0 },
    { ...base, machineBytes: Number.NaN },
    { ...base, requestsPerSecond: 1, hitRate: 1.01 },
    { ...base, requestsPerSecond: -1 },
    { ...base, pqM: 3 },
    { ...base, engines: ['annoy' as 'flat'] },
    { ...base, vectors: 0.5 },
  ]) {
    try {
      planCapacity(wrong);
    } catch (error) {
      assert.instance(error, InvalidArgumentError);
      continue;
    }
    assert.unreachable(JSON.stringify(wrong));
  }
});

test.run();
