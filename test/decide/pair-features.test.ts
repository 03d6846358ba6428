// The columns of a pair: as many as names, finite for any text, what each kind says, and work that grows with the length alone.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf } from '#dist/decide/code.js';
import { extract } from '#dist/decide/features.js';
import { Frequencies } from '#dist/decide/frequencies.js';
import { featureNames, pairFeatures } from '#dist/decide/pair-features.js';
import { readTraps } from '../../bench/data/traps.ts';

const test = suite('decide: pair features');
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const signals = { cosine: 0.9, margin: 0.1, agreement: 0.5, rank: 0 };

function columns(a: string, b: string): Record<string, number> {
  const row = pairFeatures(extract(a), extract(b), signals);
  return Object.fromEntries(featureNames.map((name, at) => [name, row[at] as number]));
}

test('there is one column a name, every name once, and every value finite and in range for any texts', () => {
  assert.is(new Set(featureNames).size, featureNames.length);
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom(...readTraps('fit').map(({ a }) => a)),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  );
  const number = fc.double();
  fc.assert(
    fc.property(text, text, number, number, (a, b, cosine, margin) => {
      const row = pairFeatures(extract(a), extract(b), { cosine, margin, agreement: Number.NaN, rank: 3 });
      assert.is(row.length, featureNames.length);
      for (const [at, value] of row.entries())
        assert.ok(value >= -1 && value <= 2, `${featureNames[at]} is ${value}`);
    }),
    { seed, numRuns: 500 },
  );
});

test('a text beside itself overlaps wholly and differs in nothing', () => {
  for (const { a } of readTraps('fit')) {
    const row = columns(a, a);
    for (const name of ['trigrams', 'length.ratio', 'frame.share']) assert.is(row[name], 1, `${name}: ${a}`);
    for (const [name, value] of Object.entries(row)) {
      if (/different$|oneSided$|^rule\.|parity$|substitution$|Slot$|Only$/.test(name))
        assert.is(value, 0, `${name}: ${a}`);
    }
  }
});

test('each kind of difference is seen in its own column', () => {
  const cases: [column: string, a: string, b: string][] = [
    ['plainNumbers.different', 'boil 3 eggs', 'boil 4 eggs'],
    ['dates.different', 'events in March 2020', 'events in March 2021'],
    ['versions.different', 'what is new in Python 3.9', 'what is new in Python 3.10'],
    ['currencies.different', 'send 500 euros', 'send 500 dollars'],
    ['percentages.different', 'what is 5 % of it', 'what is 6 % of it'],
    ['quantifiers.different', 'are all moles dangerous', 'are some moles dangerous'],
    ['persons.different', 'what may she eat', 'what may he eat'],
    ['tenses.different', 'was it closed', 'will it close'],
    ['codes.different', 'what does tar --list do', 'what does tar --create do'],
    ['quotes.different', 'what means "stet"', 'what means "sic"'],
    ['units.different', 'is 5 km far', 'is 5 miles far'],
    ['listedNames.different', 'sort a list in Python', 'sort a list in Java'],
    ['sides.different', 'before lunch', 'after lunch'],
    ['question.different', 'when was it built', 'where was it built'],
    ['negation.parity', 'why does it work', "why doesn't it work"],
    ['language.different', 'how do I change my password', 'wie ändere ich mein Passwort'],
    ['frame.substitution', 'how do I clean a velvet sofa', 'how do I clean a suede sofa'],
    ['percentages.oneSided', 'a raise of 5 %', 'a raise'],
  ];
  for (const [column, a, b] of cases) {
    assert.is(columns(a, b)[column], 1, `${column}: ${a} | ${b}`);
    assert.is(columns(a, a)[column], 0, `${column}: ${a}`);
  }
});

test('what a question is about weighs more than what many ask', () => {
  const rare = columns('how do I prune a wisteria', 'how do I buy a wisteria');
  const common = columns('how do I prune a wisteria', 'how do I prune a tree');
  assert.ok((rare['overlap.jaccard'] as number) > 0 && (common['overlap.jaccard'] as number) > 0);
  assert.ok((common['rarest.askedOnly'] as number) > (rare['rarest.storedOnly'] as number));
});

test('frequencies follow traffic and stay bounded', () => {
  const frequencies = new Frequencies();
  const before = frequencies.idf('wisteria');
  for (let i = 0; i < 5_000; i++) frequencies.learn(['wisteria', `word${i}`, `other${i}`, `third${i}`]);
  assert.ok(frequencies.idf('wisteria') < 1 && before > 5, `${before}, ${frequencies.idf('wisteria')}`);
  assert.ok(frequencies.idf('word1') > frequencies.idf('wisteria'));
  assert.ok(frequencies.size <= 8_192);
  for (const stem of ['wisteria', 'what', 'word4999', '']) assert.ok(frequencies.idf(stem) >= 0);
});

test('code is told from prose', () => {
  assert.equal(codeOf('what does pip install --user -U do with ./a/b.txt and read_csv(), == or SIGTERM?'), [
    '--user',
    '-U',
    './a/b.txt',
    'read_csv()',
    '==',
    'SIGTERM',
  ]);
  assert.equal(codeOf('Is my iPhone (the old one), e.g. from Apple.com, well-known and/or good?'), []);
});

test('work grows with the length of the text, not faster', () => {
  for (const piece of [
    'word ',
    'a',
    '"',
    "'",
    '(',
    '--a ',
    '_',
    '/',
    'A.',
    'a.',
    '**',
    '~/a',
    '1 ',
    'all ',
    '`"',
  ]) {
    // Told by what the scanners find, never by a clock: bounded lists, and a text that ends in reasonable steps.
    const features = extract(piece.repeat(20_000));
    assert.ok(features.facets.codes.size <= 64 && features.facets.quotes.size <= 16);
    const row = pairFeatures(features, extract(piece.repeat(10_000)), signals);
    assert.ok(row.every(Number.isFinite));
  }
});

test.run();
