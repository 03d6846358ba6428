// What a configuration may not say, and how the refusal reads.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configFromEnv, configFromYaml, loadConfig } from '#dist/config/load.js';
import { editDistance, suggest } from '#dist/config/suggest.js';
import { refusal, withFile } from './support.ts';

const test = suite('refusals');
const yaml = (text: string): string => refusal(() => configFromYaml(text, { name: 'f', env: {} }));
const code = (overrides: unknown): string =>
  refusal(() => loadConfig({ file: null, env: {}, overrides: overrides as never }));
const env = (variables: Record<string, string>): string => refusal(() => configFromEnv(variables));

test('an unknown key is refused with its line and the name that was meant', () => {
  const text = yaml('hnsw:\n  m: 16\n  ef_serach: 50\n');
  assert.is(text, 'configuration: f:3: unknown key hnsw.ef_serach; did you mean ef_search?');
  assert.match(yaml('cach: {}'), 'f:1: unknown key cach; did you mean cache?');
  assert.match(yaml('hnsw: { efSearch: 5 }'), 'did you mean ef_search?');
  assert.match(yaml('redis: { tls: { cafile: x } }'), 'unknown key redis.tls.cafile; did you mean ca_file?');
});

test('a key in the wrong section is told its place, and one like no other gets no guess', () => {
  assert.match(
    yaml('ttl_seconds: 5'),
    'unknown key ttl_seconds; did you mean cache.ttl_seconds or redis.ttl_seconds?',
  );
  assert.is(yaml('cache: { wallpaper: 5 }'), 'configuration: f:1: unknown key cache.wallpaper');
});

test('code is held to the same keys, in its own spelling', () => {
  assert.is(
    code({ cache: { maxEntires: 5 } }),
    'configuration: code: unknown key cache.maxEntires; did you mean maxEntries?',
  );
  assert.match(code({ cache: { max_entries: 5 } }), 'did you mean maxEntries?');
  assert.match(code({ hnsw: { maxElements: 5 } }), 'unknown key hnsw.maxElements');
  assert.match(code({ cache: new Map() }), 'code: cache: expected keys with values');
  assert.match(code({ cache: { directory: { a: 1 } } }), 'cache.directory: expected a value, got a section');
  assert.match(code('cache'), 'expected keys with values');
});

test('an indexed field has a name, and a type that Qdrant has an index of', () => {
  for (const field of ['year:int', 'a:b:integer', ':integer', '', 'a,b']) {
    assert.match(
      code({ qdrant: { indexedFields: [field] } }),
      'qdrant.indexedFields: expected a list of names or name:type',
      JSON.stringify(field),
    );
  }
  assert.match(yaml('qdrant: { indexed_fields: year }'), 'qdrant.indexed_fields: expected a list');
});

test('unknown variables of ours are refused, those of others are not', () => {
  assert.match(
    env({ LLM_CACHE_DIRECTROY: 'x' }),
    'unknown environment variable LLM_CACHE_DIRECTROY; did you mean LLM_CACHE_DIRECTORY?',
  );
  configFromEnv({
    LLM_CACHE_KERNEL: 'scalar',
    LLM_CACHE_SHA256: 'x',
    LLM_CACHE_NATIVE: 'x',
    LLM_CACHE_CONFIG: 'x',
  });
  configFromEnv({
    LLM_CACHE_TEST_SEED: '1',
    LLM_CACHE_BENCH_N: '1',
    REDIS_HOTS: 'x',
    PATH: '/bin',
    HNSW_X: '1',
  });
});

test('all problems of all sources come at once', () => {
  const text = withFile('hnsw: { m: x, ef: 2 }\nredis:\n  port: 70000\nembedding:\n  device: cuda\n', (cwd) =>
    refusal(() =>
      loadConfig({
        cwd,
        env: { USE_MOCK_EMBEDDER: 'maybe', HNSW_M: '10abc' },
        overrides: { cache: { candidates: 0 } },
      }),
    ),
  );
  assert.equal(text.split('\n'), [
    'configuration has 7 problems:',
    '  llm-cache.yaml:1: hnsw.m: expected a whole number from 2 to 512, got "x"',
    '  llm-cache.yaml:1: unknown key hnsw.ef',
    '  llm-cache.yaml:3: redis.port: expected a port from 1 to 65,535, got 70000',
    '  llm-cache.yaml:5: embedding.device: expected cpu (this version embeds on the CPU only), got "cuda"',
    '  USE_MOCK_EMBEDDER: embedding.use_mock: expected true or false, got "maybe"',
    '  HNSW_M: hnsw.m: expected a whole number from 2 to 512, got "10abc"',
    '  code: cache.candidates: expected a whole number from 1 to 1,000, got 0',
  ]);
});

test('numbers are numbers and nothing else', () => {
  for (const bad of [
    '10abc',
    ' 10',
    '10 ',
    '0x10',
    '1_000',
    'NaN',
    'Infinity',
    '-1',
    '1.5',
    '1e99',
    '٣',
    '10\r',
  ]) {
    assert.match(
      env({ HOT_CACHE_SIZE: bad }),
      'HOT_CACHE_SIZE: cache.max_entries: expected a whole number',
      bad,
    );
  }
  for (const bad of [
    '"10"',
    '.inf',
    '.nan',
    '1.5',
    'true',
    '[1]',
    '2024-01-01',
    'null',
    '99999999999999999999',
  ]) {
    assert.match(yaml(`cache: { max_entries: ${bad} }`), 'cache.max_entries: expected', bad);
  }
  assert.match(
    code({ cache: { minSimilarity: Number.NaN } }),
    'cache.minSimilarity: expected a number from -1 to 1, got NaN',
  );
  assert.match(code({ cache: { candidates: 3n } }), 'got 3n');
  assert.is(configFromEnv({ LLM_CACHE_MIN_SIMILARITY: '-1' }).cache.minSimilarity, -1);
  assert.match(env({ LLM_CACHE_MIN_SIMILARITY: '1.0001' }), 'expected a number from -1 to 1');
});

test('booleans are true, false, 1, 0, yes or no, and in YAML true or false', () => {
  for (const [text, value] of [
    ['true', true],
    ['FALSE', false],
    ['1', true],
    ['0', false],
    ['Yes', true],
    ['no', false],
  ] as const) {
    assert.is(configFromEnv({ USE_MOCK_EMBEDDER: text }).embedding.useMock, value, text);
  }
  for (const bad of ['on', 'off', '2', 't', ' true', 'maybe'])
    assert.match(env({ USE_MOCK_EMBEDDER: bad }), 'USE_MOCK_EMBEDDER');
  for (const bad of ['yes', '1', '"true"', '[true]'])
    assert.match(yaml(`debug: ${bad}`), 'f:1: debug: expected true or false');
});

test('values that would do harm further down are refused', () => {
  assert.match(yaml('cache: { directory: "" }'), 'cache.directory: expected text');
  assert.match(yaml('cache: { directory: "a\\0b" }'), 'cache.directory: expected text');
  assert.match(yaml('redis: { key_prefix: "*" }'), 'redis.key_prefix: expected 1 to 64 letters');
  assert.match(yaml('redis: { host: "a b" }'), 'redis.host: expected a host name');
  assert.match(yaml('redis: { url: "redis://h:0" }'), 'redis.url: expected a port');
  assert.match(yaml('redis: { url: "http://h" }'), 'redis.url: expected a URL');
  assert.match(yaml('redis: { url: "redis://h/x" }'), 'redis.url: expected a URL');
  assert.match(yaml('redis: { url: "redis://a:%zz@h" }'), 'redis.url: expected a URL');
  assert.match(
    yaml('redis: { password: 1234 }'),
    'redis.password: expected text (put digits in quotes), got a number',
  );
  assert.match(yaml('cache: { rules: [numbers, [x]] }'), 'cache.rules: expected all, none');
  assert.match(yaml('cache: { rules: some }'), 'cache.rules: expected all, none');
});

test('broken YAML is told by line, in our words', () => {
  const cases: [string, string][] = [
    ['cache:\n\tdirectory: x', 'f:2: a tab'],
    ['a: b: c', 'f:1: a second ": "'],
    ['cache: {directory: "x', 'f:1: a colon, a quote or a bracket is missing'],
    ['debug: true\n---\ndebug: false', 'f:2: more than one document'],
    ['debug: true\ncache: {}\ndebug: false', 'f:3: debug stands twice (first at f:1)'],
    ['cache: !!js/function x', 'f:1: a tag'],
    ['cache:\n  directory: !x y', 'f:2: a tag'],
    ['redis:\n password: *a', 'f:2: an alias without its anchor'],
    ['redis:\n password: &a', 'f:2: an anchor without a value'],
    ['%YAML 1.1\n---\ndebug: yes', 'only YAML 1.2'],
    ['- a', 'expected keys with values'],
    ['text', 'expected keys with values'],
    ['1: 2', 'f:1: a key must be text'],
    ['? [a]\n: b', 'a key must be text'],
    ['cache: &c { candidates: 3 }\nhnsw:\n  <<: *c', 'f:3: hnsw.<<: merge keys are not supported'],
  ];
  for (const [text, expected] of cases) assert.match(yaml(text), expected, JSON.stringify(text));
});

test('anchors and plain tags work', () => {
  const config = configFromYaml(
    'hnsw: { ef_search: &n 70, ef_construction: *n }\ncache: { directory: !!str 12 }',
  );
  assert.equal([config.hnsw.efSearch, config.hnsw.efConstruction, config.cache.directory], [70, 70, '12']);
});

test('a file with hundreds of mistakes gets a message of bounded length', () => {
  const text = yaml(Array.from({ length: 500 }, (_, i) => `key${i}: 1`).join('\n'));
  assert.ok(text.startsWith('configuration has 500 problems:'));
  assert.match(text, 'and 450 more');
  assert.ok(text.length < 4000);
});

test('a key with control characters is not printed as it is', () => {
  assert.is(yaml('"a\\e[31mred": 1'), 'configuration: f:1: unknown key a…');
});

test('distance counts one for a swap, and short names need more likeness', () => {
  assert.equal(
    [editDistance('serach', 'search'), editDistance('', 'abc'), editDistance('kitten', 'sitting')],
    [1, 3, 3],
  );
  assert.is(suggest('k', ['m', 'db']), undefined);
  assert.is(suggest('bd', ['m', 'db']), 'db');
  assert.is(suggest('M', ['m']), 'm');
  assert.is(suggest('portals', ['port', 'host']), undefined);
});

test.run();
