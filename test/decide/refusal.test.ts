// Which rules refuse when a verifier judges what they let pass: some yield to it in quite other words, the others never.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { policyFor, tightened } from '#dist/decide/acceptance.js';
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

test('rules yield only where an error rate is asked for, and not for a caller who tightens a similarity', () => {
  const verifier = { embedder: 'e', fingerprint: 'f', probability: () => 1, withLogit: () => 1 };
  const table = { same: new Array(400).fill(9), different: new Array(400).fill(0) };
  const tables = [{ by: 'verifier' as const, ...table }];
  const calibration = { embedder: 'e', verifier: 'f', pairModel: null, tables };
  const means = { rules: ruleNames, verifier, calibration };
  const judged = policyFor({ maxErrorRate: 0.2 }, means);
  const similar = policyFor({ minSimilarity: 0.91 }, means);
  assert.is(judged.rulesYield, true);
  assert.not(similar.rulesYield);
  assert.is(tightened(judged, { maxErrorRate: 0.1 }, means).rulesYield, true);
  assert.is(tightened(similar, { maxErrorRate: 0.1 }, means).rulesYield, false);
  assert.is(tightened(judged, { minSimilarity: 0.91 }, means).rulesYield, false);
});

test('rules that are switched off refuse nothing', () => {
  assert.is(vetoOf(extract(wordForWord[0]), extract(wordForWord[1]), [], false), undefined);
});

test.run();
