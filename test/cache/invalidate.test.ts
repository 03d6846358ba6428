// Tags, sources, scopes and keys: what is invalidated is a miss everywhere, and nothing else is. All on real tiers.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GenerateContext, Invalidation } from '#dist/index.js';
import { temporaryDirectory } from '../disk/support.js';
import { assemble, deferred, openMock } from './support.js';

const test = suite('cache invalidation');

const codeOf = (work: () => Promise<unknown>) =>
  work().then(
    () => 'nothing thrown',
    (error) => error.code,
  );

test('a tag, a source, a scope and a key make a miss of what they name, exactly and by meaning', async () => {
  const cache = await openMock();
  const acme = { tenant: 'acme' };
  const fill = async () => {
    await cache.set('how do I undo the last commit', 'tagged', { tags: ['git', 'how-to'] });
    await cache.set('what is the capital of france', 'sourced', { sources: ['atlas.md'] });
    await cache.set('how tall is the eiffel tower', 'scoped', { scope: acme });
    await cache.set('what time is it', 'plain');
  };
  const cases: [Invalidation, string][] = [
    [{ tags: ['git'] }, 'tagged'],
    [{ tags: ['none', 'how-to'] }, 'tagged'],
    [{ sources: ['atlas.md'] }, 'sourced'],
    [{ scope: acme }, 'scoped'],
  ];
  for (const [what, gone] of cases) {
    await fill();
    const { key } = await cache.get('what time is it');
    assert.equal(await cache.invalidate(what), { shared: true });
    for (const [prompt, value, scope] of [
      ['how do I undo the last commit', 'tagged', undefined],
      ['what is the capital of france', 'sourced', undefined],
      ['how tall is the eiffel tower', 'scoped', acme],
      ['what time is it', 'plain', undefined],
    ] as const) {
      const wanted = value === gone ? 'none' : 'exact';
      assert.is((await cache.get(prompt, { scope })).match, wanted, `${JSON.stringify(what)}: ${prompt}`);
    }
    const alike = {
      tagged: 'how do I undo the last commit please',
      sourced: 'what is the capital of france please',
    };
    for (const [value, prompt] of Object.entries(alike)) {
      const { match } = await cache.get(prompt);
      assert.is(match, value === gone ? 'none' : 'semantic', prompt);
    }
    await cache.invalidate({ key });
    assert.is((await cache.get('what time is it')).match, 'none', 'by key');
  }
  await cache.close();
});

test('what is generated after an invalidation lives, what was being generated dies', async () => {
  const cache = await openMock();
  const gate = deferred();
  const options = { tags: ['t'] };
  const generating = cache.wrap('q', () => gate.promise.then(() => 'old'), options);
  await cache.get('another');
  await cache.invalidate({ tags: ['t'] });
  gate.resolve();
  assert.is(await generating, 'old', 'who asked gets what was generated');
  await cache.idle();
  assert.is((await cache.get('q')).match, 'none');
  assert.is(await cache.wrap('q', () => 'new', options), 'new');
  await cache.idle();
  assert.is((await cache.get('q')).value, 'new');
  await cache.close();
});

test('labels named while generating count like those of the call', async () => {
  const cache = await openMock();
  const generate = ({ addTags, addSources }: GenerateContext) => {
    addTags('late');
    addSources('a.md', 'b.md');
    return 'answer';
  };
  for (const what of [{ tags: ['late'] }, { sources: ['b.md'] }, { tags: ['early'] }]) {
    await cache.wrap('q', generate, { tags: ['early'] });
    await cache.idle();
    assert.is((await cache.get('q')).match, 'exact');
    await cache.invalidate(what);
    assert.is((await cache.get('q')).match, 'none', JSON.stringify(what));
  }
  await cache.close();
});

test('an invalidation survives reopening, and the tiers hold nothing of it in the end', async () => {
  const directory = temporaryDirectory();
  const first = await openMock({ directory });
  await first.set('how do I undo the last commit', 'v', { tags: ['t'] });
  await first.set('what is the capital of france', 'w', { tags: ['u'] });
  await first.invalidate({ tags: ['t'] });
  await first.close();
  const second = await openMock({ directory });
  assert.is((await second.get('how do I undo the last commit')).match, 'none');
  assert.is((await second.get('how do I undo the last commit please')).match, 'none');
  assert.is((await second.get('what is the capital of france')).match, 'exact');
  await second.close();
});

test('two caches on one directory hear of each other', async () => {
  const directory = temporaryDirectory();
  const one = await openMock({ directory });
  const other = await openMock({ directory });
  await one.set('q', 'old', { tags: ['t'] });
  assert.is((await other.get('q')).value, 'old', 'the other has it in its own memory now');
  await other.idle();
  await one.invalidate({ tags: ['t'] });
  await until(async () => (await other.get('q')).match === 'none');
  await one.set('q', 'new');
  await until(async () => (await other.get('q')).value === 'new');
  await one.set('q', 'newer');
  await until(async () => (await other.get('q')).value === 'newer');
  await one.delete('q');
  await until(async () => (await other.get('q')).match === 'none');
  await one.close();
  await other.close();
});

test('removed entries do not hide their neighbours', async () => {
  const cache = assemble();
  const variants = ['', '?', '!', '.', ' ?', ' !', ' .', '??', '!!', '..', '?!'];
  for (const [i, end] of variants.entries()) {
    const tags = i < variants.length - 1 ? ['old'] : [];
    await cache.set(`how do I undo the last commit${end}`, `answer ${i}`, { tags });
  }
  await cache.invalidate({ tags: ['old'] });
  // Each lookup clears some of them away.
  await until(async () => {
    const found = await cache.get('how do I undo the last commit please');
    return found.match === 'semantic' && found.value === `answer ${variants.length - 1}`;
  });
  await cache.close();
});

test('what is no invalidation or no label is refused', async () => {
  const cache = assemble();
  const long = 'x'.repeat(257);
  const refused: [string, () => Promise<unknown>][] = [
    ['nothing', () => cache.invalidate({})],
    ['an unknown name', () => cache.invalidate({ tag: ['x'] } as never)],
    ['tags as text', () => cache.invalidate({ tags: 'x' } as never)],
    ['an empty tag', () => cache.invalidate({ tags: [''] })],
    ['no key', () => cache.invalidate({ key: 'q' })],
    ['too many', () => cache.invalidate({ tags: Array.from({ length: 1001 }, (_, i) => `t${i}`) })],
    ['a long tag', () => cache.set('q', 'v', { tags: [long] })],
    ['65 tags', () => cache.set('q', 'v', { tags: Array.from({ length: 65 }, (_, i) => `t${i}`) })],
    ['a lone surrogate', () => cache.set('q', 'v', { sources: ['\ud800'] })],
    ['labels of a failed call', () => cache.wrap('q', ({ addTags }) => addTags(7 as never))],
  ];
  for (const [what, work] of refused) assert.is(await codeOf(work), 'ERR_LLM_CACHE_ARGUMENT', what);
  await cache.close();
  assert.is(await codeOf(() => cache.invalidate({ tags: ['x'] })), 'ERR_LLM_CACHE_CLOSED');
});

/** Asks again until it holds; the test's own time limit ends what never does. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, 'in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test.run();
