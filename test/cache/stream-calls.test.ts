// Calls of `next` that wait: answered in order, with the end or the failure too, and when their reader leaves.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failed, source } from './stream-support.js';
import { assemble } from './support.js';

const test = suite('calls of next');
const startedWith = <S>(opening: Promise<S>, push: () => void): Promise<S> => {
  push();
  return opening;
};

test('parts asked for at once come in order, beyond the bound too, and so does the end', async () => {
  const cache = assemble({ maxStreamBytes: 300 });
  const origin = source();
  const numbers = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(100, '.'));
  const stream = await startedWith(cache.wrapStream('q', origin.generate), () => origin.push(...numbers));
  const asked = Array.from({ length: 22 }, () => stream.next());
  origin.end();
  const results = await Promise.all(asked);
  assert.equal(
    results.slice(0, 20).map(({ value }) => value),
    numbers,
  );
  assert.equal(results.slice(20), [
    { done: true, value: undefined },
    { done: true, value: undefined },
  ]);
});

test('a failure reaches every part that is waited for, and leaving ends the wait', async () => {
  const cache = assemble();
  const origin = source();
  const stream = await startedWith(cache.wrapStream('q', origin.generate), () => origin.push('first'));
  assert.is((await stream.next()).value, 'first');
  const waiting = [stream.next(), stream.next()];
  origin.fail('broken');
  assert.equal(await Promise.all(waiting.map(failed)), ['broken', 'broken']);
  const other = source();
  const left = await startedWith(cache.wrapStream('other', other.generate), () => other.push('first'));
  await left.next();
  const late = [left.next(), left.next()];
  await left.return();
  assert.equal(await Promise.all(late), [
    { done: true, value: undefined },
    { done: true, value: undefined },
  ]);
});

test.run();
