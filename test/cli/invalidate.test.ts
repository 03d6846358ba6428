// `llm-cache invalidate`.
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openCache } from '#dist/open.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { assertFailure, filesBelow, jsonLines, run, scratch } from './support.js';

const test = suite('command line: invalidate');

/** What of five answers is left in the directory; they are stored first where there are none. */
async function left(cwd: string, store: boolean): Promise<{ names: string[]; createdAtMs: number }> {
  const directory = join(cwd, '.llm-cache');
  const cache = await openCache({ embedder: mockEmbedder(), file: null, env: {}, cache: { directory } });
  const names = ['tagged', 'sourced', 'scoped', 'keyed', 'old'];
  const kept: string[] = [];
  let createdAtMs = 0;
  for (const name of names) {
    const scope = name === 'scoped' ? { tenant: 'acme', model: 'm' } : {};
    if (store) await cache.set(name, name, { scope, tags: [`${name} tag`], sources: [`${name}.md`] });
    const found = await cache.get(name, { scope, exact: true });
    if (found.match === 'exact') kept.push(name);
    createdAtMs = found.createdAtMs ?? createdAtMs;
  }
  await cache.close();
  return { names: kept, createdAtMs };
}

test('what the options name is gone for whoever shares the directory', async () => {
  const cwd = scratch();
  const { names, createdAtMs } = await left(cwd, true);
  assert.equal(names, ['tagged', 'sourced', 'scoped', 'keyed', 'old']);
  const invalidate = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(['invalidate', '--use-mock', '--json', ...args], { cwd });
    assert.is(code, 0, stderr);
    assert.equal(jsonLines(stdout), [{ shared: true }]);
    return (await left(cwd, false)).names;
  };
  assert.equal(await invalidate('--tag', 'tagged tag', '--source', 'sourced.md'), ['scoped', 'keyed', 'old']);
  assert.equal(await invalidate('--scope', '{"tenant":"acme","model":"m"}'), ['keyed', 'old']);
  const before = new Date(createdAtMs - 60_000).toISOString();
  const time = ['--created-after', before, '--created-before', new Date(createdAtMs + 60_000).toISOString()];
  assert.equal(await invalidate(...time, '--source', 'keyed.md'), ['old']);
  assert.equal(await invalidate('--created-before', before), ['old']);
  const text = await run(['invalidate', '--use-mock', '--tag', 'x'], { cwd });
  assert.match(text.stdout, /^removed: /);
});

test('nothing named, no such directory and what is no time or scope are refused, and nothing is made', async () => {
  const cwd = scratch();
  for (const args of [[], ['--tag', 'x'], ['--created-before', 'yesterday'], ['--scope', 'acme']]) {
    const outcome = await run(['invalidate', '--use-mock', ...args], { cwd });
    assertFailure(outcome, 2, 'ERR_LLM_CACHE_ARGUMENT');
  }
  assert.equal(filesBelow(cwd), []);
});

test.run();
