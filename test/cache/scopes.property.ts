// No hit crosses scopes: 100,000 random pairs of scopes, by digest and through a cache: stored, promoted, coalesced, streamed. SEED.
import { isDeepStrictEqual } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Scope, type ScopeFields } from '#dist/core/scope.js';
import { seededRandom } from '#dist/testing/index.js';
import { temporaryDirectory } from '../disk/support.js';
import { noRedis, startRedis } from '../tiers/support.js';
import { openMock, turns } from './support.js';

const test = suite('scopes in pairs');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const random = seededRandom(seed);
const pairs = 100_000;
const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;

const names = ['a', 'b', 'a:b', '', ' a', 'a\0', '["a"]', 'null', 'á', 'a\u0301', '{"a":1}', '__proto__'];
const texts = [
  'tenant',
  'provider',
  'model',
  'system',
  'promptTemplate',
  'locale',
  'corpus',
  'conversation',
] as const;
const values = ['tools', 'toolChoice', 'responseFormat', 'parameters', 'extra'] as const;

function json(depth: number): unknown {
  const kind = random();
  if (depth === 0 || kind < 0.4) return pick<unknown>([null, true, false, 0, 1, -1.5, 1e21, ...names]);
  const items = Array.from({ length: Math.floor(random() * 3) }, () => json(depth - 1));
  if (kind < 0.6) return items;
  return Object.fromEntries(
    items.map((item) => [pick(['a', 'b', 'a.b', '1', 'é', '\u{10000}', '\uffff']), item]),
  );
}

function fields(): ScopeFields {
  const made: Record<string, unknown> = {};
  for (const name of texts) if (random() < 0.35) made[name] = pick(names);
  for (const name of values) if (random() < 0.3) made[name] = json(2);
  if (made.tenant === undefined && random() < 0.5) made.shared = random() < 0.5;
  return made;
}

/** The same in other words: keys in another order, absent ones named. */
function reordered(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(reordered);
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).map(([name, value]) => [name, reordered(value)] as const);
  return Object.fromEntries([...entries.reverse(), ['zz', undefined]]);
}

/** What two scopes must agree in. */
function meaning({ shared = false, ...rest }: ScopeFields): unknown {
  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { said, alone: rest.tenant === undefined && !shared };
}

test(`${pairs} random pairs: one digest if and only if they say the same (seed ${seed})`, () => {
  let same = 0;
  for (let i = 0; i < pairs; i++) {
    const one = fields();
    const other = random() < 0.3 ? { ...one, [pick(['locale', 'system'])]: pick(names) } : fields();
    const equal = isDeepStrictEqual(meaning(one), meaning(other));
    const [a, b] = [new Scope(one, 'f', 'home'), new Scope(other, 'f', 'home')];
    assert.is(a.id === b.id, equal, JSON.stringify([one, other]));
    if (equal) same++;
    if (i % 10 > 0) continue;
    const again = Object.entries(one).map(([name, value]) => [name, reordered(value)]);
    assert.is(new Scope(Object.fromEntries(again.reverse()), 'f', 'home').id, a.id);
    assert.is.not(new Scope(one, 'g', 'home').id, a.id, 'another embedder');
  }
  assert.ok(same > 100, `only ${same} pairs were equal`);
});

/** So many scopes that no two say the same. */
function distinct(count: number): ScopeFields[] {
  const found: ScopeFields[] = [];
  const seen = new Set<string>();
  while (found.length < count) {
    const made = fields();
    const { id } = new Scope(made, 'f', 'home');
    if (!seen.has(id)) found.push(made);
    seen.add(id);
  }
  return found;
}

test(`no hit crosses scopes, from memory, disk and vectors, promoted, coalesced or streamed (seed ${seed})`, async () => {
  const scopes = distinct(330);
  assert.ok(scopes.length * (scopes.length - 1) >= pairs);
  const directory = temporaryDirectory();
  const canary = (i: number) => `canary ${i}`;
  const question = 'how do I reset the password of my account';
  const reworded = 'how do I reset the password of my account please';
  const streamed = 'where do I keep the spare key of my house';
  let cache = await openMock({ directory });
  let running = 0;
  let gate = () => {};
  const opened = new Promise<void>((resolve) => {
    gate = resolve;
  });
  const generate = (i: number) => async () => {
    running++;
    await opened;
    return canary(i);
  };
  // Everybody asks at once, each twice and once in other words: one run a scope, and nobody gets another's.
  const asked = scopes.flatMap((scope, i) =>
    [question, question, reworded].map(async (text) => {
      assert.is(await cache.wrap(text, generate(i), { scope }), canary(i), JSON.stringify(scope));
    }),
  );
  const streams = scopes.flatMap((scope, i) =>
    [0, 1].map(async () => {
      async function* parts() {
        running++;
        await opened;
        yield 'canary';
        yield ` ${i}`;
      }
      let text = '';
      for await (const part of await cache.wrapStream(streamed, parts, { scope })) text += part;
      assert.is(text, canary(i), JSON.stringify(scope));
    }),
  );
  for (let i = 0; i < 500 && running < 2 * scopes.length; i++) await turns(1);
  gate();
  await Promise.all([...asked, ...streams]);
  assert.is(running, 2 * scopes.length, 'one run a scope');
  await cache.idle();

  const found = new Map<string, number>();
  const look = async (text: string) => {
    for (const [i, scope] of scopes.entries()) {
      const { value, tier, match } = await cache.get(text, { scope });
      assert.is(value, canary(i), `${text} in ${JSON.stringify(scope)}`);
      found.set(`${tier} ${match}`, (found.get(`${tier} ${match}`) ?? 0) + 1);
    }
  };
  const again = `${streamed} again`;
  for (const text of [question, reworded, streamed, again]) await look(text);
  await cache.close();
  // From the lower tiers, and then from where they were promoted to.
  cache = await openMock({ directory });
  for (const text of [reworded, question, streamed, again, reworded]) {
    await look(text);
    await cache.idle();
  }
  for (const where of ['memory exact', 'memory semantic', 'disk exact', 'vector semantic']) {
    assert.ok(found.has(where), `nothing was found in ${where}: ${[...found.keys()]}`);
  }
  const strangers = distinct(200).filter(
    (made) => !scopes.some((scope) => isDeepStrictEqual(meaning(scope), meaning(made))),
  );
  assert.ok(strangers.length > 50);
  for (const scope of strangers) {
    for (const text of [question, reworded, again]) {
      assert.is((await cache.get(text, { scope })).match, 'none', JSON.stringify(scope));
    }
  }
  await cache.close();
});

if (noRedis === undefined) {
  const server = await startRedis();
  test.after(() => server.stop());

  test(`nor from a Redis that another cache fills; what has no tenant does not leave its directory (seed ${seed})`, async () => {
    const open = () => openMock({ redis: { host: '127.0.0.1', port: server.port, commandTimeoutMs: 5_000 } });
    const scopes = distinct(330);
    const [one, other] = [await open(), await open()];
    const question = 'how do I reset the password of my account';
    const canary = (i: number) => `canary ${i}`;
    await Promise.all(
      scopes.map(async (scope, i) => {
        async function* parts() {
          yield 'canary';
          yield ` ${i}`;
        }
        if (i % 2 === 0) await one.wrap(question, () => canary(i), { scope });
        else for await (const _ of await one.wrapStream(question, parts, { scope }));
      }),
    );
    await one.idle();
    const found = new Map<string, number>();
    for (const text of [question, question, `${question} please`]) {
      for (const [i, scope] of scopes.entries()) {
        const { value, tier, match } = await other.get(text, { scope });
        const leaves = scope.tenant !== undefined || scope.shared === true;
        assert.is(value, leaves ? canary(i) : undefined, `${text} in ${JSON.stringify(scope)}`);
        found.set(`${tier} ${match}`, (found.get(`${tier} ${match}`) ?? 0) + 1);
      }
      await other.idle();
    }
    for (const where of ['redis exact', 'memory exact', 'memory semantic', 'origin none']) {
      assert.ok(found.has(where), `nothing was found in ${where}: ${[...found.keys()]}`);
    }
    for (const cache of [one, other]) await cache.close();
  });
} else {
  console.log(`skipped: ${noRedis}`);
  test.skip(`a server of our own: skipped: ${noRedis}`);
}

test.run();
