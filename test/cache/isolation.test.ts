// Nothing crosses a scope, whatever the names of tenants and however near the questions.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ScopeFields } from '#dist/core/scope.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { openMock } from './support.js';

const test = suite('isolation');
const tenants = [
  'a',
  'a:b',
  'a:*',
  '*',
  '[a-z]',
  '?',
  '{}',
  'a\0',
  '\0',
  '\0a',
  ' ',
  'a ',
  ' a',
  'A',
  'á',
  'a\u0301',
  'null',
  'undefined',
  '0',
  '',
  '__proto__',
  'constructor',
  'a|b',
  'a,b',
  '["a"]',
  '"a"',
  'a\r\nFLUSHALL',
  '../a',
  'a/b',
  'a\\',
  '\u200b',
  'a\u200b',
  '\u202ea',
  '🏔️',
  ...Array.from({ length: 16 }, (_, i) => `tenant-${i}`),
];

test(`${tenants.length} tenants with hostile names ask the same questions and never see another's answer`, async () => {
  const directory = temporaryDirectory();
  const questions = ['what is my secret code', 'where do I keep my spare key', 'how much money do I have'];
  const canary = (tenant: string, i: number) => `canary ${JSON.stringify(tenant)} ${i}`;
  let cache = await openMock({ directory });
  for (const tenant of tenants) {
    await Promise.all(
      questions.map((question, i) => cache.set(question, canary(tenant, i), { scope: { tenant } })),
    );
  }
  for (const restart of [false, true]) {
    if (restart) {
      await cache.close();
      cache = await openMock({ directory });
    }
    for (const tenant of tenants) {
      for (const [i, question] of questions.entries()) {
        for (const asked of [question, `${question} please`, question.toUpperCase()]) {
          const { value, match } = await cache.get(asked, { scope: { tenant } });
          assert.is.not(match, 'none');
          assert.is(value, canary(tenant, i), `${tenant} asks ${asked}`);
        }
      }
    }
  }
  for (const asked of questions) {
    for (const scope of [undefined, {}, { tenant: 'nobody' }, { model: 'a' }, { tenant: 'a', model: 'a' }]) {
      assert.is((await cache.get(asked, { scope })).match, 'none', JSON.stringify(scope));
    }
  }
  await cache.clear({ scope: { tenant: '*' } });
  assert.is((await cache.get(questions[0] as string, { scope: { tenant: '*' } })).match, 'none');
  assert.is((await cache.get(questions[0] as string, { scope: { tenant: 'a' } })).value, canary('a', 0));
  await cache.close();
});

test('every field of a scope separates, and equal ones do not, whatever the order of their keys', async () => {
  const cache = await openMock();
  const base: ScopeFields = {
    tenant: 't',
    model: 'm',
    system: 's',
    tools: [{ name: 'f' }],
    parameters: { a: 1, b: 2 },
    corpus: 'c',
    extra: 'e',
  };
  await cache.set('q', 'base', { scope: base });
  const others: ScopeFields[] = [
    { ...base, tenant: 'm', model: 't' },
    { ...base, model: 'm2' },
    { ...base, system: 's ' },
    { ...base, tools: [] },
    { ...base, tools: undefined },
    { ...base, parameters: { a: 1, b: '2' } },
    { ...base, parameters: { a: 1 } },
    { ...base, corpus: 'e', extra: 'c' },
    { ...base, extra: ['e'] },
    { ...base, extra: null },
  ];
  for (const scope of others)
    assert.is((await cache.get('q', { scope })).match, 'none', JSON.stringify(scope));
  const reordered = Object.fromEntries(Object.entries({ ...base, parameters: { b: 2, a: 1 } }).reverse());
  assert.is((await cache.get('q', { scope: reordered })).value, 'base');
  assert.is((await cache.get('q', { scope: cache.scope(base) })).value, 'base');
  await cache.close();
});

test('a scope with a mistyped field or an unusable value is refused, not ignored', async () => {
  const cache = await openMock();
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const bad = [
    { tennant: 'a' },
    { Tenant: 'a' },
    { tenant: 7 },
    { tenant: null },
    { tenant: 'lone \ud800' },
    { extra: () => 1 },
    { extra: Number.NaN },
    { extra: new Map() },
    { extra: cycle },
    { extra: [undefined] },
    'tenant',
    [],
    null,
  ];
  for (const [i, scope] of bad.entries()) {
    const options = { scope: scope as ScopeFields };
    assert.is(await codeOf(() => cache.get('q', options)), 'ERR_LLM_CACHE_ARGUMENT', `get, case ${i}`);
    assert.is(
      await codeOf(() => cache.wrap('q', () => 1, options)),
      'ERR_LLM_CACHE_ARGUMENT',
      `wrap, case ${i}`,
    );
    assert.is(await codeOf(() => cache.clear(options)), 'ERR_LLM_CACHE_ARGUMENT', `clear, case ${i}`);
  }
  await cache.close();
});

test.run();
