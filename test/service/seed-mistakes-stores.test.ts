// What the reference package does wrong with what it stores: the rest of the list that seed-mistakes.test.ts begins, by its numbers.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeValue, encodeValue } from '#dist/disk/codec.js';
import { inspectDirectory } from '#dist/inspect.js';
import { openQueryService } from '#dist/open.js';
import { manualClock, mockEmbedder } from '#dist/testing/index.js';
import { filesIn, read } from '../arch/sources.ts';
import { codeOf, temporaryDirectory } from '../disk/support.ts';
import { startDouble } from '../qdrant/double.ts';
import { noFaiss } from '../vectordb/faiss-support.ts';

const test = suite('mistakes of the reference: stores');
const documents = ['harbour', 'library', 'museum'].map((source, i) => ({
  source,
  text: `The ${source} opens at ${i + 1} in the morning.`,
}));

test('6: no file carries code: a pickle is refused and runs nothing, and a value with a function is not taken', async () => {
  const directory = temporaryDirectory();
  const trace = join(directory, 'ran');
  const cache = join(directory, 'cache');
  mkdirSync(cache);
  const pickle = `cos\nsystem\n(S'touch ${trace}'\ntR.`;
  writeFileSync(join(cache, 'cache.mdb'), pickle.padEnd(65_536, '\0'));
  assert.is(await codeOf(() => inspectDirectory(cache)), 'ERR_LLM_CACHE_DIRECTORY');
  const open = () =>
    openQueryService({ embedder: mockEmbedder(), file: null, env: {}, cache: { directory: cache } });
  assert.is(await codeOf(open), 'ERR_LLM_CACHE_DIRECTORY');
  assert.not.ok(existsSync(trace));

  assert.is(await codeOf(() => encodeValue({ run: () => 1 })), 'ERR_LLM_CACHE_ARGUMENT');
  // What a hostile writer could put in the place of a value: names of prototypes come back as data, or not at all.
  const hostile = Buffer.concat([
    Buffer.from([0x81, 0xa9]),
    Buffer.from('__proto__'),
    Buffer.from([0x81, 0xa8]),
    Buffer.from('polluted'),
    Buffer.from([0x01]),
  ]);
  decodeValue(hostile);
  assert.is(({} as Record<string, unknown>).polluted, undefined);
  for (const file of filesIn('src', /\.ts$/)) {
    const code = read(file).replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
    assert.not.match(code, /(^|[^.#\w])eval\(|new Function\(|node:vm|deserialize\(/m, file);
  }
});

test('12 and 13: a section for Qdrant is used, and its ids are what Qdrant takes', async () => {
  const double = await startDouble({ apiKey: 'key-1' });
  const ids: unknown[] = [];
  double.fault = ({ body }) => {
    for (const { id } of (body.points ?? []) as { id: unknown }[]) ids.push(id);
    return undefined;
  };
  try {
    const service = await openQueryService({
      embedder: mockEmbedder(),
      file: null,
      env: { VECTOR_DB_BACKEND: 'qdrant', QDRANT_HOST: '127.0.0.1', QDRANT_PORT: String(double.port) },
      cache: { directory: temporaryDirectory() },
      qdrant: { collection: 'mine', apiKey: 'key-1' },
    });
    await service.ingest({ documents });
    const { results } = await service.query('when does the museum open');
    assert.is(results[0]?.source, 'museum');
    await service.close();
  } finally {
    await double.stop();
  }
  assert.equal([...double.collections.keys()], ['mine']);
  assert.ok(ids.length >= documents.length, String(ids.length));
  for (const id of ids)
    assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('13: a section for Faiss is used and never taken for a flat index in silence', async () => {
  const open = () =>
    openQueryService({
      embedder: mockEmbedder({ dimension: 16 }),
      file: null,
      env: { VECTOR_DB_BACKEND: 'faiss', FAISS_INDEX_TYPE: 'IVFPQ', PQ_M: '7' },
      cache: { directory: temporaryDirectory() },
    });
  // 7 parts do not divide 16 numbers: only who uses the section can notice.
  const expected = (await noFaiss()) === undefined ? /CONFIG|ARGUMENT/ : /MISSING_PACKAGE|CONFIG|ARGUMENT/;
  assert.match(String(await codeOf(open)), expected);
});

test('14: the text of a document does not expire, however long nobody asks for it', async () => {
  const directory = temporaryDirectory();
  const clock = manualClock();
  const open = () =>
    openQueryService({ embedder: mockEmbedder(), file: null, env: {}, clock, cache: { directory } });
  const service = await open();
  await service.ingest({ documents });
  await service.query('when does the library open');
  await service.close();
  clock.advance(10 * 365 * 86_400_000);
  const later = await open();
  const { tier, results } = await later.query('when does the library open');
  assert.is(tier, 'corpus', 'what was cached has expired');
  assert.is(results.length, documents.length);
  for (const { source, text } of results)
    assert.is(text, documents.find((one) => one.source === source)?.text);
  await later.close();
});

test.run();
