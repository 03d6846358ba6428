// Without unpdf and mammoth: one file of their format is refused with the name of the package, one among others is left out.
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startChild, temporaryDirectory } from '../disk/support.ts';
import { docx, pdf } from './files.ts';

const test = suite('unpdf and mammoth are absent');
const root = fileURLToPath(new URL('../../', import.meta.url));

function packageWithout(...absent: string[]): string {
  const folder = temporaryDirectory();
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!absent.includes(name))
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  for (const name of ['build', 'build-cmake', 'prebuilds']) symlinkSync(join(root, name), join(folder, name));
  return folder;
}

test('the package is named, and the rest of a folder is read', async () => {
  const files = temporaryDirectory();
  writeFileSync(join(files, 'a.docx'), docx([[undefined, 'a']]));
  writeFileSync(join(files, 'b.pdf'), pdf([['b']]));
  writeFileSync(join(files, 'c.txt'), 'c');
  const child = startChild('ingest/fixtures/reads.mjs', [
    packageWithout('unpdf', 'mammoth'),
    files,
    join(files, 'a.docx'),
    join(files, 'b.pdf'),
  ]);
  const lines = await child.rest();
  assert.is(await child.ended, 0, child.stderr());
  const [a, b, c, ...alone] = lines;
  assert.match(a ?? '', /a\.docx: reading DOCX files needs the package mammoth: run "npm install mammoth"/);
  assert.match(b ?? '', /b\.pdf: reading PDF files needs the package unpdf: run "npm install unpdf"/);
  assert.match(c ?? '', /c\.txt read/);
  assert.equal(
    alone.map((line) => line.split(' ', 1)[0]),
    ['ERR_LLM_CACHE_MISSING_PACKAGE', 'ERR_LLM_CACHE_MISSING_PACKAGE'],
  );
});

test.run();
