// Sends requests at fixed times whatever becomes of them, from a thread of its own. Imported by contenders/answers-load.ts.
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';

/** What an open loop has measured. */
export interface OpenLoop {
  /** Microseconds from the time at which each request was due until its answer was back with the driver; NaN for failures. */
  readonly latenciesUs: Float64Array;
  readonly errors: number;
  /** Milliseconds between two ticks of a timer of 1 ms in the answering thread, p99. */
  readonly loopDelayP99Ms: number;
  /** From the first request until the last answer. */
  readonly seconds: number;
}

/**
 * Calls `answer` for each request when it arrives. Times are milliseconds from the beginning, ascending. Latency counts from the due
 * time, so requests that wait because others are slow are not left out.
 */
export async function openLoop(
  timesMs: Float64Array,
  answer: (index: number) => Promise<unknown>,
): Promise<OpenLoop> {
  const driver = new Worker(new URL('./open-loop-driver.mjs', import.meta.url), { execArgv: [] });
  const latenciesUs = new Float64Array(timesMs.length);
  let errors = 0;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  driver.on('message', async (message: number | Float64Array) => {
    if (typeof message !== 'number') {
      latenciesUs.set(message);
      return;
    }
    let failed = false;
    try {
      await answer(message);
    } catch {
      failed = true;
      errors++;
    }
    driver.postMessage({ index: message, failed });
  });
  await once(driver, 'online');
  delay.enable();
  const started = performance.now();
  driver.postMessage(timesMs);
  await once(driver, 'exit');
  delay.disable();
  return {
    latenciesUs,
    errors,
    loopDelayP99Ms: delay.percentile(99) / 1e6,
    seconds: (performance.now() - started) / 1e3,
  };
}
