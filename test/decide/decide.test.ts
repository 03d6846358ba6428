// Which candidate decide chooses, what it remembers of those refused, and the bounds of the threshold.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decide, maxJudgedLength } from '#dist/decide/decide.js';
import { defaultMinSimilarity, policy } from '#dist/decide/policy.js';
import { candidate } from './candidate.js';

const test = suite('decide');
const asked = 'How do I reset my password?';

function nextBelow(value: number): number {
  const bits = new BigInt64Array(new Float64Array([value]).buffer);
  bits[0] = (bits[0] as bigint) - 1n;
  return new Float64Array(bits.buffer)[0] as number;
}

test('a similarity equal to the threshold is served and the next number below is not', () => {
  for (const minSimilarity of [0.5, 0.75, defaultMinSimilarity, 0.95, 1]) {
    const exact = candidate('How can I reset my password?', minSimilarity);
    const below = candidate('How can I reset my password?', nextBelow(minSimilarity));
    assert.is(decide(asked, [exact], policy({ minSimilarity })).accepted, exact);
    assert.is(decide(asked, [below], policy({ minSimilarity })).accepted, undefined);
    assert.is(decide(asked, [below], policy({ minSimilarity })).refused, undefined);
  }
});

test('no candidate gives neither a hit nor a refusal', () => {
  const { accepted, refused, decision } = decide(asked, [], policy());
  assert.is(accepted, undefined);
  assert.is(refused, undefined);
  assert.is(decision.basis, 'none');
});

test('the best candidate that no rule refuses is served, and the first refusal is told', () => {
  const list = [
    candidate('How do I reset my 2 passwords?', 0.99),
    candidate('How do I not reset my password?', 0.98),
    candidate('How can I reset my password?', 0.97),
    candidate('How could I reset my password?', 0.96),
  ];
  const { accepted, refused } = decide(asked, list, policy());
  assert.is(accepted, list[2]);
  assert.equal(refused, {
    rule: 'numbers',
    why: 'only the stored question has "2"',
    question: 'How do I reset my 2 passwords?',
    similarity: 0.99,
  });
});

test('candidates after the first below the threshold are not looked at', () => {
  const list = [
    candidate('How do I reset my 2 passwords?', 0.95),
    candidate('Other', 0.2),
    candidate(asked, 0.99),
  ];
  const { accepted, refused } = decide(asked, list, policy());
  assert.is(accepted, undefined);
  assert.is(refused?.rule, 'numbers');
});

test('a candidate below the threshold is no refusal', () => {
  assert.is(decide(asked, [candidate('How do I reset my 2 passwords?', 0.5)], policy()).refused, undefined);
});

test('a similarity that is no number is never served', () => {
  for (const minSimilarity of [-1, 0.5]) {
    assert.is(decide(asked, [candidate(asked, Number.NaN)], policy({ minSimilarity })).accepted, undefined);
  }
});

test('without rules the similarity alone decides', () => {
  const near = candidate('How do I reset my 2 passwords?', 0.95);
  assert.is(decide(asked, [near], policy({ rules: 'none' })).accepted, near);
});

test('only the chosen rules refuse', () => {
  const near = candidate('How do I not reset my password?', 0.95);
  assert.is(decide(asked, [near], policy({ rules: ['numbers'] })).accepted, near);
  assert.is(decide(asked, [near], policy({ rules: ['numbers', 'negation'] })).refused?.rule, 'negation');
});

test('a text too long to be judged is served only for itself', () => {
  const long = `${asked} ${'word '.repeat(maxJudgedLength)}`;
  assert.is(decide(long, [candidate(`${long}x`, 1)], policy()).refused?.rule, 'length');
  assert.is(decide(asked, [candidate(long, 1)], policy()).refused?.rule, 'length');
  assert.is.not(decide(long, [candidate(long, 1)], policy()).accepted, undefined);
  const longest = 'a'.repeat(maxJudgedLength);
  assert.is.not(decide(longest, [candidate(`${longest.slice(1)} `, 1)], policy()).refused?.rule, 'length');
});

test('candidates, their list and the policy may be frozen', () => {
  const list = Object.freeze([
    Object.freeze(candidate('How do I reset my 2 passwords?', 0.99)),
    Object.freeze(candidate(asked, 0.9)),
  ]);
  const before = structuredClone(list);
  decide(asked, list, Object.freeze(policy({ minSimilarity: 0 })));
  assert.equal(list, before);
});

test('more texts than are remembered are judged like the first', () => {
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 3_000; i++) {
      const { accepted, refused } = decide(
        `Open door ${i}`,
        [candidate(`Open door ${i + 1}`, 0.99)],
        policy(),
      );
      assert.is(accepted, undefined);
      assert.is(refused?.why, `"${i}" against "${i + 1}"`);
    }
  }
});

test.run();
