// Events reach listeners and channels, each where it belongs; messages hold no word of prompts or answers unless that is wanted.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SemanticCache } from '#dist/cache.js';
import type { CacheEvents } from '#dist/telemetry/events.js';
import { Hub } from '#dist/telemetry/hub.js';
import type { LookupMessage, TelemetryMessage } from '#dist/telemetry/messages.js';
import { failingTier, manualClock, mockEmbedder } from '#dist/testing/index.js';
import { memoryTier } from '#dist/tiers/memory.js';
import { assemble, deferred, openMock, turns } from '../cache/support.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('events');
const names = [
  'hit',
  'miss',
  'refused',
  'joined',
  'stored',
  'promoted',
  'evicted',
  'invalidated',
  'degraded',
] as const;
type Told = readonly [name: (typeof names)[number], event: CacheEvents[keyof CacheEvents][0]];

function listen(cache: SemanticCache): Told[] {
  const told: Told[] = [];
  for (const name of names) cache.on(name, (event: Told[1]) => void told.push([name, event]));
  return told;
}

/** What the channels are told while `run` runs. */
async function published(run: () => Promise<void>): Promise<TelemetryMessage[]> {
  const messages: TelemetryMessage[] = [];
  const take = (message: unknown) => void messages.push(message as TelemetryMessage);
  for (const name of names) subscribe(`llm-cache:${name}`, take);
  try {
    await run();
  } finally {
    for (const name of names) unsubscribe(`llm-cache:${name}`, take);
  }
  return messages;
}

/** A life in which everything happens. */
async function life(cache: SemanticCache): Promise<void> {
  const scope = { tenant: 'acme', model: 'm', provider: 'p' };
  const gate = deferred();
  const asked = [0, 1].map(() =>
    cache.wrap('plum: how many eggs do I boil', () => gate.promise.then(() => 'plum answer'), { scope }),
  );
  await turns();
  gate.resolve();
  await Promise.all(asked);
  await cache.idle();
  await cache.get('plum: how many eggs do I boil', { scope });
  await cache.get('plum: how many eggs do I boil please', { scope });
  await cache.get('plum: how many eggs do I not boil', { scope });
  await cache.invalidate({ tags: ['t'], scope });
  await cache.delete('plum: how many eggs do I boil', { scope });
  await cache.clear({ scope });
  await cache.idle();
}

test('what happens is told to listeners in its order, and the same to the channels, flat', async () => {
  const cache = await openMock();
  const told = listen(cache);
  const messages = await published(() => life(cache));
  const expected = [
    'miss',
    'joined',
    'stored',
    'hit',
    'hit',
    'miss',
    'refused',
    'invalidated',
    'invalidated',
    'invalidated',
  ];
  assert.equal(told.map(([name]) => name).sort(), [...expected].sort());
  assert.equal(
    messages.map(({ event }) => event),
    told.map(([name]) => name),
  );
  const [exact, semantic] = messages.filter(({ event }) => event === 'hit') as LookupMessage[];
  assert.equal([exact?.match, exact?.tier, exact?.similarity], ['exact', 'memory', 1]);
  assert.equal(
    [semantic?.match, semantic?.tenant, semantic?.model, semantic?.provider],
    ['semantic', 'acme', 'm', 'p'],
  );
  assert.is(exact?.scope, cache.scope({ tenant: 'acme', model: 'm', provider: 'p' }).id);
  const refused = messages.find(({ event }) => event === 'refused') as LookupMessage;
  assert.equal([refused.refusedBy, refused.similarity > 0.8], ['negation', true]);
  const joined = told.find(([name]) => name === 'joined')?.[1] as CacheEvents['joined'][0];
  assert.equal([joined.coalesced, joined.value], [true, 'plum answer']);
  const stored = messages.find(({ event }) => event === 'stored') as CacheEvents['stored'][0];
  assert.equal([stored.stored, stored.failed, stored.key], [['memory', 'disk', 'vector'], [], exact?.key]);
  const by = messages.filter(
    ({ event }) => event === 'invalidated',
  ) as unknown as CacheEvents['invalidated'][0][];
  assert.equal(
    by.map((one) => [one.by, one.tags, one.scope === exact?.scope]),
    [
      ['invalidate', ['t'], true],
      ['delete', undefined, true],
      ['clear', undefined, true],
    ],
  );
  await cache.close();
});

test('no message holds a word of a prompt or an answer, unless texts are wanted', async () => {
  for (const includeText of [false, true]) {
    const cache = await openMock({ telemetry: { includeText } });
    const messages = await published(() => life(cache));
    assert.is(JSON.stringify(messages).includes('plum'), includeText);
    assert.not.match(JSON.stringify(messages), /plum answer/);
    if (includeText) {
      const { prompt, question } = messages.find(({ event }) => event === 'refused') as LookupMessage;
      assert.equal(
        [prompt, question],
        ['plum: how many eggs do I not boil', 'plum: how many eggs do I boil'],
      );
    }
    await cache.close();
  }
});

test('promotions and what leaves memory are told', async () => {
  const directory = temporaryDirectory();
  const clock = manualClock();
  const open = () =>
    openMock({ directory, clock, cache: { maxEntries: 2, eviction: 'lru', ttlSeconds: 60 } });
  const filling = await open();
  await filling.set('one', 1);
  await filling.close();
  const cache = await open();
  const told = listen(cache);
  await cache.get('one');
  await cache.idle();
  const promoted = told.find(([name]) => name === 'promoted')?.[1] as CacheEvents['promoted'][0];
  assert.equal([promoted.from, promoted.to], ['disk', 'memory']);
  for (const question of ['two', 'three']) await cache.set(question, 1);
  clock.advance(61_000);
  assert.is((await cache.get('three')).match, 'none');
  const evicted = told
    .filter(([name]) => name === 'evicted')
    .map(([, event]) => event as CacheEvents['evicted'][0]);
  assert.equal(
    evicted.map(({ tier, reason }) => [tier, reason]),
    [
      ['memory', 'room'],
      ['memory', 'expired'],
    ],
  );
  assert.is(evicted[0]?.key, promoted.key);
  await cache.close();
});

test('what fails is told once each, in messages by its code: a write, an embedding', async () => {
  const embedder = mockEmbedder({ failOn: (text) => text.includes('unreadable') });
  const { dimension } = embedder;
  const tiers = [
    memoryTier({ dimension }),
    failingTier(memoryTier({ dimension }), { when: (operation) => operation === 'set' }),
  ];
  const cache = assemble({ embedder, tiers });
  const told = listen(cache);
  const messages = await published(async () => {
    await cache.set('a question', 1);
    await cache.get('an unreadable question');
  });
  const parts = told
    .filter(([name]) => name === 'degraded')
    .map(([, event]) => event as CacheEvents['degraded'][0]);
  assert.ok(
    parts.some(({ part, tier }) => part === 'write' && tier === tiers[1]?.name),
    JSON.stringify(parts),
  );
  assert.ok(parts.some(({ part, error }) => part === 'embedder' && error instanceof Error));
  const codes = messages
    .filter(({ event }) => event === 'degraded')
    .map((message) => (message as { error: string }).error);
  assert.ok(codes.includes('ERR_LLM_CACHE_EMBED'), codes.join());
  assert.not.match(JSON.stringify(messages), /unreadable/);
  await cache.close();
});

test('a listener or a sink that throws fails nobody', async () => {
  const warnings: unknown[] = [];
  const onWarning = (warning: unknown) => void warnings.push(warning);
  process.on('warning', onWarning);
  const sink = {
    hears: () => true,
    tell() {
      throw new Error('told to fail');
    },
  };
  const hub = new Hub({ sink });
  hub.bind({
    emit() {
      throw new Error('told to fail');
    },
  });
  hub.fact('promoted', { key: 'k', scope: 's', from: 'a', to: 'b' });
  const cache = await openMock();
  for (const name of names) {
    cache.on(name, () => {
      throw new Error('told to fail');
    });
  }
  await life(cache);
  await turns();
  process.off('warning', onWarning);
  assert.ok(warnings.length > 5);
  await cache.close();
});

test('no message is made while nobody hears', () => {
  let hears = false;
  let told = 0;
  const hub = new Hub({ sink: { hears: () => hears, tell: () => void told++ } });
  let read = 0;
  const fact = {
    key: 'k',
    scope: 's',
    from: 'a',
    get to() {
      read++;
      return 'b';
    },
  };
  hub.fact('promoted', fact);
  assert.equal([told, read], [0, 0]);
  hears = true;
  hub.fact('promoted', fact);
  assert.equal([told, read], [1, 1]);
});

test.run();
