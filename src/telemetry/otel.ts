// Spans and metrics of OpenTelemetry, with the names of its GenAI conventions; the only importer of its API. The composition root imports it.
import type { Attributes, Counter, Histogram, HrTime, Meter, MeterProvider } from '@opentelemetry/api';
import type { Clock } from '../core/clock.js';
import type { Sink } from './hub.js';
import type { FactMessage, LookupMessage, TelemetryMessage } from './messages.js';

type Api = typeof import('@opentelemetry/api');

const scopeName = 'llm-tiered-cache';

/** A sink for whatever providers the application registers, now or later; undefined where the package is not installed. */
export async function openTelemetrySink(clock: Clock): Promise<Sink | undefined> {
  let api: Api;
  try {
    api = await import('@opentelemetry/api');
  } catch (error) {
    // Nobody asked for it: without the package nobody can look at spans either.
    if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
  return new OpenTelemetrySink(api, clock);
}

interface Instruments {
  readonly duration: Histogram;
  readonly tokens: Histogram;
  readonly savedTokens: Counter;
  readonly savedCost: Counter;
  readonly savedTime: Counter;
  readonly events: Counter;
}

class OpenTelemetrySink implements Sink {
  readonly #api: Api;
  readonly #clock: Clock;
  readonly #noTracers: unknown;
  readonly #noMeters: unknown;
  #meters: MeterProvider | undefined;
  #instruments: Instruments | undefined;

  constructor(api: Api, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
    // What stands for "none registered" has no other name in the API.
    this.#noTracers = new api.ProxyTracerProvider().getDelegate();
    this.#noMeters = api.createNoopMeter().constructor;
  }

  hears(): boolean {
    return this.#traces() || this.#measures() !== undefined;
  }

  tell(message: TelemetryMessage): void {
    if (isLookup(message)) {
      // `refused` comes besides the miss that it was.
      if (message.event !== 'refused') {
        if (this.#traces()) this.#span(message);
        this.#measure(message);
      }
    }
    this.#measures()?.events.add(1, countedBy(message));
  }

  /** A provider of traces is registered. */
  #traces(): boolean {
    const provider = this.#api.trace.getTracerProvider();
    const delegate = provider instanceof this.#api.ProxyTracerProvider ? provider.getDelegate() : provider;
    return delegate !== this.#noTracers;
  }

  /** The instruments, if a provider of metrics is registered; made anew when another one is. */
  #measures(): Instruments | undefined {
    const provider = this.#api.metrics.getMeterProvider();
    if (provider === this.#meters) return this.#instruments;
    const meter = provider.getMeter(scopeName);
    this.#meters = provider;
    this.#instruments = meter.constructor === this.#noMeters ? undefined : instrumentsOf(meter);
    return this.#instruments;
  }

  /** Made when all is known, with the times that it had. */
  #span(message: LookupMessage): void {
    const endMs = this.#clock.wall();
    const tracer = this.#api.trace.getTracer(scopeName);
    const name = message.model === undefined ? 'cache.lookup' : `cache.lookup ${message.model}`;
    const options = { startTime: timeOf(endMs - message.latencyMs), attributes: spanAttributes(message) };
    tracer.startSpan(name, options).end(timeOf(endMs));
  }

  #measure(message: LookupMessage): void {
    const instruments = this.#measures();
    if (instruments === undefined) return;
    const { event, usage, saved } = message;
    const common = { ...requestAttributes(message), 'llm_cache.result': event };
    instruments.duration.record(message.latencyMs / 1000, common);
    if (event === 'miss') {
      if (usage === undefined) return;
      instruments.tokens.record(usage.inputTokens, { ...common, 'gen_ai.token.type': 'input' });
      instruments.tokens.record(usage.outputTokens, { ...common, 'gen_ai.token.type': 'output' });
      return;
    }
    instruments.savedTokens.add(saved.inputTokens, { ...common, 'gen_ai.token.type': 'input' });
    instruments.savedTokens.add(saved.outputTokens, { ...common, 'gen_ai.token.type': 'output' });
    instruments.savedCost.add(saved.cost, common);
    instruments.savedTime.add(saved.ms / 1000, common);
  }
}

function instrumentsOf(meter: Meter): Instruments {
  return {
    duration: meter.createHistogram('gen_ai.client.operation.duration', {
      unit: 's',
      description: 'Time from call to answer, from the cache or not',
    }),
    tokens: meter.createHistogram('gen_ai.client.token.usage', {
      unit: '{token}',
      description: 'Tokens of answers that were generated',
    }),
    savedTokens: meter.createCounter('llm_cache.saved.tokens', {
      unit: '{token}',
      description: 'Tokens that hits did not have to spend',
    }),
    savedCost: meter.createCounter('llm_cache.saved.cost', {
      unit: '1',
      description: 'Price of those tokens, in the currency of the price table',
    }),
    savedTime: meter.createCounter('llm_cache.saved.duration', {
      unit: 's',
      description: 'Time of generation that hits did not have to wait for',
    }),
    events: meter.createCounter('llm_cache.events', {
      unit: '{event}',
      description: 'Events of the cache, by kind, tier and reason',
    }),
  };
}

function isLookup(message: TelemetryMessage): message is LookupMessage {
  return 'latencyMs' in message;
}

/** What GenAI conventions say of the request; without what may have any number of values. */
function requestAttributes({ provider, model }: LookupMessage): Attributes {
  return {
    'gen_ai.operation.name': 'chat',
    ...(provider === undefined ? {} : { 'gen_ai.provider.name': provider }),
    ...(model === undefined ? {} : { 'gen_ai.request.model': model }),
  };
}

function spanAttributes(message: LookupMessage): Attributes {
  const { event, usage, saved, refusedBy, prompt, question } = message;
  return {
    ...requestAttributes(message),
    'llm_cache.result': event,
    'llm_cache.match': message.match,
    'llm_cache.tier': message.tier,
    'llm_cache.similarity': message.similarity,
    'llm_cache.scope': message.scope,
    'llm_cache.key': message.key,
    'llm_cache.stale': message.stale,
    'llm_cache.embedding.duration': message.embedMs / 1000,
    ...(refusedBy === undefined ? {} : { 'llm_cache.refused_by': refusedBy }),
    ...(event === 'miss' && usage !== undefined
      ? { 'gen_ai.usage.input_tokens': usage.inputTokens, 'gen_ai.usage.output_tokens': usage.outputTokens }
      : {}),
    ...(event === 'miss'
      ? {}
      : {
          'llm_cache.saved.input_tokens': saved.inputTokens,
          'llm_cache.saved.output_tokens': saved.outputTokens,
          'llm_cache.saved.cost': saved.cost,
        }),
    ...(prompt === undefined ? {} : { 'llm_cache.prompt': prompt }),
    ...(question === undefined ? {} : { 'llm_cache.question': question }),
  };
}

/** What an event is counted by: few values each. */
function countedBy(message: TelemetryMessage): Attributes {
  if (isLookup(message)) {
    const { event, match, tier, refusedBy } = message;
    if (event === 'refused') return { 'llm_cache.event': event, 'llm_cache.reason': refusedBy ?? '' };
    return { 'llm_cache.event': event, 'llm_cache.match': match, 'llm_cache.tier': tier };
  }
  return { 'llm_cache.event': message.event, ...factAttributes(message) };
}

function factAttributes(message: FactMessage): Attributes {
  switch (message.event) {
    case 'promoted':
      return { 'llm_cache.tier': message.to };
    case 'evicted':
      return { 'llm_cache.tier': message.tier, 'llm_cache.reason': message.reason };
    case 'invalidated':
      return { 'llm_cache.reason': message.by };
    case 'degraded':
      return {
        'llm_cache.reason': message.part,
        ...(message.tier === undefined ? {} : { 'llm_cache.tier': message.tier }),
      };
    case 'stored':
      return {};
  }
}

/** Seconds and nanoseconds: numbers alone would be taken for times of another clock. */
function timeOf(wallMs: number): HrTime {
  const seconds = Math.floor(wallMs / 1000);
  return [seconds, Math.floor((wallMs - seconds * 1000) * 1e6)];
}
