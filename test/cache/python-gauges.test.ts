// The Python package's metrics, worked out from the statistics of a cache that is used.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pythonGauges } from '#dist/index.js';
import { temporaryDirectory } from '../disk/support.js';
import { openMock } from './support.js';

const test = suite('gauges of the Python package');
const names = [
  ...['cache_hit_rate_local_hnsw', 'cache_hit_rate_redis', 'cache_miss_rate_vector_db'],
  ...['query_latency_p50', 'query_latency_p95', 'query_latency_p99'],
  ...['memory_usage_local_hnsw_mb', 'memory_usage_redis_mb'],
  ...['vector_db_query_count', 'redis_connection_errors', 'vector_db_timeout_errors', 'embedding_failures'],
];

test('before the first query all are there, and rates and latencies are 0', async () => {
  const cache = await openMock();
  const gauges = pythonGauges(await cache.stats());
  assert.equal(Object.keys(gauges), names);
  for (const value of Object.values(gauges)) assert.type(value, 'number');
  assert.is(gauges.cache_miss_rate_vector_db, 0);
  assert.is(gauges.query_latency_p99, 0);
  await cache.close();
});

test('hits of each tier, misses and latencies stand under the old names', async () => {
  const directory = temporaryDirectory();
  const filled = await openMock({ directory });
  await filled.set('kept on disk', 'v');
  await filled.close();
  // Memory filled at the start would answer in the place of the disk.
  const cache = await openMock({ directory, warming: { enabled: false } });
  assert.is((await cache.get('kept on disk')).tier, 'disk');
  for (let i = 0; i < 2; i++) assert.is((await cache.get('kept on disk')).tier, 'memory');
  await cache.wrap('new', () => 'made');
  const gauges = pythonGauges(await cache.stats());
  assert.is(gauges.cache_hit_rate_local_hnsw, 2 / 4);
  assert.is(gauges.cache_hit_rate_redis, 1 / 4);
  assert.is(gauges.cache_miss_rate_vector_db, 1 / 4);
  assert.is(gauges.vector_db_query_count, 1);
  assert.ok(gauges.query_latency_p50 > 0 && gauges.query_latency_p50 <= gauges.query_latency_p99);
  assert.ok(gauges.memory_usage_local_hnsw_mb > 0 && gauges.memory_usage_local_hnsw_mb < 1);
  assert.ok(gauges.memory_usage_redis_mb > 0);
  await cache.close();
});

test.run();
