// Token counts: equal to the tokenizer's own over whole texts, whatever stands in them, and bounded in time.
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { encodeChat } from 'gpt-tokenizer/model/gpt-4o';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodingOf, messageTokens, replyTokens, tokenCounter } from '#dist/memory/tokens.js';
import { seed } from './support.ts';

const test = suite('tokens');
const count = await tokenCounter('gpt-4o');
const everything = Number.POSITIVE_INFINITY;
const whole = (text: string) => countTokens(text, { disallowedSpecial: new Set() });

const word = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom(
    'the',
    'Größe',
    '東京',
    'can’t',
    "I'll",
    '...',
    '\n\n',
    '  ',
    '\t',
    '42,195',
    '<|endoftext|>',
    '👩‍👧',
  ),
);

test('texts of words are counted exactly, though in stretches', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 900 }), (words) => {
      const text = words.join(' ');
      assert.is(count(text, everything), whole(text));
    }),
    { seed, numRuns: 60 },
  );
});

test('a run without a space is counted in stretches: never less than the tokenizer counts', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('a', 'ab', '漢字', 'ß', '👍', '.,', '0123456789'),
      fc.integer({ min: 1, max: 2500 }),
      (unit, length) => {
        const text = unit.repeat(length).slice(0, 2500).toWellFormed();
        assert.ok(count(text, everything) >= whole(text), `${unit} ${length}`);
      },
    ),
    { seed, numRuns: 30 },
  );
});

test('counting stops soon after the limit', () => {
  const text = '漢字仮名'.repeat(60_000);
  const began = performance.now();
  assert.ok(count(text, 1000) > 1000);
  assert.ok(performance.now() - began < 500);
});

test('a chat takes what the tokenizer gives to the model of it, and never more than is counted', () => {
  const role = fc.constantFrom('system' as const, 'user' as const, 'assistant' as const);
  const chat = fc.array(
    fc.record({
      role,
      content: fc.array(word, { minLength: 1, maxLength: 60 }).map((words) => words.join(' ')),
    }),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(chat, (messages) => {
      const counted = messages.reduce(
        (sum, message) => sum + messageTokens(message, count, everything),
        replyTokens,
      );
      const given = encodeChat(messages, 'gpt-4o', { disallowedSpecial: new Set() }).length;
      assert.is(counted, given);
    }),
    { seed, numRuns: 60 },
  );
});

test('names and calls of tools are counted', () => {
  const bare = messageTokens({ role: 'assistant', content: 'x' }, count, everything);
  const named = messageTokens({ role: 'assistant', content: 'x', name: 'Ada' }, count, everything);
  assert.is(named, bare + 1 + whole('Ada'));
  const calls = [{ id: 'call_1', type: 'function' as const, function: { name: 'f', arguments: '{"a":1}' } }];
  const calling = messageTokens({ role: 'assistant', content: 'x', tool_calls: calls }, count, everything);
  assert.is(calling, bare + 1 + whole(JSON.stringify(calls)));
});

test('models have their encodings, also by the name they begin with', async () => {
  const expected = {
    'gpt-4o': 'o200k_base',
    'gpt-4o-2031-01-01': 'o200k_base',
    'gpt-4': 'cl100k_base',
    'gpt-4-0613': 'cl100k_base',
    'gpt-3.5-turbo-0125': 'cl100k_base',
    'gpt-4.1-mini': 'o200k_base',
    'gpt-oss-20b': 'o200k_harmony',
    'text-davinci-003': 'p50k_base',
    cl100k_base: 'cl100k_base',
    'some-other-model': 'o200k_base',
    constructor: 'o200k_base',
  };
  for (const [model, encoding] of Object.entries(expected))
    assert.is(await encodingOf(model), encoding, model);
});

test.run();
