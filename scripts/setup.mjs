// Brings a checkout up to date: dependencies, native addon, TypeScript. Each step is skipped when it has nothing to do, so that a
// second run takes a moment. `npm start`, `npm test` and `npm run bench` begin with it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (path) => join(root, path);
const modified = (path) => (existsSync(at(path)) ? statSync(at(path)).mtimeMs : 0);

function step(title, command, args) {
  process.stderr.write(`${title} …\n`);
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  process.stderr.write(`${title} failed${error ? `: ${error.message}` : ''}\n`);
  process.exit(1);
}

function newestIn(directory) {
  const files = readdirSync(at(directory), { recursive: true, withFileTypes: true });
  return Math.max(
    ...files.map((file) =>
      file.isFile() ? statSync(join(file.parentPath ?? file.path, file.name)).mtimeMs : 0,
    ),
  );
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 17)) {
  process.stderr.write(`Node 20.17 or newer is needed; this is ${process.version}\n`);
  process.exit(1);
}

// npm writes this file at the end of an installation.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  step('Installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund']);
}

const { buildNative, advice } = await import('./build-native.mjs');
if (!buildNative()) {
  process.stderr.write(`${advice}\n`);
  process.exit(1);
}

// tsc leaves unchanged outputs alone, so a stamp of our own tells when it last ran.
const stamp = 'dist/.built';
const sources = Math.max(
  newestIn('src'),
  modified('tsconfig.json'),
  modified('node_modules/.package-lock.json'),
);
if (modified(stamp) < sources) {
  step('Compiling TypeScript', process.execPath, [
    at('node_modules/typescript/bin/tsc'),
    '-p',
    'tsconfig.json',
  ]);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(at(stamp), `${JSON.parse(readFileSync(at('package.json'), 'utf8')).version}\n`);
}
