// The verbs and their options; the only importer of commander. For main.ts alone.
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type CommonFlags, type Context, contextOf } from './context.js';
import type { DemoFlags } from './demo.js';
import { UsageError } from './failure.js';
import type { IngestFlags } from './ingest.js';
import type { QueryFlags } from './query.js';
import { cut } from './text.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Something a verb does; loaded when it is called, so that `--help` does not wait for a database. */
type Action<Flags> = (context: Context, flags: Flags, argument: string | undefined) => Promise<void>;

/** The whole command line; `signal` reaches the verb that runs. */
export function buildProgram(signal: AbortSignal): Command {
  const run =
    <Flags>(load: () => Promise<Action<Flags>>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const argument = given.length > 2 ? (given[0] as string | undefined) : undefined;
      const flags = command.optsWithGlobals<Flags & CommonFlags>();
      const action = await load();
      await action(contextOf(flags, signal), flags, argument);
    };
  const program = new Command('llm-cache')
    .description('A semantic cache: answers a question that was answered before, or one that means the same.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .option('--json', 'print JSON, one value a line, and nothing else on standard output')
    .option('--config <file>', 'YAML file with the configuration (default: llm-cache.yaml, if there is one)')
    .option('--directory <dir>', 'cache directory (default: .llm-cache)')
    .option('--embedding-model <name>', 'model that comes with the package, or a folder with an ONNX model')
    .option('--use-mock', 'vectors made from words alone, for tests without a model')
    .option('--debug', 'print the stack of an error')
    .option('--no-color', 'print without colours, as does the variable NO_COLOR')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(true)
    .exitOverride();

  program
    .command('query')
    .description('find the passages that answer a question')
    .argument('[text]', 'the question; without it, questions are read from standard input, one a line')
    .option('-k, --top-k <n>', 'passages wanted, 1 to 1,000', wholeNumber(1, 1000), 5)
    .option('--filter <key=value>', 'metadata a passage must have; may be given several times', collect)
    .option('-i, --interactive', 'ask for questions until Ctrl-D')
    .addHelpText(
      'after',
      examples(
        'query "How long do I boil a soft egg?"',
        'query --top-k 3 --filter lang=en --json < questions.txt',
      ),
    )
    .action(run<QueryFlags>(async () => (await import('./query.js')).query));

  program
    .command('ingest')
    .description(
      'take documents (text, Markdown, HTML, PDF, DOCX, CSV, JSONL) into the corpus; again, only what has changed',
    )
    .argument('[path]', 'folder or file; - reads standard input as --type says')
    .option('--input-dir <dir>', 'the folder, named by an option')
    .option('--input-file <file>', 'the file, named by an option')
    .addOption(new Option('--file <file>', 'the same as --input-file'))
    .option('--type <type>', 'what standard input is: txt, md, html, pdf, docx, csv, jsonl')
    .option('--name <source>', 'name of standard input in the corpus (default: stdin)')
    .option('--include <glob>', 'only these files of the folder; may be given several times', collectWord)
    .option(
      '--ignore <pattern>',
      'leave these out, as in a .gitignore; may be given several times, beside .llmcacheignore files',
      collectWord,
    )
    .option(
      '--field <name=field>',
      'JSONL field or CSV column for id, title, text or metadata; may be given several times',
      collect,
    )
    .option('--chunk-unit <unit>', 'what sizes count: characters or tokens (default: characters)')
    .option('--by-section', 'cut at every heading and page')
    .option('--chunk-size <n>', 'characters a passage has at most (default: 512)', wholeNumber(1))
    .option(
      '--chunk-overlap <n>',
      'characters that neighbouring passages share (default: 50)',
      wholeNumber(0),
    )
    .option('--batch-size <n>', 'texts embedded at a time, 1 to 1,024 (default: 32)', wholeNumber(1, 1024))
    .option('--prune', 'forget documents of the folder that are no longer there')
    .addHelpText(
      'after',
      examples(
        'ingest docs/ --prune',
        "ingest handbook/ --include '**/*.md' --include '**/*.pdf' --by-section",
        'ingest products.csv --field id=sku --field text=description',
        'pandoc -t plain notes.odt | llm-cache ingest - --type txt --name notes',
      ).replace('$ llm-cache pandoc', '$ pandoc'),
    )
    .action(run<IngestFlags>(async () => (await import('./ingest.js')).ingest));

  program
    .command('demo')
    .description('show the cache at work on documents and questions that come with the package')
    .addOption(
      new Option('--mode <mode>', 'what to do')
        .choices(['full', 'ingest', 'query', 'stats', 'warm'])
        .default('full'),
    )
    .option('--input-dir <dir>', 'other documents than those of the package')
    .option('--query <text>', 'a question of your own')
    .addOption(new Option('--after-restart').hideHelp())
    .addHelpText(
      'after',
      examples('demo', 'demo --mode query --query "How do I turn on gzip in nginx?"', 'demo --json'),
    )
    .action(run<DemoFlags>(async () => (await import('./demo.js')).demo));

  program
    .command('config')
    .description('show every key of the configuration, its value and where it comes from')
    .option('--show', 'show it; this is also what happens without the option')
    .addHelpText('after', examples('config --show', 'config --show --config production.yaml --json'))
    .action(run<object>(async () => (await import('./config.js')).config));

  program
    .command('stats')
    .description('show what the cache directory holds and what was counted')
    .addHelpText('after', examples('stats', 'stats --directory .llm-cache/demo --json'))
    .action(run<object>(async () => (await import('./stats.js')).stats));

  return program;
}

/** Parses and runs. @throws {UsageError} for a call that cannot be understood, and what the verb throws. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  if (argv.length <= 2) {
    process.stderr.write(program.helpInformation());
    throw new UsageError('no command was given; name one of those above');
  }
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    throw new UsageError(usageMessage(error, program, argv.slice(2)));
  }
}

/** The options that matter to a failure, also when the rest cannot be parsed. */
export function flagsWithin(args: readonly string[]): CommonFlags {
  const end = args.indexOf('--');
  const options = end < 0 ? args : args.slice(0, end);
  return {
    json: options.includes('--json'),
    debug: options.includes('--debug'),
    color: !options.includes('--no-color'),
  };
}

function usageMessage(error: CommanderError, program: Command, args: readonly string[]): string {
  const verb = program.commands.find((command) => args.includes(command.name()))?.name();
  const help = verb === undefined ? 'llm-cache --help' : `llm-cache ${verb} --help`;
  if (error.code === 'commander.help') return 'there is no such command; name one of those above';
  const [said = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n');
  const near = /^\(Did you mean (.*)\?\)$/.exec(suggestion)?.[1];
  const what = cut(said.replace(/\.$/, ''), 300);
  return near === undefined ? `${what}; run "${help}"` : `${what}; did you mean ${near}? "${help}" lists all`;
}

function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${bounds}`);
  };
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('It must look like key=value');
  return [...before, text];
}

function collectWord(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ llm-cache ${line}`).join('\n')}`;
}
