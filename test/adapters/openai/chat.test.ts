// Chat completions through the real client against a loopback server: plain and streamed from one entry, and what is never stored.
import OpenAI from 'openai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CachingFetchOptions, cached } from '#dist/adapters/openai/index.js';
import type { SemanticCache } from '#dist/cache.js';
import { storePolicy } from '#dist/store-policy/policy.js';
import { assemble, deferred, openMock } from '../../cache/support.js';
import { temporaryDirectory } from '../../disk/support.js';
import { type Reply, startServer, usage } from './server.js';

const test = suite('openai adapter: chat completions');
type Failure = InstanceType<typeof OpenAI.APIError>;
type Messages = OpenAI.ChatCompletionMessageParam[];
const user = (content: string): OpenAI.ChatCompletionUserMessageParam => ({ role: 'user', content });
const question = [user('Who founded Oslo?')];
const text = 'answer to Who founded Oslo?';

async function withServer(
  run: (given: Given) => Promise<void>,
  reply?: (body: { messages: Messages; n?: number }) => Reply,
  directory?: string,
) {
  const server = await startServer(reply);
  const cache =
    directory === undefined ? assemble({ storePolicy: storePolicy() }) : await openMock({ directory });
  const { baseURL } = server;
  const on = (options: CachingFetchOptions = { tenant: 't' }) =>
    cached(new OpenAI({ apiKey: 'k', baseURL, maxRetries: 0 }), cache, options);
  try {
    await run({ server, cache, openai: on(), on });
  } finally {
    await cache.close();
    await server.close();
  }
}
type Given = {
  server: Awaited<ReturnType<typeof startServer>>;
  cache: SemanticCache;
  openai: OpenAI;
  on: (options?: CachingFetchOptions) => OpenAI;
};

async function plain(openai: OpenAI, messages: Messages = question, more: object = {}) {
  const { data, response } = await openai.chat.completions
    .create({ model: 'm', messages, ...more })
    .withResponse();
  return { data: data as OpenAI.ChatCompletion, told: response.headers.get('x-llm-cache'), response };
}
async function streamed(openai: OpenAI, messages: Messages = question, more: object = {}) {
  const { data, response } = await openai.chat.completions
    .create({ model: 'm', messages, stream: true, ...more })
    .withResponse();
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of data as unknown as AsyncIterable<OpenAI.ChatCompletionChunk>) chunks.push(chunk);
  const texts = chunks.map(({ choices }) => choices[0]?.delta.content).filter(Boolean);
  return { chunks, texts, told: response.headers.get('x-llm-cache'), response };
}

test('a plain answer is served again as it came, and streamed; headers of the server are there on a miss', () =>
  withServer(async ({ openai, server, cache }) => {
    const first = await plain(openai);
    assert.equal([first.told, first.response.headers.get('x-request-id')], ['miss', 'req_1']);
    await cache.idle();
    const again = await plain(openai);
    assert.equal({ ...again.data }, { ...first.data });
    assert.equal(
      ['', '-match', '-tier', '-similarity'].map((name) => again.response.headers.get(`x-llm-cache${name}`)),
      ['hit', 'exact', 'memory', '1'],
    );
    const stream = await streamed(openai, question, { stream_options: { include_usage: true } });
    assert.equal([stream.told, stream.texts.join('')], ['hit', text]);
    assert.equal(stream.chunks.map(({ choices }) => choices[0]?.finish_reason).filter(Boolean), ['stop']);
    assert.equal(stream.chunks.at(-1)?.usage, usage);
    const reworded = await plain(openai, [user('Please: who founded Oslo?')]);
    assert.equal(
      [reworded.data.choices[0]?.message.content, reworded.response.headers.get('x-llm-cache-match')],
      [text, 'semantic'],
    );
    const without = await streamed(openai);
    assert.ok(without.chunks.every((chunk) => !('usage' in chunk) && chunk.choices.length > 0));
    assert.is(server.seen.length, 1);
    assert.is((await cache.stats()).saved.inputTokens, 4 * usage.prompt_tokens);
  }));

test('a stream is served again chunk by chunk, from disk too, and plain with its usage', async () => {
  const directory = temporaryDirectory();
  await withServer(
    async ({ openai, server, cache }) => {
      const first = await streamed(openai);
      assert.is(first.told, 'miss');
      assert.ok(
        first.chunks.every((chunk) => !('usage' in chunk)),
        'usage was not asked for',
      );
      assert.equal(server.seen[0]?.body.stream_options, { include_usage: true });
      await cache.idle();
      const again = await streamed(openai);
      assert.is(again.told, 'hit');
      assert.equal(again.chunks, first.chunks);
      assert.is(server.seen.length, 1);
    },
    undefined,
    directory,
  );
  await withServer(
    async ({ openai, server }) => {
      // Another server is another provider: nothing is shared with it.
      assert.is((await streamed(openai)).told, 'miss');
      assert.is(server.seen.length, 1);
    },
    undefined,
    directory,
  );
  await withServer(async ({ openai, cache, server }) => {
    await streamed(openai);
    await cache.idle();
    const { data, told } = await plain(openai);
    const direct = await plain(new OpenAI({ apiKey: 'k', baseURL: server.baseURL }));
    assert.is(told, 'hit');
    assert.equal({ ...data }, { ...direct.data });
  });
});

test('the helpers of the client work on both', () =>
  withServer(async ({ openai, cache }) => {
    for (const expected of [1, 2]) {
      const run = openai.chat.completions.stream({ model: 'm', messages: question });
      assert.is((await run.finalChatCompletion()).choices[0]?.message.content, text, String(expected));
      await cache.idle();
    }
    const parsed = await openai.chat.completions.parse({ model: 'm', messages: question });
    assert.is(parsed.choices[0]?.message.content, text);
  }));

test('choices come apart and together, with tool calls where a hook keeps them', () =>
  withServer(
    async ({ on, cache, server }) => {
      const openai = on({ tenant: 't', cacheable: () => true });
      const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: { name: 'look' } }];
      for (const more of [{ n: 2 }, { n: 2, tools }]) {
        const direct = await plain(new OpenAI({ apiKey: 'k', baseURL: server.baseURL }), question, more);
        await streamed(openai, question, more);
        await cache.idle();
        const { data, told } = await plain(openai, question, more);
        assert.is(told, 'hit');
        assert.equal(data.choices, direct.data.choices);
        await openai.chat.completions.create({ model: 'p', messages: question, ...more });
        await cache.idle();
        const fromPlain = await streamed(openai, question, { model: 'p', ...more });
        assert.is(fromPlain.told, 'hit');
        const calls = fromPlain.chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
        assert.equal(
          calls.map((call) => [call.index, call.function?.arguments]),
          'tools' in more
            ? [
                [0, '{"x":1}'],
                [0, '{"x":1}'],
              ]
            : [],
        );
      }
    },
    (body) =>
      'tools' in body
        ? {
            text: '',
            finish: 'tool_calls',
            message: {
              tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{"x":1}' } }],
            },
          }
        : {},
  ));

test('tool calls, cut off, filtered and refused answers are not stored, nor warm ones beyond the limit', () => {
  const replies: Reply[] = [
    { finish: 'length' },
    { finish: 'content_filter' },
    { text: '', message: { refusal: 'No.' } },
    {
      text: '',
      finish: 'tool_calls',
      message: { tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{}' } }] },
    },
    {},
  ];
  let reply: Reply = {};
  return withServer(
    async ({ openai, cache, server }) => {
      for (const [at, one] of replies.entries()) {
        reply = one;
        const more = at === 4 ? { temperature: 2 } : { seed: at };
        for (const ask of [plain, streamed, plain]) {
          assert.is((await ask(openai, question, more)).told, 'miss', JSON.stringify(one));
          await cache.idle();
        }
      }
      assert.is(server.seen.length, 3 * replies.length);
      assert.is((await cache.stats()).tiers[0]?.entries, 0);
    },
    () => reply,
  );
});

test('errors pass through, each caller of one generation has its own, and nothing is stored', () => {
  let status: number | undefined = 429;
  return withServer(
    async ({ openai, server }) => {
      const asked = [plain(openai), plain(openai), streamed(openai)].map((call) =>
        call.then(
          () => assert.unreachable(),
          (error: unknown) => error,
        ),
      );
      for (const error of await Promise.all(asked)) {
        assert.instance(error, OpenAI.RateLimitError);
        const { code, type, message } = error as Failure;
        assert.equal([code, type, message], ['c', 'test', '429 no']);
        assert.match((error as Failure).headers?.get('x-request-id') ?? '', /^req_/);
      }
      status = undefined;
      assert.is((await plain(openai)).told, 'miss');
      assert.ok(server.seen.length > 1);
    },
    () => (status === undefined ? {} : { status }),
  );
});

test('a stream that is cut off, quietly or not, or that tells an error, fails and is not stored', () => {
  let end: Reply['end'];
  return withServer(
    async ({ openai, cache }) => {
      for (end of ['silent', 'reset', 'error'] as const) {
        const failed = await streamed(openai).then(
          () => undefined,
          (error: Error) => error,
        );
        assert.instance(failed, Error, end);
        await cache.idle();
      }
      end = undefined;
      const { told, texts } = await streamed(openai);
      assert.equal([told, texts.join('')], ['miss', text]);
    },
    () => ({ ...(end && { end }) }),
  );
});

test('an error within a stream reaches all who read it, and nobody else', () => {
  const hold = deferred();
  return withServer(
    async ({ openai, server }) => {
      const asked = [streamed(openai), streamed(openai)].map((call) =>
        call.then(
          () => assert.unreachable(),
          (error: Error) => error,
        ),
      );
      const whole = plain(openai);
      hold.resolve();
      for (const error of await Promise.all(asked)) {
        assert.instance(error, OpenAI.APIError);
        assert.match((error as Error).message, /broken/);
      }
      // It has seen nothing of the stream, so it asks by itself.
      assert.is((await whole).data.choices[0]?.message.content, text);
      assert.equal(
        server.seen.map(({ body }) => body.stream),
        [true, undefined],
      );
    },
    () => ({ end: 'error', wait: hold.promise }),
  );
});

test('a server that knows no stream_options is asked without them, and then never again with them', () =>
  withServer(async ({ openai, server, cache }) => {
    server.refuseUsage();
    assert.is((await streamed(openai)).texts.join(''), text);
    await streamed(openai, [user('Who founded Rome?')]);
    assert.equal(
      server.seen.map(({ body }) => body.stream_options !== undefined),
      [true, false, false],
    );
    await cache.idle();
    const { data, told } = await plain(openai);
    assert.equal([told, data.choices[0]?.message.content, data.usage], ['hit', text, undefined]);
  }));

test('callers join a stream in flight, and it goes on when one of them leaves', () => {
  const hold = deferred();
  return withServer(
    async ({ openai, server }) => {
      const stream = await openai.chat.completions.create({ model: 'm', messages: question, stream: true });
      const joined = [streamed(openai), plain(openai)] as const;
      for await (const _ of stream) break;
      hold.resolve();
      const [other, whole] = await Promise.all(joined);
      assert.is(other.texts.join(''), text);
      assert.is(whole.data.choices[0]?.message.content, text);
      assert.is(server.seen.length, 1);
    },
    () => ({ wait: hold.promise }),
  );
});

test('who leaves alone ends the request at the server, and nothing is stored', () => {
  const hold = deferred();
  return withServer(
    async ({ openai, server, cache }) => {
      const stream = await openai.chat.completions.create({ model: 'm', messages: question, stream: true });
      for await (const _ of stream) break;
      while (server.left.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const abort = new AbortController();
      const call = openai.chat.completions.create(
        { model: 'm', messages: question },
        { signal: abort.signal },
      );
      while (server.seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      await call.then(
        () => assert.unreachable(),
        (error: unknown) => assert.instance(error, OpenAI.APIUserAbortError),
      );
      while (server.left.length < 2) await new Promise((resolve) => setImmediate(resolve));
      hold.resolve();
      await cache.idle();
      assert.is((await cache.stats()).tiers[0]?.entries, 0);
    },
    () => ({ wait: hold.promise }),
  );
});

test('"Who founded it?" after two subjects never hits; a question that stands alone does', () =>
  withServer(async ({ openai, cache, server }) => {
    const after = (subject: string, last: string, order = ''): Messages => [
      user(`Tell me about ${subject}.${order}`),
      { role: 'assistant', content: `${subject} is a company.` },
      user(last),
    ];
    const told = async (...asked: Parameters<typeof after>) => {
      const [one] = [await plain(openai, after(...asked))];
      await cache.idle();
      return one.told;
    };
    assert.is(await told('Volvo', 'Who founded it?'), 'miss');
    assert.is(await told('Ikea', 'Who founded it?'), 'miss');
    assert.is((await plain(openai, [user('Who founded it?')])).told, 'miss');
    assert.is(await told('Volvo', 'Who founded it?'), 'hit');
    assert.is(await told('Ikea', 'Who founded it?'), 'hit');
    assert.is(await told('Volvo', 'What is the capital of Norway?'), 'miss');
    assert.is(await told('Ikea', 'What is the capital of Norway?'), 'hit');
    assert.is(await told('Ikea', 'What is the capital of Norway?', ' Answer in French.'), 'miss');
    assert.is(server.seen.length, 5);
  }));

test('what changes the answer keeps answers apart; what does not, does not', () =>
  withServer(async ({ openai, on, cache }) => {
    const told = async (more: object, client = openai) => {
      const { told } = await plain(client, question, more);
      await cache.idle();
      return told;
    };
    assert.is(await told({}), 'miss');
    const apart = [
      { model: 'n' },
      { temperature: 0 },
      { tools: [{ type: 'function', function: { name: 'look' } }] },
      { response_format: { type: 'json_object' } },
      { messages: [{ role: 'system', content: 'In French.' }, ...question] },
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://a/' } }] }] },
    ];
    for (const more of apart) {
      assert.is(await told(more), 'miss', JSON.stringify(more));
      assert.is(await told(more), 'hit', JSON.stringify(more));
    }
    assert.is(await told({}, on({ tenant: 'u' })), 'miss');
    const own = { user: 'u7', metadata: { a: '1' }, safety_identifier: 's', prompt_cache_key: 'p' };
    assert.is(await told(own), 'hit');
  }));

test('cache-control makes an answer anew, or leaves the cache out', () =>
  withServer(async ({ openai, server, cache }) => {
    const ask = async (control: string) => {
      const options = { headers: { 'cache-control': control } };
      const asked = openai.chat.completions.create({ model: 'm', messages: question }, options);
      const { response } = await asked.withResponse();
      await cache.idle();
      return response.headers.get('x-llm-cache');
    };
    assert.equal([await ask('no-store'), await ask('max-age=1')], [null, 'miss']);
    assert.equal([await ask('no-cache'), await ask('max-age=1')], ['miss', 'hit']);
    assert.is(server.seen.length, 3);
    const models = await openai.models.list().withResponse();
    assert.equal([models.data.data.length, models.response.headers.get('x-llm-cache')], [1, null]);
  }));

test.run();
