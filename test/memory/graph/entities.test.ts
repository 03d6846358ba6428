// What the chunker finds in a sentence, and what it states.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { analyse, mostMentions } from '#dist/memory/graph/analyse.js';

const test = suite('entities');

const cases: readonly (readonly [text: string, forms: readonly string[]])[] = [
  ['The deadline is Friday.', ['phrase deadline', 'date friday']],
  ['Dana swears by the Kestrel tent.', ['name dana', 'name kestrel', 'phrase kestrel tent', 'head tent']],
  ['My sister Ann is a nurse at the Bank of America Tower.', [
    'phrase sister', 'name ann', 'phrase nurse', 'name bank of america tower',
  ]],
  ['Call parseConfig() in src/config/load.ts and read max_depth.', [
    'code parseConfig', 'code src/config/load.ts', 'code max_depth',
  ]],
  ['We use `npm run bench` with v3.2.1, see #4711.', ['code npm run bench', 'code v3.2.1', 'code #4711']],
  ['See https://www.Example.org/a?b=1, or mail ada@example.org.', ['url example.org/a?b=1', 'url ada@example.org']],
  ['It costs €1,250.50, or 1,200 dollars, and 15% more in 3 kg bags.', [
    'number 1250.50 euro', 'number 1200 dollar', 'number 15 percent', 'number 3 kg', 'phrase bag',
  ]],
  ['From 3 May until the 4th of June 2026-07-01 came after July 9th.', [
    'date may 3', 'date june 4', 'date 2026-07-01', 'date july 9',
  ]],
  ['We may march on Sat at 5 pm or 17:00.', ['date saturday', 'time 17:00']],
  ['Flight 447 leaves from gate 14 tomorrow.', ['name flight 447', 'phrase gate 14', 'date tomorrow']],
  ['WE HAVE TO LEAVE BEFORE THEY CLOSE', []],
  ['Yes, I will do that for you.', []],
  ["Rita's cousin Aldo has the keys.", ['name rita', 'phrase cousin', 'name aldo', 'phrase key']],
  ['We drive from Łódź to Zürich.', ['name łódź', 'name zürich']],
  ['', []],
]; // biome-ignore format: a table

for (const [text, forms] of cases) {
  test(`reads: ${text}`, () => {
    const found = analyse(text).mentions.map(({ kind, form, head }) => {
      const plain = form.startsWith(`${kind} `) ? form.slice(kind.length + 1) : form;
      return `${head ? 'head' : kind} ${plain}`;
    });
    for (const form of forms) assert.ok(found.includes(form), `${form} is not in ${found.join(', ')}`);
    if (forms.length === 0) assert.equal(found, []);
  });
}

const statements: readonly (readonly [text: string, stated: string])[] = [
  ['The deadline is Friday.', 'deadline|is date|date friday'],
  ['The deadline moved to Monday.', 'deadline|is date|date monday|change'],
  [
    'We moved the deadline for the Orion report from Friday to Monday.',
    'deadline of orion report|is date|date monday|change',
  ],
  ["Dana's birthday is 3 May.", 'birthday of dana|is date|date may 3'],
  ['The Kestrel costs 249 euros.', 'kestrel|is euro|number 249 euro'],
  ['The price of the Kestrel is 259 euros.', 'kestrel|is euro|number 259 euro'],
  ['I live in Porto.', '@|home name|porto'],
  ['Dana moved to Lisbon.', 'dana|home name|lisbon|change'],
  ['It is now at 10:30.', '?|is time|time 10:30|change'],
  ['The deadline is not Friday.', ''],
  ['The soup is great.', ''],
];

for (const [text, stated] of statements) {
  test(`understands: ${text}`, () => {
    const found = analyse(text).statements.map(({ subject, owner, attribute, value, change }) =>
      [
        owner === '' ? subject : `${subject} of ${owner}`,
        attribute,
        value,
        ...(change ? ['change'] : []),
      ].join('|'),
    );
    assert.equal(found, stated === '' ? [] : [stated]);
  });
}

test('any text is read within the bounds, the same way each time', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.lorem({ maxCount: 60 })),
      (text) => {
        const first = analyse(text);
        assert.ok(first.mentions.length <= mostMentions);
        assert.equal(first, analyse(text));
      },
    ),
  );
});

test('words that every object knows are words', () => {
  for (const word of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    assert.equal(analyse(`${word} of ${word}`).statements, [], word);
    assert.equal(analyse(word).statements, [], word);
  }
});

test('hostile texts are read, and bounded like others', () => {
  const hostile = [
    'a.',
    'a-',
    "a'",
    'A of ',
    '@',
    'a@b.',
    '`',
    '1,',
    'https://',
    '((',
    'aB',
    'moved to ',
    '\ud800',
    'AaaBbb',
  ];
  for (const part of hostile) {
    const text = part.repeat(Math.ceil(200_000 / part.length));
    const { mentions } = analyse(text);
    assert.ok(mentions.length <= mostMentions);
    for (const { form, surface } of mentions) assert.ok(form.length <= 120 && surface.length <= 120);
  }
});

test.run();
