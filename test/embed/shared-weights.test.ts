// Workers that share one copy of the weights: same vectors, nothing left behind, and no harm where sharing is impossible.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onnxEmbedder } from '#dist/embed/onnx.js';

const test = suite('shared weights');
const texts = ['How long do I boil an egg?', 'What is a Bloom filter?', 'Wie spät ist es in Tokio?', 'x'];

async function vectorsWith(workers: number, temporary: string, during?: () => void): Promise<Float32Array[]> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = temporary;
  try {
    const embedder = await onnxEmbedder({ workers });
    await embedder.warm();
    during?.();
    const all = await Promise.all([...texts, ...texts].map((text) => embedder.embed(text)));
    await embedder.close();
    return all.map(({ vector }) => vector);
  } finally {
    process.env.TMPDIR = before ?? '';
    if (before === undefined) delete process.env.TMPDIR;
  }
}

test('two workers on shared weights give the vectors of one worker, bit for bit', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'shared-'));
  const one = await vectorsWith(1, temporary);
  const two = await vectorsWith(2, temporary);
  assert.equal(two, one);
  rmSync(temporary, { recursive: true });
});

test('once all workers have loaded, no file is left in the temporary directory', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'shared-'));
  let afterWarm: string[] = ['not looked'];
  await vectorsWith(2, temporary, () => {
    afterWarm = readdirSync(temporary);
  });
  assert.equal(afterWarm, []);
  rmSync(temporary, { recursive: true });
});

test('closing before all workers have loaded leaves no file either', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'shared-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = temporary;
  const embedder = await onnxEmbedder({ workers: 3 });
  await embedder.embed('one text starts one worker');
  await embedder.close();
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  assert.equal(readdirSync(temporary), []);
  rmSync(temporary, { recursive: true });
});

test('without a usable temporary directory each worker holds its own copy', async () => {
  const vectors = await vectorsWith(2, '/nonexistent/nowhere');
  assert.is(vectors.length, 8);
  assert.equal(vectors.slice(0, 4), vectors.slice(4));
});

test.run();
