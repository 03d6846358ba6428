// Learning through the cache: feedback that persists, shadow mode, comparison of hits, the record and its replay.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { replay } from '#dist/learning/replay.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { openMock } from '../cache/support.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('learning: in service');
const stored = 'how do I boil a soft egg at home';
const asked = 'how do I boil a soft egg';
const near = { minSimilarity: 0.5 };

test('a wrong hit is never repeated, not after a restart either, and its neighbours need more', async () => {
  const directory = temporaryDirectory();
  const open = () => openMock({ directory, cache: near });
  let cache = await open();
  await cache.set(stored, 'six minutes');
  const hit = await cache.get(asked);
  assert.is(hit.match, 'semantic');
  assert.is(hit.decision.candidate?.question, stored);
  // What has travelled as JSON is as good.
  await cache.feedback(JSON.parse(JSON.stringify(hit)), 'wrong');
  const again = await cache.get(asked);
  assert.is(again.match, 'none');
  assert.is(again.refused?.rule, 'feedback');
  assert.is((await cache.stats()).decision?.wrongPairs, 1);
  await cache.close();
  cache = await open();
  assert.is((await cache.get(asked)).refused?.rule, 'feedback');
  assert.is((await cache.get(stored)).match, 'exact');
  assert.is((await cache.stats()).decision?.errors.reported.toFixed(3), '1.000');
  await cache.close();
});

test('a wrong exact hit is removed; what is no hit or no verdict is refused', async () => {
  const cache = await openMock({ cache: near });
  await cache.set(stored, 'an hour');
  const hit = await cache.get(stored);
  await cache.feedback(hit, 'wrong');
  assert.is((await cache.get(stored)).match, 'none');
  const isRefused = ({ code }: { code?: string }) => code === 'ERR_LLM_CACHE_ARGUMENT';
  for (const [given, verdict] of [
    [await cache.get('other'), 'wrong'],
    [hit, 'maybe'],
    [null, 'right'],
    [{}, 'right'],
  ]) {
    const error = await cache.feedback(given as never, verdict as never).then(
      () => undefined,
      (reason: unknown) => reason as { code?: string },
    );
    assert.ok(error && isRefused(error), JSON.stringify(given));
  }
  await cache.close();
});

test('shadow mode serves the origin, tells what it would have served, and compares', async () => {
  const path = join(temporaryDirectory(), 'lookups.jsonl');
  const cache = await openMock({
    cache: near,
    decide: { shadow: true, record: path },
    answerJudge: (_question, cached, fresh) => cached === fresh,
  });
  await cache.set(stored, 'six minutes');
  const answer = await cache.ask(asked, () => 'five minutes');
  assert.is(answer.value, 'five minutes');
  assert.is(answer.match, 'none');
  assert.is(answer.decision.accepted, true);
  assert.is((await cache.get(stored)).match, 'exact');
  await cache.idle();
  const { errors } = (await cache.stats()).decision as NonNullable<
    Awaited<ReturnType<typeof cache.stats>>['decision']
  >;
  assert.ok(errors.checked > 0.99);
  assert.ok(errors.rate > 0.99);
  await cache.close();
  const lines = readFileSync(path, 'utf8').split('\n');
  const { before, after, changed, lookups, unreadable } = replay(
    [...lines, 'no JSON', '{}'],
    { minSimilarity: 0.999, rules: [] },
    2,
  );
  assert.is(lookups, 2);
  assert.is(unreadable, 2);
  assert.equal([before.semantic, before.wrong, before.exact, before.saved], [1, 1, 1, 4]);
  assert.equal([after.semantic, after.misses, after.saved], [0, 1, 2]);
  assert.equal(changed, [{ question: asked, candidate: stored, now: 'miss' }]);
});

test('a share of the hits is generated again and compared, and a failing origin costs only the comparison', async () => {
  const cache = await openMock({
    cache: near,
    decide: { verifyShare: 1 },
    answerJudge: (_question, cached, fresh) => cached === fresh,
  });
  await cache.set(stored, 'six minutes');
  assert.is(await cache.wrap(asked, () => 'six minutes'), 'six minutes');
  await cache.idle();
  assert.is((await cache.stats()).decision?.errors.rate, 0);
  await cache.wrap(asked, () => Promise.reject(new Error('down')));
  await cache.idle();
  const { decision } = await cache.stats();
  assert.is(decision?.verificationsFailed, 1);
  assert.ok((decision?.errors.checked ?? 0) > 0.99);
  assert.is(await cache.wrap(asked, () => 'seven minutes'), 'six minutes');
  await cache.idle();
  assert.is((await cache.get(asked)).refused?.rule, 'feedback');
  await cache.close();
});

test('a call may tighten and not loosen; a category decides about storage and time to live', async () => {
  const cache = await openMock({
    cache: near,
    policies: { categories: [{ name: 'private', pattern: 'my account', store: false }] },
  });
  await cache.set(stored, 'six minutes');
  assert.is((await cache.get(asked, { accept: { minSimilarity: 0.9999 } })).match, 'none');
  const refused = await cache
    .get(asked, { accept: { minSimilarity: 0.1 } })
    .catch((error: { code: string }) => error.code);
  assert.is(refused, 'ERR_LLM_CACHE_ARGUMENT');
  await cache.wrap('what is in my account', () => 'ten');
  await cache.idle();
  assert.is((await cache.get('what is in my account')).match, 'none');
  await cache.close();
});

test('what one tenant stores is served to no other', async () => {
  const cache = await openMock({ cache: { minSimilarity: -1, rules: 'none' }, embedder: mockEmbedder() });
  await cache.set(stored, 'planted', { scope: { tenant: 'mallory' } });
  for (const question of [stored, asked]) {
    assert.is((await cache.get(question, { scope: { tenant: 'alice' } })).match, 'none');
    assert.is((await cache.get(question)).match, 'none');
  }
  await cache.close();
});

test.run();
