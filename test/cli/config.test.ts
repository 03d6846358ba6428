// `llm-cache config`.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filesBelow, hasEscape, jsonLines, run, scratch, write } from './support.js';

const test = suite('command line: config');

interface Shown {
  readonly file: string | null;
  readonly notes: readonly string[];
  readonly keys: readonly { readonly key: string; readonly value: unknown; readonly where: string }[];
}

test('every key is shown with the place its value comes from', async () => {
  const cwd = write(scratch(), { 'llm-cache.yaml': 'chunking:\n  size: 800\nrate_limit:\n  burst: 20\n' });
  const { code, stdout } = await run(['config', '--show', '--json', '--directory', 'there'], {
    cwd,
    env: { REDIS_PORT: '7000' },
  });
  assert.is(code, 0);
  const [shown] = jsonLines<Shown>(stdout);
  const find = (key: string) => shown?.keys.find((row) => row.key === key);
  assert.equal([find('chunking.size')?.value, find('chunking.size')?.where], [800, 'llm-cache.yaml:2']);
  assert.equal([find('redis.port')?.value, find('redis.port')?.where], [7000, 'REDIS_PORT']);
  assert.is(find('cache.directory')?.value, 'there');
  assert.is(find('cache.ttl_seconds')?.where, 'default');
  assert.is(shown?.file, 'llm-cache.yaml');
  assert.match(shown?.notes.join() ?? '', /rate_limit\.burst/);
});

test('the table holds every key once, in plain text, and no secret', async () => {
  const cwd = write(scratch(), { 'my.yaml': 'redis:\n  password: swordfish\n' });
  const args = ['config', '--show', '--config', 'my.yaml'];
  const { code, stdout, stderr } = await run(args, { cwd });
  const [shown] = jsonLines<Shown>((await run([...args, '--json'], { cwd })).stdout);
  assert.is(code, 0);
  const lines = stdout.split('\n').map((line) => line.trim());
  for (const { key } of shown?.keys ?? [])
    assert.is(lines.filter((line) => line.split(/\s/)[0] === key).length, 1, key);
  assert.match(stdout, /redis\.password +\[secret\] +my\.yaml:2/);
  assert.not.match(stdout + stderr, /swordfish/);
  assert.not(hasEscape(stdout));
});

test('nothing is written', async () => {
  const cwd = scratch();
  await run(['config', '--show'], { cwd });
  assert.equal(filesBelow(cwd), []);
});

test.run();
