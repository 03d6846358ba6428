// The embedded database keeps the contract of vector databases with graphs for its index too, but for perfect recall.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { autoEngine } from '#dist/engines/auto.js';
import { openHnswEngine } from '#dist/engines/hnsw.js';
import { vectorDatabaseContract } from '#dist/testing/index.js';
import { openEmbeddedDatabase } from '#dist/vectordb/embedded.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('embedded vector database with graphs');
// Small enough that the tests' few documents cross it.
const crossover = 40;
const engines = {
  hnsw: (dimension: number) => openHnswEngine(dimension, { graphFrom: crossover }),
  auto: (dimension: number) => autoEngine(dimension, { crossover }),
};

for (const [kind, make] of Object.entries(engines)) {
  vectorDatabaseContract(
    (name, body) => test(`${kind}: ${name}`, body),
    async ({ dimension }) => {
      const environment = new Environment(temporaryDirectory());
      const open = async () =>
        openEmbeddedDatabase(environment, { name: 'mine', dimension, engine: await make(dimension) });
      let database = await open();
      return {
        database,
        async reopen() {
          await database.close();
          database = await open();
          return database;
        },
        release: () => environment.close(),
      };
    },
    assert,
    { exact: false },
  );
}

test.run();
