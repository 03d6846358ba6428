// Settings of a command line, and `${NAME:-fallback}` in YAML: who wins, where a value came from, what is refused.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what the YAML files of these tests hold.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configFromYaml, loadConfig } from '#dist/config/load.js';
import { configToObject, showConfig } from '#dist/config/show.js';
import { refusal, withFile } from './support.ts';

const test = suite('flags and fallbacks');

test('a flag beats code, code the environment, that the file, that the default; and the source tells all of them', () => {
  withFile('hnsw:\n  m: 20\n  ef_search: 60\nchunking:\n  size: 700\n', (cwd) => {
    const env = { HNSW_M: '21', HNSW_EF_SEARCH: '61' };
    const overrides = { hnsw: { m: 22 } };
    const loaded = loadConfig({ cwd, env, overrides, flags: ['hnsw.m=23', 'redis.port=6400'] });
    const { hnsw, chunking, redis } = loaded.config;
    assert.equal([hnsw.m, hnsw.efSearch, chunking.size, redis.port], [23, 61, 700, 6400]);
    assert.equal(loaded.sources['hnsw.m'], {
      from: 'flag',
      where: '--set hnsw.m',
      over: ['code', 'HNSW_M', 'llm-cache.yaml:2'],
    });
    assert.equal(loaded.sources['hnsw.ef_search'], {
      from: 'environment',
      where: 'HNSW_EF_SEARCH',
      over: ['llm-cache.yaml:3'],
    });
    assert.equal(loaded.sources['chunking.size'], { from: 'yaml', where: 'llm-cache.yaml:5' });
    assert.equal(loaded.sources['hnsw.space'], { from: 'default', where: 'default' });
    const row = showConfig(loaded).find(({ key }) => key === 'hnsw.m');
    assert.equal(row?.over, ['code', 'HNSW_M', 'llm-cache.yaml:2']);
  });
});

test('flags take text of every kind, other names and nothing else', () => {
  const set = (...flags: string[]) => loadConfig({ file: null, env: {}, flags }).config;
  assert.is(set('cache.max_bytes=1 MiB').cache.maxBytes, 2 ** 20);
  assert.equal(set('cache.rules=numbers,negation').cache.rules, ['numbers', 'negation']);
  assert.is(set('cache.ttl_seconds=null').cache.ttlSeconds, null);
  assert.is(set('embedding.use_mock=yes').embedding.useMock, true);
  assert.is(set('vector_db.qdrant.port=7000').qdrant.port, 7000);
  assert.is(set('log_level=debug').logLevel, 'debug');
  assert.is(set('chunking.separator==').chunking.separator, '=');
  assert.is(
    set('cache.directory=${HOME}').cache.directory,
    '${HOME}',
    'the shell has replaced what it wanted',
  );
  assert.is(set('redis.url=redis://u:secret@h:1/2').redis.password?.reveal(), 'secret');
});

test('a wrong flag is refused with its name, the nearest one, and no secret', () => {
  const wrong = (...flags: string[]) => refusal(() => loadConfig({ file: null, env: {}, flags }));
  assert.match(wrong('hnsw.ef_serach=4'), /--set hnsw\.ef_serach: unknown key .*did you mean ef_search\?/);
  assert.match(wrong('redis.port=no'), /--set redis\.port: redis\.port: expected a port/);
  assert.match(wrong('nothing'), /expected section\.key=value/);
  assert.match(wrong('=x'), /expected section\.key=value/);
  assert.match(wrong('redis=x'), /redis: expected keys with values/);
  assert.match(wrong('redis.port.x=1'), /expected a value, got a section/);
  assert.match(wrong('hnsw.m=4', 'hnsw.M=5'), /say different things/);
  assert.match(wrong('__proto__.x=1'), /unknown key/);
  assert.not.match(wrong('redis.passwort=swordfish'), /swordfish/);
  assert.match(wrong(...Array.from({ length: 1001 }, () => 'hnsw.m=4')), /more than 1000/);
});

test('a fallback stands where the variable is not set or empty', () => {
  const read = (value: string, env: Record<string, string> = {}) =>
    configFromYaml(`cache:\n  directory: ${value}\n`, { env }).cache.directory;
  assert.is(read('${WHERE:-/var/a}'), '/var/a');
  assert.is(read('${WHERE:-/var/a}', { WHERE: '' }), '/var/a');
  assert.is(read('${WHERE:-/var/a}', { WHERE: '/b' }), '/b');
  assert.is(read('"x${A:-}y${B:-:-}z"'), 'xy:-z');
  assert.is(read('"$${WHERE:-/var/a}"'), '${WHERE:-/var/a}');
  const numbers = 'redis:\n  port: ${PORT:-6400}\n  tls: ${TLS:-yes}\n';
  const { redis } = configFromYaml(numbers, { env: {} });
  assert.equal([redis.port, redis.tls.enabled], [6400, true]);
  assert.match(
    refusal(() => configFromYaml('cache:\n  directory: ${WHERE}\n', { env: {} })),
    /WHERE, which is not set/,
  );
  const config = configFromYaml('cache:\n  directory: "$${A:-b}"\n', { env: {} });
  assert.equal(configFromYaml(JSON.stringify(configToObject(config)), { env: {} }), config);
});

test('text full of beginnings of variables is read in linear time', () => {
  const hostile = JSON.stringify('${A:-'.repeat(800));
  const started = process.hrtime.bigint();
  const { directory } = configFromYaml(`cache:\n  directory: ${hostile}\n`, { env: {} }).cache;
  assert.is(directory.length, 4000);
  assert.ok(Number(process.hrtime.bigint() - started) / 1e6 < 500);
});

test.run();
