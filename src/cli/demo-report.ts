// What the demo prints: a table a phase, the statistics, and what to try next; or a line of JSON a question. For demo.ts alone.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Asked, DemoRecord, Size } from './demo-caches.js';
import { invocation, packageFolder } from './invocation.js';
import type { Output } from './output.js';
import { type Cell, type Column, type Row, tableLines } from './table.js';
import { bytes, columns, count, counted, milliseconds, shellWord } from './text.js';

const roomForTitles = 116;
const roomForSources = 152;

/** Collects what was asked and prints it. */
export class Report {
  readonly #output: Output;
  readonly #directory: string;
  readonly #widest: number;
  readonly #records: DemoRecord[] = [];
  #sizes: readonly Size[] = [];
  #phases = 0;

  /** `questions`: all that will be asked, so that the tables line up. */
  constructor(output: Output, directory: string, questions: readonly string[] = []) {
    this.#output = output;
    this.#directory = directory;
    this.#widest = Math.max(0, ...questions.map(columns));
  }

  /** The lines above everything. */
  opening(embedder: string): void {
    const { bold, cyan, dim } = this.#output.style;
    this.#output.line();
    this.#output.line(
      `  ${bold(cyan('llm-cache demo'))}  ${dim(`${embedder} · ${this.#directory}, made anew`)}`,
    );
  }

  /** Prints what was asked together. */
  phase(title: string, note: string, asked: readonly Asked[]): void {
    const output = this.#output;
    this.#records.push(...asked.map(({ record }) => record));
    for (const { record } of asked) output.data(record);
    if (output.json) return;
    const { bold, cyan, dim } = output.style;
    const isRoomy = !output.isTerminal || output.width >= roomForTitles;
    const hasSources = !output.isTerminal || output.width >= roomForSources;
    const head: Column[] = [
      { title: 'question', flexible: true, width: this.#widest },
      { title: 'match', width: 8 },
      { title: 'tier', width: 6 },
      { title: isRoomy ? 'similarity' : 'cosine', align: 'right' },
      { title: isRoomy ? 'latency ms' : 'ms', align: 'right', width: 7 },
      { title: isRoomy ? 'w/o embedding' : 'w/o emb.', align: 'right', width: 7 },
      ...(hasSources ? [{ title: 'answer from' }] : []),
    ];
    const rows = asked.flatMap(({ record, source }) => this.#rows(record, hasSources ? source : undefined));
    output.line();
    output.line(`  ${bold(cyan(String(++this.#phases)))}  ${bold(title)}`);
    output.paragraph(note, 5, dim);
    output.line();
    for (const line of tableLines(output, head, rows)) output.line(line);
  }

  /** Keeps how much the tiers hold, for the statistics. */
  sizes(sizes: readonly Size[]): void {
    this.#sizes = sizes;
  }

  /** Prints the block of statistics. */
  statistics(): void {
    const output = this.#output;
    if (output.json) return;
    const { bold, cyan } = output.style;
    const records = this.#records;
    const hits = records.filter(({ match }) => match !== 'none').length;
    const refused = records.filter((record) => record.refused !== null).length;
    output.line();
    output.line(`  ${bold(cyan('Statistics'))}`);
    const asked = records.length === 1 ? '1 query' : `${count(records.length)} queries`;
    const rate = percent(hits, records.length);
    output.paragraph(
      `${asked}: ${counted(hits, 'hit')} (${rate}), ${records.length - hits} from the origin, ${refused} of them refused by a rule`,
      2,
    );
    output.line();
    const head: Column[] = [
      { title: 'tier', width: 8 },
      { title: 'match', width: 8 },
      { title: 'queries', align: 'right' },
      { title: 'average ms', align: 'right', width: 9 },
      { title: 'p50', align: 'right', width: 8 },
      { title: 'p95', align: 'right', width: 8 },
      { title: output.isTerminal ? 'p50 w/o emb.' : 'p50 w/o embedding', align: 'right' },
    ];
    for (const line of tableLines(output, head, this.#latencies())) output.line(line);
    output.line();
    const sizeHead: Column[] = [
      { title: 'tier', width: 8 },
      { title: 'entries', align: 'right', width: 8 },
      { title: 'bytes', align: 'right', width: 8 },
      { title: 'what they are' },
    ];
    const rows = this.#sizes.map(({ name, entries, bytes: size }) => [
      name,
      count(entries),
      bytes(size),
      contents[name] ?? '',
    ]);
    for (const line of tableLines(output, sizeHead, rows)) output.line(line);
  }

  /** Prints commands that work as they stand. */
  whatNext(subjects: readonly { readonly question: string; readonly rewordings: readonly string[] }[]): void {
    const output = this.#output;
    const { bold, cyan, dim } = output.style;
    const command = invocation();
    const place = `--directory ${shellWord(this.#directory)}`;
    const example = subjects.at(-1);
    const inCheckout = process.cwd() === packageFolder;
    const lines: [string, string][] = [
      [
        `${command} demo --mode query --query ${shellWord(example?.rewordings[0] ?? '')} ${place}`,
        'a question in words of your own',
      ],
      [`${command} query ${shellWord(example?.question ?? '')} ${place}`, 'the passages behind an answer'],
      [`${command} stats ${place}`, 'what the directory holds'],
      [
        `${command} ingest ${inCheckout && existsSync('README.md') ? 'README.md' : '<folder>'} --directory .llm-cache`,
        'documents of your own',
      ],
    ];
    if (inCheckout && existsSync('bench'))
      lines.push(['npm run bench', 'the same figures, measured properly']);
    output.line();
    output.line(`  ${bold(cyan('What to try next'))}`);
    for (const [line, why] of lines) {
      output.line(`  ${dim(`# ${why}`)}`);
      output.line(`  ${line}`);
    }
    output.line(
      `  ${dim('The README says how to use the cache from code:')} ${inCheckout ? 'README.md' : join(packageFolder, 'README.md')}`,
    );
    output.line();
  }

  /** What the demo has to show and did not. */
  unseen(): string[] {
    const has = (test: (record: DemoRecord) => boolean) => this.#records.some(test);
    const wanted: [boolean, string][] = [
      [has(({ match, afterRestart }) => match === 'exact' && !afterRestart), 'an exact hit'],
      [
        has(({ match, afterRestart }) => match === 'semantic' && !afterRestart),
        'a semantic hit on a paraphrase',
      ],
      [has(({ match, refused }) => match === 'none' && refused !== null), 'a near miss that a rule refused'],
      [has(({ match, afterRestart }) => match === 'exact' && afterRestart), 'an exact hit after the restart'],
      [
        has(({ match, afterRestart }) => match === 'semantic' && afterRestart),
        'a semantic hit after the restart',
      ],
    ];
    return wanted.filter(([isSeen]) => !isSeen).map(([, what]) => what);
  }

  #rows(
    { question, match, tier, similarity, refused, latencyMs, embedMs }: DemoRecord,
    source: string | undefined,
  ): Row[] {
    const { cyan, dim, green, red, yellow } = this.#output.style;
    const paint = { exact: green, semantic: cyan, none: yellow }[match];
    const cells: Cell[] = [
      question,
      { text: match, paint },
      { text: tier, paint },
      similarity === 0 ? { text: '–', paint: dim } : similarity.toFixed(3),
      milliseconds(latencyMs),
      { text: milliseconds(latencyMs - embedMs), paint: dim },
      ...(source === undefined ? [] : [{ text: source, paint: dim }]),
    ];
    if (refused === null) return [cells];
    return [cells, { below: `refused by rule ${refused.rule}: ${refused.why}`, paint: red }];
  }

  #latencies(): string[][] {
    const groups = new Map<string, DemoRecord[]>();
    for (const record of this.#records) {
      const name = `${record.tier}|${record.match}`;
      groups.set(name, [...(groups.get(name) ?? []), record]);
    }
    const order = (record: DemoRecord) =>
      tierOrder.indexOf(record.tier) * 2 + Number(record.match === 'semantic');
    const sorted = [...groups.values()].sort(([a], [b]) => order(a as DemoRecord) - order(b as DemoRecord));
    return sorted.map((records) => {
      const { tier, match } = records[0] as DemoRecord;
      const all = records.map(({ latencyMs }) => latencyMs);
      const without = records.map(({ latencyMs, embedMs }) => latencyMs - embedMs);
      const average = all.reduce((sum, value) => sum + value, 0) / all.length;
      const figures = [average, percentile(all, 50), percentile(all, 95), percentile(without, 50)];
      return [tier, match, count(records.length), ...figures.map(milliseconds)];
    });
  }
}

const tierOrder = ['memory', 'disk', 'vector', 'origin'];

const contents: Readonly<Record<string, string>> = {
  memory: 'tier A, answers',
  disk: 'tier B, answers and the results of the origin',
  vector: 'tier C, answers with their vectors',
  corpus: 'passages of the documents',
};

/** The value that `percent` of the values do not exceed. */
function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] as number;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${Math.round((100 * part) / whole)} %`;
}
