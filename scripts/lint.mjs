// Checks form: biome for TypeScript and JSON, clang-format for C++ where it is installed.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (command, args) => spawnSync(command, args, { cwd: root, stdio: 'inherit' });

const biome = run(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '.']);
let failed = biome.status !== 0;

const sources = ['native', 'test/native'].flatMap((directory) =>
  readdirSync(join(root, directory), { recursive: true })
    .filter((file) => /\.(cpp|hpp)$/.test(file))
    .map((file) => join(directory, file)),
);
if (sources.length === 0) throw new Error('no C++ sources were found to check');
const format = run('clang-format', ['--dry-run', '--Werror', ...sources]);
if (format.error) console.log('clang-format is not installed: the form of the C++ sources was not checked');
else failed ||= format.status !== 0;

process.exit(failed ? 1 : 0);
