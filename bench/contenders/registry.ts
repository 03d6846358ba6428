// Which factory makes which contender; each is loaded in its child only. Imported by child.ts.
import type { SubjectFactory } from '../types.js';

/** Factories by the name that a job carries. */
export const subjects: Readonly<Record<string, () => Promise<SubjectFactory>>> = {
  'key-ours': async () => (await import('./key.js')).oursKey,
  'key-js': async () => (await import('./key.js')).jsKey,
  'flat-ours': async () => (await import('./flat-ours.js')).oursFlat,
  'hnsw-ours': async () => (await import('./hnsw-ours.js')).oursHnsw,
  'flat-hnswlib': async () => (await import('./hnswlib.js')).hnswlibFlat,
  'flat-usearch': async () => (await import('./usearch.js')).usearchFlat,
  'flat-usearch-exact': async () => (await import('./usearch.js')).usearchExact,
  'flat-js': async () => (await import('./js-scan.js')).jsFlat,
  'embed-one-ours': async () => (await import('./embed-ours.js')).embedOne,
  'embed-one-onnxruntime': async () => (await import('./onnxruntime.js')).embedOne,
  'embed-one-transformers': async () => (await import('./transformers.js')).embedOne,
  'embed-throughput-ours': async () => (await import('./embed-ours.js')).embedThroughput,
  'embed-throughput-transformers': async () => (await import('./transformers.js')).embedThroughput,
  'loop-delay-ours': async () => (await import('./embed-ours.js')).loopDelay,
  'loop-delay-transformers': async () => (await import('./transformers.js')).loopDelay,
  fixture: async () => (await import('../data/fixture.js')).fixture,
  'cache-ours': async () => (await import('./cache-ours.js')).oursCache,
  'cache-llm-semantic-cache': async () => (await import('./llm-semantic-cache.js')).llmSemanticCache,
  'cache-bentocache': async () => (await import('./bentocache.js')).bentoCache,
  'fault-outage': async () => (await import('./fault-outage.js')).outage,
  'fault-wire': async () => (await import('./fault-wire.js')).wire,
  'fault-processes': async () => (await import('./fault-processes.js')).processesOf,
  'graph-recall': async () => (await import('./graph-recall.js')).graphRecall,
  'redis-ioredis': async () => (await import('./ioredis.js')).bareRedis,
};
