// The verb `replay`. For program.ts alone.
import { readFileSync } from 'node:fs';
import { InvalidArgumentError, type Outcome, replayRecord } from '../index.js';
import { type CommonFlags, type Context, load, openOptions } from './context.js';
import { UsageError } from './failure.js';
import { counted, oneLine } from './text.js';

/** Options of `replay`. */
export interface ReplayFlags extends CommonFlags {
  readonly minSimilarity?: number;
  readonly minProbability?: number;
  readonly cost: number;
}

/** Prints what another policy would have done to recorded lookups. */
export async function replay(context: Context, flags: ReplayFlags, path: string | undefined): Promise<void> {
  if (path === undefined) throw new UsageError('no record was named');
  const options = openOptions(flags);
  const { config } = load(context, options);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidArgumentError('LOG', 'a file that can be read', path, { cause: error });
  }
  const { minSimilarity, minProbability, cost } = flags;
  const report = replayRecord(text.split('\n'), config, {
    minSimilarity,
    minProbability,
    costPerAnswer: cost,
  });
  const { output } = context;
  output.data(report);
  if (output.json) return;
  output.line(`${counted(report.lookups, 'lookup')} recorded, ${report.unreadable} lines unreadable`);
  const line = (name: string, { exact, semantic, misses, judged, wrong, errorRate, saved }: Outcome) => {
    const [low, high] = errorRate.map((end) => (100 * end).toFixed(1));
    const known = judged === 0 ? 'none judged' : `${wrong} of ${judged} judged wrong (${low} to ${high} %)`;
    output.line(
      `  ${name}  ${exact} exact, ${semantic} by meaning, ${misses} misses; ${known}; saved ${saved.toFixed(2)}`,
    );
  };
  line('then', report.before);
  line('now ', report.after);
  for (const { question, candidate, now } of report.changed)
    output.line(`  ${now === 'hit' ? '+' : '-'} "${oneLine(question)}" for "${oneLine(candidate)}"`);
}
