// memoise: a function answered from the cache.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoise } from '#dist/memoise.js';
import { openMock } from './support.ts';

const test = suite('memoise');

test('a question is asked once, another scope asks anew, and the function sees its arguments and a signal', async () => {
  const cache = await openMock();
  const calls: unknown[][] = [];
  const fn = async function (this: { signal: AbortSignal }, question: string, shout: boolean) {
    assert.instance(this.signal, AbortSignal);
    calls.push([question, shout]);
    return shout ? question.toUpperCase() : question;
  };
  const key = (question: string, shout: boolean) => `${question} ${shout}`;
  const one = memoise(cache, fn, { key, scope: { tenant: 'one' } });
  const other = memoise(cache, fn, { key, scope: { tenant: 'other' } });
  assert.is(await one('a b c', true), 'A B C');
  assert.is(await one('a b c', true), 'A B C');
  assert.is(await other('a b c', true), 'A B C');
  assert.equal(calls, [
    ['a b c', true],
    ['a b c', true],
  ]);
  await cache.close();
});

test('without a key the only argument is the question; errors reach the caller and are not kept', async () => {
  const cache = await openMock();
  let fails = true;
  const ask = memoise(cache, async (question: string) => {
    if (fails) throw new Error('down');
    return question.length;
  });
  await ask('how long is this').then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, 'down'),
  );
  fails = false;
  assert.is(await ask('how long is this'), 16);
  const refused = (call: () => unknown) =>
    Promise.resolve()
      .then(call)
      .then(
        () => assert.unreachable(),
        (error) => assert.is(error.code, 'ERR_LLM_CACHE_ARGUMENT'),
      );
  await refused(() => (ask as unknown as () => unknown)());
  await refused(() => memoise(cache, 'no function' as never));
  await refused(() => memoise(cache, async () => 1, { key: 'no function' as never }));
  await cache.close();
});

test.run();
