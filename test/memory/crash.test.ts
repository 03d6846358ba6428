// A killed process: every acknowledged message is there afterwards, whole, in order, and found by its meaning.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '#dist/testing/index.js';
import { startChild, temporaryDirectory } from '../disk/support.js';
import { openMemory, seed } from './support.ts';

const test = suite('killed chat memory');
console.log(`seed ${seed}`);

test('what was acknowledged survives kill -9, again and again', async () => {
  const random = seededRandom(seed);
  const directory = temporaryDirectory();
  const acknowledged: string[] = [];
  for (let kill = 0; kill < 6; kill++) {
    const child = startChild('memory/fixtures/talk.mjs', [directory, 'forever', `round ${kill} number`]);
    const wanted = 5 + Math.floor(random() * 40);
    for (let i = 0; i < wanted; i++) {
      const line = await child.line();
      assert.ok(line, child.stderr());
      acknowledged.push(`round ${kill} number ${line}`);
    }
    child.process.kill('SIGKILL');
    // What the pipe still holds was acknowledged as well.
    for (const line of await child.rest())
      if (/^\d+$/.test(line)) acknowledged.push(`round ${kill} number ${line}`);
    await child.ended;
  }
  await using memory = await openMemory({}, directory);
  const stored = await memory.history({ limit: 10_000 });
  const contents = stored.map(({ content }) => content);
  assert.is(new Set(contents).size, contents.length);
  // The last line of a round may have been cut short by the kill: `1` of `12` was acknowledged too, as an earlier number.
  for (const text of acknowledged) assert.ok(contents.includes(text), `${text} is gone`);
  const rounds = contents.map((text) => Number(text.split(' ')[1]));
  assert.equal(
    rounds,
    [...rounds].sort((a, b) => a - b),
  );
  for (const text of acknowledged.filter((_, index) => index % 17 === 0)) {
    const found = await memory.search(text, { topK: 1 });
    assert.ok((found[0]?.similarity ?? 0) > 0.999, `${text} is not found`);
  }
});

test.run();
