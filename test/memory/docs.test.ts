// The example of docs/memory.md runs as it stands there.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('docs/memory.md');

test('the first example gives what its comment says', () => {
  const page = readFileSync(new URL('../../docs/memory.md', import.meta.url), 'utf8');
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  assert.match(example, 'addMessage');
  const face = import.meta.resolve('#dist/index.js');
  const code = `${example.replace("'llm-tiered-cache'", JSON.stringify(face))}\nconsole.log(JSON.stringify({ messages, tokens, leftOut }));`;
  const directory = temporaryDirectory();
  const file = join(directory, 'example.mjs');
  writeFileSync(file, code);
  const { stdout, stderr } = spawnSync(process.execPath, [file], { cwd: directory, encoding: 'utf8' });
  assert.ok(stdout, stderr);
  const { messages, tokens, leftOut } = JSON.parse(stdout);
  assert.equal(messages, [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'I cannot eat anything with peanuts in it.' },
    { role: 'assistant', content: 'Noted.' },
  ]);
  assert.ok(tokens > 0 && tokens <= 500);
  assert.equal(leftOut, []);
});

test.run();
