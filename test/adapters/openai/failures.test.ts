// Chat completions that fail, end badly or are left: what callers get, and that nothing of it is stored.
import OpenAI from 'openai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred } from '../../cache/support.js';
import type { Reply } from './server.js';
import { plain, question, streamed, text, withServer } from './support.js';

const test = suite('openai adapter: failures');
type Failure = InstanceType<typeof OpenAI.APIError>;

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
      await server.until(1, 1);
      const abort = new AbortController();
      const call = openai.chat.completions.create(
        { model: 'm', messages: question },
        { signal: abort.signal },
      );
      await server.until(2, 1);
      abort.abort();
      await call.then(
        () => assert.unreachable(),
        (error: unknown) => assert.instance(error, OpenAI.APIUserAbortError),
      );
      await server.until(2, 2);
      hold.resolve();
      await cache.idle();
      assert.is((await cache.stats()).tiers[0]?.entries, 0);
    },
    () => ({ wait: hold.promise }),
  );
});

test.run();
