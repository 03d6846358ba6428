// The embedded database keeps the contract of vector databases, and what it alone promises.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { manualClock, randomUnitVector, seededRandom, vectorDatabaseContract } from '#dist/testing/index.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';

const test = suite('embedded vector database');
const scope = 'c'.repeat(64);

vectorDatabaseContract(
  test,
  async ({ dimension }) => {
    const directory = temporaryDirectory();
    let environment = new Environment(directory);
    let database = await openEmbeddedDatabase(environment, { name: 'mine', dimension });
    return {
      database,
      async reopen() {
        await database.close();
        await environment.close();
        environment = new Environment(directory);
        database = await openEmbeddedDatabase(environment, { name: 'mine', dimension });
        return database;
      },
      release: () => environment.close(),
    };
  },
  assert,
);

const random = seededRandom(3);
const document = (id: string, changes = {}) => ({
  id,
  scope,
  text: id,
  vector: randomUnitVector(8, random),
  metadata: {},
  ...changes,
});

async function opened(directory = temporaryDirectory()) {
  const environment = new Environment(directory);
  return {
    directory,
    environment,
    database: await openEmbeddedDatabase(environment, { name: 'mine', dimension: 8 }),
  };
}

test('unusable names, scopes and ids are refused', async () => {
  const { environment, database } = await opened();
  assert.is(
    await codeOf(() => openEmbeddedDatabase(environment, { name: 'A b', dimension: 8 })),
    'ERR_LLM_CACHE_ARGUMENT',
  );
  const bad = [
    document(''),
    document('x'.repeat(513)),
    document('x', { scope: 'short' }),
    document('x', { scope: 'g'.repeat(64) }),
  ];
  for (const each of bad) assert.is(await codeOf(() => database.upsert([each])), 'ERR_LLM_CACHE_ARGUMENT');
  await database.upsert([document('é'.repeat(256))]);
  assert.is(await database.count(), 1);
  await environment.close();
});

test('after close a search is refused and never answered as if nothing were there', async () => {
  const { environment, database } = await opened();
  const stored = document('x');
  await database.upsert([stored]);
  await database.close();
  await database.close();
  assert.is(await codeOf(() => database.search(stored.vector, { scope, topK: 1 })), 'ERR_LLM_CACHE_CLOSED');
  assert.is(await codeOf(() => database.upsert([stored])), 'ERR_LLM_CACHE_CLOSED');
  await environment.close();
});

test('a document whose bytes are damaged is skipped, the others are found', async () => {
  const { directory, environment, database } = await opened();
  const damaged = document('damaged');
  await database.upsert([damaged, document('whole')]);
  const key = Buffer.concat([Buffer.from(scope, 'hex'), Buffer.from('damaged')]);
  const body = environment.reader('mine-documents').get(key) as Buffer;
  body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1);
  await environment.write([
    { kind: 'put', database: 'mine-documents', key: new Uint8Array(key), value: new Uint8Array(body) },
  ]);
  const found = await database.search(damaged.vector, { scope, topK: 5 });
  assert.equal(
    found.map((each) => each.document.id),
    ['whole'],
  );
  await environment.close();
  const again = await opened(directory);
  assert.is((await again.database.search(damaged.vector, { scope, topK: 5 })).length, 1);
  await again.environment.close();
});

test('a vector whose bytes are damaged does not keep the database from opening', async () => {
  const { directory, environment, database } = await opened();
  const damaged = document('damaged');
  const whole = document('whole');
  await database.upsert([damaged, whole]);
  const key = new Uint8Array(Buffer.concat([Buffer.from(scope, 'hex'), Buffer.from('damaged')]));
  const value = new Uint8Array(new Float32Array(8).fill(Number.NaN).buffer);
  await environment.write([{ kind: 'put', database: 'mine-vectors', key, value }]);
  await environment.close();
  const again = await opened(directory);
  const found = await again.database.search(whole.vector, { scope, topK: 5 });
  assert.equal(
    found.map((each) => each.document.id),
    ['whole'],
  );
  await again.environment.close();
});

test('what has expired is removed by later writes, also after reopening; what was written anew stays', async () => {
  const clock = manualClock();
  const directory = temporaryDirectory();
  const open = async () => {
    const environment = new Environment(directory);
    const database = await openEmbeddedDatabase(environment, { name: 'mine', dimension: 8, clock });
    return { environment, database };
  };
  const first = await open();
  const soon = { expiresAtMs: clock.wall() + 1000 };
  for (let i = 0; i < 40; i++) await first.database.upsert([document(`old ${i}`, soon)]);
  await first.database.upsert([document('old 7', { expiresAtMs: clock.wall() + 100_000 })]);
  await first.database.upsert([document('for ever')]);
  await first.database.close();
  await first.environment.close();
  clock.advance(1000);
  const { environment, database } = await open();
  for (let i = 0; i < 6; i++) await database.upsert([document(`new ${i}`)]);
  assert.is(await database.count(), 8);
  const [kept, endless, gone] = await database.get(scope, ['old 7', 'for ever', 'old 8']);
  assert.equal([kept?.text, endless?.text, gone], ['old 7', 'for ever', undefined]);
  const found = await database.search(randomUnitVector(8, random), { scope, topK: 100 });
  assert.is(found.length, 8);
  await environment.close();
});

test.run();
