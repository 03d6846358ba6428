// Which earlier turns may change a later answer: what informs and orders, not what only asks.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { setsTerms } from '#dist/decide/terms.js';
import { readLastTurns } from '../../bench/data/traps.ts';

const test = suite('decide: terms');
const user = (content: unknown, more: object = {}) => ({ role: 'user', content, ...more });

test('orders, facts about the asker, documents and other languages count', () => {
  for (const text of [
    'Answer in French.',
    'Please always be brief.',
    'Tell me about Oslo, and from now on only in French.',
    'I am vegan.',
    'What can I cook if I am vegan?',
    'My name is Ada.',
    'Call me Ada.',
    'You are a pirate. What is the capital of Norway?',
    'Pretend that it is 1920.',
    'Explain gravity to a child.',
    'The meeting is on Tuesday in Bergen.',
    'Write a poem about the sea.',
    'Hi! We live in Chile.',
    'Kannst du mir bitte die Stadt zeigen?',
    `What follows is a report? ${'It says much. '.repeat(50)}`,
  ])
    assert.is(setsTerms(user(text)), true, text);
});

test('what only asks, and what the assistant says, does not', () => {
  for (const text of [
    '',
    'Hi!',
    'Thanks!',
    'Tell me about Volvo.',
    'Tell me of Oslo.',
    'Could you tell me about Oslo?',
    'What is the capital of Norway?',
    'Thanks. And who founded it?',
    'How do I boil an egg?',
    'List the rivers of Europe.',
  ])
    assert.is(setsTerms(user(text)), false, text);
  assert.is(setsTerms(user([{ type: 'text', text: 'Tell me about Volvo.' }])), false);
  assert.is(setsTerms({ role: 'assistant', content: 'You are right: I always answer in French.' }), false);
});

test('anything that is no plain text of user or assistant counts', () => {
  for (const turn of [
    null,
    7,
    [],
    {},
    user(null),
    user([{ type: 'image', url: 'u' }]),
    user('Who?', { rest: { name: 'Ada' } }),
    { role: 'tool', content: 'rain' },
    { role: 'system', content: 'Who?' },
    { role: 'assistant', content: null, tool_calls: [] },
  ])
    assert.is(setsTerms(turn), true, JSON.stringify(turn));
});

test('most openings of real conversations only ask; no text fails or takes long', () => {
  const openings = readLastTurns().map(({ turns }) => turns[0] as string);
  const counted = openings.filter(setsTerms);
  console.log(`${counted.length} of ${openings.length} count: ${counted.slice(0, 12).join(' · ')}`);
  assert.ok(counted.length < openings.length / 2);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof setsTerms(text) === 'boolean'));
  setsTerms('hi, '.repeat(100_000));
  setsTerms('so '.repeat(133));
});

test.run();
