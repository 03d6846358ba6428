// A worker of a service over a shared index: a process, or one with threads; in plain JavaScript, so that it weighs what a service's does. Started by
// shared-index.ts, imported by nobody.
import { readFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Environment } from '#dist/disk/environment.js';
import { FlatEngine } from '#dist/engines/flat.js';
import { IvfPqEngine } from '#dist/engines/ivfpq.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';

async function open({ directory, dimension, engine: kind, trainFrom, scope, queries, topK }) {
  const began = performance.now();
  const environment = new Environment(directory);
  const engine = kind === 'flat' ? new FlatEngine(dimension) : new IvfPqEngine(dimension, { trainFrom });
  const database = await openEmbeddedDatabase(environment, {
    name: 'shared',
    dimension,
    engine,
    keepIndexFrom: 1,
  });
  const openMs = performance.now() - began;
  const found = [];
  for (const query of queries) {
    const near = await database.search(Float32Array.from(query), { scope, topK });
    found.push(near.map(({ document }) => Number(document.id)));
  }
  const close = async () => {
    await database.close();
    await environment.close();
  };
  return { openMs, found, built: engine.built, close };
}

/** Bytes of this process, a page that several processes map counting in parts. */
function share() {
  globalThis.gc?.();
  return Number(readFileSync('/proc/self/smaps_rollup', 'utf8').match(/^Pss:\s+(\d+)/m)[1]) * 1024;
}

const threads = [];
let opened;

async function openInThreads(order) {
  const ready = Array.from({ length: order.threads }, () => {
    const thread = new Worker(new URL(import.meta.url), { workerData: order });
    threads.push(thread);
    return new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
  });
  return await Promise.all(ready);
}

async function answer(order) {
  if (order.do === 'open') {
    if (order.threads > 0) return await openInThreads(order);
    opened = await open(order);
    const { close, ...told } = opened;
    return [told];
  }
  if (order.do === 'share') return share();
  await opened?.close();
  await Promise.all(
    threads.map((thread) => {
      const ended = new Promise((resolve) => thread.once('exit', resolve));
      thread.postMessage('close');
      return ended;
    }),
  );
  return null;
}

if (isMainThread) {
  process.on('message', async (order) => {
    process.send({ value: await answer(order) });
    if (order.do === 'close') process.disconnect();
  });
} else {
  const { close, ...told } = await open(workerData);
  parentPort.postMessage(told);
  parentPort.once('message', async () => {
    await close();
    parentPort.close();
  });
}
