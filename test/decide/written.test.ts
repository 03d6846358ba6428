// Holds the shape of the questions that the pair model was trained on, and that the traps it is measured on are not among them.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readTraps } from '../../bench/data/traps.ts';

const test = suite('decide: written questions');
const folder = new URL('../../scripts/train-pair-model/', import.meta.url);

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  readonly subject: string;
}
interface Ways {
  readonly subject: string;
  readonly intents: readonly (readonly string[])[];
}

const rowsOf = (name: string): (Pair | Ways)[] =>
  readFileSync(new URL(`written/${name}.jsonl`, folder), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const pairs = ['controls', 'minimal-a', 'minimal-b'].flatMap(rowsOf) as Pair[];
const ways = ['general', 'medical-a', 'medical-b', 'service'].flatMap(rowsOf) as Ways[];
const texts = [...pairs.flatMap(({ a, b }) => [a, b]), ...ways.flatMap(({ intents }) => intents.flat())];

test('a pair has two texts and a label; ways are several for each of several things', () => {
  for (const row of pairs) {
    assert.equal(Object.keys(row).sort(), ['a', 'b', 'class', 'same', 'subject'], JSON.stringify(row));
    assert.type(row.same, 'boolean');
    assert.is.not(row.a, row.b);
  }
  for (const row of ways) {
    assert.equal(Object.keys(row).sort(), ['intents', 'subject'], JSON.stringify(row));
    assert.ok(row.intents.length >= 3, JSON.stringify(row));
    for (const list of row.intents) assert.ok(list.length >= 2, JSON.stringify(row));
    const all = row.intents.flat();
    assert.is(new Set(all).size, all.length, JSON.stringify(row));
  }
  for (const text of texts) assert.ok(text.length > 1 && text === text.trim(), text);
});

test('no text and no subject of the traps that are only measured on', () => {
  const kept = readTraps('test');
  const normal = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}+#]+/gu, ' ')
      .trim();
  const known = new Set(kept.flatMap(({ a, b }) => [normal(a), normal(b)]));
  const subjects = new Set(kept.map(({ subject }) => subject));
  assert.equal(
    texts.filter((text) => known.has(normal(text))),
    [],
  );
  for (const { subject } of [...pairs, ...ways]) assert.not.ok(subjects.has(subject), subject);
});

test('the README counts what the files hold', () => {
  const readme = readFileSync(new URL('README.md', folder), 'utf8').replace(/ +/g, ' ');
  const count = (name: string) => rowsOf(name).length.toLocaleString('en');
  for (const name of ['minimal-a', 'minimal-b', 'controls', 'general', 'service'])
    assert.ok(readme.includes(`| \`${name}.jsonl\` | ${count(name)} |`), name);
  assert.ok(readme.includes(`| ${count('medical-a')}, ${count('medical-b')} |`));
});

test.run();
