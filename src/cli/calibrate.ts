// The verb `calibrate`. For program.ts alone.
import { calibrateDecision, writeCalibration } from '../index.js';
import { type CommonFlags, type Context, load, openOptions } from './context.js';
import { save, tellProgress } from './eval.js';
import { UsageError } from './failure.js';
import { count, counted, shellWord } from './text.js';

/** Options of `calibrate`. */
export interface CalibrateFlags extends CommonFlags {
  readonly pairs?: string;
  readonly out?: string;
  readonly maxErrorRate?: number;
}

const defaultFile = 'calibration.json';

/** Writes the calibration of the configured embedder, and prints the points that it gives. */
export async function calibrate(context: Context, flags: CalibrateFlags): Promise<void> {
  const { pairs, maxErrorRate } = flags;
  if (pairs === undefined) throw new UsageError('no labelled pairs were named; give --pairs FILE');
  const options = openOptions(flags, { decide: { maxErrorRate } });
  const { config } = load(context, options);
  const { output, signal } = context;
  const { decide } = config;
  const out = flags.out ?? decide.calibration ?? defaultFile;
  const made = await calibrateDecision({ pairs, onProgress: tellProgress(output), signal }, options);
  save(out, '--out', writeCalibration(made.calibration));
  const by = made.calibration.tables.at(-1)?.by ?? 'cosine';
  const { points } = made;
  const wanted = points.find((one) => one.maxErrorRate === decide.maxErrorRate);
  const recommended = wanted ?? points.findLast(({ point }) => point !== null) ?? null;
  output.data({ file: out, by, pairs: made.pairs, same: made.same, points, recommended });
  if (output.json) return;
  const { bold, yellow } = output.style;
  output.line(`${counted(made.pairs, 'pair')}, ${count(made.same)} ask the same; decided by the ${by}`);
  for (const { maxErrorRate: rate, point } of points) {
    const promise = `at most ${percent(rate)} wrong`.padEnd(22);
    if (point === null) output.line(`  ${promise} ${yellow('no threshold keeps it on these pairs')}`);
    else
      output.line(
        `  ${promise} from ${point.score.toFixed(4)}: ${count(point.served)} served, ${count(point.wrong)} wrong ` +
          `(at most ${percent(point.upper)}), ${percent(point.recall)} of the same kept`,
      );
  }
  if (recommended?.point)
    output.line(bold(`recommended: decide.max_error_rate: ${recommended.maxErrorRate}`));
  else output.line('recommended: more pairs, or a decision by similarity');
  output.line(
    decide.calibration === out
      ? `written to ${out}, which the cache reads`
      : `written to ${out}; the cache reads it with decide.calibration: ${shellWord(out)}`,
  );
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
