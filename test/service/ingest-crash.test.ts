// An ingestion that dies is taken up by the next one: the corpus is then what one undisturbed ingestion gives.
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { openQueryService } from '#dist/open.js';
import { mockEmbedder, seededRandom } from '#dist/testing/index.js';
import { startChild, temporaryDirectory } from '../disk/support.js';
import { startDouble } from '../qdrant/double.js';
import { pointsOf } from './support.js';

const test = suite('interrupted ingestion');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const demo = fileURLToPath(new URL('../../docs/demo/documents/', import.meta.url));

async function corpusOf(directory: string): Promise<Map<string, string>> {
  const environment = new Environment(directory);
  const chunks = new Map<string, string>();
  for (const name of ['corpus-documents', 'corpus-vectors']) {
    for (const [key, value] of environment.reader(name).entries())
      chunks.set(`${name} ${key.toString('hex')}`, value.toString('hex'));
  }
  await environment.close();
  return chunks;
}

test('killed at ten random moments, with documents changing between, it ends as one undisturbed ingestion does', async () => {
  const random = seededRandom(seed);
  const folder = temporaryDirectory();
  cpSync(demo, folder, { recursive: true });
  const directory = temporaryDirectory();
  for (let kill = 0; kill < 10; kill++) {
    const child = startChild('service/fixtures/ingest.mjs', [directory, folder]);
    assert.is(await child.line(), 'open', child.stderr());
    const wanted = Math.floor(random() * 30);
    for (let i = 0; i < wanted; i++) if ((await child.line()) === undefined) break;
    child.process.kill('SIGKILL');
    await child.ended;
    writeFileSync(
      join(folder, `new-${kill}.txt`),
      `A document that came after kill ${kill}. `.repeat(20 + kill),
    );
    writeFileSync(
      join(folder, 'boil-eggs.md'),
      `# Eggs\n\nVersion ${kill} of this text. `.repeat(1 + ((kill * 7) % 40)),
    );
  }
  const last = startChild('service/fixtures/ingest.mjs', [directory, folder]);
  assert.is((await last.rest()).at(-1), 'done', last.stderr());
  assert.is(await last.ended, 0);
  const undisturbed = temporaryDirectory();
  const fresh = startChild('service/fixtures/ingest.mjs', [undisturbed, folder]);
  assert.is((await fresh.rest()).at(-1), 'done', fresh.stderr());
  const [one, other] = [await corpusOf(directory), await corpusOf(undisturbed)];
  assert.equal([...one.keys()].sort(), [...other.keys()].sort());

  for (const [key, value] of other) assert.is(one.get(key), value, key);
});

test('on Qdrant, killed at eight random moments, it ends with the points of one undisturbed ingestion', async () => {
  const random = seededRandom(seed + 1);
  const folder = temporaryDirectory();
  cpSync(demo, folder, { recursive: true });
  const directory = temporaryDirectory();
  const double = await startDouble();
  let midway = 0;
  for (let kill = 0; kill < 8; kill++) {
    const child = startChild('service/fixtures/ingest.mjs', [directory, folder, String(double.port)]);
    assert.is(await child.line(), 'open', child.stderr());
    // Between two requests, or while the server works on one.
    let left = 1 + Math.floor(random() * 3);
    await new Promise<void>((resolve) => {
      double.fault = ({ route }) => {
        if (route === 'PUT points' && --left === 0) {
          midway++;
          child.process.kill('SIGKILL');
        }
        return undefined;
      };
      child.ended.then(() => resolve());
    });
    double.fault = undefined;
    const text = `# Eggs\n\nVersion ${kill} of this text. `;
    writeFileSync(join(folder, 'boil-eggs.md'), text.repeat(1 + ((kill * 7) % 40)));
  }
  console.log(`${midway} of 8 were killed while they wrote`);
  assert.ok(midway >= 2);
  const last = startChild('service/fixtures/ingest.mjs', [directory, folder, String(double.port)]);
  assert.is((await last.rest()).at(-1), 'done', last.stderr());
  const other = await startDouble();
  const fresh = startChild('service/fixtures/ingest.mjs', [temporaryDirectory(), folder, String(other.port)]);
  assert.is((await fresh.rest()).at(-1), 'done', fresh.stderr());
  const [killed, undisturbed] = [pointsOf(double, 'llm_cache'), pointsOf(other, 'llm_cache')];
  assert.ok(undisturbed.size > 40);
  assert.equal([...killed.keys()].sort(), [...undisturbed.keys()].sort());
  for (const [id, point] of undisturbed) assert.is(killed.get(id), point);
  await double.stop();
  await other.stop();
});

test('two ingestions of one service at once leave what one after the other leaves', async () => {
  const directory = temporaryDirectory();
  const open = () =>
    openQueryService({ embedder: mockEmbedder(), file: null, env: {}, cache: { directory } });
  const service = await open();
  const text = (version: number) => ({
    source: 'same',
    text: `Version ${version} of the text. `.repeat(60 * version),
  });
  const reports = await Promise.allSettled(
    [1, 2, 3].map((version) => service.ingest({ documents: [text(version)] })),
  );
  for (const report of reports)
    assert.is(report.status, 'fulfilled', String((report as PromiseRejectedResult).reason));
  const { results } = await service.query('Version of the text', { topK: 1000 });
  const versions = new Set(results.map(({ text: chunk }) => /Version (\d)/.exec(chunk)?.[1]));
  assert.is(versions.size, 1, `chunks of the versions ${[...versions]}`);
  await service.close();
  rmSync(directory, { recursive: true });
});

test.run();
