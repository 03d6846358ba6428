// The faiss database keeps the contract of vector databases with exact indices and graphs.
import { suite } from 'uvu';
import { faissContract } from './faiss-support.ts';

const test = suite('faiss vector database, exact and graph');

await faissContract(test, {
  'Flat, L2': { indexType: 'Flat', metric: 'L2' },
  'Flat, IP': { indexType: 'Flat', metric: 'IP' },
  HNSW: { indexType: 'HNSW', exactBelow: 40 },
});

test.run();
