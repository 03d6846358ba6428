// Keeps an embedder busy and measures: a burst of waiting texts, or the event loop's delay. Imported by the embedding contenders.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { mixedQuestions } from '../data/questions.js';
import type { Figures } from '../types.js';
import { figuresOf } from './measure.js';

/** Texts that wait at once. */
export const waiting = 64;
/** The texts of a burst; all differ, in length too. */
export const burstTexts: readonly string[] = mixedQuestions(waiting);

/**
 * Hands over 64 texts at once, `bursts` times. Latency of a text: from the hand-over until its vector is there, waiting included.
 * ops/s: texts a second.
 */
export async function measureBursts(
  bursts: number,
  burst: (texts: readonly string[], landed: (texts: number) => void) => Promise<unknown>,
): Promise<Figures> {
  const latencies: number[] = [];
  let seconds = 0;
  for (let i = 0; i < bursts; i++) {
    const started = performance.now();
    await burst(burstTexts, (texts) => {
      const us = (performance.now() - started) * 1e3;
      for (let j = 0; j < texts; j++) latencies.push(us);
    });
    seconds += (performance.now() - started) / 1e3;
  }
  if (latencies.length !== bursts * waiting)
    throw new Error(`${latencies.length} texts of ${bursts * waiting} came back`);
  return figuresOf(Float64Array.from(latencies), { opsPerS: latencies.length / seconds });
}

/**
 * Delay of this thread's event loop while `work` is repeated for `ms` milliseconds by `concurrent` callers. Node samples with a
 * timer of 1 ms and records the distance of its ticks, so an idle loop shows about 1.1 ms; ops/s: texts a second.
 */
export async function measureLoopDelay(
  ms: number,
  concurrent: number,
  work: (text: string) => Promise<unknown>,
): Promise<Figures> {
  let texts = 0;
  const until = performance.now() + ms;
  const caller = async (index: number) => {
    for (let i = index; performance.now() < until; i += concurrent, texts++) {
      await work(burstTexts[i % waiting] as string);
      // Gives timers their turn, as any service's incoming requests would.
      await new Promise(setImmediate);
    }
  };
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const started = performance.now();
  const callers = Array.from({ length: concurrent }, (_, index) => caller(index));
  histogram.enable();
  await Promise.all(callers);
  histogram.disable();
  const us = (percentile: number) => histogram.percentile(percentile) / 1e3;
  return {
    p50Us: us(50),
    p95Us: us(95),
    p99Us: us(99),
    opsPerS: (texts * 1e3) / (performance.now() - started),
    recall: null,
    bytes: null,
  };
}
