// Opening, closing, restarting and dying.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tier } from '#dist/core/tier.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { codeOf, startChild, temporaryDirectory } from '../disk/support.js';
import { assemble, deferred, openMock, turns } from './support.js';

const test = suite('cache lifecycle');

test('after a restart, another process answers exactly from disk and by meaning from the vector tier', async () => {
  const directory = temporaryDirectory();
  const store = startChild('cache/fixtures/uses.mjs', ['store', directory]);
  assert.is(await store.line(), 'from the first process', store.stderr());
  assert.is(await store.ended, 0, 'it ends by itself');
  const ask = startChild('cache/fixtures/uses.mjs', ['ask', directory]);
  const [exact, semantic] = JSON.parse((await ask.line()) ?? ask.stderr());
  assert.is(await ask.ended, 0);
  assert.equal(exact, { match: 'exact', tier: 'disk', value: 'from the first process' });
  assert.is(semantic.value, 'from the first process');
  assert.is(semantic.match, 'semantic');
});

test('with the real embedder, a process that closes its cache ends by itself', async () => {
  const child = startChild('cache/fixtures/uses.mjs', ['real', temporaryDirectory()]);
  assert.is(await child.line(), 'answer', child.stderr());
  assert.is(await child.ended, 0);
});

test('close may be called twice; calls after it are refused, with their code', async () => {
  const cache = await openMock();
  await cache.set('q', 'v');
  assert.is(cache.close(), cache.close());
  await cache.close();
  for (const call of [
    () => cache.wrap('q', () => 1),
    () => cache.get('q'),
    () => cache.set('q', 1),
    () => cache.delete('q'),
    () => cache.clear(),
  ]) {
    assert.is(await codeOf(call), 'ERR_LLM_CACHE_CLOSED');
  }
});

test('an answer under way when the cache closes reaches its caller', async () => {
  const cache = await openMock();
  const gate = deferred<string>();
  const asked = cache.wrap('q', () => gate.promise);
  await turns();
  await cache.close();
  gate.resolve('answer');
  assert.is(await asked, 'answer');
});

test('writes under way when the cache closes are on disk afterwards', async () => {
  const directory = temporaryDirectory();
  const cache = await openMock({ directory });
  await Promise.all(Array.from({ length: 200 }, (_, i) => cache.wrap(`question ${i}`, () => i)));
  await cache.close();
  const again = await openMock({ directory });
  for (let i = 0; i < 200; i++) assert.is((await again.get(`question ${i}`)).value, i);
  await again.close();
});

test('of processes killed while they store, every acknowledged answer is there, exactly and by meaning', async () => {
  const directory = temporaryDirectory();
  let most = -1;
  for (let kill = 0; kill < 5; kill++) {
    const child = startChild('cache/fixtures/uses.mjs', ['busy', directory]);
    let last = -1;
    for (let i = 0; i < 10 + kill * 7; i++) last = Number((await child.line()) ?? child.stderr());
    child.process.kill('SIGKILL');
    for (const line of await child.rest()) last = Number(line);
    assert.is(await child.ended, 'SIGKILL');
    most = Math.max(most, last);
    const cache = await openMock({ directory });
    for (let i = 0; i <= most; i++) assert.is((await cache.get(`question number ${i}`)).value, `answer ${i}`);
    // One that was not acknowledged may be in one of the two only.
    for (const tier of (await cache.stats()).tiers.slice(1)) {
      assert.ok((tier.entries as number) > most, `${tier.name} holds ${tier.entries} of ${most + 1}`);
    }
    await cache.close();
  }
});

test('a directory of another embedder is refused with both names, and the given embedder is closed', async () => {
  const directory = temporaryDirectory();
  await (await openMock({ directory })).close();
  const other = { ...mockEmbedder({ dimension: 64 }), name: 'other-model' };
  let closed = false;
  const embedder = {
    ...other,
    close: async () => {
      closed = true;
    },
  };
  const error = await openMock({ directory, embedder }).catch((e) => e);
  assert.is(error.code, 'ERR_LLM_CACHE_EMBEDDER_MISMATCH');
  assert.match(error.message, /mock.*other-model/);
  assert.is(closed, true);
  await (await openMock({ directory })).close();
});

test('a model that does not exist is refused when the cache opens', async () => {
  const open = openMock({ embedder: undefined, embedding: { model: 'no-such-model' } });
  assert.is(await codeOf(() => open), 'ERR_LLM_CACHE_CONFIG');
});

test('who waits for an answer has it before the slower tiers begin to write it', async () => {
  const order: string[] = [];
  const named = (name: string): Tier => ({
    name,
    get: () => undefined,
    set: () => {
      order.push(name);
      return true;
    },
    delete: () => false,
    clear: () => {},
    size: () => ({ entries: 0, bytes: 0 }),
    close: async () => {},
  });
  const cache = assemble({ tiers: [named('first'), named('second'), named('third')] });
  await cache.wrap('q', () => 'answer');
  order.push('answered');
  await cache.idle();
  assert.equal(order, ['first', 'answered', 'second', 'third']);
  await cache.close();
});

test.run();
