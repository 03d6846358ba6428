// The verb `config`. For program.ts alone.
import { writeFile } from 'node:fs/promises';
import { type ConfigRow, configJsonSchema, configTemplate, type LoadedConfig, showConfig } from '../index.js';
import { type CommonFlags, type Context, load, openOptions } from './context.js';
import { UsageError } from './failure.js';
import type { Output } from './output.js';
import { type Column, type Row, tableLines } from './table.js';

/** Options of `config`. */
export interface ConfigFlags extends CommonFlags {
  readonly show?: boolean;
  readonly origin?: boolean;
  readonly schema?: boolean;
  /** True without a name. */
  readonly init?: string | true;
  readonly force?: boolean;
}

const defaultFile = 'llm-cache.yaml';

// Units that say nothing beside the key's name.
const bare = new Set(['', 'port', 'number', 'numbers']);

/** Shows every key, writes a file to begin with, or prints the schema of such files; secrets are never shown. */
export async function config(context: Context, flags: ConfigFlags): Promise<void> {
  const { output } = context;
  const asked = [flags.show ?? flags.origin, flags.schema, flags.init].filter(Boolean).length;
  if (asked > 1) throw new UsageError('--show, --schema and --init exclude each other; name one');
  if (flags.force === true && flags.init === undefined)
    throw new UsageError('--force belongs to --init; add it');
  if (flags.init !== undefined) return init(output, flags);
  if (flags.schema === true) {
    // A schema is JSON either way.
    process.stdout.write(`${JSON.stringify(configJsonSchema(), null, output.json ? undefined : 2)}\n`);
    return;
  }
  const loaded = load(context, openOptions(flags));
  const rows = showConfig(loaded);
  output.data({ file: loaded.file ?? null, notes: loaded.notes, keys: rows });
  if (!output.json) show(output, loaded, rows, flags.origin === true);
}

async function init(output: Output, { init: name, force = false }: ConfigFlags): Promise<void> {
  const file = typeof name === 'string' ? name : defaultFile;
  try {
    // It may come to hold a password, so it is its owner's alone.
    await writeFile(file, configTemplate(), { flag: force ? 'w' : 'wx', mode: 0o600 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new UsageError(`${file} is there already; --force overwrites it`);
    throw new UsageError(`cannot write ${file}: ${code ?? message}; name another file`);
  }
  output.data({ file });
  output.line(`Wrote ${file}: every key with its default, commented out.`);
}

function show(output: Output, loaded: LoadedConfig, rows: readonly ConfigRow[], origin: boolean): void {
  const { bold, cyan, dim } = output.style;
  const head: Column[] = [
    { title: 'key' },
    { title: 'value', flexible: true },
    { title: 'from' },
    ...(origin ? [{ title: 'stronger than' }, { title: 'variable' }] : []),
    { title: 'note' },
  ];
  const lines = rows.map(({ key, text, unit, source, where, over, environment, note }): Row => {
    const isDefault = source === 'default';
    const value = bare.has(unit) || !/^\d/.test(text) ? text : `${text} ${unit}`;
    const paint = isDefault ? dim : (shown: string) => shown;
    return [
      { text: key, paint: isDefault ? (shown: string) => shown : bold },
      { text: value, paint: isDefault ? (shown: string) => shown : cyan },
      { text: placeOf(where), paint },
      ...(origin
        ? [
            over.length === 0 && !isDefault ? 'default' : over.map(placeOf).join(', '),
            { text: environment, paint: dim },
          ]
        : []),
      { text: note === '' ? '' : 'no effect yet', paint: dim },
    ];
  });
  output.line();
  for (const line of tableLines(output, head, lines)) output.line(line);
  output.line();
  const file = loaded.file === undefined ? 'No configuration file was read' : `File: ${loaded.file}`;
  output.line(dim(`  ${file}; docs/configuration.md explains every key.`));
}

/** What configuration calls code is what the user typed here. */
function placeOf(where: string): string {
  return where === 'code' ? 'command line' : where;
}
