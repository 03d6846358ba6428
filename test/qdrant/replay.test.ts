// Replays recorded exchanges with a real server against the double, so that the double cannot drift from what Qdrant does.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Collection } from './collection.ts';
import { type Double, startDouble } from './double.ts';

interface Exchange {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly requestHeaders?: Record<string, string>;
  readonly requestBody: unknown;
  readonly requestBodyText?: string;
  readonly requestBodyOmitted?: unknown;
  readonly status: number;
  readonly responseBody: unknown;
  readonly responseBodyText?: string;
  readonly unstableBetweenRuns?: string[];
  readonly noHttpRequest?: boolean;
}
type Json = Record<string, unknown>;
type Answer = { status: number; text: string };

const test = suite('the double against recordings');
const folder =
  process.env.QDRANT_RECORDINGS ?? fileURLToPath(new URL('../../../shared/qdrant', import.meta.url));
const load = (file: string): Exchange[] => JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')).exchanges;

// Collections that were filled before the recording of a file began, and with how many of the usual points.
// The usual collection measures Cosine; this one does not.
const metrics: Record<string, string> = {
  u: 'Dot',
  tie_dot: 'Dot',
  tie_euclid: 'Euclid',
  tie_manhattan: 'Manhattan',
};
const filled: Record<string, number> = { f: 40, s: 40, qy: 40, r: 40, pi: 40, d: 40, b: 40, w: 0, m: 3 };
const empty = [
  's_empty',
  'qy_empty',
  'u',
  'p',
  'l',
  'rm',
  'tie_cosine',
  'tie_dot',
  'tie_euclid',
  'tie_manhattan',
];
const leftOut: Record<string, string> = {
  '12-payload-ops.json': 'routes not used; its points were made before the recording',
  '14-snapshots.json': 'routes not used',
  '17-wait-false.json': 'reads that race with writes',
  '18-named-and-sparse.json': 'named and sparse vectors are not used',
  '19-indexed-hnsw-and-quantized.json': 'its points were made before the recording',
  '20-client-transport-errors.json': 'not answers of Qdrant',
  '22-body-limit.json': 'its bodies are not recorded; the limit is tested apart',
  '24-strict-mode-and-rate-limit.json': 'limits are not part of the double',
};
const beyond: readonly [RegExp, string][] = [
  [/7\.0|bare NaN|1e39|1e400|big ints|over 2\^53|u64/i, 'numbers that JSON.parse does not tell apart'],
  [
    /big ids|^(search after a point without vector|count incl|final count)/,
    'its points have such numbers for ids',
  ],
  [/^(scroll|count) empty collection$/, 'its points were removed off the record'],
  [/BOM|150 levels|duplicate keys/, 'of the parser of the server'],
  [
    /^(wrong method on root|trailing slash|HEAD|cluster status|aliases on|create: name with dot-dot)/,
    'routes not used',
  ],
  [/self-score|self-match/, 'its points were made before the recording'],
  [/ties, (search|query)/, 'the order of ties is arbitrary'],
  [/alias/, 'aliases are not used'],
  [/bad hnsw|bad quantile|timeout|consistency|list of names|named vector that/, 'parameters not used'],
  [/update_filter|insert_only|update_only/, 'conditional upserts are not used'],
];

if (!existsSync(`${folder}/09-filters.json`)) {
  console.log(`skipped: no recordings in ${folder}; QDRANT_RECORDINGS names another folder`);
  test.skip('replay: skipped: no recordings');
} else {
  const bodies = load('17-wait-false.json').map(({ requestBody }) => pointsOf(requestBody));
  const usual = bodies.find((points) => points.length === 40) as Json[];
  for (const file of readdirSync(folder).filter((name) => /^\d\d-.*\.json$/.test(name))) {
    const why = leftOut[file];
    if (why !== undefined) {
      console.log(`skipped: ${file}: ${load(file).length} exchanges: ${why}`);
      test.skip(`${file}: skipped: ${why}`);
      continue;
    }
    test(file, async () => {
      const exchanges = load(file);
      const double = await startDouble({
        ...(file.startsWith('21') && { apiKey: 'right', readOnlyKey: 'read-only' }),
      });
      try {
        seed(double, usual, exchanges);
        await replay(file, double, exchanges);
      } finally {
        await double.stop();
      }
    });
  }
}

function pointsOf(body: unknown): unknown[] {
  const points = (body as { points?: unknown } | null)?.points;
  return Array.isArray(points) ? points : [];
}

function seed(double: Double, usual: readonly Json[], exchanges: readonly Exchange[]): void {
  const met = new Set<string>();
  for (const { path, method, noHttpRequest } of exchanges) {
    const [, , name = '', ...rest] = noHttpRequest ? [] : (path.split('?')[0] as string).split('/');
    if (name === '' || met.has(name)) continue;
    met.add(name);
    if (method === 'PUT' && rest.length === 0) continue;
    if (filled[name] === undefined && !empty.includes(name)) continue;
    const collection = new Collection({ vectors: { size: 8, distance: metrics[name] ?? 'Cosine' } });
    if (filled[name]) collection.upsert({ points: usual.slice(0, filled[name]) });
    if (name === 'rm') {
      const ids = [10, 2, '2d503f4c-8e6f-4071-acbd-2e3f4a5b6c7d', '0b3f1e2a-6c4d-4e5f-8a9b-0c1d2e3f4a5b'];
      collection.upsert({ points: ids.map((id) => ({ id, vector: usual[0]?.vector })) });
    }
    double.collections.set(name, collection);
  }
}

const keys: readonly [RegExp, Record<string, string>][] = [
  [/^right key as Authorization/, { authorization: 'Bearer right' }],
  [/^right key in query string|^no key|without key/, {}],
  [/^right key/, { 'api-key': 'right' }],
  [/^read-only/, { 'api-key': 'read-only' }],
  [/^empty key/, { 'api-key': '' }],
  [/^wrong bearer/, { authorization: 'Bearer wrong' }],
  [/^basic auth/, { authorization: 'Basic eDp5' }],
  [/^wrong key/, { 'api-key': 'wrong' }],
];

async function replay(file: string, double: Double, exchanges: readonly Exchange[]): Promise<void> {
  const skipped = new Map<string, number>();
  const skip = (why: string) => skipped.set(why, (skipped.get(why) ?? 0) + 1);
  const problems: string[] = [];
  let compared = 0;
  for (const exchange of exchanges) {
    if (exchange.noHttpRequest) skip('no request');
    else if (exchange.requestBodyOmitted) skip('body not recorded');
    else {
      const why = beyond.find(([pattern]) => pattern.test(exchange.name))?.[1];
      const answer = why ? undefined : await ask(double, exchange, file);
      if (why) skip(why);
      else if (answer?.status === 501)
        skip(
          `no ${exchange.method} ${(exchange.path.split('?')[0] as string).replace(/^\/collections\/[^/]+/, '/…').replace(/\/\d+$/, '/1')}`,
        );
      else {
        compared++;
        try {
          compare(exchange.name, exchange, answer as Answer);
        } catch (error) {
          problems.push((error as Error).message);
        }
      }
    }
  }
  const list = [...skipped].map(([why, count]) => `${count} ${why}`).join('; ');
  console.log(`${file}: ${compared} compared${list && `, left out: ${list}`}`);
  assert.equal(problems, []);
  assert.ok(compared > 0, 'nothing was compared');
}

async function ask(
  double: Double,
  exchange: Exchange,
  file: string,
): Promise<{ status: number; text: string }> {
  const { method, path, name, requestBody } = exchange;
  const body = exchange.requestBodyText ?? (requestBody === null ? undefined : JSON.stringify(requestBody));
  const key = file.startsWith('21') ? keys.find(([pattern]) => pattern.test(name))?.[1] : undefined;
  const response = await fetch(double.url + path, {
    method,
    headers: { ...key },
    ...(body !== undefined && method !== 'GET' && method !== 'HEAD' && { body }),
  });
  return { status: response.status, text: await response.text() };
}

function compare(what: string, recorded: Exchange, answer: { status: number; text: string }): void {
  assert.is(answer.status, recorded.status, `${what}: ${answer.text.slice(0, 200)}`);
  if (recorded.unstableBetweenRuns?.includes('responseBody')) return;
  const text = recorded.responseBodyText ?? JSON.stringify(recorded.responseBody);
  let expected: unknown;
  try {
    expected = JSON.parse(text);
  } catch {
    assert.is(answer.text, text, what);
    return;
  }
  const problem = difference(essence(expected), essence(JSON.parse(answer.text)), 'body');
  assert.is(problem, undefined, `${what}: ${problem}`);
}

/** Of an answer, what the double promises: not the parser's wording, numbers of operations, or settings the database never reads. */
function essence(body: unknown): unknown {
  const error = (body as { status?: { error?: string } }).status?.error;
  if (error !== undefined)
    return error
      .replace(/ at line \d+ column \d+$/, '')
      .replace(/^(Format error in JSON body|Validation error in JSON body):.*/s, '$1');
  const { result } = body as { result?: unknown };
  const info = result as
    | { config?: { params?: Json }; points_count?: number; payload_schema?: Json }
    | undefined;
  if (info?.config) {
    return {
      params: info.config.params,
      points_count: info.points_count,
      payload_schema: info.payload_schema,
    };
  }
  return result ?? (body as Json).title;
}

const unstable = ['operation_id', 'version'];

function difference(a: unknown, b: unknown, at: string): string | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a)) ? undefined : `${at}: ${a} recorded, got ${b}`;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b
      ? undefined
      : `${at}: ${JSON.stringify(a)?.slice(0, 200)} recorded, got ${JSON.stringify(b)?.slice(0, 200)}`;
  }
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (unstable.includes(name) && !Array.isArray(a)) continue;
    const found = difference((a as Json)[name], (b as Json)[name], `${at}.${name}`);
    if (found) return found;
  }
  return undefined;
}

test.run();
