// HnswEngine: the conformance suite, and what only graphs can get wrong.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InvalidArgumentError } from '#dist/core/errors.js';
import { type HnswEngine, type HnswOptions, openHnswEngine } from '#dist/engines/hnsw.js';
import { cosine, randomUnitVector, seededRandom, vectorAt } from '#dist/testing/index.js';
import { temporaryDirectory, until } from '../disk/support.ts';
import { checkAnswer, engineConformance, printedSeed } from './conformance.ts';

const seed = printedSeed();
const test = suite('hnsw engine');
// Graphs pass through this directory, so that a test can see what is left in it.
const temporary = temporaryDirectory();
process.env.TMPDIR = temporary;

engineConformance(test, async (dimension) => {
  const engine = await openHnswEngine(dimension, { graphFrom: 50 });
  return { engine, settle: () => engine.settled() };
});

const dimension = 32;
const random = seededRandom(seed + 2);
const centres = Array.from({ length: 30 }, () => randomUnitVector(dimension, random));
const draw = () => vectorAt(centres[Math.floor(random() * centres.length)] as Float32Array, 0.8, random);

type Rows = Map<number, { partition: number; vector: Float32Array }>;

async function filled(count: number, options: HnswOptions = {}): Promise<{ engine: HnswEngine; rows: Rows }> {
  const engine = await openHnswEngine(dimension, { graphFrom: 100, ...options });
  const rows: Rows = new Map();
  for (let id = 0; id < count; id++) put(engine, rows, id, draw());
  await engine.settled();
  assert.is(engine.lastFailure, undefined);
  return { engine, rows };
}

function put(engine: HnswEngine, rows: Rows, id: number, vector: Float32Array): void {
  engine.set(id, 0, vector);
  rows.set(id, { partition: 0, vector });
}

function recall(engine: HnswEngine, rows: Rows, queries: readonly Float32Array[]): number {
  let right = 0;
  for (const query of queries) {
    const products = [...rows.values()].map(({ vector }) => cosine(vector, query)).sort((a, b) => b - a);
    const found = engine.search(query, 0, 10);
    right += found.filter(({ similarity }) => similarity >= (products[9] as number) - 1e-5).length;
  }
  return right / queries.length / 10;
}

test('after ten times as many changes as rows it is as good and as small as a fresh one', async () => {
  const count = 1200;
  const { engine, rows } = await filled(count);
  const queries = Array.from({ length: 60 }, draw);
  let most = 0;
  let bytes = 0;
  for (let change = 0; change < 10 * count; change++) {
    const id = Math.floor(random() * count * 1.1);
    if (random() < 0.25) {
      engine.remove(id);
      rows.delete(id);
    } else {
      put(engine, rows, id, draw());
    }
    if (change % 500 === 0) await engine.settled();
    most = Math.max(most, engine.rowsInGraphs);
    bytes = Math.max(bytes, engine.bytes);
  }
  await engine.settled();
  const fresh = await openHnswEngine(dimension, { graphFrom: 100 });
  const reloaded: Rows = new Map([...rows]);
  for (const [id, { vector }] of reloaded) fresh.set(id, 0, vector);
  await fresh.settled();
  const [churned, built] = [recall(engine, rows, queries), recall(fresh, rows, queries)];
  console.log(`recall@10 after churn ${churned}, of a fresh build ${built}; at most ${most} rows in graphs`);
  assert.ok(built > 0.9);
  assert.ok(churned >= 0.95 * built);
  assert.ok(most <= 1.6 * count, `${most} rows in graphs for ${count}`);
  assert.ok(engine.bytes <= 2 * fresh.bytes && bytes <= 5 * fresh.bytes, `${bytes}, ${fresh.bytes}`);
  const lost = [...rows].filter(([id, { vector }]) => engine.search(vector, 0, 1)[0]?.id !== id);
  assert.ok(lost.length <= 0.001 * rows.size, `${lost.length} of ${rows.size} rows do not find themselves`);
  await engine.close();
  await fresh.close();
});

test('the memory of a process stays what it was over ten times as many changes as rows', () => {
  const engines = new URL('../../dist/', import.meta.url);
  const churn = `import { openHnswEngine } from '${engines}engines/hnsw.js';
    import { randomUnitVector, seededRandom } from '${engines}testing/index.js';
    const count = 1500;
    const random = seededRandom(${seed});
    const engine = await openHnswEngine(256, { graphFrom: 1000, M: 8, efConstruction: 20 });
    for (let id = 0; id < count; id++) engine.set(id, 0, randomUnitVector(256, random));
    await engine.settled();
    for (let round = 0; round < 10; round++) {
      for (let change = 0; change < count; change++) {
        const id = Math.floor(random() * count);
        if (random() < 0.2) engine.remove(id);
        else engine.set(id, 0, randomUnitVector(256, random));
        if (change % 500 === 0) await engine.settled();
      }
      await engine.settled();
      globalThis.gc();
      console.log(Math.round(process.memoryUsage.rss() / 1024), engine.lastFailure ?? '');
    }
    await engine.close();`;
  const args = ['--expose-gc', '--input-type=module', '-e', churn];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  const rss = stdout.trim().split('\n').map(Number);
  console.log(`resident KiB after each round of 1,500 changes: ${rss.join(' ')}`);
  assert.is(rss.length, 10, stderr);
  assert.ok(rss.every(Number.isFinite), stdout);
  // A round writes 1.2 MiB of rows and as much of graphs: what leaked from the second round to the tenth would be 20 MiB.
  const early = Math.max(...rss.slice(0, 4));
  const late = Math.min(...rss.slice(-3));
  assert.ok(late <= early + 8 * 1024, `${late} KiB late, ${early} early`);
});

test('while a graph is built, what was set before and since is found and what was replaced is not', async () => {
  const { engine, rows } = await filled(1500);
  const before = engine.rowsInGraphs;
  for (let id = 700; id < 1400; id++) put(engine, rows, id, draw());
  for (let turn = 0; engine.rowsInGraphs === before; turn++) {
    const query = draw();
    checkAnswer(engine.search(query, 0, 20), query, rows, 0, 20);
    const id = Math.floor(random() * 1600);
    if (turn % 3 === 0) rows.delete(id) && engine.remove(id);
    else if (turn < 400) put(engine, rows, id, draw());
    const [some] = rows;
    assert.is(engine.search(some?.[1].vector as Float32Array, 0, 1)[0]?.id, some?.[0]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let round = 0; round < 20; round++) {
    const query = draw();
    checkAnswer(engine.search(query, 0, 2000), query, rows, 0, 2000);
    for (const { id } of engine.search(query, 0, 5)) {
      assert.ok(cosine(engine.read(id) as Float32Array, rows.get(id)?.vector as Float32Array) > 0.99999);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await engine.close();
});

test('removed rows that crowd around the question do not hide the living', async () => {
  const { engine, rows } = await filled(1200);
  const query = centres[0] as Float32Array;
  for (const { id } of engine.search(query, 0, 380)) {
    engine.remove(id);
    rows.delete(id);
  }
  for (const k of [1, 10, 100, 820]) checkAnswer(engine.search(query, 0, k), query, rows, 0, k);
  assert.ok(recall(engine, rows, [query]) >= 0.9);
  await engine.close();
});

test('all spaces answer alike', async () => {
  const vectors = Array.from({ length: 600 }, draw);
  const answers = [];
  for (const space of ['cosine', 'l2', 'ip'] as const) {
    const engine = await openHnswEngine(dimension, { graphFrom: 100, space, efSearch: 600, seed: 7 });
    for (const [id, vector] of vectors.entries()) engine.set(id, 0, vector);
    await engine.settled();
    assert.ok(engine.rowsInGraphs > 0);
    const found = vectors.slice(0, 30).map((query) => engine.search(query, 0, 10));
    for (const list of found) assert.ok(list.every(({ similarity }) => similarity <= 1));
    answers.push(found.flat());
    await engine.close();
  }
  const [first, ...others] = answers as { id: number; similarity: number }[][];
  for (const other of others) {
    for (const [at, { similarity }] of (first as { similarity: number }[]).entries()) {
      assert.ok(Math.abs(similarity - (other[at]?.similarity ?? 0)) < 1e-5);
    }
  }
});

test('rows at the edge of the tolerance of unit length have graphs like others', async () => {
  for (const space of ['cosine', 'l2', 'ip'] as const) {
    const engine = await openHnswEngine(dimension, { graphFrom: 100, space });
    const vectors = Array.from({ length: 300 }, (_, id) => draw().map((x) => x * (id % 2 ? 1.0009 : 0.9991)));
    for (const [id, vector] of vectors.entries()) engine.set(id, 0, vector);
    await engine.settled();
    assert.is(engine.rowsInGraphs, 300, `${space}: ${engine.lastFailure?.message}`);
    const [first] = engine.search(vectors[0] as Float32Array, 0, 1);
    assert.ok((first?.similarity ?? 0) > 0.998);
    await engine.close();
  }
});

test('rows beside very many equal ones, which tear a graph apart, are all found', async () => {
  const engine = await openHnswEngine(dimension, { graphFrom: 100 });
  const same = randomUnitVector(dimension, random);
  const rows: Rows = new Map();
  for (let id = 0; id < 2000; id++) put(engine, rows, id, id % 2 === 0 ? same : draw());
  await engine.settled();
  console.log(`equal rows: ${engine.rowsInGraphs} in graphs; ${engine.lastFailure?.message}`);
  for (const k of [10, 1500, 2000]) checkAnswer(engine.search(same, 0, k), same, rows, 0, k);
  for (const [id, { vector }] of rows) {
    if (id % 2 === 1) assert.is(engine.search(vector, 0, 1)[0]?.id, id);
  }
  await engine.close();
});

test('closing amid a build ends it, and no file is ever left', async () => {
  const engine = await openHnswEngine(dimension, { graphFrom: 100 });
  for (let id = 0; id < 4000; id++) engine.set(id, 0, draw());
  const directories = () => readdirSync(temporary).filter((name) => name.startsWith('llm-cache-graph-'));
  await until('a build has begun', () => directories().length === 1);
  await engine.close();
  assert.is(engine.size, 0);
  assert.is(engine.rowsInGraphs, 0);
  await engine.settled();
  assert.equal(directories(), []);
});

test('a build that fails leaves everything served exactly, and is tried again later', async () => {
  process.env.TMPDIR = `${temporary}/absent`;
  try {
    const engine = await openHnswEngine(dimension, { graphFrom: 100 });
    const rows: Rows = new Map();
    for (let id = 0; id < 300; id++) put(engine, rows, id, draw());
    await engine.settled();
    assert.is((engine.lastFailure as { code?: string } | undefined)?.code, 'ERR_LLM_CACHE_NATIVE');
    assert.is(engine.rowsInGraphs, 0);
    const query = draw();
    checkAnswer(engine.search(query, 0, 50), query, rows, 0, 50);
    process.env.TMPDIR = temporary;
    for (let id = 200; id < 400; id++) put(engine, rows, id, draw());
    await engine.settled();
    assert.is(engine.rowsInGraphs, 400);
    checkAnswer(engine.search(query, 0, 500), query, rows, 0, 500);
    await engine.close();
  } finally {
    process.env.TMPDIR = temporary;
  }
});

test('the same rows in the same order give the same answers', async () => {
  const vectors = Array.from({ length: 800 }, draw);
  const answers = [];
  for (let round = 0; round < 2; round++) {
    const engine = await openHnswEngine(dimension, { graphFrom: 800, efSearch: 10, seed: 3 });
    for (const [id, vector] of vectors.entries()) engine.set(id, 0, vector);
    await engine.settled();
    answers.push(vectors.slice(0, 50).map((query) => engine.search(query, 0, 5)));
    await engine.close();
  }
  assert.equal(answers[0], answers[1]);
});

test('options out of range are refused', async () => {
  const bad: HnswOptions[] = [
    { M: 1 },
    { efSearch: 0 },
    { efConstruction: 1.5 },
    { seed: -1 },
    { graphFrom: 1 },
  ];
  for (const options of [...bad, { space: 'manhattan' } as unknown as HnswOptions]) {
    await openHnswEngine(8, options).then(
      () => assert.unreachable(JSON.stringify(options)),
      (error) => assert.instance(error, InvalidArgumentError),
    );
  }
});

test('a process that forgets to close ends all the same, and without hnswlib-node the error says what to install', () => {
  const engines = new URL('../../dist/engines/', import.meta.url);
  const forgetful = `import { openHnswEngine } from '${engines}hnsw.js';
    const engine = await openHnswEngine(8, { graphFrom: 2000 });
    const row = new Float32Array(8);
    for (let id = 0; id < 20000; id++) { row.fill(0); row[id % 8] = 0.8; row[(id + 1) % 8] = 0.6; engine.set(id, 0, row); }
    console.log('done');`;
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', forgetful], { encoding: 'utf8' });
  assert.is(ended.stdout.trim(), 'done', ended.stderr);
  assert.is(ended.status, 0);
  const cut = `import { openHnswEngine } from '${engines}hnsw.js';
    const row = new Float32Array(8);
    const fill = async () => {
      const engine = await openHnswEngine(8, { graphFrom: 1000 });
      for (let id = 0; id < 20000; id++) { row.fill(0); row[id % 8] = 0.8; row[(id + 1) % 8] = 0.6; engine.set(id, 0, row); }
      return engine;
    };
    for (let milliseconds = 100; milliseconds < 400; milliseconds += 50) {
      const engine = await fill();
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      await engine.close();
    }
    await fill();
    setTimeout(() => process.exit(3), 300);`;
  const left = spawnSync(process.execPath, ['--input-type=module', '-e', cut], { encoding: 'utf8' });
  assert.is(left.status, 3, `closed and left while graphs are built: ${left.signal} ${left.stderr}`);
  const hooks = `export async function resolve(name, context, next) {
    if (name === 'hnswlib-node') throw new Error('absent');
    return next(name, context);
  }`;
  const without = `import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
    const { openHnswEngine } = await import('${engines}hnsw.js');
    await openHnswEngine(2).catch((error) => console.log(error.code, error.message));`;
  const told = spawnSync(process.execPath, ['--input-type=module', '-e', without], { encoding: 'utf8' });
  assert.match(told.stdout, /ERR_LLM_CACHE_MISSING_PACKAGE .*npm install hnswlib-node/, told.stderr);
});

test.run();
