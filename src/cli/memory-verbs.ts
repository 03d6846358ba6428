// The parts of the verb `memory` and their options. For program.ts alone.
import { type Command, Option } from './commander.js';
import type { MemoryVerb } from './memory.js';
import { registerGraph } from './memory-graph.js';
import { append, examples, wholeNumber } from './values.js';

/** The verb `memory`, whose parts each take a session. */
export function addMemory(
  program: Command,
  run: (verb: MemoryVerb) => (...given: unknown[]) => Promise<void>,
): void {
  const memory = program
    .command('memory')
    .description('remember a conversation: add messages, recall them, forget them')
    .addHelpText(
      'after',
      examples(
        'memory add --session trip "We leave for Oslo on Friday."',
        'memory context --session trip "When do we leave?" --max-tokens 500 --json',
        'memory forget --session trip --user ada',
      ),
    );
  const part = (verb: MemoryVerb, description: string) =>
    memory
      .command(verb)
      .description(description)
      .requiredOption('-s, --session <name>', 'the conversation')
      .option('-t, --tenant <name>', 'whose it is')
      .addOption(
        new Option('--log <place>', 'where messages are kept').choices(['disk', 'redis']).default('disk'),
      )
      .action(run(verb));
  part('add', 'add a message')
    .argument('<text>', 'what was said; - reads standard input')
    .addOption(
      new Option('-r, --role <role>', 'who said it')
        .choices(['system', 'developer', 'user', 'assistant', 'tool'])
        .default('user'),
    )
    .option('--user <name>', 'whose message it is, for "memory forget --user"')
    .option('--metadata <json>', 'what else belongs to it, such as tool_calls');
  part('context', 'show what a model should be given before it answers')
    .argument('<query>', 'what is to be answered')
    .option('--max-tokens <n>', 'tokens in all (default: 2000)', wholeNumber(16))
    .option('-k, --top-k <n>', 'messages recalled by meaning (default: 10)', wholeNumber(0, 1000))
    .option('--recent <n>', 'latest messages (default: 10)', wholeNumber(0, 1000))
    .option('--pinned <text>', 'system text that is never left out; may be given several times', append)
    .option('--truncate', 'cut the end off a message that does not fit')
    .option('--model <name>', 'whose tokens are counted (default: gpt-4o)');
  part('history', 'print the latest messages, in the order of time')
    .option('--limit <n>', 'messages (default: 50)', wholeNumber(1, 10_000))
    .option('--before <id>', 'only those before this one');
  part('search', 'find messages by meaning')
    .argument('<query>', 'what is looked for')
    .option('-k, --top-k <n>', 'messages wanted (default: 10)', wholeNumber(1, 1000));
  part('forget', 'erase one message, or all of a user, from every file')
    .argument('[id]', 'the message')
    .option('--user <name>', 'all messages of this user');
  part('clear', 'erase the whole session from every file').option('--yes', 'really');
  registerGraph(memory, run('graph'));
}
