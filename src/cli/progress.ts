// How far an ingestion has come: a bar on a terminal, a line now and then in a pipe; the only importer of cli-progress.
import { SingleBar } from 'cli-progress';
import type { IngestProgress } from '../index.js';
import type { Output } from './output.js';
import { columns, count, counted, cut, oneLine, pad } from './text.js';

/** Shows progress until `end`. */
export interface ProgressDisplay {
  readonly update: (progress: IngestProgress) => void;
  /** Leaves the terminal as it was. Idempotent. */
  readonly end: () => void;
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
      const facts = `${documentsOf(done, total)} · ${counted(chunks, 'passage')}`;
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
  return {
    update({ done, total, chunks }) {
      const step = total === undefined ? documentsPerLine : Math.max(1, Math.ceil(total / linesInAll));
      next ??= step;
      if (done < next && done !== total) return;
      next += step;
      output.aside(`${documentsOf(done, total)} · ${counted(chunks, 'passage')}`);
    },
    end() {},
  };
}

function documentsOf(done: number, total: number | undefined): string {
  return total === undefined ? counted(done, 'document') : `${count(done)} of ${counted(total, 'document')}`;
}
