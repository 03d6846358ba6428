// What changes in the corpus takes along what was drawn from it: results of the service, and answers of a cache beside it.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openCache, openQueryService } from '#dist/open.js';
import { manualClock, mockEmbedder } from '#dist/testing/index.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('ingestion invalidates');

async function open() {
  const [directory, folder] = [temporaryDirectory(), temporaryDirectory()];
  const clock = manualClock();
  const options = { file: null, env: {}, clock, cache: { directory } };
  const service = await openQueryService({ ...options, embedder: mockEmbedder() });
  const cache = await openCache({ ...options, embedder: mockEmbedder() });
  const close = async () => {
    await cache.close();
    await service.close();
  };
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const ingest = (prune = false) => service.ingest({ path: folder, relativeTo: folder, prune });
  /** Which of the questions the cache still answers, once it has had the time to hear of removals. */
  const alive = async (...questions: string[]) => {
    clock.advance(1000);
    const lookups = await Promise.all(questions.map((question) => cache.get(question)));
    return questions.filter((_, index) => lookups[index]?.match === 'exact');
  };
  return { service, cache, folder, write, ingest, alive, close };
}

test('a changed document takes exactly the answers along that name it; a new one takes none', async () => {
  const { cache, write, ingest, alive, close } = await open();
  write('harbour.txt', 'The harbour opens at seven.');
  write('orchard.txt', 'The orchard has forty trees.');
  await ingest();
  const names = { h: ['harbour.txt'], o: ['orchard.txt'], both: ['orchard.txt', 'harbour.txt'], none: [] };
  for (const [question, sources] of Object.entries(names)) await cache.set(question, 'answer', { sources });
  assert.equal(await alive('h', 'o', 'both', 'none'), ['h', 'o', 'both', 'none']);
  write('quarry.txt', 'The quarry is closed.');
  assert.is((await ingest()).added, 1);
  assert.is((await ingest()).unchanged, 3);
  assert.equal(await alive('h', 'o', 'both', 'none'), ['h', 'o', 'both', 'none']);
  write('harbour.txt', 'The harbour opens at eight.');
  assert.is((await ingest()).replaced, 1);
  assert.equal(await alive('h', 'o', 'both', 'none'), ['o', 'none']);
  await close();
});

test('a document that goes takes its answers along, and so does a line for those that name its file', async () => {
  const { cache, folder, write, ingest, alive, close } = await open();
  write('harbour.txt', 'The harbour opens at seven.');
  write('faq.jsonl', '{"id":"a","text":"first line"}\n{"id":"b","text":"second line"}\n');
  await ingest();
  const names = { h: 'harbour.txt', a: 'faq.jsonl#a', b: 'faq.jsonl#b', file: 'faq.jsonl', other: 'x' };
  const all = Object.keys(names);
  for (const [question, source] of Object.entries(names))
    await cache.set(question, 'yes', { sources: [source] });
  rmSync(join(folder, 'harbour.txt'));
  await ingest();
  assert.equal(await alive(...all), all, 'without pruning nothing goes');
  assert.equal((await ingest(true)).removed, ['harbour.txt']);
  assert.equal(await alive(...all), ['a', 'b', 'file', 'other']);
  write('faq.jsonl', '{"id":"a","text":"first line"}\n{"id":"b","text":"another line"}\n');
  await ingest();
  assert.equal(await alive(...all), ['a', 'other']);
  await close();
});

test('results name the documents they come from, so that removing one of these makes them a miss', async () => {
  const { service, cache, write, ingest, alive, close } = await open();
  write('harbour.txt', 'The harbour opens at seven.');
  write('orchard.txt', 'The orchard has forty trees.');
  await ingest();
  const tier = async (question: string) => {
    await alive();
    return (await service.query(question, { topK: 1 })).tier;
  };
  const questions = ['when the harbour opens', 'trees the orchard has'] as const;
  for (const question of questions) assert.is(await tier(question), 'corpus');
  for (const question of questions) assert.is(await tier(question), 'memory');
  await cache.invalidate({ sources: ['harbour.txt'] });
  assert.is(await tier(questions[0]), 'corpus');
  assert.is(await tier(questions[1]), 'memory');
  await close();
});

test('an answer drawn from a document while it is being replaced does not outlive the replacement', async () => {
  const { service, cache, write, ingest, alive, close } = await open();
  const long = (word: string) => `The harbour opens at ${word}. `.repeat(40);
  write('harbour.txt', long('seven'));
  await ingest();
  write('harbour.txt', long('eight'));
  // The old passages are found until the new ones are written: whoever asks now may be told the old hour.
  const asked = cache.ask('hour', async ({ addSources }) => {
    const { results } = await service.query('when the harbour opens');
    addSources(...results.map(({ source }) => source));
    return results[0]?.text;
  });
  await Promise.all([asked, ingest()]);
  await cache.idle();
  const [kept] = await alive('hour');
  const { value } = kept === undefined ? { value: 'eight' } : await cache.get('hour');
  assert.match(String(value), /eight/);
  await close();
});

test.run();
