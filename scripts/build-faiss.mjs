// Builds the optional package faiss-node from its own source against the system's faiss, where its prebuilt library cannot be had.
// Does nothing when the package already works. Needs Linux, g++ and faiss 1.7.3 with OpenBLAS, as Debian 12 has them.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const version = '0.5.1';
const target = join(root, 'node_modules/faiss-node');
const advice =
  'Building faiss-node needs its source from npm, a C++17 compiler, faiss and OpenBLAS: on Debian or Ubuntu ' +
  '"apt install g++ libfaiss-dev libopenblas-dev". Then run "node scripts/build-faiss.mjs" again.';

class Failure extends Error {}

function run(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status === 0) return stdout;
  throw new Failure(`${command} failed: ${error?.message ?? (stderr || stdout).trim()}`);
}

// In a process of its own: an addon that does not fit can end the one that loads it.
const smoke = `
  const { IndexFlatL2, Index, MetricType } = require('faiss-node');
  const flat = new IndexFlatL2(2);
  flat.add([1, 0, 0, 1]);
  if (flat.search([0, 2], 1).labels[0] !== 1) throw new Error('the nearest of two rows was not found');
  const graph = Index.fromFactory(2, 'HNSW8', MetricType.METRIC_INNER_PRODUCT);
  graph.add([1, 0, 0, 1]);
  if (Index.fromBuffer(graph.toBuffer()).ntotal() !== 2) throw new Error('an index does not survive its bytes');
`;
const tryOut = () => run(process.execPath, ['-e', smoke], { cwd: root, timeout: 60_000 });

function works() {
  try {
    tryOut();
    return true;
  } catch {
    return false;
  }
}

function compile(source, output, directory) {
  // faiss before 1.7.4 has the name idx_t within its class Index alone.
  const bridge = join(directory, 'bridge.hpp');
  writeFileSync(bridge, '#include <faiss/Index.h>\nnamespace faiss { using idx_t = Index::idx_t; }\n');
  const sources = readdirSync(source).filter((file) => file.endsWith('.cc'));
  const modules = join(root, 'node_modules');
  run('g++', [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-fopenmp', '-include', bridge],
    ...['-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=faiss_node', '-DNAPI_CPP_EXCEPTIONS'],
    ...['node-api-headers/include', 'node-addon-api'].map((headers) => `-I${join(modules, headers)}`),
    ...sources.map((file) => join(source, file)),
    ...['-o', output, '-lfaiss', '-lopenblas'],
  ]);
}

function build(directory) {
  if (process.platform !== 'linux')
    throw new Failure(`this script knows Linux alone; elsewhere run "npm install faiss-node@${version}"`);
  if (!['/usr/include', '/usr/local/include'].some((path) => existsSync(join(path, 'faiss/IndexFlat.h'))))
    throw new Failure('the headers of faiss are not installed');
  // Without the scripts of the package: its own would fetch a library from elsewhere.
  const [packed] = JSON.parse(
    run(
      'npm',
      ['pack', `faiss-node@${version}`, '--json', '--ignore-scripts', '--pack-destination', directory],
      {
        timeout: 120_000,
      },
    ),
  );
  run('tar', ['-xzf', join(directory, packed.filename), '-C', directory]);
  const unpacked = join(directory, 'package');
  const output = join(unpacked, 'build/Release');
  mkdirSync(output, { recursive: true });
  compile(join(unpacked, 'src'), join(output, 'faiss-node.node'), directory);
  rmSync(target, { recursive: true, force: true });
  cpSync(unpacked, target, { recursive: true });
}

if (works()) {
  process.stderr.write('faiss-node works already\n');
} else {
  const directory = mkdtempSync(join(tmpdir(), 'build-faiss-'));
  try {
    process.stderr.write('Building faiss-node …\n');
    build(directory);
    tryOut();
    process.stderr.write('faiss-node is built and works\n');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Whoever loads a library that does not fit may not survive it.
    rmSync(target, { recursive: true, force: true });
    process.stderr.write(`${error.message}\n${advice}\n`);
    process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
