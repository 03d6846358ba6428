// The faiss database keeps the contract of vector databases with inverted files.
import { suite } from 'uvu';
import { faissContract } from './faiss-support.ts';

const test = suite('faiss vector database, inverted files');

await faissContract(test, {
  'IVF, L2': { indexType: 'IVF', metric: 'L2', exactBelow: 40 },
  'IVF, IP': { indexType: 'IVF', metric: 'IP', exactBelow: 40 },
  IVFPQ: { indexType: 'IVFPQ', exactBelow: 40, pqM: 12, pqNbits: 5 },
});

test.run();
