// The AI SDK adapter with a V4 model of the test's own, called as that version's SDK calls it, which needs a newer Node than this package.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cachedEmbeddingModel, cacheMiddleware } from '#dist/adapters/ai-sdk.js';
import type { SemanticCache } from '#dist/cache.js';
import { storePolicy } from '#dist/store-policy/policy.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { assemble, openMock } from '../cache/support.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('ai sdk adapter: V4');
type Fields = Readonly<Record<string, unknown>>;
const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
  raw: { input_tokens: 3 },
};
const response = { id: 'r1', modelId: 'm-1', timestamp: new Date('2026-01-02T03:04:05.678Z') };
const finishReason = { unified: 'stop', raw: 'stop' };
const citations = [{ type: 'url', url: 'http://a/' }];
const content = [
  { type: 'reasoning', text: 'Hm.', providerMetadata: { p: { signature: 's' } } },
  { type: 'text', text: 'Harald.', citations },
  { type: 'custom', kind: 'p.note', providerMetadata: { p: { note: 1 } } },
];
const parts = [
  { type: 'stream-start', warnings: [] },
  { type: 'response-metadata', ...response },
  { type: 'reasoning-start', id: '0' },
  { type: 'reasoning-delta', id: '0', delta: 'Hm.' },
  { type: 'reasoning-end', id: '0', providerMetadata: { p: { signature: 's' } } },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'Har' },
  { type: 'text-delta', id: '1', delta: 'ald.' },
  { type: 'text-end', id: '1', citations },
  content[2] as (typeof content)[2],
  { type: 'finish', usage, finishReason },
];

function modelOn() {
  const seen: Fields[] = [];
  return {
    seen,
    specificationVersion: 'v4',
    provider: 'p',
    modelId: 'm',
    doGenerate: async (params: Fields) => {
      seen.push(params);
      return { content, finishReason, usage, warnings: [], response: { ...response, headers: { a: 'b' } } };
    },
    doStream: async (params: Fields) => {
      seen.push(params);
      return { stream: ReadableStream.from(parts) };
    },
  };
}

/** As `wrapLanguageModel` calls it. */
function wrapped(cache: SemanticCache, model = modelOn()) {
  const middleware = cacheMiddleware(cache, { tenant: 't', specificationVersion: 'v4' });
  const call = (params: Fields) => ({
    params,
    model,
    doGenerate: () => model.doGenerate(params),
    doStream: () => model.doStream(params),
  });
  return {
    version: middleware.specificationVersion,
    seen: model.seen,
    generate: (params: Fields) => middleware.wrapGenerate(call(params)),
    async stream(params: Fields) {
      const { stream } = await middleware.wrapStream(call(params));
      const read: Fields[] = [];
      for await (const part of stream) read.push(part);
      return read;
    },
  };
}
const session = { has: () => false, get: () => undefined, destroy: async () => {} };
const asking = (text: string, more: Fields = {}): Fields => ({
  prompt: [{ role: 'user', content: [{ type: 'text', text }] }],
  experimental_session: session,
  ...more,
});
const hit = (result: Fields) => ((result.providerMetadata as Fields).llmCache as Fields).hit;

test('one entry for both kinds of call, with its date, citations and parts of new types, from disk too', async () => {
  const directory = temporaryDirectory();
  let cache = await openMock({ directory });
  let model = wrapped(cache);
  assert.is(model.version, 'v4');
  const first = await model.generate(asking('Who founded Oslo?'));
  const live = await model.stream(asking('Who founded Rome?'));
  assert.equal([hit(first), hit(live.at(-1) as Fields)], [false, false]);
  await cache.idle();
  await cache.close();
  cache = await openMock({ directory });
  model = wrapped(cache);
  const again = await model.generate(asking('Who founded Oslo?'));
  assert.is(hit(again), true);
  assert.equal([again.content, again.usage, again.response], [content, usage, response]);
  assert.instance(again.response.timestamp, Date);
  const replayed = await model.stream(asking('Who founded Rome?'));
  assert.is(hit(replayed.at(-1) as Fields), true);
  assert.equal(replayed.slice(0, -1), parts.slice(0, -1));
  const whole = await model.generate(asking('Who founded Rome?'));
  assert.equal([whole.content, whole.usage, whole.response], [content, usage, response]);
  const streamed = await model.stream(asking('Who founded Oslo?'));
  assert.equal(
    streamed.filter(({ type }) => /-end$|custom|metadata/.test(type as string)),
    [parts[1], parts[4], parts[8], parts[9]],
  );
  assert.is(model.seen.length, 0);
  await cache.close();
});

test('the effort of reasoning, tool choice and form of the answer keep answers apart; a session does not', async () => {
  const cache = assemble({ storePolicy: storePolicy() });
  const model = wrapped(cache);
  for (const more of [
    {},
    { reasoning: 'high' },
    { toolChoice: { type: 'none' } },
    { responseFormat: { type: 'json' } },
  ]) {
    for (const expected of [false, true]) {
      assert.is(hit(await model.generate(asking('Who founded Oslo?', more))), expected, JSON.stringify(more));
      await cache.idle();
    }
  }
  assert.is(
    hit(await model.generate(asking('Who founded Oslo?', { experimental_session: undefined }))),
    true,
  );
  await cache.close();
});

test('embedding models of that version are asked for missing texts only', async () => {
  const asked: unknown[] = [];
  const model = cachedEmbeddingModel(
    {
      specificationVersion: 'v4',
      provider: 'p',
      modelId: 'e',
      doEmbed: async ({ values }: { values: string[] }) => {
        asked.push(values);
        return { embeddings: values.map(() => [0.5]), warnings: [], usage: { tokens: 1 } };
      },
    },
    { tiers: [memoryTier({ dimension: 1 })] },
  );
  await model.doEmbed({ values: ['a', 'b'] });
  assert.equal((await model.doEmbed({ values: ['b', 'c'] })).embeddings, [[0.5], [0.5]]);
  assert.equal(asked, [['a', 'b'], ['c']]);
  assert.is(model.specificationVersion, 'v4');
});

test.run();
