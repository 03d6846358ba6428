// What a caller cannot do to others: accept more than the operator does, or be served what another wrote. By all public calls. SEED.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Accept, ScopeFields } from '#dist/index.js';
import { seededRandom } from '#dist/testing/index.js';
import { codeOf } from '../disk/support.js';
import { openMock } from './support.js';

const test = suite('abuse');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const random = seededRandom(seed);

const stored = 'how do I reset the password of my account today';
const asked = [
  stored,
  `${stored} please`,
  'how do I reset the password of my account',
  'how do I reset the password of an account',
  'how do I change the password of my account',
  'where do I reset the name of my house',
  'what is the capital of france',
];
type Operator = Parameters<typeof openMock>[0];
const operators: readonly [name: string, options: Operator, looser: readonly Accept[]][] = [
  [
    'a similarity',
    { cache: { minSimilarity: 0.85, rules: 'none' } },
    [{ minSimilarity: 0.849 }, { minSimilarity: -1 }],
  ],
  [
    'an error rate',
    { cache: { minSimilarity: 0.85, rules: 'none' }, decide: { maxErrorRate: 0.05 } },
    [{ maxErrorRate: 0.051 }, { maxErrorRate: 0.5 }, { minSimilarity: -1 }],
  ],
  [
    'a similarity for this tenant',
    {
      cache: { minSimilarity: 0.5, rules: 'none' },
      policies: { scopes: [{ scope: { tenant: 'bank' }, accept: { minSimilarity: 0.95 } }] },
    },
    [{ minSimilarity: 0.949 }, { minSimilarity: 0.5 }],
  ],
];

test(`a caller is served nothing by meaning that the operator would not serve (seed ${seed})`, async () => {
  for (const [name, options, looser] of operators) {
    const cache = await openMock(options);
    const scope = { tenant: 'bank' };
    await cache.set(stored, 'answer', { scope });
    const allowed = new Set<string>();
    for (const text of asked) if ((await cache.get(text, { scope })).match !== 'none') allowed.add(text);
    assert.ok(allowed.has(stored), name);
    let [taken, refused] = [0, 0];
    for (let i = 0; i < 60; i++) {
      const accept: Accept =
        random() < 0.5 ? { minSimilarity: random() * 2 - 1 } : { maxErrorRate: 0.0001 + random() * 0.4998 };
      for (const text of asked) {
        try {
          const { match } = await cache.get(text, { scope, accept });
          taken++;
          assert.ok(match === 'none' || allowed.has(text), `${name}: ${JSON.stringify(accept)} ${text}`);
        } catch (error) {
          assert.is((error as { code?: string }).code, 'ERR_LLM_CACHE_ARGUMENT', String(error));
          refused++;
        }
      }
    }
    assert.ok(taken > 0 && refused > 0, `${name}: ${taken} taken, ${refused} refused`);
    async function* parts() {
      yield 'new';
    }
    for (const accept of looser) {
      // Also where an exact answer would do.
      for (const text of [stored, `${stored} please`]) {
        const calls: Readonly<Record<string, () => Promise<unknown>>> = {
          get: () => cache.get(text, { scope, accept }),
          ask: () => cache.ask(text, () => 'new', { scope, accept }),
          wrap: () => cache.wrap(text, () => 'new', { scope, accept }),
          wrapStream: () => cache.wrapStream(text, parts, { scope, accept }),
        };
        for (const [call, run] of Object.entries(calls)) {
          assert.is(
            await codeOf(run),
            'ERR_LLM_CACHE_ARGUMENT',
            `${name}: ${call} ${JSON.stringify(accept)}`,
          );
        }
      }
    }
    await cache.close();
  }
});

test('a caller may ask for more certainty, and is not given what another call of the same moment accepts', async () => {
  const cache = await openMock({ cache: { minSimilarity: 0.5, rules: 'none' } });
  const text = `${stored} please`;
  const accept = { minSimilarity: 0.999 };
  await cache.set(stored, 'old');
  assert.is((await cache.get(text)).value, 'old');
  assert.is((await cache.get(text, { accept })).match, 'none');
  const keep = { cacheable: () => false };
  const [loose, strict] = await Promise.all([
    cache.ask(text, () => 'new', keep),
    cache.ask(text, () => 'new', { accept, ...keep }),
  ]);
  assert.equal([loose.value, strict.value], ['old', 'new']);
  await cache.close();
});

test('what one principal writes, by any call, another is served only where both said that it is for all', async () => {
  const principals: readonly ScopeFields[] = [
    { tenant: 'victim' },
    { tenant: 'attacker' },
    { tenant: 'victim', extra: 'attacker' },
    { shared: false },
    { shared: true },
    { shared: true, extra: 'attacker' },
  ];
  const cache = await openMock({ cache: { minSimilarity: 0.5, rules: 'none' } });
  const writers: readonly ((text: string, scope: ScopeFields) => Promise<unknown>)[] = [
    (text, scope) => cache.set(text, 'planted', { scope }),
    (text, scope) => cache.wrap(text, () => 'planted', { scope }),
    (text, scope) => cache.wrap(text, () => 'planted', { scope, refresh: true }),
    async (text, scope) => {
      async function* parts() {
        yield 'planted';
      }
      for await (const _ of await cache.wrapStream(text, parts, { scope }));
    },
  ];
  for (const [w, write] of writers.entries()) {
    for (const [p, writer] of principals.entries()) {
      const text = `writer${w}x${p} plants an answer${w}x${p} for question${w}x${p}`;
      await write(text, writer);
      await cache.idle();
      for (const [r, reader] of principals.entries()) {
        for (const question of [text, `${text} please`]) {
          const { match } = await cache.get(question, { scope: reader });
          assert.is(match !== 'none', r === p, `${JSON.stringify(writer)} to ${JSON.stringify(reader)}`);
        }
      }
      // Nor can it make another's disappear.
      const owner = principals[(p + 1) % principals.length] as ScopeFields;
      await cache.set(text, 'own', { scope: owner });
      await cache.delete(text, { scope: writer });
      await cache.clear({ scope: writer });
      await cache.invalidate({ scope: writer });
      assert.is((await cache.get(text, { scope: owner })).value, 'own');
      await cache.clear({ scope: owner });
    }
  }
  await cache.close();
});

test.run();
