// Reads tables (CSV, TSV) as a stream, one document a row; the only importer of csv-parse. For formats.ts.
import { type Parser, parse } from 'csv-parse';
import { IngestError } from '../core/errors.js';
import { type Blocks, withHead } from './bytes.js';
import type { ReadItem } from './document.js';
import { documentOf, type RecordFields } from './fields.js';
import { scalar } from './markdown.js';

interface Row {
  readonly values: readonly string[];
  /** Line on which it ends. */
  readonly lastLine: number;
}

const separators = [',', ';', '\t'];
const longestHead = 4096;

/**
 * Yields a document for each row below the first, which names the columns. With a column for the text every other one but id and
 * title is metadata; without one, unless `fields.text` asks for it, the text is the row as lines `column: value`. The separator is
 * the one of comma, semicolon and tab that the first line has most of. Cost: holds one row at a time, up to `maxRowBytes`.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST where the file cannot be read any further.
 */
export async function* readCsv(
  blocks: Blocks,
  source: string,
  fields: RecordFields,
  maxRowBytes: number,
): AsyncGenerator<ReadItem, void, undefined> {
  const table = new Table(maxRowBytes);
  let columns: readonly string[] | undefined;
  let lastLine = 0;
  for await (const { rows, failure } of table.read(decoded(blocks))) {
    for (const { values, lastLine: ended } of rows) {
      const line = lastLine + 1;
      lastLine = ended;
      if (columns === undefined) columns = checkColumns(values, fields);
      else yield* rowItems(columns, values, source, line, fields);
    }
    if (failure !== undefined) {
      throw new IngestError(`line ${lastLine + 1}, and what follows, cannot be read: ${failure.message}`);
    }
  }
}

/** Takes text in and gives rows out, those before a fault included. */
class Table {
  readonly #maxRowBytes: number;
  #rows: Row[] = [];

  constructor(maxRowBytes: number) {
    this.#maxRowBytes = maxRowBytes;
  }

  async *read(texts: AsyncIterable<string>): AsyncGenerator<{ rows: Row[]; failure?: Error | undefined }> {
    let parser: Parser | undefined;
    for await (const text of texts) {
      parser ??= this.#open(separatorOf(text));
      const failure = await outcome((done) => parser?.write(text, done));
      yield { rows: this.#take(), failure };
      if (failure !== undefined) return;
    }
    const failure = await outcome((done) => (parser === undefined ? done() : parser.end(done)));
    yield { rows: this.#take(), failure };
  }

  #take(): Row[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  #open(delimiter: string): Parser {
    const parser = parse({
      bom: true,
      relax_column_count: true,
      // A lone quotation mark within a value is what people write.
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: this.#maxRowBytes,
      delimiter,
      on_record: (values: string[], { lines }) => {
        this.#rows.push({ values, lastLine: lines });
        return null;
      },
    });
    parser.on('error', () => {}).resume();
    return parser;
  }
}

/** What a call reports when it is done. */
function outcome(call: (done: (error?: Error | null) => void) => void): Promise<Error | undefined> {
  return new Promise((resolve) => call((error) => resolve(error ?? undefined)));
}

function* rowItems(
  columns: readonly string[],
  values: readonly string[],
  source: string,
  line: number,
  fields: RecordFields,
): Generator<ReadItem> {
  const notes: string[] = [];
  const cells = columns.map((name, at): [string, string] => [name, values[at] ?? '']);
  const bytes = values.reduce((sum, value) => sum + Buffer.byteLength(value) + 1, 0);
  const document = documentOf(recordOf(cells, fields), source, { ...fields, metadata: 'metadata' }, notes);
  const skip = (why: string, partial: boolean): ReadItem => ({
    kind: 'skipped',
    skipped: { source, line, why: `line ${line}: ${why}`, ...(partial ? { partial } : {}) },
  });
  if (typeof document === 'string') {
    yield skip(document, false);
    return;
  }
  if (values.length > columns.length)
    notes.push(`${values.length - columns.length} values are left out: no column is theirs`);
  for (const note of notes) yield skip(note, true);
  yield { kind: 'document', document, bytes, line };
}

function recordOf(cells: readonly [string, string][], fields: RecordFields): Record<string, unknown> {
  const { id = 'id', title = 'title', text = 'text' } = fields;
  const isNamed = fields.text !== undefined || cells.some(([name]) => name === text);
  const own = new Set([id, title, text]);
  const record = cells.filter(([name, value]) => own.has(name) && (name === text || value !== ''));
  if (!isNamed) {
    const filled = cells.filter(([name, value]) => name !== id && value.trim() !== '');
    return {
      ...Object.fromEntries(record),
      [text]: filled.map(([name, value]) => `${name}: ${value}`).join('\n'),
    };
  }
  const others = cells.filter(([name, value]) => !own.has(name) && name !== '' && value !== '');
  const metadata = Object.fromEntries(others.map(([name, value]) => [name, scalar(value.trim())]));
  return { ...Object.fromEntries(record), metadata };
}

function checkColumns(columns: readonly string[], { text }: RecordFields): readonly string[] {
  const names = columns.map((name) => name.trim());
  if (text !== undefined && !names.includes(text)) {
    const known = names.slice(0, 20).join(', ').slice(0, 300);
    throw new IngestError(`no column "${text}" in its first line, which names ${known}`);
  }
  return names;
}

function separatorOf(text: string): string {
  const line = text.slice(0, longestHead).split('\n', 1)[0] as string;
  const counted = separators.map((separator) => line.split(separator).length);
  return separators[counted.indexOf(Math.max(...counted))] as string;
}

async function* decoded(blocks: Blocks): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const { bytes } of withHead(blocks)) {
      const text = decoder.decode(bytes, { stream: true });
      if (text !== '') yield text;
    }
    decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new IngestError('not UTF-8', { cause: error });
  }
}
