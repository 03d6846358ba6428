// What is remembered of texts: stored ones from the second time on, of those asked the last one, and never too many.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { extract, featuresOf, featuresOfAsked, maxMemoLength } from '#dist/decide/features.js';

const test = suite('decide: features');
const stemsOf = ({ stems }: { stems: ReadonlySet<string> }) => [...stems];
const pass = () => featuresOf('something in between');

test('a stored text is remembered when it is judged again, and forgotten after thousands of others', () => {
  const text = 'How do I prune a young wisteria?';
  const [first] = [featuresOf(text), pass()];
  const [second] = [featuresOf(text), pass()];
  assert.is.not(second, first);
  assert.is(featuresOf(text), second);
  assert.equal(stemsOf(second), stemsOf(extract(text)));
  for (let i = 0; i < 3_000; i++) featuresOf(`other question ${i}`);
  assert.is.not(featuresOf(text), second);
});

test('a text beyond the length is judged and not remembered', () => {
  const text = 'long '.repeat(maxMemoLength);
  const seen = [1, 2, 3].map(() => [featuresOf(text), pass()][0]);
  assert.is(new Set(seen).size, 3);
});

test('of texts asked the last one is remembered', () => {
  const first = featuresOfAsked('Where is it?');
  assert.is(featuresOfAsked('Where is it?'), first);
  assert.equal(stemsOf(featuresOfAsked('When was it?')), stemsOf(extract('When was it?')));
  assert.is.not(featuresOfAsked('Where is it?'), first);
});

test.run();
