// Key of a 60-character question: the addon's one call against the same work in JavaScript. Imported by registry.ts.
import { createHash } from 'node:crypto';
import Benchmark from 'benchmark';
import { normalise, queryKey } from '#dist/core/key.js';
import { Scope } from '#dist/core/scope.js';
import { figuresOf, timeBatches } from '../harness/measure.js';
import type { Subject, SubjectFactory } from '../types.js';

const scope = new Scope({ tenant: 'bench', model: 'm1' }, '0'.repeat(64));
const texts = Array.from({ length: 256 }, (_, i) =>
  `  How many litres  of Paint does it take to cover a wall of ${i}`.padEnd(60, '?').slice(0, 60),
);
const batchSize = 256;

/** The key by `queryKey`. */
export const oursKey: SubjectFactory = async (job) => keySubject((text) => queryKey(text, scope), job.quick);

/** The key by string methods and `crypto.createHash`: the message is the same, so the keys are. */
export const jsKey: SubjectFactory = async (job) => keySubject(keyInJavaScript, job.quick);

const format = Buffer.from('llmkey/1');
const head = Buffer.concat([lengthOf(format), format, lengthOf(scope.digest), scope.digest]);

function keyInJavaScript(text: string): string {
  const bytes = Buffer.from(normalise(text));
  return createHash('sha256')
    .update(Buffer.concat([head, lengthOf(bytes), bytes]))
    .digest('hex');
}

function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(bytes.length);
  return length;
}

function keySubject(key: (text: string) => string, quick: boolean): Subject {
  let next = 0;
  let last = '';
  const once = () => {
    last = key(texts[next++ & 255] as string);
  };
  return {
    variants: [{ note: 'ops/s by Benchmark.js; percentiles over batches of 256 calls' }],
    async run() {
      timeBatches(20, batchSize, once);
      const latencies = timeBatches(quick ? 100 : 1_000, batchSize, once);
      const bench = new Benchmark({
        fn: once,
        minTime: quick ? 0.01 : 0,
        maxTime: quick ? 0.1 : 1,
        minSamples: 5,
      });
      bench.run();
      if (bench.error !== undefined) throw bench.error;
      if (last.length !== 64) throw new Error('no key');
      // Right is what both ways agree on.
      const right = texts.filter(
        (text) => key(text) === keyInJavaScript(text) && key(text) === queryKey(text, scope),
      );
      return figuresOf(latencies, { opsPerS: bench.hz, recall: right.length / texts.length });
    },
    async close() {},
  };
}
