// Processes that share an embedded database: each finds at once what another wrote, by nearness too. SEED comes from the environment.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { cosine, randomUnitVector, seededRandom } from '#dist/testing/index.js';
import type { StoredDocument, VectorDatabase } from '#dist/vectordb/database.js';
import { Documents } from '#dist/vectordb/documents.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { type Child, startChild, temporaryDirectory } from '../disk/support.js';

const test = suite('shared embedded vector database');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const random = seededRandom(seed);
const dimension = 8;
const [a, b] = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];

const document = (id: string, scope = a): StoredDocument => ({
  id,
  scope,
  text: id,
  vector: randomUnitVector(dimension, random),
  metadata: { even: id.length % 2 === 0 },
});

interface Pair {
  readonly directory: string;
  readonly mine: VectorDatabase;
  /** Asks the other process; resolves with what its database answered. */
  theirs(action: string, ...args: unknown[]): Promise<unknown>;
  end(): Promise<void>;
}

async function pair(directory = temporaryDirectory()): Promise<Pair> {
  const environment = new Environment(directory);
  const mine = await openEmbeddedDatabase(environment, { name: 'mine', dimension });
  const child: Child = startChild('vectordb/fixtures/actor.mjs', [directory, String(dimension)]);
  assert.is(await child.line(), 'ready', child.stderr());
  return {
    directory,
    mine,
    async theirs(action, ...args) {
      child.send(
        JSON.stringify([action, ...args], (_, each) => (each instanceof Float32Array ? [...each] : each)),
      );
      const line = await child.line();
      assert.ok(line !== undefined, child.stderr());
      return JSON.parse(line as string);
    },
    async end() {
      child.process.stdin?.end();
      assert.is(await child.ended, 0, child.stderr());
      await mine.close();
      await environment.close();
    },
  };
}

async function idsNear(database: VectorDatabase, vector: Float32Array, scope: string, topK = 100) {
  return (await database.search(vector, { scope, topK })).map((found) => found.document.id);
}

test('what one process adds, replaces, deletes and clears, the other finds so at once', async () => {
  const { mine, theirs, end } = await pair();
  const [x, y, z] = [document('x'), document('y'), document('z')];
  const probe = randomUnitVector(dimension, random);
  const both = async (scope: string, expected: string[]) => {
    assert.equal((await idsNear(mine, probe, scope)).sort(), expected);
    assert.equal(((await theirs('found', probe, scope, 100)) as string[]).sort(), expected);
    assert.is(await mine.version(scope), await theirs('version', scope));
  };
  await mine.upsert([x]);
  await both(a, ['x']);
  await theirs('upsert', [y, document('y', b)]);
  await both(a, ['x', 'y']);
  const moved = document('x');
  await theirs('upsert', [moved]);
  assert.equal(await idsNear(mine, moved.vector, a, 1), ['x']);
  const [nearest] = await mine.search(moved.vector, { scope: a, topK: 1 });
  assert.ok((nearest?.similarity ?? 0) > 0.9999, 'by its new vector');
  await mine.upsert([z]);
  assert.is(await theirs('delete', a, ['x', 'absent']), 1);
  await both(a, ['y', 'z']);
  assert.is(await theirs('delete', a, { even: false }), 2);
  await both(a, []);
  await mine.upsert([x, y]);
  await theirs('clear', a);
  await both(a, []);
  await both(b, ['y']);
  await theirs('upsert', [z]);
  await theirs('clear');
  await both(a, []);
  await both(b, []);
  await mine.upsert([document('y', b)]);
  await both(b, ['y']);
  await end();
});

test('the version changes with each write of any process, and both tell the same', async () => {
  const { mine, theirs, end } = await pair();
  const seen = new Set([await mine.version(a)]);
  const writes: (() => Promise<unknown>)[] = [
    () => mine.upsert([document('x')]),
    () => theirs('upsert', [document('x')]),
    () => mine.delete(a, ['x']),
    () => theirs('upsert', [document('y')]),
    () => theirs('clear', a),
    () => mine.upsert([document('y')]),
    () => theirs('clear'),
    () => mine.clear(),
  ];
  for (const [index, write] of writes.entries()) {
    await write();
    const version = await mine.version(a);
    assert.not(seen.has(version), `write ${index}`);
    assert.is(await theirs('version', a), version);
    seen.add(version);
  }
  await end();
});

test('random writes of two processes at a time leave both with the same, and with what an index built anew has', async () => {
  const { directory, mine, theirs, end } = await pair();
  const held = () => `d${Math.floor(random() * 25)}`;
  for (let round = 0; round < 30; round++) {
    const scope = random() < 0.5 ? a : b;
    const batch = () => Array.from({ length: 1 + Math.floor(random() * 5) }, () => document(held(), scope));
    const other = random();
    await Promise.all([
      random() < 0.7 ? mine.upsert(batch()) : mine.delete(scope, [held(), held()]),
      other < 0.7
        ? theirs('upsert', batch())
        : other < 0.95
          ? theirs('delete', scope, [held(), held()])
          : theirs('clear', scope),
      mine.search(randomUnitVector(dimension, random), { scope, topK: 3 }),
    ]);
    const environment = new Environment(directory);
    const anew = await openEmbeddedDatabase(environment, { name: 'mine', dimension });
    const probe = randomUnitVector(dimension, random);
    for (const each of [a, b]) {
      const expected = await idsNear(anew, probe, each);
      assert.equal(await idsNear(mine, probe, each), expected, `seed ${seed}, round ${round}`);
      assert.equal(await theirs('found', probe, each, 100), expected, `seed ${seed}, round ${round}`);
      assert.is(expected.length, await mine.count(each));
    }
    await anew.close();
    await environment.close();
  }
  await end();
});

test('an index that the log no longer reaches back to is built anew', async () => {
  const { directory, mine, theirs, end } = await pair();
  const probe = randomUnitVector(dimension, random);
  await mine.upsert([document('old'), document('kept')]);
  const other = new Environment(directory);
  const documents = new Documents(other, { name: 'mine', dimension });
  const before = documents.cursor();
  await documents.remove(a, ['old']);
  await documents.upsert([document('new')]);
  assert.equal(
    documents.changes(before)?.changes.map(({ kind }) => kind),
    ['remove', 'put'],
  );
  // As if a hundred thousand writes had come since: the record of the removal is gone.
  const log = other.reader('mine-changes');
  const [[oldest]] = [...log.entries(undefined, logKey(before))] as [[Buffer, Buffer]];
  await other.write([{ kind: 'remove', database: 'mine-changes', key: new Uint8Array(oldest) }]);
  assert.is(documents.changes(before), undefined);
  assert.equal((await idsNear(mine, probe, a)).sort(), ['kept', 'new']);
  assert.equal(((await theirs('found', probe, a, 9)) as string[]).sort(), ['kept', 'new']);
  await theirs('upsert', [document('newer')]);
  assert.equal((await idsNear(mine, probe, a)).sort(), ['kept', 'new', 'newer']);
  await other.close();
  await end();
});

function logKey(number: number): Uint8Array {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(number));
  return new Uint8Array(key);
}

test('catching up with many documents gives way to other work, and the search waits for them', async () => {
  const { directory, mine, end } = await pair();
  const environment = new Environment(directory);
  const documents = new Documents(environment, { name: 'mine', dimension });
  for (let at = 0; at < 20_000; at += 500) {
    await documents.upsert(Array.from({ length: 500 }, (_, i) => document(`d${at + i}`)));
  }
  const probe = randomUnitVector(dimension, random);
  let turns = 0;
  let searching = true;
  const ticking = (async () => {
    for (; searching; turns++) await new Promise((resolve) => setImmediate(resolve));
  })();
  const found = await mine.search(probe, { scope: a, topK: 5 });
  searching = false;
  await ticking;
  assert.ok(turns >= 10, `${turns} turns of the event loop meanwhile`);
  let best = -1;
  for (const { vector } of documents.everything()) best = Math.max(best, cosine(probe, vector));
  assert.ok(Math.abs((found[0]?.similarity ?? 0) - best) < 1e-5, 'the nearest of all');
  turns = 0;
  searching = true;
  const counting = (async () => {
    for (; searching; turns++) await new Promise((resolve) => setImmediate(resolve));
  })();
  const filter = { even: true };
  const expected = [...documents.everything()].filter(({ name }) => name.length % 2 === 0).length;
  assert.is(await mine.count(a, filter), expected);
  assert.is(await mine.delete(a, filter), expected);
  searching = false;
  await counting;
  assert.ok(turns >= 10, `${turns} turns of the event loop meanwhile`);
  assert.is(await mine.count(a), 20_000 - expected);
  await environment.close();
  await end();
});

test.run();
