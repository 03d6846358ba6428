// The AI SDK adapter through the SDK's own functions and mock models: plain, streamed, objects, embeddings.
import {
  embedMany,
  generateObject,
  generateText,
  jsonSchema,
  streamText,
  type ToolSet,
  tool,
  wrapLanguageModel,
} from 'ai';
import { MockEmbeddingModelV3, MockLanguageModelV3, simulateReadableStream } from 'ai/test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CacheMiddlewareOptions, cachedEmbeddingModel, cacheMiddleware } from '#dist/adapters/ai-sdk.js';
import type { SemanticCache } from '#dist/cache.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { openMock } from '../cache/support.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('ai sdk adapter');
const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const timestamp = new Date('2026-01-02T03:04:05.678Z');
const response = { id: 'r1', modelId: 'm-1', timestamp };
// The SDK's own types do not agree under exactOptionalPropertyTypes.
const tools = {
  look: tool({ inputSchema: jsonSchema({ type: 'object', properties: {} }) }),
} as unknown as ToolSet;
type Reason = 'stop' | 'length' | 'content-filter' | 'tool-calls';
const finish = (unified: Reason = 'stop') => ({ unified, raw: unified });
const streamed = (texts: string[], unified: Reason = 'stop', cut = false) => ({
  stream: simulateReadableStream({
    initialDelayInMs: null,
    chunkDelayInMs: null,
    chunks: [
      { type: 'stream-start' as const, warnings: [] },
      { type: 'response-metadata' as const, ...response },
      { type: 'text-start' as const, id: 't' },
      ...texts.map((delta) => ({ type: 'text-delta' as const, id: 't', delta })),
      { type: 'text-end' as const, id: 't' },
      ...(cut ? [] : [{ type: 'finish' as const, usage, finishReason: finish(unified) }]),
    ],
  }),
});
const whole = (text: string, unified: Reason = 'stop') => ({
  content: [{ type: 'text' as const, text }],
  finishReason: finish(unified),
  usage,
  warnings: [],
  response,
});

function modelOn(
  cache: SemanticCache,
  mock: MockLanguageModelV3,
  options: CacheMiddlewareOptions = { tenant: 't' },
) {
  return wrapLanguageModel({ model: mock, middleware: cacheMiddleware(cache, options) });
}
const counting = (text = 'Harald.') =>
  new MockLanguageModelV3({
    doGenerate: async () => whole(text),
    doStream: async () => streamed([...text]),
  });
const calls = (mock: MockLanguageModelV3) => mock.doGenerateCalls.length + mock.doStreamCalls.length;
async function read(model: Parameters<typeof streamText>[0]['model'], prompt: string) {
  const result = streamText({ model, prompt });
  const texts: string[] = [];
  for await (const text of result.textStream) texts.push(text);
  return {
    texts,
    usage: await result.usage,
    reason: await result.finishReason,
    response: await result.response,
    told: (await result.providerMetadata)?.llmCache,
  };
}

test('what was generated is served again with usage, reason and date, from disk too, and streams', async () => {
  const directory = temporaryDirectory();
  let cache = await openMock({ directory });
  const mock = counting();
  const first = await generateText({ model: modelOn(cache, mock), prompt: 'Who founded Oslo?' });
  assert.is(first.providerMetadata?.llmCache?.hit, false);
  await cache.idle();
  await cache.close();
  cache = await openMock({ directory });
  const model = modelOn(cache, mock);
  const again = await generateText({ model, prompt: 'Who founded Oslo?' });
  assert.is(again.text, 'Harald.');
  assert.equal(again.usage, first.usage);
  assert.is(again.finishReason, 'stop');
  assert.equal(again.response.timestamp, timestamp);
  const { key, ...told } = (again.providerMetadata?.llmCache ?? {}) as { key: string };
  assert.equal(told, { hit: true, match: 'exact', similarity: 1, tier: 'disk' });
  assert.match(key, /^[0-9a-f]{64}$/);
  const stream = await read(model, 'Who founded Oslo?');
  assert.equal(stream.texts, ['Harald.']);
  assert.equal(stream.response.timestamp, timestamp);
  assert.equal(stream.usage, first.usage);
  assert.is((stream.told as { hit: boolean }).hit, true);
  assert.is(calls(mock), 1);
  await cache.close();
});

test('what was streamed comes back part by part, and whole', async () => {
  const cache = await openMock();
  const mock = counting();
  const model = modelOn(cache, mock);
  const first = await read(model, 'Who founded Oslo?');
  assert.is((first.told as { hit: boolean }).hit, false);
  await cache.idle();
  const again = await read(model, 'Who founded Oslo?');
  assert.equal(again.texts, [...'Harald.']);
  assert.equal([again.usage, again.reason, again.response.timestamp], [first.usage, 'stop', timestamp]);
  const plain = await generateText({ model, prompt: 'Who founded Oslo?' });
  assert.equal([plain.text, plain.usage, plain.response.id], ['Harald.', first.usage, 'r1']);
  assert.is(calls(mock), 1);
  await cache.close();
});

test('temperature, system prompt, tenant and tools keep answers apart', async () => {
  const cache = await openMock();
  const mock = counting();
  const ask = async (more: object, options?: CacheMiddlewareOptions) => {
    await generateText({ model: modelOn(cache, mock, options), prompt: 'Who founded Oslo?', ...more });
    await cache.idle();
    return calls(mock);
  };
  assert.is(await ask({ temperature: 0 }), 1);
  assert.is(await ask({ temperature: 0 }), 1);
  assert.is(await ask({ temperature: 0.5 }), 2);
  assert.is(await ask({ temperature: 0, system: 'in French' }), 3);
  assert.is(await ask({ temperature: 0, tools }), 4);
  assert.is(await ask({ temperature: 0 }, { tenant: 'u' }), 5);
  assert.is(await ask({ temperature: 0 }), 5);
  await cache.close();
});

test('a question that depends on what was said is never answered from another conversation', async () => {
  const cache = await openMock();
  const mock = new MockLanguageModelV3({
    doGenerate: async ({ prompt }) => whole(JSON.stringify(prompt).includes('Oslo') ? 'Harald.' : 'Romulus.'),
  });
  const ask = async (subject: string) => {
    const { text } = await generateText({
      model: modelOn(cache, mock),
      messages: [
        { role: 'user', content: `Tell me of ${subject}.` },
        { role: 'assistant', content: 'A town.' },
        { role: 'user', content: 'Who founded it?' },
      ],
    });
    await cache.idle();
    return text;
  };
  assert.equal([await ask('Oslo'), await ask('Rome'), await ask('Oslo')], ['Harald.', 'Romulus.', 'Harald.']);
  assert.is(calls(mock), 2);
  await cache.close();
});

test('cut off, filtered and tool-calling answers, and streams without an end, are not stored', async () => {
  const cache = await openMock();
  const call = { type: 'tool-call' as const, toolCallId: 'c', toolName: 'look', input: '{}' };
  const mocks = [
    new MockLanguageModelV3({ doGenerate: async () => whole('Har', 'length') }),
    new MockLanguageModelV3({ doGenerate: async () => whole('', 'content-filter') }),
    new MockLanguageModelV3({
      doGenerate: async () => ({ ...whole(''), content: [call], finishReason: finish('tool-calls') }),
    }),
  ];
  for (const mock of mocks) {
    for (const _ of [1, 2]) {
      await generateText({ model: modelOn(cache, mock), prompt: 'Who founded Oslo?', tools });
      await cache.idle();
    }
    assert.is(calls(mock), 2);
  }
  const middleware = cacheMiddleware(cache, { tenant: 't' });
  const cut = new MockLanguageModelV3({ doStream: async () => streamed(['Har'], 'stop', true) });
  const params = { prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Cut?' }] }] };
  for (const _ of [1, 2]) {
    const { stream } = await wrapLanguageModel({ model: cut, middleware }).doStream(params);
    for await (const part of stream) assert.is.not(part.type, 'finish');
    await cache.idle();
  }
  assert.is(calls(cut), 2);
  await cache.close();
});

test('an aborted call aborts the model and stores nothing', async () => {
  const cache = await openMock();
  const abort = new AbortController();
  let seen: AbortSignal | undefined;
  const mock = new MockLanguageModelV3({
    doGenerate: ({ abortSignal }) =>
      new Promise((_, reject) => {
        seen = abortSignal;
        abortSignal?.addEventListener('abort', () => reject(abortSignal.reason));
        abort.abort(new Error('gone'));
      }),
  });
  const prompt = 'Who founded Oslo?';
  await generateText({ model: modelOn(cache, mock), prompt, abortSignal: abort.signal, maxRetries: 0 }).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'gone'),
  );
  assert.is(seen?.aborted, true);
  await cache.idle();
  assert.equal(
    (await cache.stats()).tiers.map(({ entries }) => entries),
    (await cache.stats()).tiers.map(() => 0),
  );
  await cache.close();
});

test('objects are served again, apart from texts', async () => {
  const cache = await openMock();
  const mock = counting('{"name":"Harald"}');
  const model = modelOn(cache, mock);
  const schema = jsonSchema<{ name: string }>({ type: 'object', properties: { name: { type: 'string' } } });
  for (const _ of [1, 2]) {
    const { object } = await generateObject({ model, schema, prompt: 'Who founded Oslo?' });
    assert.equal(object, { name: 'Harald' });
    await cache.idle();
  }
  assert.is(calls(mock), 1);
  await generateText({ model, prompt: 'Who founded Oslo?' });
  assert.is(calls(mock), 2);
  await cache.close();
});

test('an embedding model is asked for missing texts only', async () => {
  const asked: string[][] = [];
  const mock = new MockEmbeddingModelV3({
    maxEmbeddingsPerCall: 10,
    doEmbed: async ({ values }) => {
      asked.push(values);
      return { embeddings: values.map((text) => [text.length, 0.5]), usage: { tokens: 7 }, warnings: [] };
    },
  });
  const model = cachedEmbeddingModel(mock, { tiers: [memoryTier({ dimension: 1 })] });
  const first = await embedMany({ model, values: ['a', 'bb'] });
  const second = await embedMany({ model, values: ['bb', 'ccc', 'a'] });
  assert.equal(first.embeddings, [
    [1, 0.5],
    [2, 0.5],
  ]);
  assert.equal(second.embeddings, [
    [2, 0.5],
    [3, 0.5],
    [1, 0.5],
  ]);
  assert.equal(asked, [['a', 'bb'], ['ccc']]);
  assert.is((await embedMany({ model, values: ['a'] })).usage.tokens, 0);
});

test.run();
