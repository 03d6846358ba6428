// Holds the boundaries of ARCHITECTURE.md: which folder may import which, and that each third party has one importer.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filesIn, importsOf, read } from './sources.ts';

const test = suite('imports');

const allowed: Record<string, readonly string[]> = {
  core: [],
  decide: ['core'],
  evaluate: ['core', 'decide'],
  lru: ['core'],
  engines: ['core', 'workers'],
  disk: ['core'],
  streams: ['core'],
  'store-policy': ['core'],
  savings: ['core'],
  telemetry: ['core', 'savings', 'tiers', 'products'],
  redis: ['core'],
  workers: ['core'],
  embed: ['core', 'workers', 'lru'],
  vectordb: ['core', 'engines', 'disk', 'workers'],
  tiers: ['core', 'engines', 'vectordb', 'disk', 'redis', 'lru'],
  ingest: ['core', 'vectordb', 'disk', 'workers'],
  memory: ['core', 'disk', 'vectordb', 'embed', 'redis', 'ingest'],
  config: ['core'],
  warm: ['core', 'disk'],
  // `products` are the files that lie in src itself.
  adapters: ['core', 'disk', 'vectordb', 'memory', 'products'],
  learning: ['core', 'decide', 'disk', 'engines'],
  testing: ['core', 'tiers', 'vectordb', 'embed'],
};
const files = filesIn('src', /\.ts$/);
/** The package that an import belongs to: `a/b` of `a`, `@s/a/b` of `@s/a`. */
const packageOf = (name: string) =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
const folderOf = (path: string) => path.match(/^src\/([a-z-]+)\//)?.[1];

test('a folder imports only the folders it is built on', () => {
  for (const file of files) {
    const folder = folderOf(file);
    if (folder === undefined || folder === 'cli') continue;
    const permitted = allowed[folder];
    assert.ok(permitted, `${folder} has no rule`);
    for (const imported of importsOf(file)) {
      if (!imported.startsWith('src/')) continue;
      const target = folderOf(imported) ?? 'products';
      assert.ok(target === folder || permitted.includes(target), `${file} imports ${imported}`);
    }
  }
});

test('core imports nothing but Node', () => {
  for (const file of files.filter((path) => folderOf(path) === 'core')) {
    for (const imported of importsOf(file)) {
      assert.ok(
        imported.startsWith('node:') || imported.startsWith('src/core/'),
        `${file} imports ${imported}`,
      );
    }
  }
});

test('the command line stands on the public face', () => {
  const faces = [
    'src/index.js',
    'src/inspect.js',
    'src/config/load.js',
    'src/config/show.js',
    'src/config/types.js',
  ];
  for (const file of files.filter((path) => folderOf(path) === 'cli')) {
    for (const imported of importsOf(file)) {
      if (!imported.startsWith('src/') || folderOf(imported) === 'cli') continue;
      assert.ok(faces.includes(imported), `${file} imports ${imported}`);
    }
  }
});

test('each third party is imported in exactly one file', () => {
  const importers = new Map<string, string[]>();
  for (const file of files) {
    const names = importsOf(file).filter((name) => !name.startsWith('node:') && !name.startsWith('src/'));
    for (const imported of new Set(names.map(packageOf))) {
      importers.set(imported, [...(importers.get(imported) ?? []), file]);
    }
  }
  assert.ok(importers.size >= 10);
  for (const [name, list] of importers)
    assert.is(list.length, 1, `${name} is imported in ${list.join(', ')}`);
});

test('every dependency is imported, and every import is a dependency', () => {
  const { dependencies, peerDependencies } = JSON.parse(read('package.json'));
  const declared = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
  // A header package: the C++ sources include it.
  declared.delete('node-addon-api');
  const imported = new Set(
    files
      .flatMap(importsOf)
      .filter((name) => !name.startsWith('node:') && !name.startsWith('src/'))
      .map(packageOf),
  );
  assert.equal([...imported].sort(), [...declared].sort());
});

test('nothing is exported by default', () => {
  for (const file of files) assert.not.match(read(file), /^export default/m, file);
});

test('clocks and timers are read in clock.ts alone', () => {
  for (const file of files.filter((path) => path !== 'src/core/clock.ts')) {
    const code = read(file).replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
    assert.not.match(
      code,
      /\b(Date\.now|performance\.now|setTimeout|setInterval|process\.hrtime)\s*\(/,
      file,
    );
  }
});

test.run();
