// The verbs and their options. For main.ts alone.
import { readFileSync } from 'node:fs';
import { planEngines } from '../index.js';
import type { CalibrateFlags } from './calibrate.js';
import { Argument, Command, CommanderError, Option } from './commander.js';
import { completionScript, type Shell, shells } from './completion.js';
import type { ConfigFlags } from './config.js';
import { type CommonFlags, type Context, contextOf } from './context.js';
import { addDecision } from './decision-verbs.js';
import type { DemoFlags } from './demo.js';
import type { EvalFlags } from './eval.js';
import type { ExplainFlags } from './explain.js';
import { UsageError } from './failure.js';
import { closingHelp } from './help.js';
import type { ImportFlags } from './import.js';
import type { IngestFlags } from './ingest.js';
import type { InvalidateFlags } from './invalidate.js';
import { addInvalidate } from './invalidate-verb.js';
import type { MemoryFlags } from './memory.js';
import { addMemory } from './memory-verbs.js';
import type { PlanFlags } from './plan.js';
import type { QueryFlags } from './query.js';
import type { ReplayFlags } from './replay.js';
import type { StatsFlags } from './stats.js';
import { cut } from './text.js';
import { append, byteCount, collect, decimal, examples, wholeNumber, wholeNumbers } from './values.js';
import type { WarmFlags } from './warm.js';

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
    .option(
      '--set <key=value>',
      'set any key of the configuration, such as cache.max_entries=500; may be given several times',
      collect,
    )
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
    .option('--include <glob>', 'only these files of the folder; may be given several times', append)
    .option(
      '--ignore <pattern>',
      'leave these out, as in a .gitignore; may be given several times, beside .llmcacheignore files',
      append,
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
    .description('show the configuration and where it comes from, or write a file to begin with')
    .option('--show', 'every key, its value and its source; this is also what happens without an option')
    .option('--origin', 'the same, and what each value was stronger than, and the variable of each key')
    .option(
      '--init [file]',
      'write a file with every key explained and commented out (default: llm-cache.yaml)',
    )
    .option('--force', 'let --init overwrite a file')
    .option('--schema', 'print the JSON Schema of configuration files, for editors')
    .addHelpText(
      'after',
      examples(
        'config --show',
        'config --show --origin --config production.yaml --set redis.port=6380',
        'config --init',
        'config --schema > schema.json',
      ),
    )
    .action(run<ConfigFlags>(async () => (await import('./config.js')).config));

  program
    .command('stats')
    .description('show what the cache directory holds and what was counted')
    .option(
      '--watch [seconds]',
      'again every so many seconds until Ctrl-C, 1 to 86,400; 2 when none are named',
      wholeNumber(1, 86_400),
    )
    .addHelpText(
      'after',
      examples(
        'stats',
        'stats --watch 5',
        'stats --directory .llm-cache/demo --json',
        'stats --watch --json >> stats.jsonl',
      ),
    )
    .action(run<StatsFlags>(async () => (await import('./stats.js')).stats));

  program
    .command('plan')
    .description('plan memory, machines, latency and money for so many vectors; reads no configuration')
    .option('--vectors <n>', 'vectors kept', wholeNumber(0))
    .option('--dim <n>', 'numbers a vector, 1 to 65,536', wholeNumber(1, 65_536))
    .addOption(new Option('--engine <name>', 'one engine alone').choices(planEngines))
    .option('--hnsw-m <n>', 'links of a graph, 2 to 512 (default: 16)', wholeNumber(2, 512))
    .option(
      '--pq-m <n>',
      'parts of product quantisation; divides --dim (default: its greatest divisor up to 64)',
      wholeNumber(1),
    )
    .option('--pq-nbits <n>', 'bits a part, 1 to 16 (default: 8)', wholeNumber(1, 16))
    .option('--lists <n>', 'inverted lists (default: 1024)', wholeNumber(1))
    .option(
      '--machine-memory <bytes>',
      'memory of one machine, such as 64GiB or 128GB (default: 64GiB)',
      byteCount,
    )
    .option('--machine-share <part>', 'part of it for vectors, 0.01 to 1 (default: 0.7)', decimal(0.01, 1))
    .option('--requests-per-second <n>', 'requests a second; adds latency and money', decimal(0, 1e9))
    .option('--hit-rate <part>', 'part answered from the cache, 0 to 1 (default: 0.5)', decimal(0, 1))
    .option('--llm-ms <n>', 'milliseconds the model takes (default: 1000)', decimal(0, 3_600_000))
    .option('--llm-cost <money>', 'what one answer of the model costs', decimal(0, 1e6))
    .option('--hit-ms <n>', 'milliseconds of a hit, embedding included (default: 1.1)', decimal(0, 3_600_000))
    .option('--miss-ms <n>', 'milliseconds that a miss adds (default: 2.1)', decimal(0, 3_600_000))
    .addHelpText(
      'after',
      examples(
        'plan --vectors 10000000 --dim 1536',
        'plan --vectors 10000000 --dim 1536 --engine ivfpq --pq-m 64 --machine-memory 32GiB',
        'plan --vectors 50000 --dim 384 --requests-per-second 200 --hit-rate 0.6 --llm-ms 1200 --llm-cost 0.002',
      ),
    )
    .action(run<PlanFlags>(async () => (await import('./plan.js')).plan));

  program
    .command('import')
    .description('bring what the Python package llm-semantic-cache keeps in Redis into this cache')
    .option('--redis <url>', 'its Redis: redis://user:password@host:port/db')
    .option('--questions <file>', 'past questions, one a line: its answers are kept under hashes of them')
    .option('--top-k <n,…>', 'values of top_k the questions were asked with (default: 5)', wholeNumbers)
    .option('--model <name>', 'embedding model the questions were asked with (default: all-MiniLM-L6-v2)')
    .option('--tenant <name>', 'tenant whose answers these become (default: none)')
    .option('--dry-run', 'count what would be brought over, and write nothing')
    .addHelpText(
      'after',
      examples(
        'import --redis redis://localhost:6379/0 --dry-run',
        'import --redis redis://localhost:6379/0 --questions questions.txt --top-k 5,10 --tenant acme',
      ),
    )
    .action(run<ImportFlags>(async () => (await import('./import.js')).importRedis));

  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText(
      'after',
      examples(
        'completion bash >> ~/.bashrc',
        'completion zsh > ~/.zfunc/_llm-cache',
        'completion fish | source',
      ),
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript(program, shell));
    });

  addDecision(program, {
    explain: run<ExplainFlags>(async () => (await import('./explain.js')).explain),
    replay: run<ReplayFlags>(async () => (await import('./replay.js')).replay),
    eval: run<EvalFlags>(async () => (await import('./eval.js')).evaluate),
    calibrate: run<CalibrateFlags>(async () => (await import('./calibrate.js')).calibrate),
  });

  addInvalidate(
    program,
    run<InvalidateFlags>(async () => (await import('./invalidate.js')).invalidate),
  );

  addMemory(program, (verb) =>
    run<MemoryFlags>(async () => {
      const { memory } = await import('./memory.js');
      return (context, flags, argument) => memory(verb, context, flags, argument);
    }),
  );

  program
    .command('warm')
    .description(
      'keep the results of popular questions warm: search anew for what is gone or about to expire',
    )
    .option('--top-n <n>', 'questions looked at (default: 100)', wholeNumber(1, 1_000_000))
    .option('--interval <seconds>', 'again and again, this far apart, until Ctrl-C', wholeNumber(1, 86_400))
    .option('--once', 'once, whatever --interval says; this is also what happens without --interval')
    .addHelpText('after', examples('warm', 'warm --top-n 500 --json', 'warm --interval 300'))
    .action(run<WarmFlags>(async () => (await import('./warm.js')).warm));

  program.addHelpText(
    'after',
    examples('ingest docs/', 'query "How long do I boil a soft egg?"', 'config --init', 'help plan') +
      closingHelp(''),
  );
  for (const command of program.commands) {
    for (const part of [command, ...command.commands]) part.addHelpText('after', closingHelp(command.name()));
  }
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
