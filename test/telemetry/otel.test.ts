// Spans and metrics as an application's providers get them, with GenAI names, without texts; and nothing where there is no provider.
import { AsyncLocalStorage } from 'node:async_hooks';
import { context, type Meter, metrics, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Hub } from '#dist/telemetry/hub.js';
import { openTelemetrySink } from '#dist/telemetry/otel.js';
import { manualClock } from '#dist/testing/index.js';
import { assemble, openMock } from '../cache/support.js';

const test = suite('OpenTelemetry');
const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

interface Measured {
  readonly name: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A provider of metrics that keeps what it is told. */
function recordingMeters() {
  const measured: Measured[] = [];
  let made = 0;
  const instrument = (name: string) => {
    made++;
    const take = (value: number, attributes: Measured['attributes']) =>
      void measured.push({ name, value, attributes });
    return { add: take, record: take };
  };
  const meter = { createHistogram: instrument, createCounter: instrument } as unknown as Meter;
  return { measured, made: () => made, provider: { getMeter: () => meter } };
}

test.before.each(() => {
  exporter.reset();
  trace.disable();
  metrics.disable();
});
test.after(() => {
  trace.disable();
  metrics.disable();
});

const scope = { tenant: 'acme', model: 'gpt-4o', provider: 'openai' };
const usage = { inputTokens: 1_000, outputTokens: 500 };
const savings = { prices: ['gpt-4o=2/10'] };

test('without a provider nothing is heard; one that is registered later is used', async () => {
  const sink = await openTelemetrySink(manualClock());
  assert.is(sink?.hears(), false);
  trace.setGlobalTracerProvider(provider);
  assert.is(sink?.hears(), true);
  trace.disable();
  assert.is(sink?.hears(), false);
  const meters = recordingMeters();
  metrics.setGlobalMeterProvider(meters.provider);
  assert.is(sink?.hears(), true);
  metrics.disable();
  assert.is(sink?.hears(), false);
});

test('each question is a span with GenAI names, the times that it had, and no word of it', async () => {
  trace.setGlobalTracerProvider(provider);
  const cache = await openMock({ savings });
  await cache.wrap('plum: how many eggs do I boil', () => ({ text: 'plum answer', usage }), { scope });
  await cache.get('plum: how many eggs do I boil please', { scope });
  await cache.get('plum: how many eggs do I not boil', { scope });
  const [miss, hit, refused, ...rest] = exporter.getFinishedSpans();
  assert.equal(rest, []);
  assert.is(miss?.name, 'cache.lookup gpt-4o');
  assert.equal(
    [
      'gen_ai.operation.name',
      'gen_ai.provider.name',
      'gen_ai.request.model',
      'gen_ai.usage.input_tokens',
      'gen_ai.usage.output_tokens',
      'llm_cache.result',
    ].map((name) => miss?.attributes[name]),
    ['chat', 'openai', 'gpt-4o', 1_000, 500, 'miss'],
  );
  assert.equal(
    [
      'llm_cache.result',
      'llm_cache.match',
      'llm_cache.tier',
      'llm_cache.saved.output_tokens',
      'llm_cache.saved.cost',
      'gen_ai.usage.input_tokens',
    ].map((name) => hit?.attributes[name]),
    ['hit', 'semantic', 'memory', 500, 0.007, undefined],
  );
  assert.equal(
    [refused?.attributes['llm_cache.result'], refused?.attributes['llm_cache.refused_by']],
    ['miss', 'negation'],
  );
  assert.is(exporter.getFinishedSpans().length, 3, 'a refusal is no span of its own');
  const told = JSON.stringify(
    exporter.getFinishedSpans().map((span) => [span.name, span.attributes, span.events]),
  );
  assert.not.match(told, /plum|acme/);
  await cache.close();
});

test('a span is a child of what the caller was doing, and lasts as long as the call', async () => {
  trace.setGlobalTracerProvider(provider);
  const storage = new AsyncLocalStorage<ReturnType<typeof context.active>>();
  const root = context.active();
  const manager = {
    active: () => storage.getStore() ?? root,
    with: (active: never, fn: () => unknown) => storage.run(active, fn),
    bind: (_: unknown, target: unknown) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager as never);
  const clock = manualClock();
  const sink = await openTelemetrySink(clock);
  const cache = assemble({ clock, hub: new Hub({ sink }) });
  const parent = trace.getTracer('test').startSpan('request');
  await context.with(trace.setSpan(root, parent), () =>
    cache.wrap('q', async () => {
      clock.advance(250);
      return 'v';
    }),
  );
  const [span] = exporter.getFinishedSpans();
  assert.is(span?.parentSpanContext?.spanId, parent.spanContext().spanId);
  assert.is(span?.name, 'cache.lookup');
  const ms = ([seconds, nanos]: readonly number[]) => (seconds as number) * 1000 + (nanos as number) / 1e6;
  assert.ok(Math.abs(ms(span?.endTime ?? []) - clock.wall()) < 1e-3);
  assert.ok(Math.abs(ms(span?.duration ?? []) - 250) < 1);
  context.disable();
  await cache.close();
});

test('metrics: durations, tokens that were spent, what was saved, events; no tenant, key or text in any label', async () => {
  const meters = recordingMeters();
  metrics.setGlobalMeterProvider(meters.provider);
  const cache = await openMock({ savings });
  await cache.wrap('plum: how many eggs do I boil', () => ({ text: 'plum answer', usage }), { scope });
  await cache.get('plum: how many eggs do I boil', { scope });
  await cache.get('plum: how many eggs do I not boil', { scope });
  await cache.invalidate({ tags: ['plum'] });
  await cache.idle();
  const of = (name: string) => meters.measured.filter((one) => one.name === name);
  const durations = of('gen_ai.client.operation.duration');
  assert.equal(
    durations.map(({ attributes }) => attributes['llm_cache.result']),
    ['miss', 'hit', 'miss'],
  );
  assert.ok(
    durations.every(({ value }) => value > 0 && value < 60),
    'in seconds',
  );
  const spent = of('gen_ai.client.token.usage').map(({ value, attributes }) => [
    attributes['gen_ai.token.type'],
    value,
  ]);
  assert.equal(spent, [
    ['input', 1_000],
    ['output', 500],
  ]);
  assert.equal(
    of('llm_cache.saved.tokens').map(({ value }) => value),
    [1_000, 500],
  );
  assert.equal(
    of('llm_cache.saved.cost').map(({ value }) => value),
    [0.007],
  );
  const events = of('llm_cache.events').map(({ attributes }) => attributes['llm_cache.event']);
  assert.equal([...events].sort(), ['hit', 'invalidated', 'miss', 'miss', 'refused', 'stored']);
  const names = new Set(meters.measured.flatMap(({ attributes }) => Object.keys(attributes)));
  const permitted = ['operation.name', 'provider.name', 'request.model', 'token.type'].map(
    (name) => `gen_ai.${name}`,
  );
  const ours = ['result', 'event', 'match', 'tier', 'reason'].map((name) => `llm_cache.${name}`);
  for (const name of names) assert.ok([...permitted, ...ours].includes(name), name);
  assert.not.match(JSON.stringify(meters.measured), /plum|acme|[0-9a-f]{64}/);
  assert.is(meters.made(), 6, 'instruments are made once');
  await cache.close();
});

test('any number of tenants and questions makes no new label values', async () => {
  const meters = recordingMeters();
  metrics.setGlobalMeterProvider(meters.provider);
  const cache = await openMock({ cache: { minSimilarity: 1 } });
  const labels = () =>
    new Set(meters.measured.map(({ name, attributes }) => JSON.stringify([name, attributes]))).size;
  let before = 0;
  for (let i = 0; i < 2_000; i++) {
    await cache.get(`question ${i % 50}`, { scope: { tenant: `${i}`, model: 'm' } });
    if (i === 10) before = labels();
  }
  assert.is(labels(), before);
  await cache.close();
});

test('switched off, or switched to include texts', async () => {
  trace.setGlobalTracerProvider(provider);
  const off = await openMock({ telemetry: { openTelemetry: false } });
  await off.get('a question');
  assert.is(exporter.getFinishedSpans().length, 0);
  await off.close();
  const texts = await openMock({ telemetry: { includeText: true } });
  await texts.get('a question');
  assert.is(exporter.getFinishedSpans()[0]?.attributes['llm_cache.prompt'], 'a question');
  await texts.close();
});

test.run();
