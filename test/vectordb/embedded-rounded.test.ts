// The embedded database over an index that rounds its vectors: what it says of a document stays exact. SEED as elsewhere.
import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '#dist/core/clock.js';
import { ConfigError } from '#dist/core/errors.js';
import { Environment } from '#dist/disk/environment.js';
import { mockEmbedder } from '#dist/embed/mock.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { configOf } from '#dist/open.js';
import { openDatabase, openEngine } from '#dist/stores.js';
import { cosine, randomUnitVector, seededRandom } from '#dist/testing/index.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('embedded vector database over rounded vectors');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const random = seededRandom(seed);
const scope = 'a'.repeat(64);
const storages = ['float16', 'int8'] as const;

for (const storage of storages) {
  test(`${storage}: similarities are those of the documents, and nearly all neighbours are found`, async () => {
    const embedder = mockEmbedder({ dimension: 64 });
    const config = configOf({ vectorDb: { engine: 'flat' }, flat: { storage } });
    const environment = new Environment(temporaryDirectory());
    const database = await openDatabase('corpus', config, environment, embedder, systemClock);
    try {
      const documents = Array.from({ length: 400 }, (_, i) => ({
        id: `d${i}`,
        scope,
        text: `${i}`,
        vector: randomUnitVector(64, random),
        metadata: {},
      }));
      await database.upsert(documents);
      const wanted = Array.from({ length: 30 }, () => randomUnitVector(64, random));
      const answers = (await database.searchMany?.(wanted, { scope, topK: 10 })) ?? [];
      let hits = 0;
      for (const [at, vector] of wanted.entries()) {
        const found = await database.search(vector, { scope, topK: 10 });
        assert.equal(answers[at], found);
        const similarities = documents.map((each) => cosine(vector, each.vector)).sort((a, b) => b - a);
        for (const [i, { document, similarity }] of found.entries()) {
          assert.ok(Math.abs(similarity - cosine(vector, document.vector)) < 1e-6, `${similarity}`);
          assert.ok(similarity <= (found[i - 1]?.similarity ?? 1), 'best first');
          if (similarity > (similarities[9] as number) - 1e-6) hits++;
        }
      }
      assert.ok(hits >= 285, `${hits} of 300 found`);
    } finally {
      await database.close();
      await environment.close();
    }
  });

  test(`${storage}: no file is kept, and the index is built again from the documents`, async () => {
    const directory = temporaryDirectory();
    const vectors = Array.from({ length: 50 }, () => randomUnitVector(16, random));
    const query = randomUnitVector(16, random);
    const answers: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      const environment = new Environment(directory);
      const engine = new FlatEngine(16, { storage });
      const options = { name: 'mine', dimension: 16, engine, keepIndexFrom: 1 };
      const database = await openEmbeddedDatabase(environment, options);
      if (round === 0) {
        const documents = vectors.map((vector, i) => ({
          id: `d${i}`,
          scope,
          text: '',
          vector,
          metadata: {},
        }));
        await database.upsert(documents);
      }
      const found = await database.search(query, { scope, topK: 5 });
      answers.push(found.map(({ document: { id }, similarity }) => [id, similarity]));
      await database.close();
      await environment.close();
    }
    assert.is((answers[0] as unknown[]).length, 5);
    assert.equal(answers[1], answers[0]);
    assert.equal(
      readdirSync(directory).filter((name) => name.endsWith('.index')),
      [],
    );
  });
}

test('the configuration chooses the storage, and refuses others', async () => {
  for (const storage of ['float32', ...storages] as const) {
    const engine = await openEngine('flat', 8, configOf({ flat: { storage } }));
    assert.is((engine as FlatEngine).storage, storage);
  }
  const bad = { flat: { storage: 'float64' as 'int8' } };
  assert.throws(
    () => configOf(bad),
    (error: unknown) => error instanceof ConfigError && /flat\.storage/.test(error.message),
  );
});

test.run();
