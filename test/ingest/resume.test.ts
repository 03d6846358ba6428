// Ingestion that is aborted, killed or refused in the middle, and taken up again.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError } from '#dist/core/errors.js';
import type { SourceDocument } from '#dist/ingest/document.js';
import { corpus, Killed, problems, prose } from './support.ts';

const test = suite('ingest, interrupted');

const first: SourceDocument[] = [
  { source: 'a', text: prose('a', 300) },
  { source: 'b', text: prose('shared', 200) },
  { source: 'c', text: prose('shared', 200) },
  { source: 'd', text: prose('d', 30) },
];
const second: SourceDocument[] = [
  { source: 'a', text: prose('a2', 150) },
  { source: 'b', text: prose('b2', 200), title: 'B' },
  { source: 'c', text: prose('shared', 200) },
  { source: 'd', text: '' },
  { source: 'e', text: prose('a', 300) },
];
const third: SourceDocument[] = [
  { source: 'a', text: prose('a3', 90) },
  { source: 'b', text: prose('shared', 200) },
  { source: 'c', text: prose('c3', 40) },
  { source: 'd', text: prose('d', 30) },
  { source: 'e', text: prose('e3', 120) },
];

async function settled(...versions: SourceDocument[][]) {
  const { run, database, manifest } = corpus();
  // Twice: names on shared chunks may take a second run to be final.
  for (const documents of versions) for (let turn = 0; turn < 2; turn++) await run({ documents });
  assert.equal(problems(database, manifest), []);
  return Object.keys(database.content());
}

async function dies(act: Promise<unknown>): Promise<boolean> {
  return act.then(
    () => false,
    (error: unknown) => {
      assert.instance(error, Killed);
      return true;
    },
  );
}

test('killed at any write and run again, the corpus is the same as without the kill', async () => {
  const expected = await settled(first, second);
  let deaths = 0;
  for (let at = 0; ; at++) {
    const { run, database, manifest, fuse } = corpus();
    await run({ documents: first });
    fuse.left = at;
    const died = await dies(run({ documents: second }));
    fuse.left = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 2; turn++) await run({ documents: second });
    assert.equal(problems(database, manifest), [], `killed at write ${at}`);
    assert.equal(Object.keys(database.content()), expected, `killed at write ${at}`);
    assert.is((await run({ documents: second })).unchanged, 4, `killed at write ${at}`);
    if (!died) break;
    deaths++;
  }
  assert.ok(deaths > 20, `${deaths} writes`);
});

test('killed at any write and given other content, no chunk of the half-written version stays behind', async () => {
  const expected = await settled(first, third);
  for (let at = 0; ; at++) {
    const { run, database, manifest, fuse } = corpus();
    await run({ documents: first });
    fuse.left = at;
    const died = await dies(run({ documents: second }));
    fuse.left = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 2; turn++) await run({ documents: third });
    assert.equal(problems(database, manifest), [], `killed at write ${at}`);
    assert.equal(Object.keys(database.content()), expected, `killed at write ${at}`);
    if (!died) break;
  }
});

test('while a document is being replaced, its old chunks can be found until the new ones can', async () => {
  const { run, database, fuse } = corpus();
  await run({ documents: first });
  const before = Object.keys(database.content());
  fuse.left = 2;
  assert.ok(await dies(run({ documents: second })));
  for (const id of before) assert.ok(database.documents.has(id), id);
});

test('an abort ends the run with its reason, leaves nothing running, and the next run goes on from there', async () => {
  const { run, database, manifest, embedder } = corpus();
  const stop = new AbortController();
  const reason = new Error('enough');
  let committed = 0;
  const documents = Array.from({ length: 40 }, (_, index) => ({
    source: `s${index}`,
    text: prose(`s${index}`, 60),
  }));
  const onProgress = ({ done }: { done: number }) => {
    committed = done;
    if (done === 10) stop.abort(reason);
  };
  const outcome = run({ documents, signal: stop.signal, onProgress, batchSize: 4 });
  assert.is(await outcome.catch((error: unknown) => error), reason);
  assert.is(embedder.running, 0);
  assert.ok(committed >= 10 && committed < 10 + 8, `${committed} committed`);
  assert.equal(problems(database, manifest), []);
  const report = await run({ documents });
  assert.equal([report.unchanged, report.added], [committed, 40 - committed]);
});

test('an abort while texts are being embedded reaches the embedder', async () => {
  const { run, embedder, database } = corpus();
  const stop = new AbortController();
  let asked = 0;
  embedder.before = (_text, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
      if (++asked === 3) stop.abort(new Error('enough'));
    });
  const outcome = run({ documents: first, signal: stop.signal, batchSize: 3 });
  assert.match(String(await outcome.catch((error: unknown) => error)), /enough/);
  assert.is(embedder.running, 0);
  assert.is(embedder.texts.length, 3);
  assert.is(database.count(), 0);
});

test('an aborted signal ends the run before anything is read', async () => {
  const { run, embedder } = corpus();
  const outcome = run({ path: '/nowhere/at/all', signal: AbortSignal.abort(new Error('never')) });
  assert.match(String(await outcome.catch((error: unknown) => error)), /never/);
  assert.is(embedder.texts.length, 0);
});

test('a failing write stops what is being embedded ahead', async () => {
  const { run, embedder, fuse } = corpus();
  fuse.left = 1;
  const waiting: (() => void)[] = [];
  embedder.before = (text, signal) => {
    if (text.startsWith('small')) return;
    return new Promise((resolve, reject) => {
      waiting.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
  };
  // Half of what is read ahead is awaited before a write.
  const small = first.map((_, index) => ({ source: `small ${index}`, text: `small ${index}` }));
  const documents = [...small, ...first];
  assert.ok(await dies(run({ documents })));
  assert.is(embedder.running, 0);
  assert.ok(waiting.length > 0);
});

test('an embedder that is busy is asked again later', async () => {
  const { run, embedder, database, manifest } = corpus();
  let refusals = 5;
  let waits = 0;
  embedder.before = () => {
    if (refusals-- > 0) throw new BusyError('the pool', 4);
  };
  const clock = {
    mono: () => 0,
    wall: () => 0,
    after(_delayMs: number, action: () => void) {
      waits++;
      queueMicrotask(action);
      return () => {};
    },
  };
  const report = await run({ documents: first, clock });
  assert.is(report.added, 4);
  assert.is(waits, 5);
  assert.equal(problems(database, manifest), []);
});

test.run();
