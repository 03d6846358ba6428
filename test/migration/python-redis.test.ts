// Moving from the Python package: a real Redis filled as the package fills it, read, brought over, and left as it was.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openCache, openPythonRedis, openQueryService, seedQueryKey } from '#dist/index.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { assertFailure, jsonLines, run, scratch, write } from '../cli/support.js';
import { noRedis, type RedisServer, startRedis } from '../tiers/support.js';

const test = suite('from the Python package');
const model = 'all-MiniLM-L6-v2';
let server: RedisServer;
let client: Redis;

const sentences = Array.from({ length: 40 }, (_, i) => `Sentence ${i} tells of harbour number ${i * 7}.`);
const long = sentences.join(' ');

/** Chunks as the package cuts them: by characters, blind to words, white space at the ends dropped, short ones lost. */
function chunksOf(text: string, size = 512, overlap = 50): string[] {
  if (text.length <= size) return [text];
  const chunks: string[] = [];
  for (let start = 0; start < text.length; start += size - overlap)
    chunks.push(text.slice(start, start + size).trim());
  return chunks.filter((chunk) => chunk.length >= 100);
}

async function store(source: string, text: string, without: readonly number[] = []): Promise<string> {
  const id = createHash('sha256').update(text).digest('hex').slice(0, 12);
  for (const [index, chunk] of chunksOf(text).entries()) {
    if (without.includes(index)) continue;
    const value = JSON.stringify({ text: chunk, source, chunk_index: index });
    await client.setex(`meta:doc:${id}_${index}`, 3600, value);
  }
  return id;
}

const passage = (text: string) => ({ id: 'a1b2c3d4e5f6_0', score: 0.4375, text, source: 'tea.txt' });
const keep = (question: string, topK: number, value: unknown) =>
  client.setex(`cache:query:${seedQueryKey(question, topK, model)}`, 1800, JSON.stringify(value));

test.before(async () => {
  if (noRedis !== undefined) return;
  server = await startRedis();
  client = new Redis(server.port, '127.0.0.1');
});
test.after(async () => {
  client?.disconnect();
  await server?.stop();
});

function withRedis(name: string, check: () => Promise<void>): void {
  test(name, async () => {
    if (noRedis !== undefined) {
      console.log(`skipped: ${noRedis}`);
      return;
    }
    await client.flushdb();
    await check();
  });
}

const open = () => openPythonRedis({ url: `redis://127.0.0.1:${server.port}/0` });
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

withRedis(
  'documents are put together from their chunks, up to what the package itself has dropped',
  async () => {
    await store('tea.txt', 'Green tea is brewed at 70 degrees.');
    const id = await store('harbours.txt', long);
    await store('harbours.txt', `${long} And another.`);
    const old = await open();
    const documents = await collect(old.documents());
    assert.is(documents.length, 3);
    const bySource = new Map(documents.map((document) => [document.source, document]));
    assert.is(bySource.get('tea.txt')?.text, 'Green tea is brewed at 70 degrees.');
    const both = documents.filter(({ source }) => source.startsWith('harbours.txt'));
    assert.is(new Set(both.map(({ source }) => source)).size, 2, 'two documents of one name are two');
    assert.ok(both.some(({ source }) => source === 'harbours.txt'));
    for (const { text } of both) {
      assert.ok(long.startsWith(text.slice(0, 1500)), 'no seam shows');
      assert.ok(text.length > 1500);
    }
    assert.equal(documents[0]?.metadata, { importedFrom: 'llm-semantic-cache' });
    assert.is(old.losses.gaps, 0);
    await client.del(`meta:doc:${id}_1`);
    await collect(old.documents());
    assert.is(old.losses.gaps, 1);
    await old.close();
  },
);

withRedis('messages of chats, foreign and hostile values are counted and left', async () => {
  const chat = { text: 'my secret', role: 'user', session_id: 's1', timestamp: 1 };
  await client.set('meta:doc:0b5c8a52-8d0f-4a52-b2f5-000000000000', JSON.stringify(chat));
  await client.set('meta:doc:own-id', JSON.stringify({ text: 'A document under an id of its own.' }));
  await client.set('meta:doc:aaaaaaaaaaaa_0', 'not json');
  await client.set('meta:doc:bbbbbbbbbbbb_0', JSON.stringify(['text']));
  await client.set('meta:doc:cccccccccccc_0', JSON.stringify({ text: 'x'.repeat(2 ** 20), source: 's' }));
  await client.lpush('meta:doc:dddddddddddd_0', 'a list');
  const old = await open();
  const documents = await collect(old.documents());
  assert.equal(
    documents.map(({ source, text }) => [source, text]),
    [['own-id', 'A document under an id of its own.']],
  );
  assert.equal([old.losses.chatMessages, old.losses.unreadable], [1, 4]);
  await old.close();
});

withRedis(
  'answers are found by their questions alone, the greatest top_k first, none that two questions could claim',
  async () => {
    await keep('How hot is green tea brewed?', 5, [passage('70 degrees')]);
    await keep('How hot is green tea brewed?', 10, [passage('70 degrees'), passage('95 degrees')]);
    await keep('What is C++?', 5, [passage('a language')]);
    await keep('что такое чай', 5, [passage('tea')]);
    await keep('empty texts', 5, [passage('')]);
    await keep('wrong shape', 5, { results: [] });
    const old = await open();
    const questions = [
      'how hot is green tea brewed',
      'What is C++?',
      'What is C#?',
      'что такое чай',
      'empty texts',
      'wrong shape',
      'never asked',
      '\ud800',
    ];
    const found = await collect(old.answers({ questions, topK: [5, 10] }));
    assert.equal(
      found.map(({ question, topK, results }) => [question, topK, results.length]),
      [['how hot is green tea brewed', 10, 2]],
    );
    assert.equal(found[0]?.results[0], passage('70 degrees'));
    assert.ok((found[0]?.ttlMs ?? 0) > 1_700_000 && (found[0]?.ttlMs ?? 0) <= 1_800_000);
    const { ambiguous, withoutText, unreadable } = old.losses;
    assert.equal([ambiguous, withoutText, unreadable], [3, 1, 1]);
    assert.equal(await collect(old.answers({ questions, model: 'another' })), []);
    await old.close();
  },
);

withRedis('many keys come by SCAN in batches, and never by KEYS', async () => {
  const pipeline = client.pipeline();
  for (let i = 0; i < 3000; i++) pipeline.set(`cache:query:${String(i).padStart(64, '0')}`, '[]');
  for (let i = 0; i < 2500; i++) {
    const id = createHash('sha256').update(String(i)).digest('hex').slice(0, 12);
    pipeline.set(`meta:doc:${id}_0`, JSON.stringify({ text: `document ${i}`, source: `${i}.txt` }));
  }
  pipeline.set('hits:query:x', '3');
  await pipeline.exec();
  await client.config('RESETSTAT');
  const old = await open();
  assert.equal(await old.survey(), { chunks: 2500, documents: 2500, others: 0, answers: 3000, counters: 1 });
  assert.is((await collect(old.documents())).length, 2500);
  await old.close();
  const commands = await client.info('commandstats');
  assert.not.match(commands, /cmdstat_keys:/);
  assert.ok(Number(/cmdstat_scan:calls=(\d+)/.exec(commands)?.[1]) > 20);
  assert.not.match(commands, /cmdstat_(set|del|unlink|expire|flushdb):/, 'it only reads');
});

withRedis('the command brings both over, a dry run nothing; a later process has them', async () => {
  await store('tea.txt', 'Green tea is brewed at 70 degrees, black tea at 95 degrees.');
  await keep('How hot is green tea brewed?', 5, [passage('70 degrees')]);
  const cwd = write(scratch(), { 'questions.txt': 'How hot is green tea brewed?\n\nNever asked\n' });
  const url = `redis://127.0.0.1:${server.port}/0`;
  const args = ['import', '--redis', url, '--questions', 'questions.txt', '--tenant', 'acme', '--use-mock'];
  const dry = await run([...args, '--dry-run', '--json'], { cwd });
  assert.is(dry.code, 0, dry.stderr);
  const [counts] = jsonLines<{ found: object; brought: object; left: object }>(dry.stdout);
  assert.equal(counts?.found, { chunks: 1, documents: 1, others: 0, answers: 1, counters: 0 });
  assert.equal(counts?.brought, { documents: 1, answers: 1 });
  assert.is((await run(['stats'], { cwd })).code, 1, 'the dry run made no directory');

  const real = await run(args, { cwd });
  assert.is(real.code, 0, real.stderr);
  assert.match(real.stdout, /brought over {2}1 document, 1 answer/);
  const options = {
    embedder: mockEmbedder(),
    file: null,
    env: {},
    cache: { directory: join(cwd, '.llm-cache') },
  };
  const cache = await openCache(options);
  const mine = await cache.get('how hot is green tea brewed?', { scope: { tenant: 'acme' } });
  assert.equal([mine.match, mine.value], ['exact', [passage('70 degrees')]]);
  assert.is((await cache.get('how hot is green tea brewed?', { scope: { tenant: 'other' } })).match, 'none');
  await cache.close();
  const service = await openQueryService({ ...options, embedder: mockEmbedder() });
  const { results } = await service.query('black tea degrees', {
    filter: { importedFrom: 'llm-semantic-cache' },
  });
  assert.is(results[0]?.source, 'tea.txt');
  await service.close();

  const again = await run([...args, '--json'], { cwd });
  assert.is(again.code, 0, again.stderr);
  assert.is(await client.dbsize(), 2, 'the old Redis is as it was');
});

test('without Redis, or without saying where, the command fails in one line', async () => {
  assertFailure(await run(['import']), 2, 'ERR_LLM_CACHE_ARGUMENT');
  const gone = await run(['import', '--redis', 'redis://user:swordfish@127.0.0.1:1/0', '--dry-run']);
  assertFailure(gone, 1, 'ERR_LLM_CACHE_TIER');
  assert.not.match(gone.stderr, /swordfish/);
  assertFailure(await run(['import', '--redis', 'http://x', '--dry-run']), 1, 'ERR_LLM_CACHE_ARGUMENT');
  const questions = await run(['import', '--redis', 'redis://127.0.0.1:1/0', '--questions', 'none.txt']);
  assertFailure(questions, 2, 'ERR_LLM_CACHE_ARGUMENT');
});

test.run();
