// Showing a configuration, turning it back into data, and the documentation that must say the same.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what the YAML files of these tests hold.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configFromYaml, loadConfig } from '#dist/config/load.js';
import { ALIASES, keyAt, PATHS, yamlName } from '#dist/config/schema.js';
import { configToObject, showConfig } from '#dist/config/show.js';

const test = suite('showConfig');
const docs = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const types = ['types', 'answer-types', 'engine-types']
  .map((name) => readFileSync(new URL(`../../src/config/${name}.ts`, import.meta.url), 'utf8'))
  .join('\n');

test('every key has one row with value, source and place', () => {
  const env = { REDIS_HOST: 'r', REDIS_PASSWORD: 'pw' };
  const overrides = { cache: { ttlSeconds: null, rules: ['numbers', 'negation'] }, hnsw: { m: 20 } };
  const rows = showConfig(loadConfig({ file: null, env, overrides }));
  assert.equal(
    rows.map((row) => row.key),
    PATHS.map(yamlName),
  );
  const row = (key: string) => rows.find((candidate) => candidate.key === key);
  const common = { unit: '', environment: '', usedBy: 'tier B', note: '', over: [] };
  assert.equal(row('redis.password'), {
    ...common,
    key: 'redis.password',
    value: '[secret]',
    text: '[secret]',
    source: 'environment',
    where: 'REDIS_PASSWORD',
    environment: 'REDIS_PASSWORD',
  });
  assert.equal(row('redis.username'), {
    ...common,
    key: 'redis.username',
    value: null,
    text: 'not set',
    source: 'default',
    where: 'default',
  });
  assert.equal([row('cache.ttl_seconds')?.value, row('cache.ttl_seconds')?.text], [null, 'never']);
  assert.equal(
    [row('cache.rules')?.value, row('cache.rules')?.text],
    [['numbers', 'negation'], '[numbers, negation]'],
  );
  assert.is(row('chunking.separator')?.text, '"\\n\\n"');
  assert.equal(JSON.parse(JSON.stringify(rows)), rows);
});

test('keys that nobody reads yet say so in their row, and in a note when they are set', () => {
  const loaded = loadConfig({
    file: null,
    env: { QDRANT_USE_GRPC: '1' },
    overrides: { auth: { type: 'jwt' }, rateLimit: { burst: 20 } },
  });
  for (const { key, usedBy, note } of showConfig(loaded)) {
    const unused =
      /^(rate_limit|auth)\.|^(redis\.max_connections|faiss\.index_path|qdrant\.(grpc_port|use_grpc))$/.test(
        key,
      );
    assert.is(note, unused ? 'no effect in this version' : '', key);
    assert.is(usedBy === '', unused, key);
  }
  assert.equal(loaded.notes, [
    'no effect in this version: qdrant.use_grpc (QDRANT_USE_GRPC)',
    'no effect in this version: rate_limit.burst (code)',
    'no effect in this version: auth.type (code) - nobody is authenticated by it',
  ]);
});

test('a configuration becomes data and YAML and the same configuration again', () => {
  const overrides = {
    cache: {
      directory: '${HOME}/x $${A}',
      ttlSeconds: null,
      minSimilarity: 0.9,
      rules: ['numbers'],
      maxBytes: 5,
    },
    redis: { url: 'rediss://app@r.example:7000/3', tls: { caFile: 'ca.pem' } },
    embedding: { dim: 384, workers: 2 },
    qdrant: { tls: true },
    rateLimit: { burst: 4 },
    logLevel: 'debug' as const,
    debug: true,
  };
  const { config } = loadConfig({ file: null, env: {}, overrides });
  const object = configToObject(config);
  assert.equal(configFromYaml(JSON.stringify(object), { env: {} }), config);
  assert.is((object.cache as Record<string, unknown>).max_bytes, 5);
  assert.is((object.redis as Record<string, unknown>).command_timeout_ms, 50);
});

test('secrets leave only when asked for', () => {
  const { config } = loadConfig({ file: null, env: { REDIS_PASSWORD: 'pw', REDIS_HOST: 'r' } });
  assert.not.ok('password' in (configToObject(config).redis as object));
  const full = configToObject(config, { revealSecrets: true });
  assert.is((full.redis as Record<string, unknown>).password, 'pw');
  assert.is(configFromYaml(JSON.stringify(full), { env: {} }).redis.password?.reveal(), 'pw');
});

function shownDefault(value: unknown): string {
  if (value === undefined) return '–';
  return value === '\n\n' ? '`"\\n\\n"`' : `\`${String(value)}\``;
}

test('the table of the documentation holds every key with its variable, unit, default and effect', () => {
  const table = docs.slice(docs.indexOf('## All keys'), docs.indexOf('## Other names'));
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const expected = PATHS.map((path) => {
    const { env, unit = '', default: fallback } = keyAt(path);
    return [`\`${yamlName(path)}\``, env === undefined ? '' : `\`${env}\``, unit, shownDefault(fallback)];
  });
  assert.equal(
    cells.map((row) => row.slice(0, 4)),
    expected,
  );
  PATHS.forEach((path, i) => {
    const effect = cells[i]?.[4] ?? '';
    assert.ok(effect.length > 5, path);
    assert.is(effect.endsWith('†'), keyAt(path).usedBy === undefined, path);
  });
});

test('the documentation lists every other name', () => {
  const section = docs.slice(docs.indexOf('## Other names'));
  for (const { yaml, path } of ALIASES) {
    if (/^vector_db\.(faiss|qdrant)\./.test(yaml))
      assert.match(section, '`vector_db.faiss.…`, `vector_db.qdrant.…`');
    else assert.match(section, `| \`${yaml}\` | \`${yamlName(path)}\``);
  }
});

test('the examples of the documentation load', () => {
  const blocks = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  assert.is(blocks.length, 1);
  const config = configFromYaml(blocks[0] ?? '', { env: { REDIS_SECRET: 'pw' } });
  assert.equal(
    [config.cache.maxBytes, config.redis.tls.enabled, config.redis.password?.reveal()],
    [2 ** 29, true, 'pw'],
  );
});

test('the doc comments of the types name the variable and the default of each key', () => {
  const sections = new Map<string, string>();
  for (const [, name, body] of types.matchAll(/export interface (\w+) \{\n([\s\S]*?)\n\}/g))
    sections.set(name ?? '', body ?? '');
  for (const path of PATHS) {
    const parts = path.split('.');
    const name = parts.pop() ?? '';
    const section = parts.at(-1);
    const title = section === undefined ? 'Config' : `${section[0]?.toUpperCase()}${section.slice(1)}Config`;
    const comment = new RegExp(`/\\*\\* (.*) \\*/\\n  readonly ${name}:`).exec(
      sections.get(title) ?? '',
    )?.[1];
    assert.type(comment, 'string', `${path} has a doc comment in ${title}`);
    const { env, default: fallback } = keyAt(path);
    // One section of types serves redis and qdrant alike, so it names no variables.
    if (env !== undefined) assert.match(comment ?? '', `Environment: ${env}`, path);
    else assert.not.match(comment ?? '', 'Environment:', path);
    if (fallback === undefined)
      assert.match(comment ?? '', /default undefined|undefined \(the default\)/i, path);
    else if (path === 'embedding.device') assert.match(comment ?? '', '`cpu`, which is the default');
    else if (path === 'chunking.separator') assert.match(comment ?? '', 'Default a blank line, `"\\n\\n"`');
    else
      assert.match(
        comment ?? '',
        new RegExp(`Default \`?${String(fallback).replace(/[.]/g, '\\.')}\`?[.;,]`),
        path,
      );
  }
});

test.run();
