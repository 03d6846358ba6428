// How far an ingestion has come: a bar on a terminal, a line now and then in a pipe; the only importer of cli-progress.
import { SingleBar } from 'cli-progress';
import type { IngestProgress } from '../index.js';
import type { Output } from './output.js';
import { columns, count, counted, cut, duration, oneLine, pad } from './text.js';

/** Shows progress until `end`. */
export interface ProgressDisplay {
  readonly update: (progress: IngestProgress) => void;
  /** Leaves the terminal as it was. Idempotent. */
  readonly end: () => void;
}

// The rate is that of the last seconds: a run that takes up another begins with thousands that cost nothing.
const rateOverMs = 10_000;
const soonestMs = 500;

/** How fast documents are dealt with. */
export class Pace {
  readonly #marks: { readonly done: number; readonly atMs: number }[] = [{ done: 0, atMs: 0 }];
  #now = { done: 0, atMs: 0 };

  /** Notes that so many are done after so many milliseconds; both only grow. */
  note(done: number, atMs: number): void {
    this.#now = { done, atMs };
    const last = this.#marks.at(-1) as { done: number; atMs: number };
    if (atMs - last.atMs < rateOverMs / 100) return;
    this.#marks.push({ done, atMs });
    while (this.#marks.length > 2 && atMs - (this.#marks[1]?.atMs ?? atMs) >= rateOverMs) this.#marks.shift();
  }

  /** Documents a second over the last ten seconds; undefined in the first half second. */
  perSecond(): number | undefined {
    const [first, last] = [this.#marks[0], this.#now];
    if (first === undefined || last.atMs - first.atMs < soonestMs) return undefined;
    return (1000 * (last.done - first.done)) / (last.atMs - first.atMs);
  }

  /** The rate, and the time that the rest takes at that rate: `210/s · 12.0 s left`. Empty while neither is known. */
  text(done: number, total: number | undefined): string {
    const rate = this.perSecond();
    if (rate === undefined || rate === 0) return '';
    const speed = `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s`;
    if (total === undefined || done >= total) return speed;
    return `${speed} · ${duration((1000 * (total - done)) / rate)} left`;
  }
}

const barWidth = 24;
const linesInAll = 4;
const documentsPerLine = 100;

/** Goes to standard error, so that standard output holds the result alone. With `--json` there is none. */
export function showProgress(output: Output): ProgressDisplay {
  if (output.json) return { update: () => {}, end: () => {} };
  return process.stderr.isTTY ? bar(output) : lines(output);
}

function bar(output: Output): ProgressDisplay {
  const { cyan, dim } = output.errorStyle;
  let last: IngestProgress | undefined;
  const pace = new Pace();
  const display = new SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    // Its signal handlers would end the process before the cache is closed.
    gracefulExit: false,
    format: (_options, { progress }) => {
      if (last === undefined) return '  starting the embedder …';
      const { done, total, chunks, source } = last;
      const filled = Math.round((total === undefined ? 0 : progress) * barWidth);
      const drawn = cyan('━'.repeat(filled)) + dim('━'.repeat(barWidth - filled));
      const facts = factsOf(done, total, chunks, pace);
      const left = (process.stderr.columns || 80) - barWidth - columns(facts) - 8;
      const name = left < 8 ? '' : dim(` · ${pad(cut(oneLine(source), left), left)}`);
      return `  ${drawn} ${facts}${name}`;
    },
  });
  let isOpen = true;
  display.start(1, 0);
  return {
    update(progress) {
      last = progress;
      pace.note(progress.done, progress.elapsedMs);
      display.setTotal(progress.total ?? progress.done + 1);
      display.update(progress.done);
    },
    end() {
      if (isOpen) display.stop();
      isOpen = false;
    },
  };
}

function lines(output: Output): ProgressDisplay {
  let next: number | undefined;
  const pace = new Pace();
  return {
    update({ done, total, chunks, elapsedMs }) {
      pace.note(done, elapsedMs);
      const step = total === undefined ? documentsPerLine : Math.max(1, Math.ceil(total / linesInAll));
      next ??= step;
      if (done < next && done !== total) return;
      next += step;
      output.aside(factsOf(done, total, chunks, pace));
    },
    end() {},
  };
}

function factsOf(done: number, total: number | undefined, chunks: number, pace: Pace): string {
  const parts = [documentsOf(done, total), counted(chunks, 'passage'), pace.text(done, total)];
  return parts.filter((part) => part !== '').join(' · ');
}

function documentsOf(done: number, total: number | undefined): string {
  return total === undefined ? counted(done, 'document') : `${count(done)} of ${counted(total, 'document')}`;
}
