// The cache with the real model: paraphrases hit, other questions do not, long texts are matched exactly only.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openCache } from '#dist/open.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('cache with the real embedder');
const cache = await openCache({
  file: null,
  env: {},
  cache: { directory: temporaryDirectory() },
  embedding: { workers: 1 },
});
test.after(() => cache.close());
const known = [
  'How do I undo the last commit in git?',
  'What is the boiling point of water at sea level?',
  'How many moons does Mars have?',
  'Is it safe to eat raw eggs?',
  'Convert 10 miles to kilometres',
];
test.before(async () => {
  for (const question of known) await cache.wrap(question, () => `answer to: ${question}`);
  await cache.idle();
});

test('a question in other words is answered from the cache', async () => {
  const pairs = [
    ['How can I undo the last commit in git?', 0],
    ['What is the boiling point of water at sea level', 1],
    ["What's the boiling point of water at sea level?", 1],
    ['how many moons has Mars?', 2],
  ] as const;
  for (const [asked, index] of pairs) {
    const { match, value, similarity, refused } = await cache.get(asked);
    assert.is.not(match, 'none', `${asked}: ${similarity} ${JSON.stringify(refused)}`);
    assert.is(value, `answer to: ${known[index]}`);
  }
});

test('questions that differ in a number, a name or a negation are not', async () => {
  for (const asked of [
    'Convert 12 miles to kilometres',
    'How many moons does Jupiter have?',
    'Is it not safe to eat raw eggs?',
    'What is the capital of France?',
  ]) {
    const { match, value } = await cache.get(asked);
    assert.is(match, 'none', `${asked} got ${value}`);
  }
});

test('a text of more than 256 tokens says so and is matched exactly only', async () => {
  const words = Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? 'water' : 'boils'));
  const long = words.join(' ');
  const first = await cache.ask(long, () => 'long');
  assert.is(first.truncated, true);
  await cache.idle();
  const near = await cache.ask(`${long} at a hundred degrees`, () => 'other');
  assert.equal([near.match, near.value, near.truncated], ['none', 'other', true]);
  assert.equal((await cache.get(long)).match, 'exact');
});

test('a text with a word the model does not know is matched exactly only', async () => {
  await cache.set('What is 𒀀𒀁?', 'one sign');
  await cache.idle();
  assert.is((await cache.get('What is 𒁀𒁁?')).match, 'none');
  assert.is((await cache.get('What is 𒀀𒀁?')).match, 'exact');
});

test('the same text always gets the same vector, alone or among many', async () => {
  const vectors: Float32Array[] = [];
  const ask = (text: string) =>
    cache.ask(
      text,
      ({ vector }) => {
        vectors.push(vector as Float32Array);
        return 1;
      },
      { refresh: true },
    );
  await ask('How deep is the lake?');
  await Promise.all(['How deep is the lake?', ...known].map(ask));
  assert.ok(vectors.length > known.length);
  const same = vectors.filter((vector) => vector.every((x, i) => x === vectors[0]?.[i]));
  assert.ok(same.length >= 2);
});

test.run();
