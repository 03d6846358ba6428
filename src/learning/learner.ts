// What service teaches the decision: wrong pairs, their neighbourhood, and the error budget. The root imports it.
import type { Clock } from '../core/clock.js';
import type { Candidate, Key } from '../core/entry.js';
import type { Experience } from '../decide/decision.js';
import { Budget, type ErrorEstimate } from './budget.js';
import type { LearningStore } from './store.js';
import { Unlearned } from './unlearned.js';

/** A semantic hit as it is remembered for a verdict that may come. */
export interface PastHit {
  readonly asked: Key;
  readonly stored: Key;
  readonly askedVector: Float32Array;
  readonly storedVector: Float32Array | undefined;
  readonly pSame: number | undefined;
}

/** How a learner is set up. */
export interface LearnerOptions {
  /** Share of wrong among semantic hits that is kept, in (0, 1); undefined: it is only measured. */
  readonly maxErrorRate: number | undefined;
  readonly clock: Clock;
  /** Default: what is learnt ends with the process. */
  readonly store?: LearningStore | undefined;
  /** Told of what could not be kept. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Hits for which a verdict is taken with all its consequences; of older ones only the pair is remembered. */
export const mostPastHits = 1_024;
/** Milliseconds after which the wrong pairs of other processes are read. */
const readEveryMs = 5_000;

/** Learns in service. A decision asks it in O(1). */
export class Learner implements Experience {
  readonly #options: LearnerOptions;
  readonly #unlearned = new Unlearned();
  readonly #past = new Map<string, PastHit>();
  readonly #budget: Budget;
  #readAt = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> | undefined;
  #isSaved = true;

  constructor(options: LearnerOptions) {
    this.#options = options;
    const { maxErrorRate, clock, store } = options;
    this.#budget = new Budget({ maxErrorRate, clock, state: this.#safely(() => store?.state()) });
    this.#read();
  }

  /** @see Experience */
  get shift(): number {
    return this.#budget.shift;
  }

  /** Wrong pairs that are remembered. */
  get wrongPairs(): number {
    return this.#unlearned.pairs;
  }

  /** @see Experience */
  refuses(asked: Key, stored: Key): boolean {
    this.#read();
    return this.#unlearned.has(asked, stored);
  }

  /** @see Experience */
  caution(asked: Float32Array): ((candidate: Candidate) => number) | undefined {
    return this.#unlearned.caution(asked);
  }

  /** How often semantic hits are wrong. */
  estimate(): ErrorEstimate {
    return this.#budget.estimate();
  }

  /** A semantic hit was served. */
  served(hit: PastHit): void {
    this.#budget.served();
    this.#isSaved = false;
    const name = `${hit.asked}${hit.stored}`;
    this.#past.delete(name);
    this.#past.set(name, hit);
    if (this.#past.size > mostPastHits) this.#past.delete(this.#past.keys().next().value as string);
  }

  /**
   * A verdict on a semantic hit. `asked of all`: the hit was chosen by chance, so that the verdicts say how often hits are wrong;
   * `unasked`: somebody said so. Resolves when it is on stable storage.
   */
  async verdict(
    asked: Key,
    stored: Key,
    isWrong: boolean,
    how: 'asked of all' | 'unasked',
    known?: PastHit,
  ): Promise<void> {
    const past = known ?? this.#past.get(`${asked}${stored}`);
    if (how === 'unasked') this.#budget.told(isWrong, past?.pSame);
    else this.#budget.checked(isWrong, past?.pSame);
    const kept: Promise<void>[] = [this.#save()];
    if (isWrong && !this.#unlearned.has(asked, stored)) {
      const place =
        past?.storedVector === undefined ? undefined : { asked: past.askedVector, stored: past.storedVector };
      this.#unlearned.add({ asked, stored, place });
      kept.push(this.#options.store?.add({ asked, stored, place }) ?? Promise.resolve());
    }
    await Promise.all(kept);
  }

  /** Keeps the counts. Never rejects. */
  async close(): Promise<void> {
    if (!this.#isSaved) await this.#save().catch((error) => this.#options.onError?.(error));
  }

  /** One write at a time; those that come meanwhile are written by the next. */
  async #save(): Promise<void> {
    const { store } = this.#options;
    this.#isSaved = false;
    while (!this.#isSaved && store !== undefined) {
      if (this.#saving === undefined) {
        this.#isSaved = true;
        this.#saving = store.save(this.#budget.state).finally(() => {
          this.#saving = undefined;
        });
      }
      await this.#saving;
    }
  }

  #read(): void {
    const { clock, store } = this.#options;
    if (store === undefined || clock.mono() < this.#readAt + readEveryMs) return;
    this.#readAt = clock.mono();
    for (const pair of this.#safely(() => store.fresh()) ?? []) this.#unlearned.add(pair);
  }

  /** A store that cannot be read must not fail who asks. */
  #safely<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#options.onError?.(error);
      return undefined;
    }
  }
}
