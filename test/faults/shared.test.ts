// Several caches over one Redis that fails: removals reach all of them late rather than never, and a dead holder's lease frees its key.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '#dist/testing/index.js';
import { codeOf, startChild, temporaryDirectory, until } from '../disk/support.js';
import { noRedis } from '../tiers/support.js';
import { closeAll, proxyTo, Server, Subject } from './support.js';

const test = suite('caches that share a failing redis');
test.after.each(closeAll);
const maxStaleMs = 400;
const seed = 11;

if (noRedis !== undefined) {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
} else {
  test('F03 what one cache deleted in an outage no cache serves afterwards, though the server returns with it', async () => {
    const server = await Server.start();
    const redis = { maxStaleMs };
    const one = await Subject.open(server.port, { redis });
    const two = await Subject.open(server.port, { redis });
    await one.ask('doomed');
    await one.cache.idle();
    await two.ask('doomed');
    assert.is(two.generated, 0, 'both hold it');
    const name = await server.nameOf((await one.cache.get('doomed')).key);
    await server.admin.save();
    await server.signal('SIGKILL');
    await one.becomes('lost');
    assert.ok((await codeOf(() => one.cache.delete('doomed')))?.startsWith('ERR_LLM_CACHE_TIER'));
    assert.is((await one.cache.get('doomed')).match, 'none');
    await until('the other serves nothing that it cannot vouch for', async () => {
      return (await two.cache.get('doomed')).match === 'none';
    });
    await server.start();
    assert.is(await server.admin.exists(name), 1, 'the server has it still');
    await until('the removal is shared', () => one.cache.health().ledger.queued === 0);
    const shared = performance.now();
    for (const subject of [one, two]) await subject.becomes('ok');
    while (performance.now() - shared < maxStaleMs) await new Promise((resolve) => setImmediate(resolve));
    const three = await Subject.open(server.port, { redis });
    for (const subject of [one, two, three]) {
      for (let i = 0; i < 5; i++) assert.is((await subject.cache.get('doomed')).match, 'none');
    }
  });

  test('F14 removals while connections are killed at random: no stale hit once they are shared and the limit is over', async () => {
    const server = await Server.start();
    const proxy = await proxyTo(server);
    const redis = { maxStaleMs };
    const subjects = await Promise.all([0, 1, 2].map(() => Subject.open(proxy.port, { redis })));
    const random = seededRandom(seed);
    const killer = setInterval(() => proxy.kill(0.2, random), 100);
    let held = 0;
    try {
      for (let round = 0; round < 5; round++) {
        const questions = Array.from({ length: 20 }, (_, i) => `question ${round * 20 + i}`);
        for (const { cache } of subjects) {
          for (const text of questions) await cache.wrap(text, () => 'v', { tags: [text] });
          await cache.idle();
        }
        for (const { cache } of subjects) {
          for (const text of questions) if ((await cache.get(text)).match !== 'none') held++;
        }
        const remover = subjects[round % 3] as Subject;
        await remover.cache.invalidate({ tags: questions });
        await until('the removal is shared', () => remover.cache.health().ledger.queued === 0);
        const shared = performance.now();
        while (performance.now() - shared < maxStaleMs) await new Promise((resolve) => setImmediate(resolve));
        for (const { cache } of subjects) {
          for (const text of questions)
            assert.is((await cache.get(text)).match, 'none', `seed ${seed}: ${text}`);
        }
      }
    } finally {
      clearInterval(killer);
    }
    assert.ok(held > 150, `${held} held`);
    assert.ok(proxy.counts.killed > 5, `${proxy.counts.killed} killed`);
    console.log(
      `F14 seed ${seed}: 100 removals, ${proxy.counts.killed} connections killed, ${held} answers held before, 0 stale`,
    );
  });

  test('F16 a process that dies while it generates: another goes on, and generates once', async () => {
    const server = await Server.start();
    const holder = startChild('faults/fixtures/holder.mjs', [String(server.port), temporaryDirectory()]);
    assert.is(await holder.line(), 'generating');
    const redis = { lease: true, leaseMs: 1_000 };
    const subjects = await Promise.all([0, 1].map(() => Subject.open(server.port, { redis })));
    holder.process.kill('SIGKILL');
    await holder.ended;
    const started = performance.now();
    await Promise.all(subjects.map((subject) => subject.ask('held')));
    assert.ok(performance.now() - started < 3_000, `${performance.now() - started} ms`);
    assert.is(
      subjects.reduce((sum, { generated }) => sum + generated, 0),
      1,
    );
  });
}

test.run();
