// Answers know the documents they were drawn from: a change of one drops its dependants everywhere, and nothing else.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '../disk/support.js';
import { all } from './stream-support.js';
import { openMock } from './support.js';

const test = suite('sources');
const documents = 1_000;
const question = (i: number) => `${i * 7919} question of document ${i * 104_729}`;

test('a change of one of 1,000 documents drops exactly its dependants in all tiers, and in another cache of the directory', async () => {
  const directory = temporaryDirectory();
  const open = () => openMock({ directory, cache: { minSimilarity: 1, ttlSeconds: null } });
  const cache = await open();
  const other = await open();
  const written = Array.from({ length: documents }, async (_, i) => {
    const streamed = async function* ({ addSources }: { addSources: (...sources: string[]) => void }) {
      addSources(`doc ${i}`, `doc ${(i + 1) % documents}`);
      yield `answer ${i}`;
    };
    const plain = ({ addSources }: { addSources: (...sources: string[]) => void }) => {
      addSources(`doc ${i}`, `doc ${(i + 1) % documents}`);
      return `answer ${i}`;
    };
    if (i % 2 === 0) await all(await cache.wrapStream(question(i), streamed));
    else await cache.wrap(question(i), plain);
  });
  await Promise.all(written);
  await cache.idle();
  const missing = async (which: typeof cache) => {
    const found = await Promise.all(
      Array.from({ length: documents }, async (_, i) => (await which.get(question(i))).match),
    );
    return found.flatMap((match, i) => (match === 'none' ? [i] : []));
  };
  assert.equal(await missing(other), []);
  assert.equal(await cache.invalidate({ sources: ['doc 500'] }), { shared: true });
  // Its own memory holds all; the other's too, since it has just asked.
  assert.equal(await missing(cache), [499, 500]);
  await other.invalidate({ tags: ['nothing'] });
  assert.equal(await missing(other), [499, 500]);
  await Promise.all([cache.close(), other.close()]);
  // With nothing in memory, the disk and the vectors must know too.
  const again = await open();
  assert.equal(await missing(again), [499, 500]);
  const near = await again.ask(question(500).toUpperCase().replace(' ', '  '), () => 'new');
  assert.equal([near.match, near.value], ['none', 'new']);
  await again.close();
});

test.run();
