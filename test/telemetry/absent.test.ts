// Without the API of OpenTelemetry a cache opens and answers as ever.
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startChild, temporaryDirectory } from '../disk/support.ts';

const test = suite('OpenTelemetry is absent');
const root = fileURLToPath(new URL('../../', import.meta.url));

/** The package beside all others but those of OpenTelemetry. */
function packageWithout(): string {
  const folder = temporaryDirectory();
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'models'), join(folder, 'models'));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@opentelemetry')
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  for (const name of ['build', 'build-cmake', 'prebuilds']) symlinkSync(join(root, name), join(folder, name));
  return folder;
}

test('nothing is missed', async () => {
  const child = startChild('telemetry/fixtures/asks.mjs', [packageWithout(), temporaryDirectory()]);
  const lines = await child.rest();
  assert.is(await child.ended, 0, child.stderr());
  assert.equal(lines, ['made', 'exact', 'no sink']);
});

test.run();
