// The retrieval service over the demo documents with the real model: results, cached results, changes, and nothing stale.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openQueryService } from '#dist/open.js';
import type { QueryAnswer, QueryService } from '#dist/query-service.js';
import { codeOf, startChild, temporaryDirectory } from '../disk/support.js';

const test = suite('query service');
const demo = fileURLToPath(new URL('../../docs/demo/documents/', import.meta.url));
const directory = temporaryDirectory();
const documents = temporaryDirectory();
cpSync(demo, documents, { recursive: true });
const open = (cacheDirectory = directory) =>
  openQueryService({ file: null, env: {}, cache: { directory: cacheDirectory }, embedding: { workers: 1 } });
let service: QueryService;
test.before(async () => {
  service = await open();
});
test.after(() => service.close());

const sources = ({ results }: QueryAnswer) => results.map(({ source }) => source);
const question = 'How long do I boil a soft egg?';

test('an empty corpus gives no results, and they are not remembered once there are documents', async () => {
  const answer = await service.query(question);
  assert.equal(answer.results, []);
  assert.is(answer.tier, 'corpus');
  assert.is(await service.count(), 0);
});

test('after ingestion, the right document comes first', async () => {
  const report = await service.ingest({ path: documents });
  assert.ok(report.documents >= 40, `${report.documents} documents`);
  assert.equal(report.skipped, []);
  assert.ok((await service.count()) >= report.documents);
  const answer = await service.query(question);
  assert.match(sources(answer)[0] ?? '', /boil-eggs\.md/);
  assert.is(answer.tier, 'corpus');
  assert.is(answer.results.length, 5);
  for (const [i, { id, similarity, text, chunkIndex }] of answer.results.entries()) {
    assert.match(id, /^[0-9a-f]{16}:\d{4}/);
    assert.ok(text.length > 0 && chunkIndex >= 0);
    assert.ok(similarity <= (answer.results[i - 1]?.similarity ?? 1), 'best first');
  }
  for (const [asked, source] of [
    ['What does the DNS-like record TTL command say in Redis?', 'redis-expiry'],
    ['How do I undo a commit?', 'git-undo-commit'],
    ['Why does yeast need proofing?', 'proof-yeast'],
  ] as const) {
    assert.ok(
      sources(await service.query(asked)).some((each) => each.includes(source)),
      `${asked}: ${sources(await service.query(asked))}`,
    );
  }
});

test('asked again it is answered exactly from memory, and in other words by meaning, with the same results', async () => {
  const first = await service.query(question);
  const again = await service.query(' how LONG do I boil a soft egg? ');
  assert.equal([again.tier, again.decision.match, again.embedMs], ['memory', 'exact', 0]);
  assert.equal(again.results, first.results);
  const reworded = await service.query('How long should I boil a soft egg?');
  assert.is(reworded.decision.match, 'semantic');
  assert.is(reworded.decision.question, question);
  assert.equal(reworded.results, first.results);
  const other = await service.query('How long do I boil a hard egg?');
  assert.is(other.decision.match, 'none');
  assert.is(other.decision.refused?.rule, 'antonyms');
});

test('the number of results, the filter and the caller are part of the identity', async () => {
  await service.query(question);
  const two = await service.query(question, { topK: 2 });
  assert.equal([two.results.length, two.tier], [2, 'corpus']);
  assert.is((await service.query(question, { topK: 2 })).tier, 'memory');
  const filtered = await service.query(question, { filter: { source: 'no such document' } });
  assert.equal([filtered.results.length, filtered.tier], [0, 'corpus']);
  assert.is((await service.query(question, { scope: { tenant: 'a' } })).tier, 'corpus');
  assert.is((await service.query(question, { scope: { tenant: 'a' } })).tier, 'memory');
  const ways = [{ filter: { a: 1, b: 'x' } }, { filter: { b: 'x', a: 1 } }];
  await service.query(question, ways[0]);
  assert.is((await service.query(question, ways[1])).tier, 'memory', 'the order of a filter does not count');
});

test('what is no query is refused', async () => {
  const bad: [string, object?][] = [
    ['', {}],
    [' '],
    ['\ud800'],
    ['q', { topK: 0 }],
    ['q', { topK: 1.5 }],
    ['q', { topK: 1001 }],
    ['q', { scope: { tennant: 'a' } }],
    ['q', { scope: null }],
    ['q', { scope: 7 }],
    ['q', { filter: { a: () => 1 } }],
  ];
  for (const [i, [text, options]] of bad.entries()) {
    assert.is(await codeOf(() => service.query(text, options)), 'ERR_LLM_CACHE_ARGUMENT', `case ${i}`);
  }
  assert.is((await service.query(question, { topK: 1000 })).results.length, await service.count());
  assert.is(
    await service.query(question, { topK: 999, signal: AbortSignal.abort('no') }).catch((reason) => reason),
    'no',
  );
});

test('ingesting the same again changes nothing and keeps what is cached', async () => {
  const count = await service.count();
  const report = await service.ingest({ path: documents });
  assert.is(report.unchanged, report.documents);
  assert.is(report.chunks, 0);
  assert.is(await service.count(), count);
  assert.is((await service.query(question)).tier, 'memory');
});

test('a changed document replaces exactly its own chunks, and no result of before is served', async () => {
  const count = await service.count();
  const before = await service.query(question);
  const path = join(documents, 'boil-eggs.md');
  const news = 'How long do I boil a soft egg? A soft egg boils for 77 minutes.';
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(/^# .*\n/, (title) => `${title}\n${news} `),
  );
  const report = await service.ingest({ path: documents });
  assert.equal([report.replaced, report.added], [1, 0]);
  assert.is(await service.count(), count);
  const after = await service.query(question);
  assert.is(after.tier, 'corpus');
  assert.match(after.results[0]?.text ?? '', /77 minutes/);
  const gone = new Set(before.results.map(({ id }) => id));
  for (const { id, source } of after.results)
    if (source.includes('boil-eggs')) assert.not.ok(gone.has(id), 'an old chunk');
  const reworded = await service.query('How long should I boil a soft egg?');
  assert.match(reworded.results[0]?.text ?? '', /77 minutes/);
});

test('after a restart the corpus is there and past results come from disk', async () => {
  const count = await service.count();
  const before = await service.query(question);
  await service.close();
  service = await open();
  assert.is(await service.count(), count);
  const exact = await service.query(question);
  assert.equal([exact.tier, exact.decision.match], ['disk', 'exact']);
  assert.equal(exact.results, before.results);
  const fresh = await service.query(question, { topK: 7 });
  assert.equal(
    fresh.results.slice(0, 5).map(({ id }) => id),
    before.results.map(({ id }) => id),
  );
});

test('what another process ingests never makes old results pass for new ones', async () => {
  const shared = temporaryDirectory();
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'one.txt'), 'The harbour opens at seven in the morning.');
  const { mockEmbedder } = await import('#dist/testing/index.js');
  const openShared = () =>
    openQueryService({ embedder: mockEmbedder(), file: null, env: {}, cache: { directory: shared } });
  const serving = await openShared();
  await serving.ingest({ path: folder });
  await serving.query('when does the harbour open');
  writeFileSync(join(folder, 'two.txt'), 'When does the harbour open? Never again.');
  const child = startChild('service/fixtures/ingest.mjs', [shared, folder]);
  assert.is((await child.rest()).at(-1), 'done', child.stderr());
  // Whatever the serving process answers now must not be what one that sees both documents finds in the cache.
  await serving.query('when does the harbour open');
  await serving.query('when does the harbour open', { topK: 9 });
  await serving.close();
  const again = await openShared();
  for (const topK of [5, 9]) {
    assert.is((await again.query('when does the harbour open', { topK })).results.length, 2, `topK ${topK}`);
  }
  await again.close();
});

test('after close, calls are refused, and a query under way never ends with an empty result', async () => {
  const own = await open(temporaryDirectory());
  await own.ingest({ documents: [{ source: 'a', text: 'The harbour opens at seven.' }] });
  const asked = own.query('When does the harbour open?').then(
    ({ results }) => results.length,
    (error) => error.code,
  );
  await own.close();
  await own.close();
  assert.ok([1, 'ERR_LLM_CACHE_CLOSED', 'ERR_LLM_CACHE_EMBED'].includes(await asked), String(await asked));
  assert.is(await codeOf(() => own.query('q')), 'ERR_LLM_CACHE_CLOSED');
  assert.is(await codeOf(() => own.ingest({ path: documents })), 'ERR_LLM_CACHE_CLOSED');
});

test.run();
