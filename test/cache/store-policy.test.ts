// What is not stored by default, what hooks say, and how long answers to questions about the time live.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { storePolicy } from '#dist/store-policy/policy.js';
import { timeClassOf } from '#dist/store-policy/time-words.js';
import { manualClock, seededRandom } from '#dist/testing/index.js';
import { all, failed, source } from './stream-support.js';
import { assemble, openMock, turns } from './support.js';

const test = suite('store policy');

const classes: readonly [string, ReturnType<typeof timeClassOf>][] = [
  ['What is the price of copper?', 'moment'],
  ['What time is it in Lima?', 'moment'],
  ['Is the office open right now?', 'moment'],
  ['Who is winning now', 'moment'],
  ['What was the score of the final?', 'moment'],
  ["What's the weather in Oslo?", 'moment'],
  ['weather oslo', 'moment'],
  ['Who is the current king?', 'moment'],
  ['How much does the ticket cost?', 'moment'],
  ['What happens to bond prices when interest rates rise?', undefined],
  ['Does heavy traffic wear out roads?', undefined],
  ['What happened today?', 'day'],
  ['What is the latest release of Node?', 'day'],
  ['How do I vote today?', 'day'],
  ['Any news about the merger?', 'day'],
  ['Where is my order?', 'personal'],
  ['What is our balance?', 'personal'],
  ['How do I reset my password?', undefined],
  ['Where can I change my address?', undefined],
  ['What is a credit score?', undefined],
  ['Explain how prices form', undefined],
  ['Who wrote Faust?', undefined],
  ['Do you know the way?', undefined],
  ['How tall is Everest?', undefined],
];
for (const [question, expected] of classes) {
  test(`"${question}" is ${expected ?? 'lasting'}`, () => {
    assert.is(timeClassOf(question), expected);
  });
}

test('a long prompt is judged by its ends, quickly', () => {
  assert.is(timeClassOf(`${'word '.repeat(200_000)} what happened today?`), 'day');
  assert.is(timeClassOf(`today ${'how do i '.repeat(200_000)}`), 'day');
});

const bad: readonly [string, unknown][] = [
  ['an error', new Error('x')],
  ['a chat completion cut off', { choices: [{ finish_reason: 'length', message: { content: 'a' } }] }],
  ['a filtered one', { choices: [{ finish_reason: 'content_filter', message: { content: '' } }] }],
  ['a refusal', { choices: [{ finish_reason: 'stop', message: { refusal: 'I cannot' } }] }],
  ['tool calls', { choices: [{ finish_reason: 'tool_calls', message: { tool_calls: [{ id: '1' }] } }] }],
  [
    'a message cut off',
    { type: 'message', stop_reason: 'max_tokens', content: [{ type: 'text', text: 'a' }] },
  ],
  ['a message that uses a tool', { stop_reason: 'tool_use', content: [{ type: 'tool_use' }] }],
  ['an incomplete response', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }],
  ['a response that calls', { status: 'completed', output: [{ type: 'function_call' }] }],
  ['a response that refuses', { output: [{ type: 'message', content: [{ type: 'refusal' }] }] }],
  ['a result of the AI SDK cut off', { finishReason: 'length', content: [] }],
  ['a newer one', { finishReason: { unified: 'content-filter', raw: 'x' }, content: [] }],
  ['one with a tool call', { finishReason: 'stop', content: [{ type: 'tool-call' }] }],
  ['a generation cut off', { message: { data: { response_metadata: { finish_reason: 'length' } } } }],
  ['one cut off as its information says', { text: 'a', generationInfo: { finish_reason: 'length' } }],
  ['one that calls', { message: { data: { tool_calls: [{ name: 'look' }] } } }],
  ['one that calls badly', { message: { data: { invalid_tool_calls: [{ name: 'look' }] } } }],
  ['one that refuses', { message: { data: { additional_kwargs: { refusal: 'No.' } } } }],
  ['one with a call among its content', { message: { data: { content: [{ type: 'tool_use' }] } } }],
];
test('bad endings are handed out and not stored, whole or as a list of parts', async () => {
  const cache = await openMock();
  for (const [what, value] of bad) {
    assert.equal(await cache.wrap(what, () => value), value, what);
    assert.equal(await cache.wrap(`list of ${what}`, () => [{ type: 'text' }, value]), [
      { type: 'text' },
      value,
    ]);
    await cache.idle();
    for (const prompt of [what, `list of ${what}`])
      assert.is((await cache.get(prompt)).match, 'none', prompt);
  }
  assert.is((await cache.stats()).withheld, 2 * bad.length);
  await cache.close();
});

test('good endings are stored', async () => {
  const cache = await openMock();
  const good = [
    { choices: [{ finish_reason: 'stop', message: { content: 'a', refusal: null, tool_calls: [] } }] },
    { type: 'message', stop_reason: 'end_turn', content: [{ type: 'text', text: 'a' }] },
    { status: 'completed', incomplete_details: null, output: [{ type: 'message', content: [] }] },
    { finishReason: { unified: 'stop' }, content: [{ type: 'text', text: 'a' }] },
    { type: 'length', status: 3 },
    { text: 'a', message: { type: 'ai', data: { content: 'a', tool_calls: [], response_metadata: {} } } },
    { message: null, generationInfo: { finish_reason: 'stop' } },
  ];
  for (const [i, value] of good.entries()) {
    await cache.wrap(`good answer ${i}`, () => value);
    await cache.idle();
    assert.is((await cache.get(`good answer ${i}`)).match, 'exact', JSON.stringify(value));
  }
  await cache.close();
});

test('a stream is judged by its parts; one that is aborted or fails is not stored', async () => {
  const cache = await openMock();
  const generate = async function* () {
    yield { type: 'text-delta', delta: 'a' };
    yield { type: 'finish', finishReason: 'length' };
  };
  const join = () => 'a';
  await all(await cache.wrapStream('cut off', generate, { join }));
  const origin = source();
  origin.push('half');
  origin.fail();
  const stream = await cache.wrapStream('broken', origin.generate);
  assert.is(await failed(all(stream)), 'broken');
  await turns();
  await cache.idle();
  assert.is((await cache.get('cut off')).match, 'none');
  assert.is((await cache.get('broken')).match, 'none');
  await cache.close();
});

test('questions about the time are not stored unless their class has a time to live', async () => {
  const clock = manualClock();
  const cache = await openMock({ clock, storing: { dayTtlSeconds: 60 } });
  await cache.wrap('what is the price of tea', () => '1');
  await cache.wrap('what is the latest release', () => '2');
  await cache.idle();
  assert.is((await cache.get('what is the price of tea')).match, 'none');
  assert.is((await cache.get('what is the latest release')).value, '2');
  clock.advance(60_000);
  assert.is((await cache.get('what is the latest release')).match, 'none');
  await cache.close();
  const free = await openMock({ storing: { timeRules: false } });
  await free.wrap('what is the price of tea', () => '1');
  await free.idle();
  assert.is((await free.get('what is the price of tea')).value, '1');
  await free.close();
});

test('hooks overrule the rules, a call its cache; a hook that throws keeps nothing and fails nobody', async () => {
  const clock = manualClock();
  const seen: unknown[] = [];
  const cache = await openMock({
    clock,
    storePolicy: (candidate) => {
      seen.push([candidate.prompt, candidate.against, candidate.timeClass]);
      return /cannot/.test(String(candidate.value)) ? false : undefined;
    },
  });
  const kept = async (prompt: string) => {
    await cache.idle();
    return (await cache.get(prompt)).match === 'exact';
  };
  await cache.wrap('a', () => 'I cannot help with that');
  await cache.wrap('b', () => 'fine');
  await cache.wrap('what is today', () => 'fine');
  assert.equal([await kept('a'), await kept('b'), await kept('what is today')], [false, true, false]);
  assert.equal(seen, [
    ['a', null, undefined],
    ['b', null, undefined],
    ['what is today', 'day', 'day'],
  ]);
  await cache.wrap('c', () => 'I cannot', { cacheable: () => true });
  await cache.wrap('what is tonight', () => 'x', { cacheable: () => ({ ttlMs: 1_000 }) });
  const warned = new Promise((resolve) => process.once('warning', resolve));
  const throwing = () => {
    throw new Error('broken hook');
  };
  assert.is(await cache.wrap('d', () => 'x', { cacheable: throwing }), 'x');
  assert.match(String(await warned), 'broken hook');
  assert.equal([await kept('c'), await kept('what is tonight'), await kept('d')], [true, true, false]);
  clock.advance(1_000);
  assert.is(await kept('what is tonight'), false);
  await cache.close();
});

test('the chance of being stored falls with the temperature', () => {
  const policy = storePolicy({ random: seededRandom(7) });
  const share = (temperature: number) => {
    const scope = { parameters: { temperature } };
    const answer = { prompt: 'q', value: 'v', parts: undefined, scope };
    let stored = 0;
    for (let i = 0; i < 2_000; i++) if (policy(answer, undefined).store) stored++;
    return stored / 2_000;
  };
  assert.equal([share(0), share(1), share(2), share(5)], [1, 1, 0, 0]);
  assert.ok(Math.abs(share(1.25) - 0.75) < 0.05 && Math.abs(share(1.75) - 0.25) < 0.05);
});

test('a cache that is put together without a policy keeps answers about the time', async () => {
  const cache = assemble();
  await cache.wrap('what happened today', () => 'x');
  assert.is((await cache.get('what happened today')).value, 'x');
});

test.run();
