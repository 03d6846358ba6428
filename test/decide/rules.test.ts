// The rules on pairs written for them: what must be refused, what must pass, and in whose name.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decide } from '#dist/decide/decide.js';
import { policy, type RuleName } from '#dist/decide/policy.js';
import { candidate } from './candidate.js';
import { different, type Pair, same } from './minimal-pairs.js';

const test = suite('decide: rules');
const everything = policy({ minSimilarity: 0.5 });

const refusal = (asked: string, stored: string) =>
  decide(asked, [candidate(stored, 0.95)], everything).refused;

for (const [kind, pairs] of Object.entries(different)) {
  test(`questions that differ in ${kind} are refused in both directions`, () => {
    const served = pairs.flatMap(([a, b]) => [
      ...(refusal(a, b) === undefined ? [`${a} | ${b}`] : []),
      ...(refusal(b, a) === undefined ? [`${b} | ${a}`] : []),
    ]);
    assert.equal(served, []);
  });
}

for (const [kind, pairs] of Object.entries(same)) {
  test(`questions that differ only by ${kind} are served in both directions`, () => {
    const refused = pairs
      .flatMap(([a, b]) => [refusal(a, b), refusal(b, a)])
      .filter((found) => found !== undefined);
    assert.equal(refused, []);
  });
}

const named: Record<string, readonly RuleName[]> = {
  numbers: ['numbers'],
  units: ['units'],
  negation: ['negation'],
  antonyms: ['antonyms'],
  order: ['order'],
  names: ['names'],
  question: ['question'],
};

for (const [kind, rules] of Object.entries(named)) {
  test(`the rule ${kind} alone refuses its own pairs`, () => {
    const alone = policy({ minSimilarity: 0.5, rules });
    for (const [a, b] of different[kind] as readonly Pair[]) {
      assert.is(decide(a, [candidate(b, 0.95)], alone).refused?.rule, rules[0], `${a} | ${b}`);
    }
  });
}

const written = [...new Set([...Object.values(different), ...Object.values(same)].flat(2))];

test('another number in any of the questions is refused', () => {
  const changed = written
    .filter((text) => /\d/.test(text))
    .map((text) => [text, text.replace(/\d+/, (digits) => String(Number(digits) + 1))] as const);
  assert.ok(changed.length > 50);
  for (const [text, other] of changed) assert.is(refusal(text, other)?.rule, 'numbers', other);
});

test('a negation put into any of the questions is refused', () => {
  const auxiliary = /\b(is|are|do|does|can|should|was|did)\b(?! not\b)/i;
  const changed = written.filter((text) => auxiliary.test(text) && !/n['’]?t\b|\bnot?\b|\bun/i.test(text));
  assert.ok(changed.length > 100);
  for (const text of changed) {
    assert.is.not(refusal(text, text.replace(auxiliary, '$1 not')), undefined, text);
    assert.is.not(refusal(text.replace(auxiliary, "$1n't"), text), undefined, text);
  }
});

test('a refusal names the words that differ', () => {
  assert.is(
    refusal('Is the bank open on Monday?', 'Is the bank open on Sunday?')?.why,
    '"Monday" against "Sunday"',
  );
  assert.is(refusal('What are 5 tips?', 'What are the tips?')?.why, 'only the asked question has "5"');
  assert.is(refusal('What are the tips?', 'What are 5 tips?')?.why, 'only the stored question has "5"');
  assert.is(
    refusal('Convert 10 USD to EUR', 'Convert 10 EUR to USD')?.why,
    '"USD" and "EUR" have changed places',
  );
  assert.match(refusal('Can animals fly?', "Can't animals fly?")?.why ?? '', 'stored has "Can\'t"');
});

test('words that objects inherit are words like any other', () => {
  for (const word of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    assert.is(refusal(`${word} how does it work`, `how does ${word} work`), undefined);
    assert.is(
      refusal(`How ${word} is it with 5 of them?`, `How ${word} is it with 6 of them?`)?.rule,
      'numbers',
    );
  }
});

test.run();
