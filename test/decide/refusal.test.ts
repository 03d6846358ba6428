// Which rules refuse when a verifier judges what they let pass: some yield to it in quite other words, the others never.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { extract } from '#dist/decide/features.js';
import { ruleNames } from '#dist/decide/policy.js';
import { vetoOf } from '#dist/decide/refusal.js';
import { runOf } from '#dist/decide/residue.js';

const test = suite('decide: refusal');
const veto = (a: string, b: string, isJudged: boolean) =>
  vetoOf(extract(a), extract(b), ruleNames, isJudged)?.rule;

const inOtherWords = ['Where can I eat well in Rome tonight?', 'good places for dinner, Paris'] as const;
const wordForWord = [
  'Where can I eat well in Rome tonight?',
  'Where can I eat well in Paris tonight?',
] as const;

test('another name refuses word for word, and in quite other words only where no verifier judges', () => {
  assert.ok(runOf(extract(inOtherWords[0]), extract(inOtherWords[1])) < 0.5);
  assert.is(veto(...inOtherWords, false), 'names');
  assert.is(veto(...inOtherWords, true), undefined);
  assert.is(veto(...wordForWord, false), 'names');
  assert.is(veto(...wordForWord, true), 'names');
});

test('another number refuses in any words', () => {
  const pair = ['Is there a flat for 2 people?', 'somewhere in town where 5 could live'] as const;
  for (const isJudged of [false, true]) assert.is(veto(...pair, isJudged), 'numbers');
});

test('a rule that yields leaves the pair to the rules after it', () => {
  const pair = ['Where do 2 of us eat in Rome?', 'good places for a dinner of 5, Paris'] as const;
  assert.is(vetoOf(extract(pair[0]), extract(pair[1]), ['names', 'numbers'], true)?.rule, 'numbers');
});

test('rules that are switched off refuse nothing', () => {
  assert.is(vetoOf(extract(wordForWord[0]), extract(wordForWord[1]), [], false), undefined);
});

test.run();
