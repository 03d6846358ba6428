// Asks a share of the hits again in the background and compares. The root imports it.
import type { Clock } from '../core/clock.js';

/** Says whether the cached answer is as good as the fresh one. */
export type AnswerJudge = (question: string, cached: unknown, fresh: unknown) => boolean | Promise<boolean>;

/** How hits are verified. */
export interface VerificationOptions {
  /** Share of the hits, in [0, 1]. */
  readonly share: number;
  readonly judge: AnswerJudge;
  /** Milliseconds that asking again and comparing may take together. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** One hit to verify. */
export interface Verified {
  readonly question: string;
  readonly cached: unknown;
  /** Makes the answer anew. */
  readonly fresh: (signal: AbortSignal) => unknown;
}

/** Verifications at a time; a hit that is drawn while there are as many is not verified. */
const mostAtOnce = 4;

/** Draws hits and compares them. */
export class Verification {
  readonly #options: VerificationOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  /** Verifications that could not be finished: the origin or the judge failed, or was late. */
  failures = 0;

  constructor(options: VerificationOptions) {
    this.#options = options;
  }

  /** Verifies the hit if it is drawn; `told` hears whether the cached answer was wrong. Nothing is awaited. */
  maybe(hit: Verified, told: (isWrong: boolean) => void): void {
    const { share, random = Math.random } = this.#options;
    // Drawn first, so that being busy does not depend on what the hit is like.
    if (random() >= share || this.#running.size >= mostAtOnce || this.#abort.signal.aborted) return;
    this.compare(hit, told);
  }

  /** Verifies the hit. */
  compare({ question, cached, fresh }: Verified, told: (isWrong: boolean) => void): void {
    const { judge } = this.#options;
    const work = this.#inTime(async (signal) => {
      const value = await fresh(signal);
      const isRight = await judge(question, cached, value);
      if (!signal.aborted) told(!isRight);
    }).catch(() => {
      if (!this.#abort.signal.aborted) this.failures++;
    });
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Resolves when what runs is done. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Gives up what runs. */
  async close(): Promise<void> {
    this.#abort.abort(new Error('the cache is closed'));
    await this.idle();
  }

  async #inTime(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    const abort = new AbortController();
    const leave = () => abort.abort(this.#abort.signal.reason);
    this.#abort.signal.addEventListener('abort', leave, { once: true });
    const cancel = clock.after(timeoutMs, () => abort.abort(new Error('too late')), { background: true });
    try {
      const late = new Promise<never>((_, reject) => {
        abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error), { once: true });
      });
      await Promise.race([Promise.resolve(abort.signal).then(work), late]);
    } finally {
      cancel();
      this.#abort.signal.removeEventListener('abort', leave);
    }
  }
}
