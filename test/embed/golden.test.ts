// Holds the vectors of twenty sentences, and the ids of awkward texts, to what they were when the model was taken in.
import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { createTokenizer } from '#dist/embed/tokenizer.js';
import { dotProduct } from '#dist/embed/vector.js';

// `UPDATE_GOLDEN=1` writes this file anew; only a new model is a reason to.
const file = new URL('./golden-vectors.json', import.meta.url);
const models = new URL('../../models/all-MiniLM-L6-v2/', import.meta.url);
const TOLERANCE = 1e-3;

const sentences = [
  'How do I reset the password of my account?',
  'I forgot my password, how can I get a new one?',
  'What is the capital of Australia?',
  'Which city is the seat of the Australian government?',
  'How many moons does Jupiter have?',
  'How many moons does Saturn have?',
  'Is it safe to eat raw eggs?',
  'Is it dangerous to eat raw eggs?',
  'Convert 10 miles to kilometres.',
  'Convert 100 miles to kilometres.',
  'Why is the sky blue during the day?',
  'Explain why the daytime sky looks blue.',
  'My order has not arrived after two weeks. What can I do?',
  'Can I cancel my subscription at any time?',
  'I would like to end my subscription, is that possible whenever I want?',
  'Write a haiku about autumn leaves.',
  'The mitochondrion is the powerhouse of the cell.',
  'What does the C++ keyword constexpr mean?',
  'Crème brûlée needs cream, sugar, egg yolks and vanilla.',
  'Berlin',
];

const test = suite('golden vectors');
const embedder = await onnxEmbedder({ workers: 1 });
test.after(() => embedder.close());

function stored(): Float32Array[] {
  const base64 = JSON.parse(readFileSync(file, 'utf8')) as string[];
  return base64.map((text) => {
    const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
    return new Float32Array(bytes.buffer);
  });
}

/** Similarities of all pairs, in the order of the pairs. */
function similarities(vectors: readonly Float32Array[]): number[] {
  return vectors.flatMap((a, i) => vectors.slice(i + 1).map((b) => dotProduct(a, b)));
}

test('twenty sentences have the vectors they always had, and the same order of similarity', async () => {
  const vectors: Float32Array[] = [];
  for (const sentence of sentences) vectors.push((await embedder.embed(sentence)).vector);
  if (process.env.UPDATE_GOLDEN) {
    const base64 = vectors.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString('base64'));
    writeFileSync(file, `${JSON.stringify(base64, null, 2)}\n`);
  }
  const golden = stored();
  assert.is(golden.length, sentences.length);
  golden.forEach((expected, i) => {
    assert.is(expected.length, 384);
    const worst = Math.max(...expected.map((value, j) => Math.abs(value - (vectors[i]?.[j] as number))));
    assert.ok(worst <= TOLERANCE, `${sentences[i]}: a component differs by ${worst}`);
  });
  const before = similarities(golden);
  const now = similarities(vectors);
  assert.is(before.length, (sentences.length * (sentences.length - 1)) / 2);
  for (let i = 0; i < before.length; i++) {
    for (let j = 0; j < before.length; j++) {
      if ((before[i] as number) > (before[j] as number) + 2 * TOLERANCE) {
        assert.ok((now[i] as number) > (now[j] as number), `pairs ${i} and ${j} have changed places`);
      }
    }
  }
});

test('sentences that mean the same are nearer than others', async () => {
  const golden = stored();
  const of = (i: number, j: number) => dotProduct(golden[i] as Float32Array, golden[j] as Float32Array);
  for (const [i, j] of [
    [0, 1],
    [2, 3],
    [10, 11],
    [13, 14],
  ] as const) {
    for (let k = 0; k < golden.length; k++) {
      if (k !== i && k !== j) assert.ok(of(i, j) > of(i, k), `${sentences[i]} is nearer to ${sentences[k]}`);
    }
  }
});

const ids: readonly (readonly [string, string])[] = [
  ['How do I reset my password?', '101 2129 2079 1045 25141 2026 20786 1029 102'],
  ['naïve résumé', '101 15743 13746 102'],
  ['“curly” ‘quotes’', '101 1523 17546 1524 1520 16614 1521 102'],
  ['日本語', '101 1864 1876 1950 102'],
  ['x\0y', '101 1060 2100 102'],
  ['10²', '101 2184 10701 102'],
  ['C++ vs C#', '101 1039 1009 1009 5443 1039 1001 102'],
  ['ΟΔΟΣ', '101 1169 29722 15297 102'],
  ['İstanbul', '101 9960 102'],
  ['한국어', '101 1469 30006 30021 29991 30014 30020 29999 30008 102'],
  ['½ → ∞ €', '101 1092 1585 1601 1574 102'],
  ['hello 🦄', '101 7592 100 102'],
  ['a'.repeat(101), '101 100 102'],
  ['http://a.b/c?d=e', '101 8299 1024 1013 1013 1037 1012 1038 1013 1039 1029 1040 1027 1041 102'],
  ['', '101 102'],
  ['\0\u200b', '101 102'],
];

test('awkward texts have the ids they always had', () => {
  const read = (name: string) => JSON.parse(readFileSync(new URL(name, models), 'utf8')) as object;
  const tokenize = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'), 256);
  for (const [text, expected] of ids) assert.is(tokenize(text).ids.join(' '), expected, JSON.stringify(text));
});

test.run();
