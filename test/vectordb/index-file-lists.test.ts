// The index file of an embedded database whose large partitions are in lists: each start from it holds the documents that there are, whatever
// was changed before, meanwhile and since. SEED as elsewhere.
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { autoEngine } from '#dist/engines/auto.js';
import type { Engine } from '#dist/engines/engine.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import type { IvfPqEngineOptions } from '#dist/engines/ivfpq-options.js';
import { cosine, randomUnitVector, seededRandom, vectorAt } from '#dist/testing/index.js';
import type { StoredDocument, VectorDatabase } from '#dist/vectordb/database.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { startChild, temporaryDirectory } from '../disk/support.js';

const test = suite('index file of lists');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`seed ${seed}`);
const random = seededRandom(seed);
const dimension = 24;
const [large, small, other] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const scopes = [large, small, other];
const below = (limit: number) => Math.floor(random() * limit);
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

const centres = Array.from({ length: 12 }, () => randomUnitVector(dimension, random));
const draw = () => vectorAt(centres[below(centres.length)] as Float32Array, 0.8, random);

function document(number: number, scope = large): StoredDocument {
  const id = `document ${number}`;
  return { id, scope, text: id, vector: draw(), metadata: {} };
}

// All lists are looked at and rows are rounded by far less than vectors differ, so that what is found can be told exactly.
const everything: IvfPqEngineOptions = { trainFrom: 200, nlist: 8, nprobe: 8, rescoreFactor: 10_000 };
const lists = (options: IvfPqEngineOptions = {}) => new IvfPqEngine(dimension, { ...everything, ...options });

const files = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.index'));

async function withDatabase<E extends Engine, R>(
  directory: string,
  engine: E,
  use: (database: VectorDatabase, engine: E) => Promise<R>,
): Promise<R> {
  const environment = new Environment(directory);
  const options = { name: 'mapped', dimension, keepIndexFrom: 100, engine };
  const database = await openEmbeddedDatabase(environment, options);
  try {
    return await use(database, engine);
  } finally {
    await database.close();
    await environment.close();
  }
}

/** What the documents say, by reading each of them. */
type Truth = Map<string, Map<string, Float32Array>>;
const emptyTruth = (): Truth => new Map(scopes.map((scope) => [scope, new Map()]));

async function put(database: VectorDatabase, truth: Truth, documents: readonly StoredDocument[]) {
  for (const { scope, id, vector } of documents) truth.get(scope)?.set(id, vector);
  await database.upsert(documents);
}

async function check(database: VectorDatabase, truth: Truth): Promise<void> {
  for (const scope of scopes) {
    const held = truth.get(scope) as Map<string, Float32Array>;
    const query = draw();
    const all = await database.search(query, { scope, topK: held.size + 10 });
    assert.equal(all.map((found) => found.document.id).sort(), [...held.keys()].sort());
    const wanted = [...held.values()].map((vector) => cosine(query, vector)).sort((a, b) => b - a);
    const nearest = await database.search(query, { scope, topK: 5 });
    assert.is(nearest.length, Math.min(5, held.size));
    for (const [at, { document, similarity }] of nearest.entries()) {
      const own = cosine(query, held.get(document.id) as Float32Array);
      assert.ok(Math.abs(similarity - own) < 1e-5, 'the similarity is that of its vector');
      assert.ok(own > (wanted[at] as number) - 0.02, `${own} in place of ${wanted[at]}`);
    }
  }
}

/** Some changes, of all kinds. */
async function change(database: VectorDatabase, truth: Truth): Promise<void> {
  const scope = scopes[below(3)] as string;
  const held = truth.get(scope) as Map<string, Float32Array>;
  const kind = below(20);
  if (kind < 12) await put(database, truth, [document(below(900), scope), document(below(900), scope)]);
  else if (kind < 19) {
    const ids = [`document ${below(900)}`, `document ${below(900)}`];
    for (const id of ids) held.delete(id);
    await database.delete(scope, ids);
  } else if (scope !== large) {
    held.clear();
    await database.clear(scope);
  }
}

async function filled(truth: Truth, rows = 600, engine: Engine = lists()): Promise<string> {
  const directory = temporaryDirectory();
  await withDatabase(directory, engine, async (database) => {
    const all = Array.from({ length: rows }, (_, number) => document(number));
    const few = Array.from({ length: 60 }, (_, number) => document(number, small));
    await put(database, truth, [...all, ...few]);
    if (engine instanceof IvfPqEngine) await engine.settled();
  });
  return directory;
}

test('a start from the file trains nothing and finds what there is, after any changes', async () => {
  const truth = emptyTruth();
  const directory = await filled(truth);
  assert.is(files(directory).length, 1);
  for (let round = 0; round < 12; round++) {
    await withDatabase(directory, lists(), async (database, engine) => {
      assert.is(engine.built, 0, 'nothing was trained');
      assert.ok(engine.rowsInLists > 300, String(engine.rowsInLists));
      await check(database, truth);
      for (let step = 0; step < 15; step++) await change(database, truth);
      await check(database, truth);
    });
    assert.is(files(directory).length, 1, 'files that were replaced are removed');
  }
  assert.equal(warnings, []);
});

test('what changes while the file is written is in the next start, whatever ids went from one to another', async () => {
  for (let round = 0; round < 6; round++) {
    const truth = emptyTruth();
    const directory = await filled(truth, 1_500);
    await withDatabase(directory, lists(), async (database) => {
      // More than a quarter has changed: from here on a new file is being written.
      await put(
        database,
        truth,
        Array.from({ length: 450 }, () => document(below(1_500))),
      );
      for (let step = 0; step < 40; step++) {
        const writing = change(database, truth);
        for (let turn = below(4); turn > 0; turn--) await new Promise(setImmediate);
        await writing;
      }
    });
    await withDatabase(directory, lists(), async (database, engine) => {
      assert.is(engine.built, 0);
      await check(database, truth);
    });
  }
  assert.equal(warnings, []);
});

test('a file that is damaged, cut, of nothing or gone is not used', async () => {
  const truth = emptyTruth();
  const directory = await filled(truth);
  const path = () => join(directory, files(directory)[0] as string);
  const damages: (() => void)[] = [
    () => {
      const bytes = readFileSync(path());
      const at = 4096 + below(bytes.length - 4096);
      bytes[at] = (bytes[at] as number) ^ (1 << below(8));
      writeFileSync(path(), bytes);
    },
    () => truncateSync(path(), below(readFileSync(path()).length)),
    () => truncateSync(path(), 0),
    () => writeFileSync(path(), 'not at all'),
  ];
  for (const damage of damages) {
    damage();
    const built = await withDatabase(directory, lists(), async (database, engine) => {
      await check(database, truth);
      return engine.built;
    });
    assert.is(built, 1);
    await new Promise(setImmediate);
    assert.is(warnings.length, 1, 'one warning');
    assert.match(warnings[0] as string, /index file of mapped could not be read/);
    warnings.length = 0;
    // The next start finds a new one.
    await withDatabase(directory, lists(), async (database, engine) => {
      assert.is(engine.built, 0);
      await check(database, truth);
    });
  }
  assert.equal(warnings, []);
});

test('an engine of another kind does not take the file, and leaves one of its own', async () => {
  const truth = emptyTruth();
  const directory = await filled(truth);
  const engines: (() => Engine)[] = [
    () => new FlatEngine(dimension),
    () => lists({ m: 8 }),
    () => lists({ rescore: 'float16' }),
    () => lists({ nbits: 8 }),
    () => lists({ rotations: 1 }),
    () => lists({ rescore: 'none', trainFrom: 10_000 }),
    () => new FlatEngine(dimension),
  ];
  for (const engine of engines) {
    const before = files(directory);
    await withDatabase(directory, engine(), async (database) => {
      if (engine().approximate !== true) await check(database, truth);
    });
    assert.not.equal(files(directory), before);
    const after = files(directory);
    await withDatabase(directory, engine(), async (database, one) => {
      assert.is(one.size, await database.count());
    });
    assert.equal(files(directory), after, 'its own serves');
  }
  assert.equal(warnings, []);
});

test('auto keeps whatever it stands on: exact rows before the crossing, lists after it', async () => {
  const truth = emptyTruth();
  const auto = () => autoEngine(dimension, { crossover: 400, nlist: 8, nprobe: 8, rescoreFactor: 10_000 });
  const directory = await filled(truth, 300, auto());
  await withDatabase(directory, auto(), async (database, engine) => {
    assert.is(engine.rowsInLists, 0);
    await check(database, truth);
    await put(
      database,
      truth,
      Array.from({ length: 100 }, (_, number) => document(300 + number)),
    );
    assert.ok(engine.building);
    await engine.settled();
    assert.is(engine.rowsInLists, 400);
    await check(database, truth);
  });
  await withDatabase(directory, auto(), async (database, engine) => {
    assert.is(engine.built, 0);
    assert.is(engine.rowsInLists, 400);
    await check(database, truth);
  });
  // One that crosses earlier builds its lists beside serving from the file.
  const early = autoEngine(dimension, { crossover: 50, nlist: 8, nprobe: 8, rescoreFactor: 10_000 });
  await withDatabase(directory, early, async (database, engine) => {
    assert.is(engine.built, 0);
    await check(database, truth);
    await engine.settled();
    assert.is(engine.built, 1);
    assert.is(engine.rowsInLists, 460);
    await check(database, truth);
  });
  assert.equal(warnings, []);
});

test('two processes over one file: what one changes the other finds, also when the file is replaced under it', async () => {
  const truth = emptyTruth();
  const directory = await filled(truth);
  const child = startChild('vectordb/fixtures/actor.mjs', [
    directory,
    String(dimension),
    'mapped',
    JSON.stringify(everything),
  ]);
  assert.is(await child.line(), 'ready', child.stderr());
  const theirs = async (...request: unknown[]) => {
    child.send(JSON.stringify(request, (_, each) => (each instanceof Float32Array ? [...each] : each)));
    return JSON.parse((await child.line()) ?? child.stderr()) as unknown;
  };
  const both = async (database: VectorDatabase) => {
    await check(database, truth);
    for (const scope of scopes) {
      const ids = [...(truth.get(scope) as Map<string, Float32Array>).keys()];
      const found = (await theirs('found', draw(), scope, ids.length + 10)) as string[];
      assert.equal(found.sort(), ids.sort());
    }
  };
  const first = files(directory);
  await withDatabase(directory, lists(), async (database, engine) => {
    assert.is(engine.built, 0);
    await both(database);
    for (let step = 0; step < 10; step++) await change(database, truth);
    await both(database);
    const added = document(5_000);
    truth.get(large)?.set(added.id, added.vector);
    await theirs('upsert', [added]);
    await both(database);
    // So much that a new file is due.
    await put(
      database,
      truth,
      Array.from({ length: 400 }, (_, number) => document(number)),
    );
  });
  assert.not.equal(files(directory), first, 'the file was replaced');
  await withDatabase(directory, lists(), async (database, engine) => {
    assert.is(engine.built, 0);
    await both(database);
    for (let step = 0; step < 10; step++) await change(database, truth);
    await both(database);
  });
  child.process.stdin?.end();
  assert.is(await child.ended, 0, child.stderr());
  assert.equal(warnings, []);
});

test.run();
