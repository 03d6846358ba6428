// `npm run bench`: runs the cases, prints tables and targets, writes JSON lines and an HTML report. The entry; imported by nobody.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { planOf } from './cases/all.js';
import { crossoverLines, crossoverSource } from './cases/crossover.js';
import { entries } from './cases/tiers.js';
import { ownRows } from './data/own.js';
import { Contestant, killChildren } from './harness/children.js';
import { failedRow, runGroup } from './harness/group.js';
import { type Header, headerLines, headerOf } from './harness/header.js';
import { htmlReport } from './harness/html.js';
import { type RedisServer, startRedis } from './harness/redis.js';
import { referenceLines } from './harness/reference.js';
import { withSets } from './harness/sets.js';
import { noteLines, sectionLines, sectionsOf, titles, units, verdictLines } from './harness/table.js';
import { judge } from './harness/targets.js';
import { type CaseName, caseNames, type Ground, type Job, onRequest, type Row } from './types.js';

const usage = `Usage: npm run bench -- [case …] [options]
  --quick        smaller and shorter: a minute on two cores
  --full         a million vectors in every index too: hours
  --out FILE     JSON lines, one a row; default bench/results/<date>-<commit>.jsonl
  --html FILE    report; default beside --out
  --runs N       runs of each contender, 1 to 100; default 5
  --seed N       seed of all data; default 42
  --vectors FILE index cases on your own vectors too: float32 rows of 384 values, unit length
  --sizes N,…    sizes of the cases crossover, index and streamed, each of 100 to 10,000,000; default: their own
  --sets DIR     keeps the real and fitted sets of vectors there, to be used again with the same version
  --only NAME    contenders whose names begin so; may be given more than once
  --record       also bench/results/readme.json, the figures of README.md (bench/readme.ts puts them there)
  --list         print the cases and end`;

/** What README.md shows figures of. */
const recordedCases: ReadonlySet<CaseName> = new Set([
  'flat-search',
  'flat-build',
  'embed-throughput',
  'tier-a-exact',
  'tier-a-semantic',
  'tier-b-disk',
  'tier-b-redis',
  'tier-c',
  'miss',
]);

interface Settings {
  readonly chosen: ReadonlySet<CaseName>;
  readonly quick: boolean;
  readonly full: boolean;
  readonly runs: number;
  readonly seed: number;
  readonly out: string | undefined;
  readonly html: string | undefined;
  readonly vectors: string | undefined;
  readonly sizes: readonly number[] | undefined;
  readonly sets: string | undefined;
  readonly only: readonly string[] | undefined;
  /** The run is the one that README.md tells of. */
  readonly record: boolean;
}

function settingsOf(args: string[]): Settings | 'list' | 'help' {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      out: { type: 'string' },
      html: { type: 'string' },
      vectors: { type: 'string' },
      sizes: { type: 'string' },
      sets: { type: 'string' },
      only: { type: 'string', multiple: true },
      runs: { type: 'string', default: '5' },
      seed: { type: 'string', default: '42' },
      record: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.list) return 'list';
  for (const name of positionals) {
    if (!(caseNames as readonly string[]).includes(name)) {
      throw new Error(`no case ${name}; there are ${caseNames.join(', ')}`);
    }
  }
  const chosen = new Set(
    positionals.length === 0 ? caseNames.filter((name) => !onRequest.has(name)) : (positionals as CaseName[]),
  );
  const integer = (name: 'runs' | 'seed', least: number, most: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Error(`--${name}: expected an integer from ${least} to ${most}, got ${values[name]}`);
  };
  const runs = integer('runs', 1, 100);
  const sizes = values.sizes?.split(',').map(Number);
  if (sizes?.some((size) => !Number.isInteger(size) || size < 100 || size > 1e7)) {
    throw new Error(`--sizes: expected integers from 100 to 10,000,000, got ${values.sizes}`);
  }
  return {
    chosen,
    quick: values.quick,
    full: values.full && !values.quick,
    runs,
    seed: integer('seed', 0, 2 ** 31 - 1),
    out: values.out,
    html: values.html,
    vectors: values.vectors && resolve(values.vectors),
    sizes,
    sets: values.sets && resolve(values.sets),
    only: values.only,
    record: values.record,
  };
}

const directory = mkdtempSync(join(tmpdir(), 'llm-cache-bench-'));
let redis: RedisServer | undefined;

function cleanUp(): void {
  killChildren();
  redis?.stop();
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
process.on('exit', cleanUp);
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  process.on(signal, () => process.exit(128 + number));
}

/** What the whole-cache cases copy, and the server that one of them asks; the reason when the first fails. */
async function prepare(
  jobs: readonly Job[],
  { seed, runs, quick, sets }: Settings,
): Promise<{ ground: Ground; broken?: string }> {
  const cached = jobs.find(({ subject }) => subject.startsWith('cache-'));
  if (jobs.some((job) => job.case === 'tier-b-redis')) redis = await startRedis(directory);
  const ground = { directory, sets, redisPort: redis?.port };
  if (sets !== undefined) mkdirSync(sets, { recursive: true });
  if (cached === undefined) return { ground };
  const filler = new Contestant({
    case: cached.case,
    contender: 'ours',
    subject: 'fixture',
    n: entries,
    d: cached.d,
    seed,
    runs,
    quick,
  });
  try {
    await filler.setup(ground);
    await filler.close();
    return { ground };
  } catch (error) {
    return { ground, broken: `the cache could not be filled: ${(error as Error).message}` };
  }
}

async function measure(settings: Settings, header: Header): Promise<Row[]> {
  const { vectors, quick, full, runs, seed, sizes, only } = settings;
  const own = vectors === undefined ? undefined : { file: vectors, rows: ownRows(vectors, header.d) };
  const groups = planOf(settings.chosen, { quick, full, runs, seed }, { kernels: header.kernels, own, sizes })
    .map((group) => group.filter(({ contender }) => only?.some((name) => contender.startsWith(name)) ?? true))
    .filter((group) => group.length > 0);
  const { ground, broken } = await prepare(groups.flat(), settings);
  const rows: Row[] = [];
  for (const group of groups) {
    const started = performance.now();
    const reason = (job: Job) => {
      if (job.case === 'tier-b-redis' && ground.redisPort === undefined) return 'no redis-server';
      return job.subject.startsWith('cache-') ? broken : undefined;
    };
    const lost = group
      .filter((job) => reason(job) !== undefined)
      .map((job) => failedRow(job, reason(job) as string));
    const ready = await withSets(
      group.filter((job) => reason(job) === undefined),
      ground,
    );
    const ran = await runGroup(ready, ground);
    const fresh = [...ran, ...lost].filter((row) => settings.chosen.has(row.case));
    rows.push(...fresh);
    for (const section of sectionsOf(fresh)) console.log(sectionLines(section).join('\n'));
    if (process.stderr.isTTY) console.error(`  ${((performance.now() - started) / 1e3).toFixed(1)} s`);
  }
  return caseNames.flatMap((name) => rows.filter((row) => row.case === name));
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

async function main(): Promise<number> {
  const settings = settingsOf(process.argv.slice(2));
  if (typeof settings === 'string') {
    console.log(
      settings === 'help' ? usage : caseNames.map((name) => `${name.padEnd(18)}${titles[name]}`).join('\n'),
    );
    return 0;
  }
  const started = performance.now();
  const header = headerOf(settings);
  console.log(headerLines(header).join('\n'));
  const rows = await measure(settings, header);
  const verdicts = judge(rows);
  console.log(['', 'targets', ...verdictLines(verdicts), ...crossoverLines(rows)].join('\n'));
  console.log(['', "the reference's tables", ...referenceLines(rows)].join('\n'));
  console.log(['', 'units', ...units.map((line) => `  ${line}`), '', 'notes', ...noteLines(rows)].join('\n'));

  const results = fileURLToPath(new URL('./results/', import.meta.url));
  const name = `${header.date.slice(0, 10)}-${header.commit.replace('+', '-changed')}.jsonl`;
  const out = settings.out ?? join(results, name);
  const html = settings.html ?? `${out.replace(/\.jsonl?$/, '')}.html`;
  write(out, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  write(`${out}.header.json`, `${JSON.stringify({ ...header, targets: verdicts }, null, 2)}\n`);
  write(html, htmlReport(header, rows, verdicts));
  const found = settings.quick ? undefined : crossoverSource(rows, header);
  if (found !== undefined)
    write(fileURLToPath(new URL('../src/engines/crossovers.ts', import.meta.url)), found);
  if (settings.record) {
    const shown = rows.filter((row) => recordedCases.has(row.case));
    write(join(results, 'readme.json'), `${JSON.stringify({ header, rows: shown }, null, 1)}\n`);
  }
  const shown = (file: string) => relative(process.cwd(), file) || file;
  console.log(
    `\n${rows.length} rows in ${((performance.now() - started) / 1e3).toFixed(1)} s · ${shown(out)} · ${shown(html)}`,
  );
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    if (!(error instanceof Error) || /^(no case|--|Unknown option|Option)/.test(error.message))
      console.error(usage);
    process.exit(2);
  },
);
