// The verb `config`. For program.ts alone.
import { showConfig } from '../index.js';
import { type Context, load, openOptions } from './context.js';
import { type Column, tableLines } from './table.js';

// Units that say nothing beside the key's name.
const bare = new Set(['', 'port', 'number', 'numbers']);

/** Shows every key, its value and where it comes from; secrets are never shown. */
export async function config(context: Context): Promise<void> {
  const { flags, output } = context;
  const loaded = load(context, openOptions(flags));
  const rows = showConfig(loaded);
  output.data({ file: loaded.file ?? null, notes: loaded.notes, keys: rows });
  if (output.json) return;

  const { bold, cyan, dim } = output.style;
  const head: Column[] = [
    { title: 'key' },
    { title: 'value', flexible: true },
    { title: 'from' },
    { title: 'note' },
  ];
  const lines = rows.map(({ key, text, unit, source, where, note }) => {
    const isDefault = source === 'default';
    const value = bare.has(unit) || !/^\d/.test(text) ? text : `${text} ${unit}`;
    const paint = isDefault ? dim : (shown: string) => shown;
    return [
      { text: key, paint: isDefault ? (shown: string) => shown : bold },
      { text: value, paint: isDefault ? (shown: string) => shown : cyan },
      { text: where === 'code' ? 'command line' : where, paint },
      { text: note === '' ? '' : 'no effect yet', paint: dim },
    ];
  });
  output.line();
  for (const line of tableLines(output, head, lines)) output.line(line);
  output.line();
  output.line(
    dim(
      `  ${loaded.file === undefined ? 'No configuration file was read' : `File: ${loaded.file}`}; docs/configuration.md explains every key.`,
    ),
  );
}
