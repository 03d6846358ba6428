// Responses through the real client against a loopback server: plain and streamed from one entry, and what is never stored.
import type OpenAI from 'openai';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Reply } from './server.js';
import { withServer } from './support.js';

const test = suite('openai adapter: responses');
type Event = OpenAI.Responses.ResponseStreamEvent;

async function plain(openai: OpenAI, input: OpenAI.Responses.ResponseInput | string, more: object = {}) {
  const { data, response } = await openai.responses.create({ model: 'm', input, ...more }).withResponse();
  return { data: data as OpenAI.Responses.Response, told: response.headers.get('x-llm-cache') };
}
async function streamed(openai: OpenAI, input: string, more: object = {}) {
  const asked = openai.responses.create({ model: 'm', input, stream: true, ...more });
  const { data, response } = await asked.withResponse();
  const events: Event[] = [];
  for await (const event of data as AsyncIterable<Event>) events.push(event);
  return { events, told: response.headers.get('x-llm-cache') };
}
const textOf = (events: Event[]) =>
  events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');

test('one entry for plain and stream, whichever came first', () =>
  withServer(async ({ openai, direct, cache, server }) => {
    const first = await plain(openai, 'Who founded Oslo?');
    assert.equal([first.told, first.data.output_text], ['miss', 'answer to Who founded Oslo?']);
    await cache.idle();
    const again = await plain(openai, 'Who founded Oslo?');
    assert.is(again.told, 'hit');
    assert.equal({ ...again.data }, { ...first.data });
    const replayed = await streamed(openai, 'Who founded Oslo?');
    assert.equal([replayed.told, textOf(replayed.events)], ['hit', 'answer to Who founded Oslo?']);
    assert.equal(
      replayed.events.map(({ sequence_number }) => sequence_number),
      replayed.events.map((_, at) => at),
    );
    const helped = await openai.responses.stream({ model: 'm', input: 'Who founded Oslo?' }).finalResponse();
    assert.equal([helped.output_text, helped.usage], [first.data.output_text, first.data.usage]);
    assert.is(server.seen.length, 1);

    const live = await streamed(openai, 'Who founded Rome?');
    assert.is(live.told, 'miss');
    await cache.idle();
    const stored = await streamed(openai, 'Who founded Rome?');
    assert.equal([stored.told, stored.events], ['hit', live.events]);
    const whole = await plain(openai, 'Who founded Rome?');
    assert.equal({ ...whole.data }, { ...(await plain(direct, 'Who founded Rome?')).data });
    assert.is((await cache.stats()).saved.inputTokens, 5 * 7);
  }));

test('what is not whole, or not text alone, is not stored; nor what goes on at the server', () => {
  const call = {
    type: 'function_call',
    id: 'f',
    call_id: 'c',
    name: 'look',
    arguments: '{}',
    status: 'completed',
  };
  const search = { type: 'web_search_call', id: 'w', status: 'completed' };
  const said = { type: 'message', id: 'i', role: 'assistant', status: 'completed' };
  const replies: (Reply & { more?: object })[] = [
    { finish: 'incomplete' },
    { finish: 'failed' },
    { output: [call] },
    { output: [search, { ...said, content: [{ type: 'output_text', text: 'x', annotations: [] }] }] },
    { output: [{ ...said, content: [{ type: 'refusal', refusal: 'No.' }] }] },
    { more: { temperature: 2 } },
    { more: { background: true } },
    { more: { conversation: 'conv_1' } },
  ];
  let reply: Reply = {};
  return withServer(
    async ({ openai, cache, server }) => {
      for (const { more, ...one } of replies) {
        reply = one;
        for (const ask of [plain, streamed, plain]) {
          assert.is.not((await ask(openai, 'Who founded Oslo?', more)).told, 'hit', JSON.stringify(one));
          await cache.idle();
        }
      }
      assert.is(server.seen.length, 3 * replies.length);
      assert.is((await cache.stats()).tiers[0]?.entries, 0);
    },
    () => reply,
  );
});

test('"Who founded it?" after two subjects never hits, whether the turns are here or at the server', () =>
  withServer(async ({ openai, cache }) => {
    const told = async (input: OpenAI.Responses.ResponseInput | string, more?: object) => {
      const { told } = await plain(openai, input, more);
      await cache.idle();
      return told;
    };
    const after = (subject: string, last: string): OpenAI.Responses.ResponseInput => [
      { role: 'user', content: `Tell me about ${subject}.` },
      {
        type: 'message',
        id: `msg_${subject}`,
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: `${subject} is a company.`, annotations: [] }],
      },
      { role: 'user', content: [{ type: 'input_text', text: last }] },
    ];
    assert.is(await told(after('Volvo', 'Who founded it?')), 'miss');
    assert.is(await told(after('Ikea', 'Who founded it?')), 'miss');
    assert.is(await told('Who founded it?'), 'miss');
    assert.is(await told('Who founded it?', { previous_response_id: 'resp_1' }), 'miss');
    assert.is(await told('Who founded it?', { previous_response_id: 'resp_2' }), 'miss');
    assert.is(await told('Who founded it?', { previous_response_id: 'resp_1' }), 'hit');
    assert.is(await told(after('Volvo', 'Who founded it?')), 'hit');
    assert.is(await told('What is the capital of Norway?'), 'miss');
    assert.is(await told(after('Ikea', 'What is the capital of Norway?')), 'hit');
    const called: OpenAI.Responses.ResponseInput = [
      { role: 'user', content: 'Weather?' },
      { type: 'function_call', call_id: 'c', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'rain' },
    ];
    assert.equal([await told(called), await told(called)], ['miss', 'hit']);
    assert.is(
      await told([...called.slice(0, -1), { type: 'function_call_output', call_id: 'c', output: 'sun' }]),
      'miss',
    );
  }));

test('instructions and the form of the answer are the scope', () =>
  withServer(async ({ openai, cache }) => {
    for (const more of [{}, { instructions: 'In French.' }, { text: { format: { type: 'json_object' } } }]) {
      for (const expected of ['miss', 'hit']) {
        assert.is((await plain(openai, 'Who founded Oslo?', more)).told, expected, JSON.stringify(more));
        await cache.idle();
      }
    }
  }));

test.run();
