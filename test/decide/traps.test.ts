// Holds the shape of the trap set (classes, counts, nothing twice, halves apart) and the arithmetic of the table made of it.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clopperPearson } from '#dist/decide/interval.js';
import {
  controlClasses,
  readLastTurns,
  readTraps,
  type TrapClass,
  trapClasses,
} from '../../bench/data/traps.ts';
import { byClass, type ClassedPair, thresholdKeeping } from '../../bench/harness/by-class.ts';
import { candidate } from './candidate.ts';
import * as minimalPairs from './minimal-pairs.ts';

const test = suite('decide: traps');
const halves = { fit: readTraps('fit'), test: readTraps('test') };
const pairs = [...halves.fit, ...halves.test];

/** Lower case, one space, no sentence punctuation: what a person takes for the same text. Operators and signs stay. */
const normal = (text: string) =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[?.!,:;'"`’“”]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

test('each row has the fields and no others, and its class agrees with its label', () => {
  for (const pair of pairs) {
    const shown = JSON.stringify(pair);
    assert.equal(Object.keys(pair).sort(), ['a', 'b', 'class', 'same', 'subject'], shown);
    for (const text of [pair.a, pair.b, pair.subject])
      assert.ok(text.length > 1 && text === text.trim(), shown);
    assert.ok((trapClasses as readonly string[]).includes(pair.class), shown);
    assert.is(pair.same, (controlClasses as readonly string[]).includes(pair.class), shown);
  }
});

test('there are at least 600 traps, 300 controls, and so many of each class in each half', () => {
  assert.ok(pairs.filter(({ same }) => !same).length >= 600);
  assert.ok(pairs.filter(({ same }) => same).length >= 300);
  const least: Partial<Record<TrapClass, number>> = { currency: 12, paraphrase: 150, rewording: 50 };
  for (const [half, rows] of Object.entries(halves)) {
    for (const name of trapClasses) {
      const count = rows.filter((pair) => pair.class === name).length;
      assert.ok(count >= (least[name] ?? 17), `${half} has ${count} of ${name}`);
    }
  }
});

test('the README counts what the files hold', () => {
  const path = new URL('../../bench/data/traps/README.md', import.meta.url);
  const readme = readFileSync(path, 'utf8').replace(/\s+/g, ' ');
  for (const name of trapClasses) {
    const [fit, own] = Object.values(halves).map((rows) => rows.filter((pair) => pair.class === name).length);
    assert.ok(readme.includes(`| ${name} | ${fit} | ${own} |`), `${name}: ${fit}, ${own}`);
  }
  for (const [half, rows] of Object.entries(halves)) {
    const same = rows.filter((pair) => pair.same).length;
    assert.ok(readme.includes(`\`${half}.jsonl\` | ${rows.length - same} traps and ${same} controls`), half);
  }
  const turns = readLastTurns();
  const alone = turns.filter(({ standsAlone }) => standsAlone).length;
  assert.ok(
    readme.includes(`${turns.length} conversations, of which ${alone} end in a turn that stands alone`),
  );
});

test('no text occurs twice in the halves together, nor among the pairs the rules were written with', () => {
  const seen = new Map<string, string>();
  for (const list of Object.values(minimalPairs) as Record<string, readonly (readonly string[])[]>[]) {
    for (const text of Object.values(list).flat(2)) seen.set(normal(text), 'minimal-pairs.ts');
  }
  assert.ok(seen.size > 100);
  for (const { a, b, class: name } of pairs) {
    for (const text of [a, b]) {
      assert.not.ok(seen.has(normal(text)), `${name}: "${text}" is also in ${seen.get(normal(text))}`);
      seen.set(normal(text), name);
    }
  }
});

test('no subject is in both halves, and each has traps and controls', () => {
  const subjects = (rows: typeof pairs, same: boolean) =>
    [...new Set(rows.filter((pair) => pair.same === same).map(({ subject }) => subject))].sort();
  for (const rows of Object.values(halves)) assert.equal(subjects(rows, true), subjects(rows, false));
  const own = subjects(halves.test, false);
  assert.equal(
    subjects(halves.fit, false).filter((subject) => own.includes(subject)),
    [],
  );
});

test('a frame of words is filled at most three times', () => {
  const frames = new Map<string, Set<string>>();
  for (const { a, b, same } of pairs) {
    if (same) continue;
    const [left, right] = [normal(a).split(' '), normal(b).split(' ')];
    let start = 0;
    while (start < left.length && left[start] === right[start]) start++;
    let end = 0;
    while (end < left.length - start && left.at(-1 - end) === right.at(-1 - end)) end++;
    // The words around the one that differs, when they are a sentence's worth.
    if (start + end < 4) continue;
    const frame = [...left.slice(0, start), '_', ...left.slice(left.length - end)].join(' ');
    frames.set(frame, (frames.get(frame) ?? new Set()).add(a));
  }
  assert.ok(frames.size > 300);
  for (const [frame, texts] of frames) assert.ok(texts.size <= 3, frame);
});

test('there are at least 60 last turns, half of them standing alone, each after an answer', () => {
  const turns = readLastTurns();
  assert.ok(turns.length >= 60);
  const alone = turns.filter(({ standsAlone }) => standsAlone).length;
  assert.ok(Math.abs(alone - turns.length / 2) <= 5, `${alone} of ${turns.length}`);
  for (const row of turns) {
    assert.equal(Object.keys(row).sort(), ['standsAlone', 'turns', 'why']);
    assert.ok(row.turns.length >= 3 && row.turns.length % 2 === 1, row.why);
    for (const text of [...row.turns, row.why]) assert.ok(text.length > 0 && text === text.trim());
  }
  assert.is(new Set(turns.map((row) => normal(row.turns.at(-1) as string))).size, turns.length);
});

test('the interval has the published ends and covers what it promises', () => {
  const rounded = (hits: number, trials: number) =>
    clopperPearson(hits, trials).map((end) => +end.toFixed(4));
  // No hit in n: the upper end is 1 - 0.025^(1/n). 5 of 10 and 1 of 20 are tabled by Clopper and Pearson.
  assert.equal(rounded(0, 10), [0, 0.3085]);
  assert.equal(rounded(10, 10), [0.6915, 1]);
  assert.equal(rounded(5, 10), [0.1871, 0.8129]);
  assert.equal(rounded(1, 20), [0.0013, 0.2487]);
  const count = fc
    .integer({ min: 1, max: 600 })
    .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
  fc.assert(
    fc.property(count, ([hits, trials]) => {
      const [low, high] = clopperPearson(hits, trials);
      const [mirroredLow, mirroredHigh] = clopperPearson(trials - hits, trials);
      return (
        low <= hits / trials &&
        hits / trials <= high &&
        Math.abs(low - (1 - mirroredHigh)) < 1e-9 &&
        Math.abs(high - (1 - mirroredLow)) < 1e-9
      );
    }),
  );
});

const control = (similarity: number, text = 'How can I reset my password?'): ClassedPair => ({
  a: 'How do I reset my password?',
  same: true,
  class: 'paraphrase',
  candidate: candidate(text, similarity),
});

test('the threshold that keeps a share is the highest one, and none can undo a rule', () => {
  const controls = [0.9, 0.8, 0.7, 0.6].map((similarity) => control(similarity));
  assert.is(thresholdKeeping(controls, 0.75, 'all'), 0.7);
  assert.is(thresholdKeeping(controls, 0.76, 'all'), 0.6);
  const refused = [...controls, control(0.99, 'How do I reset my 2 passwords?')];
  assert.is(thresholdKeeping(refused, 0.8, 'all'), 0.6);
  assert.is(thresholdKeeping(refused, 0.81, 'all'), undefined);
  assert.is(thresholdKeeping(refused, 0.81, 'none'), 0.6);
});

test('the table tells what is accepted of each class and of all', () => {
  const trap: ClassedPair = {
    ...control(0.95, 'How do I not reset my password?'),
    same: false,
    class: 'negation',
  };
  const lines = byClass([control(0.95), control(0.92), control(0.5), trap]).split('\n');
  const cells = (title: string) =>
    (lines.find((line) => line.startsWith(title)) as string).split(/\s{2,}/).slice(2, 6);
  assert.equal(
    cells('negation').map((cell) => cell.split(' ')[0]),
    ['100.0', '0.0', '100.0', '0.0'],
  );
  assert.equal(
    cells('all controls').map((cell) => cell.split(' ')[0]),
    ['66.7', '66.7', '100.0', '100.0'],
  );
});

test.run();
