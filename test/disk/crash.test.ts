// What was acknowledged survives the sudden death of the process, and a full disk. KILLS and SEED come from the environment.
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Environment } from '#dist/disk/environment.js';
import { seededRandom } from '#dist/testing/index.js';
import { startChild, temporaryDirectory } from './support.js';

const test = suite('crashes');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const kills = Number(process.env.KILLS ?? 25);
console.log(`seed ${seed}`);

test(`of ${kills} processes killed while they write, no acknowledged write is lost and none is half there`, async () => {
  const random = seededRandom(seed);
  const directory = temporaryDirectory();
  const acknowledged: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const name = `p${kill}`;
    const child = startChild('disk/fixtures/actions.mjs', ['forever', directory, name]);
    const first = await child.line();
    assert.ok(first !== undefined, child.stderr());
    acknowledged.push(`${name}-${first}`);
    const wanted = Math.floor(random() * 120);
    for (let i = 0; i < wanted; i++) acknowledged.push(`${name}-${await child.line()}`);
    child.process.kill('SIGKILL');
    for (const line of await child.rest()) acknowledged.push(`${name}-${line}`);
    assert.is(await child.ended, 'SIGKILL');

    const environment = new Environment(directory);
    const reader = environment.reader('d');
    for (const id of acknowledged) {
      const [process, number] = id.split('-');
      const body = `${process} ${number} `.repeat(1 + (Number(number) % 700));
      for (const half of ['a', 'b']) {
        assert.ok(
          reader.get(Buffer.from(`${id}-${half}`))?.equals(Buffer.from(body)),
          `${id}-${half} after kill ${kill}`,
        );
      }
    }
    let halves = 0;
    for (const [key] of reader.entries()) halves += key.toString().endsWith('a') ? 1 : -1;
    assert.is(halves, 0, 'both records of a commit or none');
    await environment.close();
  }
  assert.ok(acknowledged.length > kills, `${acknowledged.length} acknowledged`);
  console.log(`${acknowledged.length} acknowledged writes over ${kills} kills, all there`);
});

test('on a full disk a write is refused, the process lives and what was there is read', async () => {
  const directory = temporaryDirectory();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]);
  if (mounted.status !== 0) return console.log('skipped: a small file system can only be mounted by root');
  try {
    const child = startChild('disk/fixtures/actions.mjs', ['fill', directory]);
    const report = JSON.parse((await child.line()) ?? `"${child.stderr()}"`);
    assert.is(report.code, 'ERR_LLM_CACHE_CAPACITY');
    assert.is(report.again, 'ERR_LLM_CACHE_CAPACITY');
    assert.is(report.first, 'kept');
    assert.ok(report.count > 5, `${report.count} records`);
    const rest = await child.rest();
    assert.is(rest.at(-1), 'closed', `${rest} ${child.stderr()}`);
    assert.is(await child.ended, 0);
    const environment = new Environment(directory);
    assert.is(environment.reader('d').get(Buffer.from('first'))?.toString(), 'kept');
    await environment.close();
  } finally {
    spawnSync('umount', ['-l', directory]);
  }
});

test.run();
