// Embeddings through the real client against a loopback server: only missing inputs are asked for, in whatever encoding.
import OpenAI from 'openai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cachingFetch } from '#dist/adapters/openai/index.js';
import { assemble } from '../../cache/support.js';
import { withServer } from './support.js';

const test = suite('openai adapter: embeddings');

async function embed(openai: OpenAI, input: OpenAI.EmbeddingCreateParams['input'], more: object = {}) {
  const { data, response } = await openai.embeddings.create({ model: 'e', input, ...more }).withResponse();
  return {
    vectors: data.data.map(({ embedding }) => [...embedding]),
    places: data.data.map(({ index }) => index),
    usage: data.usage,
    told: [response.headers.get('x-llm-cache'), response.headers.get('x-llm-cache-hits')],
  };
}

test('each input is asked for once; order, repetitions and exact text count', () =>
  withServer(async ({ openai, server }) => {
    const first = await embed(openai, ['a', 'bb', 'a']);
    assert.equal(first.vectors, [
      [1, 0.5],
      [2, 0.5],
      [1, 0.5],
    ]);
    assert.equal([first.told, first.usage.total_tokens], [['miss', '0'], 2]);
    const mixed = await embed(openai, ['ccc', 'bb', 'A', 'a']);
    assert.equal(
      mixed.vectors.map(([length]) => length),
      [3, 2, 1, 1],
    );
    assert.equal(
      [mixed.told, mixed.places],
      [
        ['miss', '2'],
        [0, 1, 2, 3],
      ],
    );
    const held = await embed(openai, 'ccc');
    assert.equal([held.vectors, held.told, held.usage.total_tokens], [[[3, 0.5]], ['hit', '1'], 0]);
    assert.equal(
      server.seen.map(({ body }) => body.input),
      [
        ['a', 'bb'],
        ['ccc', 'A'],
      ],
    );
  }));

test('encodings, models and dimensions have vectors of their own; token lists work', () =>
  withServer(async ({ openai, server }) => {
    for (const more of [{}, { encoding_format: 'float' }, { dimensions: 2 }, { model: 'f' }]) {
      for (const expected of ['miss', 'hit']) {
        const { vectors, told } = await embed(openai, 'text', more);
        assert.equal([vectors, told[0]], [[[4, 0.5]], expected], JSON.stringify(more));
      }
    }
    for (const expected of ['miss', 'hit'])
      assert.is((await embed(openai, [[1, 2, 3], [4]])).told[0], expected);
    assert.is(server.seen.length, 5);
  }));

test('errors and what the server must judge pass through', () => {
  let status: number | undefined = 500;
  return withServer(
    async ({ openai, server }) => {
      const failed = await embed(openai, 'a').catch((error: unknown) => error);
      assert.instance(failed, OpenAI.InternalServerError);
      status = undefined;
      assert.is((await embed(openai, 'a')).told[0], 'miss');
      assert.is((await embed(openai, '')).told[0], null);
      assert.is(server.seen.length, 3);
    },
    () => (status === undefined ? {} : { status }),
  );
});

test('options that make no sense are refused where the client is made', async () => {
  const cache = assemble();
  for (const bad of [{ tenant: '' }, { tenant: 't', shared: true }, { extra: () => 1 }])
    assert.throws(
      () => cachingFetch(cache, bad as never),
      (error: { code: string }) => error.code === 'ERR_LLM_CACHE_ARGUMENT',
    );
  await cache.close();
});

test.run();
