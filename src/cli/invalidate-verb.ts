// The verb `invalidate` and its options. For program.ts alone.
import { type Command, InvalidArgumentError } from './commander.js';
import { append, examples } from './values.js';

/** Adds the verb that removes answers. */
export function addInvalidate(program: Command, action: (...given: unknown[]) => Promise<void>): void {
  program
    .command('invalidate')
    .description('remove answers by tag, source, scope, key or time, for all processes that share them')
    .option('--tag <name>', 'answers with this tag; may be given several times', append)
    .option('--source <id>', 'answers drawn from this document; may be given several times', append)
    .option('--scope <json>', `answers of exactly this scope, such as '{"tenant":"acme"}'`, jsonObject)
    .option('--key <key>', 'the answer under this key, as lookups show it')
    .option('--created-after <time>', 'only answers created then or later, such as 2026-03-01', moment)
    .option('--created-before <time>', 'only answers created before, such as 2026-03-01T12:00:00Z', moment)
    .addHelpText(
      'after',
      examples(
        'invalidate --source handbook.md --source prices.md',
        'invalidate --tag prices --created-before 2026-03-01',
        `invalidate --scope '{"tenant":"acme","model":"m1"}' --json`,
      ),
    )
    .action(action);
}

function jsonObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It must be a JSON object');
}

/** A date is the midnight that begins it in UTC; a time without a zone is that of this machine. */
function moment(text: string): Date {
  const time = new Date(text);
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text);
  if (isIso && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('It must be a time such as 2026-03-01 or 2026-03-01T12:00:00Z');
}
