// Removals over a real Redis: a document of 1,000 changes, or a time is given up, and exactly that is gone here, there and in another process.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startChild, temporaryDirectory } from '../disk/support.js';
import { noRedis, startRedis } from '../tiers/support.js';
import { openMock } from './support.js';

const test = suite('removals elsewhere');
const documents = 1_000;

if (noRedis !== undefined) {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
} else {
  const server = await startRedis();
  test.after(() => server.stop());

  test('exactly the dependants are gone in memory, Redis and the vectors, and in another process', async () => {
    const directory = temporaryDirectory();
    const open = (from = directory) =>
      openMock({
        directory: from,
        cache: { minSimilarity: 1, shared: true },
        redis: { host: '127.0.0.1', port: server.port, commandTimeoutMs: 5000 },
      });
    const cache = await open();
    const createdAt: number[] = [];
    for (let from = 0; from < documents; from += 20) {
      const stored = Array.from({ length: 20 }, async (_, j) => {
        const i = from + j;
        const sources = [`doc ${i}`, `doc ${(i + 1) % documents}`];
        await cache.set(`question ${i}`, `answer ${i}`, { sources, tags: [`tag ${i % 10}`] });
        createdAt[i] = (await cache.get(`question ${i}`)).createdAtMs as number;
      });
      await Promise.all(stored);
    }
    const missing = async (which: typeof cache) => {
      const gone: number[] = [];
      for (let i = 0; i < documents; i++) {
        if ((await which.get(`question ${i}`)).match === 'none') gone.push(i);
      }
      return gone;
    };
    const args = [String(server.port), temporaryDirectory(), String(documents)];
    const child = startChild('cache/fixtures/missing.mjs', args);
    assert.is(await child.line(), 'ready', child.stderr());
    /** What the other process misses once it has heard of the latest removal. */
    const elsewhere = async (wanted: readonly number[]) => {
      let told: number[] = [];
      for (let asked = 0; asked < 200 && told.length < wanted.length; asked++) {
        child.send('ask');
        told = JSON.parse((await child.line()) ?? '[]');
      }
      return told;
    };
    assert.equal(await missing(cache), []);
    assert.equal(await cache.invalidate({ sources: ['doc 500'] }), { shared: true });
    assert.equal(await missing(cache), [499, 500]);
    assert.equal(await elsewhere([499, 500]), [499, 500]);

    const [from, until] = [createdAt[200] as number, createdAt[700] as number];
    const inTime = (i: number) => (createdAt[i] as number) >= from && (createdAt[i] as number) < until;
    const gone = createdAt.flatMap((_, i) =>
      i === 499 || i === 500 || (i % 10 === 3 && inTime(i)) ? [i] : [],
    );
    assert.ok(gone.length > 10 && gone.length < 100, `${gone.length} gone`);
    const what = { createdAfter: from, createdBefore: until, tags: ['tag 3'] };
    assert.equal(await cache.invalidate(what), { shared: true });
    assert.equal(await missing(cache), gone);
    assert.equal(await elsewhere(gone), gone);
    child.send('end');
    assert.is(await child.ended, 0, child.stderr());
    await cache.close();
    // With nothing in memory: Redis and the vectors of this directory, and a directory that has neither.
    for (const place of [directory, temporaryDirectory()]) {
      const again = await open(place);
      assert.equal(await missing(again), gone);
      await again.close();
    }
  });
}

test.run();
