// Concurrent equal questions share one generation; callers that leave, failures and removals meanwhile.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { assemble, deferred, openMock, turns } from './support.js';

const test = suite('cache flights');

test('ten thousand concurrent askers of one question cause one generation and one embedding', async () => {
  const cache = await openMock();
  let calls = 0;
  const gate = deferred<string>();
  const askers = Array.from({ length: 10_000 }, () =>
    cache.ask('the one question', () => {
      calls++;
      return gate.promise;
    }),
  );
  await turns();
  gate.resolve('answer');
  const answers = await Promise.all(askers);
  assert.is(calls, 1);
  assert.ok(answers.every(({ value }) => value === 'answer'));
  assert.is(answers.filter(({ coalesced }) => coalesced).length, 9_999);
  const stats = await cache.stats();
  assert.equal([stats.queries, stats.misses, stats.coalesced], [10_000, 1, 9_999]);
  await cache.close();
});

test('other scopes and other questions do not share', async () => {
  const cache = assemble();
  let calls = 0;
  const generate = async () => ++calls;
  await Promise.all([
    cache.wrap('q', generate),
    cache.wrap('other', generate),
    cache.wrap('q', generate, { scope: { tenant: 'a' } }),
    cache.wrap('q', generate, { scope: { tenant: 'b' } }),
  ]);
  assert.is(calls, 4);
});

test('a failure is shared by those who wait and is not remembered', async () => {
  const cache = assemble();
  let calls = 0;
  const failing = () => {
    calls++;
    return Promise.reject(new Error('overloaded'));
  };
  const results = await Promise.allSettled(Array.from({ length: 50 }, () => cache.wrap('q', failing)));
  assert.is(calls, 1);
  assert.ok(
    results.every((result) => result.status === 'rejected' && result.reason.message === 'overloaded'),
  );
  assert.is(await cache.wrap('q', () => 'fine'), 'fine');
  const thrown = await codeOf(() =>
    cache.wrap('thrown at once', () => {
      throw Object.assign(new Error(), { code: 'MINE' });
    }),
  );
  assert.is(thrown, 'MINE');
  assert.is(await cache.wrap('thrown at once', () => 'fine'), 'fine');
});

test('one caller leaves: it is rejected with its reason, the others get the answer', async () => {
  const cache = assemble();
  const gate = deferred<string>();
  const leaver = new AbortController();
  let aborted = false;
  const generate = ({ signal }: { signal: AbortSignal }) => {
    signal.addEventListener('abort', () => {
      aborted = true;
    });
    return gate.promise;
  };
  const leaving = cache.wrap('q', generate, { signal: leaver.signal }).catch((error) => error);
  const staying = cache.wrap('q', generate, { signal: new AbortController().signal });
  const without = cache.wrap('q', generate);
  await turns();
  leaver.abort('enough');
  assert.is(await leaving, 'enough');
  assert.is(aborted, false);
  gate.resolve('answer');
  assert.equal(await Promise.all([staying, without]), ['answer', 'answer']);
});

test('all callers leave: the generation is aborted, and the next caller starts anew', async () => {
  const cache = assemble();
  const signals: AbortSignal[] = [];
  const never = ({ signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    return new Promise<string>(() => {});
  };
  const leavers = Array.from({ length: 100 }, () => new AbortController());
  const waiting = leavers.map(({ signal }) => cache.wrap('q', never, { signal }).catch((error) => error));
  await turns();
  for (const leaver of leavers) leaver.abort('gone');
  assert.ok((await Promise.all(waiting)).every((reason) => reason === 'gone'));
  assert.is(signals.length, 1);
  assert.is(signals[0]?.aborted, true);
  assert.is(await cache.wrap('q', () => 'fresh'), 'fresh');
});

test('a signal that is aborted already rejects at once and generates nothing', async () => {
  const cache = assemble();
  const signal = AbortSignal.abort('before');
  for (const call of [
    (): Promise<unknown> => cache.wrap('q', () => assert.unreachable(), { signal }),
    () => cache.get('q', { signal }),
    () => cache.set('q', 'v', { signal }),
  ]) {
    assert.is(
      await Promise.resolve()
        .then(call)
        .catch((error) => error),
      'before',
    );
  }
  assert.is((await cache.get('q')).match, 'none');
});

test('half of ten thousand callers leave: the other half gets the answer, nothing is left hanging', async () => {
  const cache = assemble();
  const gate = deferred<string>();
  const controllers = Array.from({ length: 10_000 }, () => new AbortController());
  const waiting = controllers.map(({ signal }) =>
    cache.wrap('q', () => gate.promise, { signal }).catch(() => 'left'),
  );
  await turns();
  controllers.forEach((controller, i) => {
    if (i % 2 === 0) controller.abort();
  });
  gate.resolve('answer');
  const results = await Promise.all(waiting);
  assert.is(results.filter((result) => result === 'answer').length, 5000);
});

for (const remove of ['delete', 'clear'] as const) {
  test(`an answer whose generation began before a ${remove} is handed out and not stored`, async () => {
    const directory = temporaryDirectory();
    const cache = await openMock({ directory });
    const gate = deferred<string>();
    const asked = cache.wrap('q', () => gate.promise);
    await turns();
    if (remove === 'delete') await cache.delete('q');
    else await cache.clear();
    gate.resolve('stale');
    assert.is(await asked, 'stale');
    await cache.idle();
    assert.is((await cache.get('q')).match, 'none');
    await cache.close();
    const again = await openMock({ directory });
    assert.is((await again.get('q')).match, 'none');
    await again.close();
  });
}

test('who asks after a removal does not join a generation that began before it', async () => {
  const cache = assemble();
  const gate = deferred<string>();
  const before = cache.wrap('q', () => gate.promise);
  await turns();
  await cache.delete('q');
  const after = cache.wrap('q', () => 'new');
  gate.resolve('old');
  assert.equal(await Promise.all([before, after]), ['old', 'new']);
  await cache.idle();
  assert.is((await cache.get('q')).value, 'new');
});

test('a removal of one question does not keep others from being stored', async () => {
  const cache = assemble();
  const gate = deferred<string>();
  const asked = cache.wrap('kept', () => gate.promise);
  await turns();
  await cache.delete('some other question');
  await cache.clear({ scope: { tenant: 'another' } });
  gate.resolve('answer');
  await asked;
  await cache.idle();
  assert.is((await cache.get('kept')).value, 'answer');
});

test.run();
