// A bare ioredis getBuffer of a value of the same size: the floor of tier B on Redis. The only importer of it within bench/. Imported by registry.ts.
import { Redis } from 'ioredis';
import { queryKey } from '#dist/core/key.js';
import { Scope } from '#dist/core/scope.js';
import { encodeEntry } from '#dist/disk/codec.js';
import { answerOf, dimension, storedQuestions } from '../data/world.js';
import { figuresOf, timeAwaited } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';

/** One command after the other over one connection; key and value as the tier writes them. */
export const bareRedis: SubjectFactory = async ({ n, quick }, { redisPort }) => {
  const scope = new Scope({}, '5e'.repeat(32));
  const redis = new Redis({ host: '127.0.0.1', port: redisPort as number });
  const vector = new Float32Array(dimension).fill(1 / Math.sqrt(dimension));
  const names: string[] = [];
  let size = 0;
  for (const question of storedQuestions(n as number)) {
    const key = queryKey(question, scope);
    const value = answerOf(question);
    const bytes = encodeEntry({
      key,
      scope: scope.id,
      embedder: scope.embedder,
      epoch: 0,
      question,
      vector,
      value,
      createdAtMs: 0,
      expiresAtMs: 4e12,
    });
    size = bytes.length;
    names.push(`bare:${scope.id}:${key}`);
    await redis.set(names.at(-1) as string, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
  let asked = 0;
  const ask = async () => {
    const value = await redis.getBuffer(names[asked++ % names.length] as string);
    return { right: value?.length !== undefined && Math.abs(value.length - size) < 64 };
  };
  return {
    variants: [{ embedded: 'without', note: 'getBuffer alone, values of the same size, same server' }],
    async run() {
      await timeAwaited(100, ask);
      const { latenciesUs, recall } = await timeAwaited(quick ? 300 : 2_000, ask);
      return figuresOf(latenciesUs, { recall, bytes: size });
    },
    async close() {
      redis.disconnect();
    },
  };
};
