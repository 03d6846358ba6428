// The verbs `explain`, `replay`, `eval` and `calibrate`, and their options. For program.ts alone.
import { type Command, Option } from './commander.js';
import { decimal, examples } from './values.js';

/** Adds the verbs that tell of decisions. */
export function addDecision(
  program: Command,
  actions: Readonly<
    Record<'explain' | 'replay' | 'eval' | 'calibrate', (...given: unknown[]) => Promise<void>>
  >,
): void {
  program
    .command('explain')
    .description('show how a question is decided: against what the cache holds, or one question of yours')
    .argument('[text]', 'the question')
    .option('--against <text>', 'the stored question, instead of those of the cache')
    .option('--tenant <name>', 'tenant whose answers are looked at (default: none)')
    .addHelpText(
      'after',
      examples(
        'explain "How do I turn gzip on?" --against "How do I turn gzip off?"',
        'explain "How do I boil an egg?" --json',
      ),
    )
    .action(actions.explain);

  program
    .command('replay')
    .description('show what another policy would have done to recorded lookups: hits, wrong ones, money')
    .argument('[log]', 'the file of decide.record')
    .option(
      '--min-similarity <n>',
      'least cosine, -1 to 1 (default: that of the configuration)',
      decimal(-1, 1),
    )
    .option('--min-probability <n>', 'least P(same) of the record, 0 to 1', decimal(0, 1))
    .option('--cost <money>', 'what one answer of the model costs', decimal(0, 1e6), 0)
    .addHelpText(
      'after',
      examples(
        'replay lookups.jsonl --min-similarity 0.95',
        'replay lookups.jsonl --min-probability 0.9 --cost 0.002',
      ),
    )
    .action(actions.replay);

  program
    .command('eval')
    .description('measure the decision on labelled pairs, or on a stream of questions of an empty cache')
    .option('--pairs <file>', 'JSONL of { "a": …, "b": …, "same": true or false, "class"?: … }')
    .option('--stream <file>', 'JSONL of { "query": …, "class": … } or { "cached": …, "asked": … }')
    .addOption(
      new Option('--store <which>', 'what a stream of classes leaves in the cache')
        .choices(['misses', 'all'])
        .default('misses'),
    )
    .option('--html <file>', 'write a report with plots')
    .option('--no-rules', 'leave the rules out (default: with and without)')
    .option('--no-pair-model', 'leave the pair model out (default: with and without)')
    .option(
      '--max-error-rate <n>',
      'the promise to hold against the pairs, 0.0001 to 0.5',
      decimal(0.0001, 0.5),
    )
    .addHelpText(
      'after',
      examples(
        'eval --pairs pairs.jsonl --html report.html',
        'eval --stream asked.jsonl --no-pair-model --json',
      ),
    )
    .action(actions.eval);

  program
    .command('calibrate')
    .description(
      'count on labelled pairs how often which score is right, so that error rates can be promised',
    )
    .option('--pairs <file>', 'JSONL of { "a": …, "b": …, "same": true or false }')
    .option('--out <file>', 'where to (default: decide.calibration, else calibration.json)')
    .option('--max-error-rate <n>', 'the promise that is wanted, 0.0001 to 0.5', decimal(0.0001, 0.5))
    .addHelpText(
      'after',
      examples(
        'calibrate --pairs pairs.jsonl --max-error-rate 0.05',
        'calibrate --pairs pairs.jsonl --out mine.json',
      ),
    )
    .action(actions.calibrate);
}
