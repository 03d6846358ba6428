// The verb `memory`: what is added is recalled, shown and forgotten, for people and as JSON; wrong calls say what is right.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run, scratch } from './support.ts';

const test = suite('llm-cache memory');
const directory = join(scratch(), 'cache');
const memory = (verb: string, ...rest: string[]) =>
  run(['memory', verb, '--use-mock', '--directory', directory, '--session', 's', ...rest]);

test('nothing is made by asking', async () => {
  const { code, stderr } = await memory('history');
  assert.is(code, 2);
  assert.match(stderr, 'memory add --session s');
  assert.not.ok(existsSync(directory));
});

test('messages are added, shown in order, found and recalled', async () => {
  const ids: string[] = [];
  for (const [role, text] of [
    ['user', 'the violin stands behind the piano'],
    ['assistant', 'noted'],
    ['user', 'bicycle talk'],
  ] as const) {
    const { code, stdout } = await memory('add', text, '--role', role, '--user', 'ada', '--json');
    assert.is(code, 0);
    const message = JSON.parse(stdout);
    assert.equal([message.role, message.content, message.metadata], [role, text, { user: 'ada' }]);
    ids.push(message.id);
  }
  const { stdout: history } = await memory('history', '--json');
  assert.equal(
    history
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id),
    ids,
  );
  assert.match(
    (await memory('history', '--limit', '1')).stdout,
    /^\S{26} {2}\S+ \S+ {2}user: bicycle talk\n$/,
  );
  assert.match((await memory('search', 'violin piano', '-k', '1')).stdout, 'the violin stands');
  const { stdout } = await memory(
    'context',
    'violin piano',
    '--recent',
    '1',
    '--top-k',
    '1',
    '--pinned',
    'Be brief.',
  );
  assert.match(stdout, /system[\s\S]*Be brief\.[\s\S]*recalled[\s\S]*violin[\s\S]*recent[\s\S]*bicycle/);
  const small = JSON.parse((await memory('context', 'violin', '--max-tokens', '16', '--json')).stdout);
  assert.ok(small.tokens <= 16 && small.leftOut.length > 0);
});

test('standard input and metadata are read', async () => {
  const args = ['memory', 'add', '-', '--use-mock', '--directory', directory, '--session', 'piped'];
  const calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }];
  const added = await run(
    [...args, '--role', 'assistant', '--metadata', JSON.stringify({ tool_calls: calls }), '--json'],
    {
      input: 'two\nlines\n',
    },
  );
  assert.equal(JSON.parse(added.stdout).content, 'two\nlines');
  assert.equal(JSON.parse(added.stdout).metadata.tool_calls, calls);
  const wrong = await run([...args, '--metadata', '{oops'], { input: 'x' });
  assert.is(wrong.code, 2);
});

test('messages are forgotten, and a session is cleared only if that is really wanted', async () => {
  const first = JSON.parse((await memory('history', '--json')).stdout.split('\n')[0] as string);
  assert.is((await memory('forget', first.id)).stdout, '1 message forgotten\n');
  assert.is((await memory('forget')).code, 2);
  assert.is((await memory('forget', first.id, '--user', 'ada')).code, 2);
  assert.equal(JSON.parse((await memory('forget', '--user', 'ada', '--json')).stdout), { forgotten: 2 });
  await memory('add', 'one more');
  assert.is((await memory('clear')).code, 2);
  assert.is((await memory('clear', '--yes')).stdout, '1 message forgotten\n');
  assert.is((await memory('history')).stdout, '');
});

test('what is missing is said', async () => {
  const { code, stderr } = await run(['memory', 'add', 'text']);
  assert.is(code, 2);
  assert.match(stderr, '--session');
});

test('the graph of a session is shown, and written for others to draw', async () => {
  await memory('add', 'Ada Lovelace will visit Porto on 12 May.');
  const { code, stdout } = await memory('graph');
  assert.is(code, 0);
  assert.match(stdout, /\d+ nodes, \d+ edges/);
  const graph = JSON.parse((await memory('graph', '--json')).stdout);
  assert.ok(graph.nodes.some(({ label }: { label: string }) => label.includes('Porto')));
  assert.match((await memory('graph', '--cypher')).stdout, /^CREATE \(/m);
  assert.match((await memory('graph', '--graphml')).stdout, /<graphml/);
  const page = join(directory, 'page.html');
  assert.is((await memory('graph', '--html', page)).code, 0);
  assert.match(readFileSync(page, 'utf8'), /<!doctype html>/i);
  assert.is((await memory('graph', '--html', page, '--cypher')).code, 2);
});

test.run();
