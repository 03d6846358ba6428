// Whose answer is it: secrets of 200 tenants under 10,000 adversarial probes by every way to an answer, and what becomes of calls without a tenant. SEED.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheMiddleware } from '#dist/adapters/ai-sdk.js';
import { Scope, type ScopeFields } from '#dist/core/scope.js';
import type { Lookup, SemanticCache } from '#dist/index.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { noRedis, startRedis } from '../tiers/support.js';
import { type Probe, prober, questions, secret, tenants } from './probes.js';
import { assemble, deferred, openMock, turns } from './support.js';

const test = suite('canaries');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const mine = 'made for who asked';
const throughMiddleware = 'through the middleware, ';

/** What a way to an answer gave: all that might hold a secret. */
type Way = (cache: SemanticCache, probe: Probe, number: number) => Promise<string>;

const notKept = { cacheable: () => false };
const asText = ({ value, question }: Lookup) => JSON.stringify([value, question]);

function middleware(cache: SemanticCache, tenant: string, text: string, extra?: unknown) {
  const { wrapGenerate } = cacheMiddleware(cache, { tenant, extra });
  const result = { content: [{ type: 'text', text }], finishReason: { unified: 'stop', raw: 'stop' } };
  const doGenerate = async () => ({ ...result, usage: {}, warnings: [] });
  const model = { specificationVersion: 'v3', provider: 'p', modelId: 'm', doGenerate, doStream: doGenerate };
  return async (question: string) => {
    const prompt = [{ role: 'user', content: [{ type: 'text', text: question }] }];
    const { content } = await wrapGenerate({ doGenerate, doStream: doGenerate, params: { prompt }, model });
    return content[0].text as string;
  };
}

const ways: Readonly<Record<string, Way>> = {
  get: async (cache, { text, scope }) => asText(await cache.get(text, { scope })),
  ask: async (cache, { text, scope }) => asText(await cache.ask(text, () => mine, { scope, ...notKept })),
  async wrapStream(cache, { text, scope }) {
    async function* parts() {
      yield mine;
    }
    const stream = await cache.wrapStream(text, parts, { scope, ...notKept });
    let all = '';
    for await (const part of stream) all += part;
    return `${all} ${JSON.stringify(stream.lookup.question)}`;
  },
  /** The victim's answer is being made, plainly or as a stream, when the probe asks for it in the same words. */
  async join(cache, { scope }, number) {
    const victim = tenants[number % tenants.length] as string;
    // No two of them have a word in common, so that none is found by another's.
    const text = `murmur${number} whisper${number} rustle${number}`;
    const gate = deferred();
    const hidden = secret(victim, number);
    async function* parts() {
      yield hidden;
      await gate.promise;
    }
    const options = { scope: { tenant: victim }, ...notKept };
    const streams = number % 2 === 0;
    const leading = streams
      ? cache.wrapStream(text, parts, options)
      : cache.wrap(text, () => gate.promise.then(() => hidden), options);
    await turns(1);
    // A victim that asks itself is no probe.
    if (scope.tenant === victim && Object.keys(scope).length === 1) {
      gate.resolve();
      await leading;
      return '';
    }
    const found = streams
      ? await ways.wrapStream?.(cache, { text, scope, own: [] }, number)
      : await ways.ask?.(cache, { text, scope, own: [] }, number);
    gate.resolve();
    await leading;
    return found as string;
  },
  async middleware(cache, { text, scope }) {
    const found = await middleware(cache, scope.tenant as string, mine, scope.extra)(text);
    return found.startsWith(throughMiddleware) ? found.slice(throughMiddleware.length) : found;
  },
};

/** The middleware refuses a tenant without a name, and takes no other fields. */
function suitsMiddleware({ scope: { tenant, extra, ...others } }: Probe): boolean {
  return tenant !== undefined && tenant !== '' && Object.keys(others).length === 0;
}

/** Sends probes by every way; how many found what is their own, by way. */
async function probed(
  caches: readonly SemanticCache[],
  probes: number,
  from: number,
): Promise<Map<string, number>> {
  const next = prober(seed + from);
  const own = new Map<string, number>();
  const atOnce = 20;
  for (let first = from; first < from + probes; first += atOnce) {
    const sent = Array.from({ length: atOnce }, async (_, i) => {
      const names = Object.keys(ways);
      const name = names[(first + i) % names.length] as string;
      let probe = next();
      while (name === 'middleware' && !suitsMiddleware(probe)) probe = next();
      const cache = caches[((first + i) >> 3) % caches.length] as SemanticCache;
      const found = await (ways[name] as Way)(cache, probe, first + i);
      // A secret is written as JSON, within JSON where it comes with more.
      const holds = (text: string) =>
        found.includes(text) || found.includes(JSON.stringify(text).slice(1, -1));
      const isOwn = probe.own.some(holds);
      const leaked = found.includes('canary ') && !isOwn;
      assert.not(leaked, JSON.stringify({ name, probe, found }));
      if (isOwn) own.set(name, (own.get(name) ?? 0) + 1);
    });
    await Promise.all(sent);
  }
  return own;
}

async function confide(cache: SemanticCache): Promise<void> {
  for (const [q, question] of questions.entries()) {
    const told = tenants.map(async (tenant) => {
      await cache.set(question, secret(tenant, q), { scope: { tenant } });
      await middleware(cache, tenant, throughMiddleware + secret(tenant, q))(question);
    });
    await Promise.all(told);
  }
  await cache.idle();
}

function assertOwnFound(own: Map<string, number>, probes: number): void {
  for (const name of ['get', 'ask', 'wrapStream', 'middleware']) {
    // Else the others prove little.
    assert.ok(
      (own.get(name) ?? 0) > probes / 50,
      `by ${name} ${own.get(name)} of ${probes} found what is their own`,
    );
  }
}

const loose = { rules: 'none' as const, minSimilarity: 0.5 };

test(`200 tenants, 5,000 probes of memory, disk and vectors, no secret in foreign hands (seed ${seed})`, async () => {
  const directory = temporaryDirectory();
  const open = () => openMock({ directory, cache: loose });
  let cache = await open();
  await confide(cache);
  assertOwnFound(await probed([cache], 2_000, 0), 2_000);
  await cache.close();
  // From disk and vectors, and from where those were promoted to.
  cache = await open();
  assertOwnFound(await probed([cache], 3_000, 2_000), 3_000);
  await cache.close();
});

if (noRedis === undefined) {
  const server = await startRedis();
  test.after(() => server.stop());

  test(`the same, 5,000 probes of two caches that share a Redis (seed ${seed})`, async () => {
    const open = () =>
      openMock({ cache: loose, redis: { host: '127.0.0.1', port: server.port, commandTimeoutMs: 5_000 } });
    const caches = [await open(), await open()] as const;
    await confide(caches[0]);
    assertOwnFound(await probed(caches, 5_000, 5_000), 5_000);
    // Without a tenant each keeps to itself, and what one says is for all is for all.
    const [one, other] = caches;
    await one.set('q', 'private');
    assert.is((await other.get('q')).match, 'none');
    assert.is((await one.get('q')).value, 'private');
    await one.set('q', 'common', { scope: { shared: true } });
    assert.is((await other.get('q', { scope: { shared: true } })).value, 'common');
    assert.is((await other.get('q')).match, 'none');
    for (const cache of caches) await cache.close();
  });
} else {
  console.log(`skipped: ${noRedis}`);
  test.skip(`two caches that share a Redis: skipped: ${noRedis}`);
}

test('without a tenant an answer stays with its directory, also where the shared tier is common; shared: true is for all', async () => {
  const directory = temporaryDirectory();
  const shared = { shared: true };
  const here = await openMock({ directory });
  await here.set('q', 'private');
  await here.set('q', 'common', { scope: shared });
  assert.is((await here.get('q')).value, 'private');
  assert.is((await here.get('q', { scope: {} })).value, 'private');
  assert.is((await here.get('q', { scope: shared })).value, 'common');
  const [mine, common] = [here.scope({}), here.scope(shared)];
  await here.close();
  const again = await openMock({ directory });
  assert.is((await again.get('q')).value, 'private', 'of the directory, not of the process');
  const other = await openMock();
  assert.is.not(other.scope({}).id, mine.id);
  assert.is.not(other.scope({ model: 'm' }).id, again.scope({ model: 'm' }).id);
  assert.is(other.scope(shared).id, common.id);
  assert.is(other.scope({ tenant: 't' }).id, again.scope({ tenant: 't' }).id);
  const open = await openMock({ cache: { shared: true } });
  assert.is(open.scope({}).id, common.id, 'the configuration may say it for all calls');
  for (const cache of [again, other, open]) await cache.close();
});

test('two processes that open a new directory at once agree on whose it is', async () => {
  const directory = temporaryDirectory();
  const caches = await Promise.all([1, 2, 3].map(() => openMock({ directory })));
  assert.is(new Set(caches.map((cache) => cache.scope({}).id)).size, 1);
  for (const cache of caches) await cache.close();
});

test('a tenant and shared contradict each other; a cache put together by hand without a home has none', async () => {
  const cache = assemble();
  const bad = [{ tenant: 'a', shared: true }, { shared: 'yes' }, { shared: 1 }, { shared: null }];
  for (const scope of bad) {
    assert.is(await codeOf(() => cache.get('q', { scope: scope as ScopeFields })), 'ERR_LLM_CACHE_ARGUMENT');
  }
  const { fingerprint } = mockEmbedder();
  assert.is(cache.scope({}).id, new Scope({ shared: true }, fingerprint, 'home').id);
  assert.is(cache.scope({ tenant: 'a', shared: false }).id, cache.scope({ tenant: 'a' }).id);
  await cache.close();
});

test.run();
