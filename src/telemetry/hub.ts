// Passes events on: to the listeners of the cache, to node:diagnostics_channel, to OpenTelemetry. The root imports it.
import { type Channel, channel } from 'node:diagnostics_channel';
import type { Lookup } from '../cache-types.js';
import type { Scope } from '../core/scope.js';
import type { CacheEvents, FactEvent, LookupEvent } from './events.js';
import { type Facts, factMessage, lookupMessage, type TelemetryMessage } from './messages.js';

/** Something that messages go to besides the channels. */
export interface Sink {
  /** Whether anybody looks at what it is told; asked before each message, so that none is made in vain. */
  hears(): boolean;
  tell(message: TelemetryMessage): void;
}

/** How events leave the cache. */
export interface HubOptions {
  /** Messages hold prompts and questions. Default false. */
  readonly includeText?: boolean | undefined;
  /** Default none. */
  readonly sink?: Sink | undefined;
}

/** Listeners of the cache itself. */
export interface Listened {
  emit<E extends keyof CacheEvents>(event: E, ...args: CacheEvents[E]): boolean;
}

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
const channels = Object.fromEntries(
  names.map((name) => [name, channel(`llm-cache:${name}`)]),
) as unknown as Readonly<Record<LookupEvent | FactEvent, Channel>>;

/** The events of one cache. While nobody listens an event costs some 30 nanoseconds. */
export class Hub {
  readonly #withText: boolean;
  readonly #sink: Sink | undefined;
  #listened: Listened | undefined;

  constructor({ includeText = false, sink }: HubOptions = {}) {
    this.#withText = includeText;
    this.#sink = sink;
  }

  /** Names whose listeners are told; before, nothing happens that they would miss. */
  bind(listened: Listened): void {
    this.#listened = listened;
  }

  /** Tells what became of a question. Never throws. */
  lookup(event: LookupEvent, lookup: Lookup, asked: { readonly text: string; readonly scope: Scope }): void {
    try {
      this.#listened?.emit(event, lookup);
    } catch (error) {
      warn(error);
    }
    if (this.#isHeard(event)) this.#publish(lookupMessage(event, lookup, asked, this.#withText));
  }

  /** Tells what happened to the cache. Never throws. */
  fact<E extends FactEvent>(event: E, fact: Facts[E]): void {
    try {
      this.#listened?.emit(event, ...([fact] as unknown as CacheEvents[E]));
    } catch (error) {
      warn(error);
    }
    if (this.#isHeard(event)) this.#publish(factMessage(event, fact, this.#withText));
  }

  #isHeard(event: LookupEvent | FactEvent): boolean {
    return channels[event].hasSubscribers || this.#sink?.hears() === true;
  }

  #publish(message: TelemetryMessage): void {
    // What a subscriber throws is reported by Node, as an uncaught exception.
    channels[message.event].publish(message);
    try {
      this.#sink?.tell(message);
    } catch (error) {
      warn(error);
    }
  }
}

/** Who listens must not fail who asks. */
function warn(error: unknown): void {
  process.emitWarning(error as Error);
}
