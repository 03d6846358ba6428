// The error budget in service: how often hits were wrong of late, and how much stricter or looser that makes the acceptance. Pure.
import type { Clock } from '../core/clock.js';
import { clopperPearson, exceeds, staysUnder } from '../decide/interval.js';

/** What the budget remembers; it survives restarts. */
export interface BudgetState {
  /** Hits that were compared with a fresh answer or judged by a person who was asked of every hit, aged. */
  readonly checked: number;
  /** Of them those that were wrong, aged. */
  readonly wrong: number;
  /** Semantic hits served, aged. */
  readonly served: number;
  /** Hits that somebody reported as wrong unasked, aged. */
  readonly reported: number;
  /** Steps that acceptance has been made stricter (above 0) or looser. */
  readonly steps: number;
  /** Logits by which P(same) was found too high (above 0) or too low. */
  readonly bias: number;
  /** Wall-clock milliseconds to which the four counts are aged. */
  readonly atMs: number;
}

/** How often hits are wrong in production. */
export interface ErrorEstimate {
  /** Share of wrong among the hits that were checked, in [0, 1]; 0 while none was. */
  readonly rate: number;
  /** Clopper–Pearson 95 % interval of it. */
  readonly low: number;
  readonly high: number;
  /** Hits checked, older ones counted for less. */
  readonly checked: number;
  /** Hits reported as wrong unasked, older ones counted for less. */
  readonly reported: number;
  /** Semantic hits served, older ones counted for less. */
  readonly served: number;
  /** Steps that acceptance is stricter (above 0) or looser than calibrated. */
  readonly steps: number;
}

/** How a budget is kept. */
export interface BudgetOptions {
  /** Share of wrong that is kept, in (0, 1); undefined: it is only measured. */
  readonly maxErrorRate: number | undefined;
  readonly clock: Clock;
  readonly state?: BudgetState | undefined;
}

/** One step, in logits of P(same). */
export const stepLogits = 0.25;
/** Four logits stricter at most, half a logit looser. */
export const mostSteps = 16;
export const leastSteps = -2;
/** Milliseconds between two steps, so that each can show what it does. */
export const stepEveryMs = 60_000;
/** Checks since the last step without which none is made on an estimate. */
export const leastChecks = 20;
/** What is loosened must have this much room. */
const room = 0.8;
/** A count is worth half after a week. */
const halfLifeMs = 7 * 24 * 3_600_000;
/** Checks, and served hits, that are remembered: beyond, each new one takes the place of a part of all older ones. */
const mostChecked = 1_000;
const mostServed = 100_000;
/** Of what was seen before a step: it was seen under another threshold. */
const keptByStep = 0.5;
const learningRate = 0.1;
const [leastBias, mostBias] = [-0.5, 2];

/** Measures and steers. Every method is O(1); a verdict costs a sum of at most 1,000 terms a minute. */
export class Budget {
  readonly #maxErrorRate: number | undefined;
  readonly #clock: Clock;
  #state: BudgetState;
  #freshChecks = 0;
  #steppedAt = Number.NEGATIVE_INFINITY;

  constructor({ maxErrorRate, clock, state }: BudgetOptions) {
    this.#maxErrorRate = maxErrorRate;
    this.#clock = clock;
    const atMs = clock.wall();
    this.#state = state ?? { checked: 0, wrong: 0, served: 0, reported: 0, steps: 0, bias: 0, atMs };
    this.#age();
  }

  get state(): BudgetState {
    return this.#state;
  }

  /** Logits by which more P(same) is wanted than calibrated. */
  get shift(): number {
    return this.#state.steps * stepLogits + this.#state.bias;
  }

  /** A semantic hit was served. */
  served(): void {
    const { served, reported } = this.#state;
    const kept = Math.min(1, mostServed / (served + 1));
    this.#set({ served: (served + 1) * kept, reported: reported * kept });
  }

  /** A hit that was chosen without regard to what it was like, and compared. `pSame` as the decision had it. */
  checked(isWrong: boolean, pSame: number | undefined): void {
    this.#age();
    const { checked, wrong } = this.#state;
    this.#freshChecks++;
    const kept = Math.min(1, mostChecked / (checked + 1));
    this.#set({ checked: (checked + 1) * kept, wrong: (wrong + Number(isWrong)) * kept });
    this.#moveBias(isWrong, pSame);
    this.#steer();
  }

  /** Somebody said so of a hit: of wrong ones more than of right ones, so it says how often hits are wrong at least. */
  told(isWrong: boolean, pSame: number | undefined): void {
    this.#age();
    if (isWrong) this.#set({ reported: this.#state.reported + 1 });
    this.#moveBias(isWrong, pSame);
    this.#steer();
  }

  estimate(): ErrorEstimate {
    this.#age();
    const { checked, wrong, reported, served, steps } = this.#state;
    const [low, high] = clopperPearson(...whole(wrong, checked));
    return { rate: checked === 0 ? 0 : wrong / checked, low, high, checked, reported, served, steps };
  }

  /** Online regression of the intercept: a step along the gradient of the log loss. */
  #moveBias(isWrong: boolean, pSame: number | undefined): void {
    if (pSame === undefined) return;
    const bias = this.#state.bias + learningRate * (pSame - Number(!isWrong));
    this.#set({ bias: Math.max(leastBias, Math.min(mostBias, bias)) });
  }

  #steer(): void {
    const budget = this.#maxErrorRate;
    if (budget === undefined || this.#clock.mono() < this.#steppedAt + stepEveryMs) return;
    const { checked, wrong, served, reported } = this.#state;
    const enough = this.#freshChecks >= leastChecks;
    const seen = whole(wrong, checked);
    const told = whole(reported, served);
    if (exceeds(...seen, budget) || exceeds(...told, budget) || (enough && exceeds(...seen, budget, 0.8)))
      this.#step(1);
    else if (enough && staysUnder(...seen, room * budget) && !exceeds(...told, room * budget)) this.#step(-1);
  }

  #step(by: 1 | -1): void {
    const steps = Math.max(leastSteps, Math.min(mostSteps, this.#state.steps + by));
    this.#steppedAt = this.#clock.mono();
    this.#freshChecks = 0;
    if (steps === this.#state.steps) return;
    const { checked, wrong, served, reported } = this.#state;
    const kept = { checked, wrong, served, reported };
    for (const name of Object.keys(kept) as (keyof typeof kept)[]) kept[name] *= keptByStep;
    this.#set({ ...kept, steps });
  }

  #age(): void {
    const now = this.#clock.wall();
    const { atMs, checked, wrong, served, reported, bias } = this.#state;
    // A clock that was put back ages nothing.
    const factor = 0.5 ** (Math.max(0, now - atMs) / halfLifeMs);
    this.#set({
      checked: checked * factor,
      wrong: wrong * factor,
      served: served * factor,
      reported: reported * factor,
      bias: bias * factor,
      atMs: now,
    });
  }

  #set(change: Partial<BudgetState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

/** Aged counts as whole ones. */
function whole(wrong: number, checked: number): [number, number] {
  const trials = Math.floor(checked);
  return [Math.min(trials, Math.round(wrong)), trials];
}
