// Chat completions through the real client against a loopback server: plain and streamed from one entry, and what keeps answers apart.
import OpenAI from 'openai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cached } from '#dist/adapters/openai/index.js';
import { openMock } from '../../cache/support.js';
import { temporaryDirectory } from '../../disk/support.js';
import { startServer, usage } from './server.js';
import { type Messages, plain, question, streamed, text, user, withServer } from './support.js';

const test = suite('openai adapter: chat completions');

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

test('a stream is served again chunk by chunk, from disk too', async () => {
  const server = await startServer();
  const directory = temporaryDirectory();
  const chunks: unknown[] = [];
  for (const expected of ['miss', 'hit']) {
    const cache = await openMock({ directory });
    const openai = new OpenAI({ apiKey: 'k', baseURL: server.baseURL });
    const stream = await streamed(cached(openai, cache, { tenant: 't' }));
    assert.is(stream.told, expected);
    if (expected === 'hit') assert.is(stream.response.headers.get('x-llm-cache-tier'), 'disk');
    assert.ok(
      stream.chunks.every((chunk) => !('usage' in chunk)),
      'usage was not asked for',
    );
    chunks.push(stream.chunks);
    await cache.idle();
    await cache.close();
  }
  assert.equal(chunks[0], chunks[1]);
  assert.equal(
    server.seen.map(({ body }) => body.stream_options),
    [{ include_usage: true }],
  );
  await server.close();
});

test('what was streamed is the same plain, with its usage; another server has answers of its own', () =>
  withServer(async ({ openai, direct, cache }) => {
    await streamed(openai);
    await cache.idle();
    const { data, told } = await plain(openai);
    assert.is(told, 'hit');
    assert.equal({ ...data }, { ...(await plain(direct)).data });
    const other = await startServer();
    const there = cached(new OpenAI({ apiKey: 'k', baseURL: other.baseURL }), cache, { tenant: 't' });
    assert.is((await plain(there)).told, 'miss');
    await other.close();
  }));

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
    async ({ on, cache, direct }) => {
      const openai = on({ tenant: 't', cacheable: () => true });
      const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: { name: 'look' } }];
      for (const more of [{ n: 2 }, { n: 2, tools }]) {
        const whole = await plain(direct, question, more);
        await streamed(openai, question, more);
        await cache.idle();
        const { data, told } = await plain(openai, question, more);
        assert.is(told, 'hit');
        assert.equal(data.choices, whole.data.choices);
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
