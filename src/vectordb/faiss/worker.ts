// Holds the faiss indices of this process, in its one thread for them. Started by thread.ts, imported by nobody.
import { task } from '../../workers/task.js';
import { withWidths } from './bytes.js';
import { repeatableRandom } from './k-means.js';
import type { FaissMetric, FaissReply, FaissRequest, FaissSpec } from './protocol.js';
import { trainIvf } from './training.js';

type Faiss = typeof import('faiss-node');
type Index = InstanceType<Faiss['Index']>;

interface Training {
  readonly spec: Extract<FaissSpec, { type: 'IVF' | 'IVFPQ' }>;
  readonly parts: Float32Array[];
  rows: number;
  steps?: Generator<void, Buffer>;
}

const metrics: Record<FaissMetric, number> = { IP: 0, L2: 1 };
const done: FaissReply = { kind: 'done' };
const lost: FaissReply = { kind: 'lost' };

const indices = new Map<string, Index>();
const trainings = new Map<string, Training>();
let faiss: Faiss | undefined;

async function load(): Promise<FaissReply> {
  try {
    faiss ??= (await import('faiss-node')).default;
    return done;
  } catch (error) {
    return { kind: 'missing', reason: (error as Error).message };
  }
}

function create(name: string, spec: FaissSpec, { Index, IndexFlatIP, IndexFlatL2 }: Faiss): FaissReply {
  const { dimension, metric } = spec;
  if (spec.type === 'IVF' || spec.type === 'IVFPQ') {
    trainings.set(name, { spec, parts: [], rows: 0 });
  } else if (spec.type === 'HNSW') {
    const graph = Index.fromFactory(dimension, `HNSW${spec.m}`, metrics[metric]);
    const bytes = withWidths(graph.toBuffer(), spec.efConstruction, spec.efSearch);
    indices.set(name, Index.fromBuffer(bytes));
  } else {
    indices.set(name, metric === 'IP' ? new IndexFlatIP(dimension) : new IndexFlatL2(dimension));
  }
  return done;
}

function addSample(name: string, at: number, rows: Float32Array): FaissReply {
  const training = trainings.get(name);
  if (training === undefined || training.rows !== at) return lost;
  training.parts.push(rows);
  training.rows += rows.length / training.spec.dimension;
  return done;
}

function train(name: string, { Index }: Faiss): FaissReply {
  const training = trainings.get(name);
  if (training === undefined) return lost;
  training.steps ??= trainIvf(training.spec, joined(training.parts.splice(0)), repeatableRandom());
  const step = training.steps.next();
  if (!step.done) return { kind: 'more' };
  trainings.delete(name);
  indices.set(name, Index.fromBuffer(step.value));
  return done;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function search(index: Index, vector: Float32Array, k: number): FaissReply {
  // faiss-node throws, and leaks, when asked for more than there are.
  const wanted = Math.min(k, index.ntotal());
  if (wanted === 0) return { kind: 'rows', rows: new Uint32Array() };
  const { labels } = index.search(Array.from(vector), wanted);
  return { kind: 'rows', rows: Uint32Array.from(labels.filter((label) => label >= 0)) };
}

async function answer(request: FaissRequest): Promise<FaissReply> {
  if (request.kind === 'load' || request.kind === 'create') {
    const reply = await load();
    if (request.kind === 'load' || faiss === undefined) return reply;
  }
  if (faiss === undefined) return lost;
  const { index: name } = request;
  if (request.kind === 'create') return create(name, request.spec, faiss);
  if (request.kind === 'sample') return addSample(name, request.at, request.rows);
  if (request.kind === 'train') return train(name, faiss);
  if (request.kind === 'drop') {
    trainings.delete(name);
    indices.delete(name);
    return done;
  }
  const index = indices.get(name);
  if (index === undefined) return lost;
  if (request.kind === 'search') return search(index, request.vector, request.k);
  if (index.ntotal() !== request.at) return lost;
  index.add(Array.from(request.rows));
  return done;
}

export const run = task(answer);
