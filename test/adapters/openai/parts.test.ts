// Events and answers of OpenAI's interfaces in pieces: whatever the pieces, the same comes out.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chatCompletions } from '#dist/adapters/openai/chat.js';
import type { Json, Part } from '#dist/adapters/openai/form.js';
import { responses } from '#dist/adapters/openai/responses.js';
import { eventOf, partsOf } from '#dist/adapters/openai/sse.js';

const test = suite('openai adapter: parts');
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const options = { seed, numRuns: 300 };

/** Cuts bytes at these places. */
function* cut(bytes: Uint8Array, places: readonly number[]): Generator<Uint8Array> {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  for (const [index, from] of [0, ...at].entries()) yield bytes.slice(from, at[index] ?? bytes.length);
}
async function read(bytes: Uint8Array, places: readonly number[]): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const part of partsOf(ReadableStream.from(cut(bytes, places)))) parts.push(part);
  return parts;
}

const plainly = { noNullPrototype: true };
const text = fc.string({ unit: 'binary' });
const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ type: fc.constantFrom('response.created', 'x'), text }),
  fc.record({ choices: fc.array(text) }),
  fc.constantFrom('[DONE]', 'no\nJSON', '7'),
);

test('events come out as they went in, wherever the network cuts them and however lines end', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(part),
      fc.array(fc.nat()),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.boolean(),
      async (parts, places, end, isClosed) => {
        const written = Buffer.concat(parts.map(eventOf)).toString();
        const lines = (isClosed ? written : written.replace(/\n\n$/, '')).replaceAll('\n', end);
        const bytes = new TextEncoder().encode(`: comment${end}${end}retry: 3${end}${end}${lines}`);
        assert.equal(
          JSON.parse(JSON.stringify(await read(bytes, places))),
          JSON.parse(JSON.stringify(parts)),
        );
      },
    ),
    options,
  ));

test('no bytes make the reader fail', () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array(),
        fc.string().map((said) => new TextEncoder().encode(`data: ${said}`)),
      ),
      fc.array(fc.nat()),
      async (bytes, places) => assert.ok(Array.isArray(await read(bytes, places))),
    ),
    options,
  ));

const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
const call = fc.record(
  {
    id: fc.constantFrom('c1', 'c2'),
    type: fc.constant('function'),
    function: fc.record({ name: fc.constantFrom('look', 'go'), arguments: text }, plainly),
  },
  plainly,
);
const completion = fc
  .array(
    fc.record(
      {
        message: fc.record(
          {
            role: fc.constant('assistant'),
            content: fc.oneof(text, fc.constant(null)),
            refusal: fc.constant(null),
            tool_calls: fc.array(call, { minLength: 1, maxLength: 3 }),
            reasoning_content: text,
          },
          { requiredKeys: ['role', 'content', 'refusal'], ...plainly },
        ),
        logprobs: fc.constantFrom(null, { content: [{ token: 'a', logprob: -1 }], refusal: null }),
        finish_reason: fc.constantFrom('stop', 'length'),
      },
      plainly,
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((choices) => ({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: choices.map((choice, index) => ({ index, ...choice })),
    usage,
  }));

/** The chunks with their texts in pieces, as servers stream them. */
function inPieces(parts: Iterable<Part>, size: number): Part[] {
  return [...parts].flatMap((one): Part[] => {
    const [choice] = typeof one === 'string' ? [] : ((one.choices ?? []) as Json[]);
    const { content } = (choice?.delta ?? {}) as { content?: unknown };
    if (typeof one === 'string' || typeof content !== 'string' || content.length <= size) return [one];
    const { delta, logprobs, ...about } = choice as Json;
    const piece = (fields: object, told: unknown) => ({
      ...one,
      choices: [{ ...about, delta: fields, logprobs: told }],
    });
    const rest = content.slice(size).match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
    const first = piece({ ...(delta as Json), content: content.slice(0, size) }, logprobs);
    return [first, ...rest.map((said) => piece({ content: said }, null))];
  });
}

test('a completion is the same after it was streamed, in whatever pieces', () =>
  fc.assert(
    fc.property(completion, fc.integer({ min: 1, max: 5 }), (whole, size) => {
      const parts = inPieces(chatCompletions.split(whole), size);
      assert.equal(chatCompletions.join(parts), whole);
      assert.is(chatCompletions.isWhole(whole, parts), true);
      assert.is(chatCompletions.ends(parts.at(-1) as Part), true);
      for (const kept of parts.keys()) {
        const cutOff = parts.slice(0, kept);
        assert.is(chatCompletions.isWhole(chatCompletions.join(cutOff), cutOff), false);
      }
      const shown = parts.map((one) => chatCompletions.shown(one, {})).filter((one) => one !== undefined);
      assert.ok(shown.every((one) => typeof one === 'string' || !('usage' in one)));
      const { usage: _, ...withoutUsage } = whole;
      assert.equal(chatCompletions.join(shown), withoutUsage);
    }),
    options,
  ));

test('a response is the same after it was streamed', () =>
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (texts) => {
      const content = texts.map((said) => ({
        type: 'output_text',
        text: said,
        annotations: [{ type: 'url' }],
      }));
      const whole = {
        id: 'r',
        status: 'completed',
        output: [
          { type: 'reasoning', id: 'x', summary: [] },
          { type: 'message', id: 'i', role: 'assistant', status: 'completed', content },
        ],
        usage,
      };
      const parts = [...responses.split(whole)];
      assert.equal(responses.join(parts), whole);
      assert.is(responses.isWhole(responses.join(parts)), true);
      assert.is(responses.isWhole(responses.join(parts.slice(0, -1))), false);
      const deltas = parts.map((one) => (one as Json).delta).filter((delta) => delta !== undefined);
      assert.equal(deltas, texts);
    }),
    options,
  ));

test('answers that are no answers are not whole', () => {
  for (const value of [
    {},
    { choices: [] },
    { choices: [{}] },
    { choices: [{ message: {}, finish_reason: null }] },
  ])
    assert.is(chatCompletions.isWhole(value), false);
  const sound = { choices: [{ message: { content: null, audio: { id: 'a' } }, finish_reason: 'stop' }] };
  assert.is(chatCompletions.isWhole(sound), false);
  for (const value of [
    {},
    { status: 'completed' },
    { status: 'completed', output: [] },
    { status: 'completed', output: [7] },
  ])
    assert.is(responses.isWhole(value), false);
});

test.run();
