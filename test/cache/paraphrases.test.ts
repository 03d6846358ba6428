// Concurrent questions that ask the same in other words share one generation; guards, scopes, failures and those who leave.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalLedger } from '#dist/core/ledger.js';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { policy } from '#dist/index.js';
import { paraphrases } from './fixtures/paraphrases.js';
import { all, failed } from './stream-support.js';
import { assemble, deferred, turns } from './support.js';

const test = suite('paraphrases in flight');
const question = 'where does the old grey cat sleep at night';
const ways = Array.from(
  { length: 100 },
  (_, i) => `${question}${' '.repeat(i % 2)}${['', '?', ' please', ' then'][i % 4]} ${'!'.repeat(i)}`,
);

test('a hundred concurrent paraphrases of one question cause one call, with the real model', async () => {
  const embedder = await onnxEmbedder({ directory: 'models/all-MiniLM-L6-v2', workers: 1 });
  const cache = assemble({ embedder, policy: policy() });
  assert.is(new Set(paraphrases).size, 100);
  let calls = 0;
  const gate = deferred<string>();
  const asking = paraphrases.map((text) =>
    cache.ask(text, () => {
      calls++;
      return gate.promise;
    }),
  );
  while ((await Promise.all(paraphrases.map((text) => embedder.embed(text)))).length < 100);
  await turns(20);
  gate.resolve('by the link on the sign-in page');
  const answers = await Promise.all(asking);
  assert.is(calls, 1);
  assert.ok(answers.every(({ value }) => value === 'by the link on the sign-in page'));
  assert.is(answers.filter(({ coalesced }) => coalesced).length, 99);
  const { queries, misses, coalesced } = await cache.stats();
  assert.equal([queries, misses, coalesced], [100, 1, 99]);
  await cache.close();
});

test('the record says whose answer it is', async () => {
  const cache = assemble();
  const gate = deferred<string>();
  const first = cache.ask(question, () => gate.promise);
  await turns();
  const second = cache.ask(`${question} please`, () => assert.unreachable());
  await turns();
  gate.resolve('indoors');
  const [led, joined] = await Promise.all([first, second]);
  assert.equal([led.coalesced, led.match], [false, 'none']);
  assert.equal(
    [joined.coalesced, joined.match, joined.question, joined.tier],
    [true, 'semantic', question, 'origin'],
  );
  assert.ok(joined.similarity > 0.8 && joined.similarity < 1);
  assert.is.not(joined.key, led.key);
});

test('guards and scopes hold in flight as they do for what is stored', async () => {
  const cache = assemble();
  let calls = 0;
  const generate = async () => {
    await turns();
    return ++calls;
  };
  const asked = [
    'buy 10 shares of acme for me',
    'buy 20 shares of acme for me',
    'do not buy 10 shares of acme for me',
  ];
  await Promise.all(asked.map((text) => cache.wrap(text, generate)));
  assert.is(calls, 3);
  await Promise.all(
    ['a', 'b'].map((tenant) => cache.wrap(`${question} ${tenant}`, generate, { scope: { tenant } })),
  );
  assert.is(calls, 5);
});

test('a failure releases everybody and is not remembered', async () => {
  const cache = assemble();
  let calls = 0;
  const gate = deferred<string>();
  const generate = () => {
    calls++;
    return gate.promise;
  };
  const asking = ways.map((text) => failed(cache.wrap(text, generate)));
  await turns(20);
  gate.reject(new Error('overloaded'));
  assert.equal(await Promise.all(asking), Array(100).fill('overloaded'));
  assert.is(calls, 1);
  assert.is(await cache.wrap(question, () => 'fine'), 'fine');
});

test('the first to ask leaves: the others still get the answer; all leave: it is aborted', async () => {
  const cache = assemble();
  const gate = deferred<string>();
  let signal: AbortSignal | undefined;
  const leaver = new AbortController();
  const leading = failed(
    cache.wrap(
      question,
      (context) => {
        signal = context.signal;
        return gate.promise;
      },
      { signal: leaver.signal },
    ),
  );
  await turns();
  const other = new AbortController();
  const joined = failed(
    cache.wrap(`${question} please`, () => assert.unreachable(), { signal: other.signal }),
  );
  await turns();
  leaver.abort('gone');
  assert.is(await leading, 'gone');
  assert.is(signal?.aborted, false);
  other.abort('gone too');
  assert.is(await joined, 'gone too');
  assert.is(signal?.aborted, true);
});

test('who asks after a removal does not join what began before it', async () => {
  const ledger = new LocalLedger();
  const cache = assemble({ ledger });
  const gate = deferred<string>();
  const before = cache.wrap(question, () => gate.promise, { sources: ['doc'] });
  await turns();
  await cache.invalidate({ sources: ['doc'] });
  assert.is(await cache.wrap(`${question} please`, () => 'new'), 'new');
  gate.resolve('old');
  assert.is(await before, 'old');
});

test('what cannot be stored is generated for each', async () => {
  const cache = assemble();
  let calls = 0;
  const generate = async () => {
    calls++;
    await turns();
    return () => {};
  };
  await Promise.all(
    [question, `${question} please`, `${question} then`].map((text) => cache.wrap(text, generate)),
  );
  assert.is(calls, 3);
});

test('a hundred paraphrases read one stream', async () => {
  const cache = assemble();
  let calls = 0;
  const generate = async function* () {
    calls++;
    for (let i = 0; i < 10; i++) {
      await turns(2);
      yield `${i}`;
    }
  };
  const read = async (text: string) => (await all(await cache.wrapStream(text, generate))).join('');
  const texts = await Promise.all(ways.map(read));
  assert.equal([calls, new Set(texts).size, texts[0]], [1, 1, '0123456789']);
});

test.run();
