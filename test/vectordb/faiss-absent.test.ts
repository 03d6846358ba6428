// Without faiss-node the database is refused with an error that says what to do; the rest of the package works.
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startChild, temporaryDirectory } from '../disk/support.ts';

const test = suite('faiss-node is absent');
const root = fileURLToPath(new URL('../../', import.meta.url));

/** A copy of the package beside which all packages are installed but faiss-node. */
function packageWithout(): string {
  const folder = temporaryDirectory();
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'faiss-node')
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  for (const name of ['build', 'build-cmake', 'prebuilds']) symlinkSync(join(root, name), join(folder, name));
  return folder;
}

test('opening a faiss database names the package and the way to it, each time', async () => {
  const child = startChild('vectordb/fixtures/faiss-absent.mjs', [packageWithout(), temporaryDirectory()]);
  const lines = await child.rest();
  assert.is(await child.ended, 0, child.stderr());
  assert.is(lines.length, 2);
  for (const line of lines) {
    assert.match(line, /^ERR_LLM_CACHE_MISSING_PACKAGE .*"npm install faiss-node"/);
    assert.match(line, /docs\/stores\.md/);
  }
});

test.run();
