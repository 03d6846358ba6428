// Which generated answers are kept, and for how long. open.ts, origin.ts and the public face import it.
import { InvalidArgumentError } from '../core/errors.js';
import type { ScopeFields } from '../core/scope.js';
import { type BadEnding, badEndingOf } from './ending.js';
import { type TimeClass, timeClassOf } from './time-words.js';

/** A generated answer, for whoever decides whether to keep it. */
export interface StoreCandidate {
  readonly prompt: string;
  /** The plain answer. */
  readonly value: unknown;
  /** The parts it came in; undefined when it did not come as a stream. */
  readonly parts: readonly unknown[] | undefined;
  readonly scope: ScopeFields;
  /** What the answer says of its end, when that is bad. */
  readonly ending: BadEnding | undefined;
  /** The class of the question, when its answer does not last. */
  readonly timeClass: TimeClass | undefined;
  /** `parameters.temperature` of the scope; undefined when there is none. */
  readonly temperature: number | undefined;
  /** What the rules say; `null`: keep it. */
  readonly against: StoreReason | null;
}

/** Why an answer is not kept. */
export type StoreReason = BadEnding | TimeClass | 'temperature' | 'caller';

/** What a hook says: keep it, not, as the rules say (undefined), or keep it for so many milliseconds. */
export type HookVerdict = boolean | undefined | { readonly ttlMs: number };

/** Decides on an answer. It must be quick, and may not wait; when it throws, the answer is not kept. */
export type StoreHook = (candidate: StoreCandidate) => HookVerdict;

/** How the rules are set. */
export interface StoreRules {
  /** False: questions that depend on the time are kept as others are. Default true. */
  readonly timeRules?: boolean | undefined;
  /** Milliseconds that answers of each class are kept, never longer than others; 0: not at all. Default 0 each. */
  readonly ttlMs?: Partial<Readonly<Record<TimeClass, number>>> | undefined;
  /** Temperature up to which all answers are kept, 0 to 100. Default 1. */
  readonly temperatureLimit?: number | undefined;
  /** Temperature from which none is; between the two the chance falls evenly. At least `temperatureLimit`. Default 2. */
  readonly temperatureNever?: number | undefined;
  /** Asked after the rules, which it overrules. Default none. */
  readonly hook?: StoreHook | undefined;
  /** From 0, inclusive, to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** What becomes of an answer. */
export type StoreVerdict =
  | { readonly store: true; readonly ttlMs: number | undefined }
  | { readonly store: false; readonly reason: StoreReason };

/** Decides on answers, by rules and hooks. */
export type StorePolicy = (
  answer: Pick<StoreCandidate, 'prompt' | 'value' | 'parts' | 'scope'>,
  hook: StoreHook | undefined,
) => StoreVerdict;

/** A policy by these rules. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function storePolicy(rules: StoreRules = {}): StorePolicy {
  const { timeRules = true, ttlMs = {}, temperatureLimit = 1, temperatureNever = 2 } = rules;
  const { random = Math.random } = rules;
  if (!(temperatureNever >= temperatureLimit)) {
    throw new InvalidArgumentError('temperatureNever', 'at least temperatureLimit', temperatureNever);
  }
  const span = temperatureNever - temperatureLimit;
  const isTooWarm = (temperature = 0) =>
    temperature > temperatureLimit && (span === 0 || random() < (temperature - temperatureLimit) / span);
  return (answer, hook) => {
    const ending = badEndingOf(answer.parts ?? answer.value) ?? badEndingOf(answer.value);
    const timeClass = timeRules ? timeClassOf(answer.prompt) : undefined;
    const temperature = temperatureOf(answer.scope);
    const classTtlMs = timeClass === undefined ? undefined : (ttlMs[timeClass] ?? 0);
    const against: StoreReason | null =
      ending ?? (classTtlMs === 0 ? timeClass : undefined) ?? (isTooWarm(temperature) ? 'temperature' : null);
    const candidate = { ...answer, ending, timeClass, temperature, against };
    const said = ask(hook, candidate) ?? ask(rules.hook, candidate);
    if (typeof said === 'object') return { store: true, ttlMs: said.ttlMs };
    if (said === false) return { store: false, reason: against ?? 'caller' };
    if (said !== true && against !== null) return { store: false, reason: against };
    return { store: true, ttlMs: classTtlMs || undefined };
  };
}

/** A hook that fails, or says what means nothing, must not fail who asks: then the answer is handed out and not kept. */
function ask(hook: StoreHook | undefined, candidate: StoreCandidate): HookVerdict {
  if (hook === undefined) return undefined;
  try {
    const said: unknown = hook(candidate);
    if (said === undefined || typeof said === 'boolean') return said;
    const { ttlMs } = said as { ttlMs?: unknown };
    return typeof ttlMs === 'number' && ttlMs > 0 ? { ttlMs } : false;
  } catch (error) {
    process.emitWarning(error as Error);
    return false;
  }
}

function temperatureOf({ parameters }: ScopeFields): number | undefined {
  const temperature = (parameters as { temperature?: unknown } | null | undefined)?.temperature;
  return typeof temperature === 'number' ? temperature : undefined;
}
