// EmbeddingsCache: vectors come back bit for bit, only of the same text and model, and only missing texts are asked for.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EmbeddingsCache } from '#dist/adapters/embeddings.js';
import { Environment } from '#dist/disk/environment.js';
import { manualClock } from '#dist/testing/index.js';
import { diskTier } from '#dist/tiers/disk.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('embeddings cache');
const memory = () => memoryTier({ dimension: 1 });
const vectorOf = (text: string) => [...text].map((letter) => letter.charCodeAt(0) / 7);

test('only different texts that are missing are asked for, and each gets its own vector', async () => {
  const cache = new EmbeddingsCache({ tiers: [memory()], model: 'm' });
  const asked: string[][] = [];
  const embed = async (texts: string[]) => {
    asked.push(texts);
    return texts.map(vectorOf);
  };
  await cache.embed(['a', 'b', 'a'], embed);
  const { vectors, hits } = await cache.embed(['c', 'b', 'A', 'c'], embed);
  assert.equal(asked, [
    ['a', 'b'],
    ['c', 'A'],
  ]);
  assert.is(hits, 1);
  assert.equal(
    vectors.map((vector) => [...vector]),
    ['c', 'b', 'A', 'c'].map((text) => [...Float32Array.from(vectorOf(text))]),
  );
});

test('another model has other vectors, a caller cannot change those of the next, and they expire', async () => {
  const clock = manualClock();
  const tiers = [memoryTier({ dimension: 1, clock })];
  const one = new EmbeddingsCache({ tiers, model: 'one', ttlMs: 100, clock });
  const other = new EmbeddingsCache({ tiers, model: 'other', clock });
  await one.set('q', Float32Array.of(1, 2));
  assert.is(await other.get('q'), undefined);
  ((await one.get('q')) as Float32Array)[0] = 9;
  assert.equal([...((await one.get('q')) as Float32Array)], [1, 2]);
  clock.advance(101);
  assert.is(await one.get('q'), undefined);
});

test('the next process finds them on disk and a failing tier is a miss', async () => {
  const directory = temporaryDirectory();
  for (const calls of [1, 0]) {
    const environment = new Environment(directory);
    const broken = { ...memory(), get: () => Promise.reject(new Error('gone')) } as never;
    const cache = new EmbeddingsCache({ tiers: [broken, diskTier(environment)], model: 'm' });
    let asked = 0;
    const { vectors } = await cache.embed(['x'], async () => {
      asked++;
      return [[0.1, 0.2]];
    });
    assert.is(asked, calls);
    assert.equal([...(vectors[0] as Float32Array)], [...Float32Array.of(0.1, 0.2)]);
    await environment.close();
  }
});

test('what the model throws is thrown, a wrong number of vectors and wrong options are refused', async () => {
  const cache = new EmbeddingsCache({ tiers: [memory()], model: 'm' });
  await cache
    .embed(['x'], () => Promise.reject(new Error('down')))
    .then(
      () => assert.unreachable(),
      (error) => {
        assert.is(error.message, 'down');
      },
    );
  await cache
    .embed(['x'], async () => [])
    .then(
      () => assert.unreachable(),
      (error) => assert.is(error.code, 'ERR_LLM_CACHE_ARGUMENT'),
    );
  for (const options of [{ tiers: [] }, { model: '' }, { ttlMs: 0 }, { ttlMs: Number.NaN }]) {
    assert.throws(
      () => new EmbeddingsCache({ tiers: [memory()], model: 'm', ...options }),
      (error: { code: string }) => error.code === 'ERR_LLM_CACHE_ARGUMENT',
    );
  }
});

test.run();
