// What stands below the options in every `--help`: environment and exit codes. program.ts and the tests of the command line import it.

/** The exit codes, as docs/command-line.md has them. */
export const exitCodes: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [1, 'failed; one line on standard error says why and what to do'],
  [2, 'called wrongly: an unknown command or option, or a value that is none'],
  [130, 'stopped by Ctrl-C (143 by SIGTERM)'],
];

const shared: readonly (readonly [name: string, meaning: string])[] = [
  ['LLM_CACHE_CONFIG', 'configuration file, where --config names none'],
  ['LLM_CACHE_DIRECTORY', 'cache directory, where --directory names none'],
  ['NO_COLOR, FORCE_COLOR', 'no colours, or colours also in a pipe'],
];

// What matters to one command beside what matters to all.
const own: Readonly<Record<string, readonly (readonly [name: string, meaning: string])[]>> = {
  query: [
    ['EMBEDDING_MODEL', 'the embedding model'],
    ['REDIS_HOST, VECTOR_DB_BACKEND', 'where tier B and the corpus live'],
  ],
  ingest: [
    ['EMBEDDING_MODEL, EMBEDDING_BATCH_SIZE', 'the embedding model, and texts at a time'],
    ['CHUNK_SIZE, CHUNK_OVERLAP, MIN_CHUNK_SIZE', 'how documents are cut'],
    ['VECTOR_DB_BACKEND', 'where the corpus lives'],
  ],
  config: [['all of docs/configuration.md', 'every variable sets one key']],
  import: [['EMBEDDING_MODEL', 'the embedding model that passages are embedded with']],
};

// These read no configuration.
const bare = new Set(['plan', 'completion']);

function rows(pairs: readonly (readonly [string | number, string])[]): string[] {
  const width = Math.max(...pairs.map(([name]) => String(name).length));
  return pairs.map(([name, meaning]) => `  ${String(name).padEnd(width)}  ${meaning}`);
}

/** The end of a command's help. */
export function closingHelp(verb: string): string {
  const variables = bare.has(verb) ? shared.slice(-1) : [...(own[verb] ?? []), ...shared];
  return [
    '',
    'Environment:',
    ...rows(variables),
    '',
    'Exit codes:',
    ...rows(exitCodes),
    '',
    'docs/command-line.md has all commands, docs/configuration.md every key.',
  ].join('\n');
}
