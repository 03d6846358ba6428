// What a vector database acknowledged survives the sudden death of the process. KILLS and SEED come from the environment.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { seededRandom } from '#dist/testing/index.js';
import type { VectorDatabase } from '#dist/vectordb/database.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { type Child, startChild, temporaryDirectory } from '../disk/support.js';

const test = suite('crashes of the embedded vector database');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const kills = Number(process.env.KILLS ?? 200);
const scope = 'd'.repeat(64);
const dimension = 8;
// So few that reading all of them after each kill stays cheap.
const killsPerDirectory = 20;
console.log(`seed ${seed}, ${kills} kills`);

const random = seededRandom(seed);

/** What must be there: batches acknowledged, and those whose removal was begun and may or may not have happened. */
class Ledger {
  readonly present = new Map<string, number>();
  readonly doubtful = new Set<string>();
  readonly absent = new Set<string>();
  acknowledged = 0;

  read(line: string): void {
    const [action, batch, size] = line.split(' ') as [string, string, string | undefined];
    // The last line of a killed process may be cut.
    if (size === undefined) return;
    this.acknowledged++;
    this.present.delete(batch);
    this.doubtful.delete(batch);
    if (action === 'put') this.present.set(batch, Number(size));
    else if (action === 'removing') this.doubtful.add(batch);
    else this.absent.add(batch);
  }
}

/** Resolves after some microseconds of work or at the next turn: kills come at any point of a write. */
async function moment(): Promise<void> {
  const end = performance.now() + random() * 4;
  while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
}

async function killAt(child: Child, lines: number, ledger: Ledger): Promise<void> {
  for (let i = 0; i <= lines; i++) {
    const line = await child.line();
    assert.ok(line !== undefined, child.stderr());
    ledger.read(line);
  }
  await moment();
  child.process.kill('SIGKILL');
  for (const line of await child.rest()) ledger.read(line);
  assert.is(await child.ended, 'SIGKILL');
}

/** Every batch is whole or not there at all, as the ledger has it; body, vector, index and log tell the same. */
async function verify(environment: Environment, database: VectorDatabase, ledger: Ledger): Promise<void> {
  const bodies = new Map<string, number>();
  const ids: string[] = [];
  for (const [key] of environment.reader('mine-documents').entries()) {
    const id = key.toString('utf8', 32);
    ids.push(id);
    const batch = id.slice(0, id.lastIndexOf('-'));
    bodies.set(batch, (bodies.get(batch) ?? 0) + 1);
  }
  const vectorKeys = [...environment.reader('mine-vectors').entries()].map(([key]) =>
    key.toString('utf8', 32),
  );
  assert.equal(vectorKeys, ids, 'a vector for each body');
  for (const [batch, size] of ledger.present) assert.is(bodies.get(batch), size, `${batch} was acknowledged`);
  for (const batch of ledger.absent) assert.not(bodies.has(batch), `${batch} was removed`);
  const documents = await database.get(scope, ids);
  for (const [index, document] of documents.entries()) {
    const id = ids[index] as string;
    const batch = id.slice(0, id.lastIndexOf('-'));
    assert.is(document?.metadata.size, bodies.get(batch), `${batch} is whole`);
    assert.is(document?.text.startsWith(`${id} `), true);
  }
  assert.is(await database.count(scope), ids.length);
  const { vector } = documents[0] as { vector: Float32Array };
  const found = await database.search(vector, { scope, topK: ids.length + 1 });
  assert.equal(found.map(({ document }) => document.id).sort(), [...ids].sort(), 'the index has them all');
}

test(`of ${kills} processes killed while they ingest, none loses what it acknowledged or leaves half a batch`, async () => {
  let acknowledged = 0;
  let inDoubt = 0;
  // Most of a child's life is its start, so the next one starts while this one writes.
  const start = () => startChild('vectordb/fixtures/ingest.mjs');
  let ready = start();
  for (let kill = 0; kill < kills; ) {
    const directory = temporaryDirectory();
    const ledger = new Ledger();
    // An index that was open all along has followed the log when an index built anew is its equal.
    const witness = new Environment(directory);
    const watching = await openEmbeddedDatabase(witness, { name: 'mine', dimension });
    for (let turn = 0; turn < killsPerDirectory && kill < kills; turn++, kill++) {
      const child = ready;
      child.send([directory, scope, `p${kill}`, Math.floor(random() * 2 ** 31)].join(' '));
      ready = start();
      await killAt(child, Math.floor(random() * 15), ledger);
      await verify(witness, watching, ledger);
    }
    const environment = new Environment(directory);
    const anew = await openEmbeddedDatabase(environment, { name: 'mine', dimension });
    await verify(environment, anew, ledger);
    assert.is(await anew.version(scope), await watching.version(scope));
    await anew.close();
    await watching.close();
    await Promise.all([environment.close(), witness.close()]);
    acknowledged += ledger.acknowledged;
    inDoubt += ledger.doubtful.size;
  }
  ready.process.kill('SIGKILL');
  await ready.ended;
  assert.ok(acknowledged >= kills, `${acknowledged} acknowledged`);
  console.log(`${acknowledged} acknowledgements over ${kills} kills, ${inDoubt} removals under way`);
});

test.run();
