// Where configuration values come from and which source wins.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what the YAML files of these tests hold.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configFromEnv, configFromYaml, loadConfig } from '#dist/config/load.js';
import { keyAt, PATHS } from '#dist/config/schema.js';
import { Secret } from '#dist/config/secret.js';
import { refusal, withFile } from './support.ts';

const test = suite('loadConfig');

/** All variables that are promised, written down apart from the table. */
const VARIABLES =
  `VECTOR_DB_BACKEND EMBEDDING_MODEL EMBEDDING_DIM EMBEDDING_BATCH_SIZE EMBEDDING_DEVICE USE_MOCK_EMBEDDER
HNSW_M HNSW_EF_CONSTRUCTION HNSW_EF_SEARCH HNSW_SPACE HOT_CACHE_SIZE REDIS_HOST REDIS_PORT REDIS_DB REDIS_PASSWORD
REDIS_TTL_SECONDS REDIS_MAX_CONNECTIONS FAISS_INDEX_TYPE FAISS_INDEX_PATH FAISS_NLIST FAISS_NPROBE PQ_ENABLED PQ_M PQ_NBITS
QDRANT_HOST QDRANT_PORT QDRANT_COLLECTION QDRANT_API_KEY QDRANT_USE_GRPC CHUNK_SIZE CHUNK_OVERLAP MIN_CHUNK_SIZE
WARMING_ENABLED WARMING_TOP_N WARMING_INTERVAL LOG_LEVEL DEBUG LLM_CACHE_DIRECTORY LLM_CACHE_TTL_SECONDS
LLM_CACHE_MIN_SIMILARITY REDIS_CLUSTER REDIS_SENTINELS REDIS_SENTINEL_NAME REDIS_SENTINEL_PASSWORD REDIS_SEAL_KEYS
QDRANT_INDEXED_FIELDS LLM_CACHE_SHARED`.split(/\s+/);

test('without any source every key has its default', () => {
  const loaded = withFile(undefined, (cwd) => loadConfig({ env: {}, cwd }));
  assert.is(loaded.file, undefined);
  assert.equal(loaded.notes, []);
  assert.is(loaded.config.cache.directory, '.llm-cache');
  assert.is(loaded.config.cache.ttlSeconds, 86_400);
  assert.is(loaded.config.cache.minSimilarity, undefined);
  assert.is(loaded.config.embedding.dim, undefined);
  assert.is(loaded.config.redis.enabled, false);
  assert.is(loaded.config.vectorDb.backend, 'embedded');
  assert.equal(new Set(Object.values(loaded.sources).map((source) => source.from)), new Set(['default']));
  assert.is(Object.keys(loaded.sources).length, PATHS.length);
});

test('each default is a value its own key accepts', () => {
  for (const path of PATHS) {
    const { kind, default: fallback } = keyAt(path);
    if (fallback !== undefined) assert.equal(kind.parse(fallback), { value: fallback }, path);
  }
});

test('defaults, file, environment and code win over each other key by key', () => {
  const yaml = 'hnsw:\n  m: 20\n  ef_search: 60\n  ef_construction: 210\n';
  withFile(yaml, (cwd) => {
    const env = { HNSW_EF_SEARCH: '70', HNSW_EF_CONSTRUCTION: '220' };
    const { config, sources } = loadConfig({ cwd, env, overrides: { hnsw: { efConstruction: 230 } } });
    assert.equal(config.hnsw, { m: 20, efSearch: 70, efConstruction: 230, space: 'cosine' });
    assert.equal(sources['hnsw.m'], { from: 'yaml', where: 'llm-cache.yaml:2' });
    assert.equal(sources['hnsw.ef_search'], {
      from: 'environment',
      where: 'HNSW_EF_SEARCH',
      over: ['llm-cache.yaml:3'],
    });
    assert.equal(sources['hnsw.ef_construction'], {
      from: 'code',
      where: 'code',
      over: ['HNSW_EF_CONSTRUCTION', 'llm-cache.yaml:4'],
    });
    assert.equal(sources['hnsw.space'], { from: 'default', where: 'default' });
  });
});

test('the file is the named one, else the one LLM_CACHE_CONFIG names, else the default file, and null is none', () => {
  withFile('debug: true\n', (cwd) => {
    writeFileSync(join(cwd, 'a.yaml'), 'cache: { candidates: 5 }');
    writeFileSync(join(cwd, 'b.yaml'), 'cache: { candidates: 6 }');
    const env = { LLM_CACHE_CONFIG: 'b.yaml' };
    assert.is(loadConfig({ cwd, env, file: 'a.yaml' }).config.cache.candidates, 5);
    assert.is(loadConfig({ cwd, env }).config.cache.candidates, 6);
    assert.is(loadConfig({ cwd, env: { LLM_CACHE_CONFIG: '' } }).config.debug, true);
    assert.is(loadConfig({ cwd, env: {} }).file, 'llm-cache.yaml');
    const none = loadConfig({ cwd, env, file: null });
    assert.is(none.file, undefined);
    assert.is(none.config.cache.candidates, 4);
  });
});

test('a named file that is missing, a folder, no UTF-8 or too large is an error, and a default file that is broken too', () => {
  withFile(undefined, (cwd) => {
    assert.match(
      refusal(() => loadConfig({ cwd, env: {}, file: 'no.yaml' })),
      'no.yaml: there is no such file',
    );
    assert.match(
      refusal(() => loadConfig({ cwd, env: { LLM_CACHE_CONFIG: 'no.yaml' } })),
      'no such file',
    );
    mkdirSync(join(cwd, 'folder'));
    assert.match(
      refusal(() => loadConfig({ cwd, env: {}, file: 'folder' })),
      'it is not a file',
    );
    writeFileSync(join(cwd, 'latin.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe9]));
    assert.match(
      refusal(() => loadConfig({ cwd, env: {}, file: 'latin.yaml' })),
      'not UTF-8',
    );
    writeFileSync(join(cwd, 'large.yaml'), Buffer.alloc(2 ** 20 + 1, '#'));
    assert.match(
      refusal(() => loadConfig({ cwd, env: {}, file: 'large.yaml' })),
      'more than 1048576 bytes',
    );
    mkdirSync(join(cwd, 'llm-cache.yaml'));
    assert.match(
      refusal(() => loadConfig({ cwd, env: {} })),
      'llm-cache.yaml: it is not a file',
    );
  });
});

test('a named pipe without a writer does not hang', () => {
  if (process.platform === 'win32') return;
  withFile(undefined, (cwd) => {
    execFileSync('mkfifo', [join(cwd, 'pipe')]);
    assert.match(
      refusal(() => loadConfig({ cwd, env: {}, file: 'pipe' })),
      'it is not a file',
    );
  });
});

test('an empty file, comments, a byte order mark and empty sections are fine', () => {
  for (const text of ['', '# nothing\n', '\uFEFFcache:\n', 'redis:\n  # host: x\nhnsw: ~\n']) {
    withFile(text, (cwd) =>
      assert.is(loadConfig({ cwd, env: {} }).config.redis.enabled, false, JSON.stringify(text)),
    );
  }
});

test('every environment name sets its key', () => {
  const texts: Record<string, string> = {
    EMBEDDING_DEVICE: 'CPU',
    VECTOR_DB_BACKEND: 'faiss',
    FAISS_INDEX_TYPE: 'ivfpq',
    HNSW_SPACE: 'L2',
    LOG_LEVEL: 'WARNING',
    LLM_CACHE_TTL_SECONDS: 'never',
    LLM_CACHE_MIN_SIMILARITY: '0.875',
    LLM_CACHE_SHARED: '1',
    LLM_CACHE_DIRECTORY: 'there',
    EMBEDDING_MODEL: 'other',
    REDIS_HOST: 'r.local',
    REDIS_PASSWORD: 'pw',
    REDIS_CLUSTER: 'a:1, b.example:65535',
    REDIS_SENTINELS: '[::1]:26379',
    REDIS_SENTINEL_NAME: 'main',
    REDIS_SENTINEL_PASSWORD: 'sp',
    REDIS_SEAL_KEYS: `k:${'0'.repeat(64)}`,
    FAISS_INDEX_PATH: 'i',
    QDRANT_HOST: 'q',
    QDRANT_COLLECTION: 'c',
    QDRANT_API_KEY: 'ak',
    QDRANT_INDEXED_FIELDS: 'year:integer, topic',
    USE_MOCK_EMBEDDER: 'yes',
    CHUNK_OVERLAP: '3',
    PQ_ENABLED: '1',
    QDRANT_USE_GRPC: 'TRUE',
    WARMING_ENABLED: 'no',
    DEBUG: 'true',
  };
  const expected: Record<string, unknown> = {
    EMBEDDING_DEVICE: 'cpu',
    VECTOR_DB_BACKEND: 'faiss',
    FAISS_INDEX_TYPE: 'IVFPQ',
    HNSW_SPACE: 'l2',
    LOG_LEVEL: 'warn',
    LLM_CACHE_TTL_SECONDS: null,
    LLM_CACHE_MIN_SIMILARITY: 0.875,
    LLM_CACHE_SHARED: true,
    USE_MOCK_EMBEDDER: true,
    CHUNK_OVERLAP: 3,
    PQ_ENABLED: true,
    REDIS_CLUSTER: ['a:1', 'b.example:65535'],
    REDIS_SENTINELS: ['[::1]:26379'],
    QDRANT_USE_GRPC: true,
    QDRANT_INDEXED_FIELDS: ['year:integer', 'topic'],
    WARMING_ENABLED: false,
    DEBUG: true,
  };
  const named = PATHS.filter((path) => keyAt(path).env !== undefined);
  assert.equal(new Set(named.map((path) => keyAt(path).env)), new Set(VARIABLES));
  const env = Object.fromEntries(
    named.map((path) => [keyAt(path).env ?? '', texts[keyAt(path).env ?? ''] ?? '7']),
  );
  const config = configFromEnv(env);
  for (const path of named) {
    const name = keyAt(path).env ?? '';
    let value: unknown = path
      .split('.')
      .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], config);
    if (value instanceof Secret) value = value.reveal();
    const wanted = name in expected ? expected[name] : (texts[name] ?? 7);
    assert.equal(value, wanted, name);
  }
});

test('keys that need each other are refused alone', () => {
  const refused = (redis: object) => refusal(() => loadConfig({ file: null, env: {}, overrides: { redis } }));
  assert.match(refused({ sentinels: ['a:1'] }), 'redis.sentinels and redis.sentinel_name need each other');
  assert.match(refused({ sentinelName: 'main' }), 'redis.sentinels and redis.sentinel_name need each other');
  assert.match(refused({ seal: 'hmac-sha256' }), 'redis.seal needs redis.seal_keys');
  assert.match(refused({ cluster: ['a'] }), 'redis.cluster: expected a list of host:port');
  assert.match(refused({ cluster: [] }), 'redis.cluster: expected a list of host:port');
});

test('an empty variable counts as not set', () => {
  assert.equal(configFromEnv({ REDIS_HOST: '', HNSW_M: '', LLM_CACHE_DIRECTORY: '' }), configFromEnv({}));
});

test('naming a Redis host or URL switches Redis on, and an explicit false keeps it off', () => {
  const { config, sources } = loadConfig({ file: null, env: { REDIS_HOST: 'r' } });
  assert.is(config.redis.enabled, true);
  assert.equal(sources['redis.enabled'], { from: 'environment', where: 'REDIS_HOST' });
  assert.is(configFromYaml('redis: { enabled: true }').redis.host, 'localhost');
  assert.is(configFromYaml('redis: { host: r, enabled: false }').redis.enabled, false);
  const waiting = loadConfig({ file: null, env: { REDIS_PORT: '7000' } });
  assert.is(waiting.config.redis.enabled, false);
  assert.match(waiting.notes.join(), 'redis.port: not used, because Redis is not');
});

test('a Redis URL is taken apart, and stronger sources override its parts', () => {
  const yaml = 'redis:\n  url: rediss://app:p%40ss@r.example:7000/3\n';
  const { config, sources } = withFile(yaml, (cwd) => loadConfig({ cwd, env: { REDIS_DB: '5' } }));
  const { host, port, db, username, password, tls, enabled } = config.redis;
  assert.equal([host, port, db, username, tls.enabled, enabled], ['r.example', 7000, 5, 'app', true, true]);
  assert.is(password?.reveal(), 'p@ss');
  assert.equal(sources['redis.host'], { from: 'yaml', where: 'llm-cache.yaml:2' });
  assert.is(
    loadConfig({ file: null, env: {}, overrides: { redis: { url: 'redis://[::1]' } } }).config.redis.host,
    '::1',
  );
  const clash = refusal(() => configFromYaml('redis: { url: "redis://a/1", db: 2 }'));
  assert.match(clash, 'redis.db and redis.url (yaml:1) say different things');
});

test('TLS is a switch, a word or details, and details switch it on', () => {
  assert.is(configFromYaml('redis: { tls: true }').redis.tls.enabled, true);
  assert.is(configFromYaml('redis: { tls: enabled }\nqdrant: { tls: disabled }').redis.tls.enabled, true);
  assert.is(configFromYaml('qdrant: { tls: { ca_file: ca.pem } }').qdrant.tls.enabled, true);
  assert.is(configFromYaml('redis: { tls: { enabled: false, ca_file: ca.pem } }').redis.tls.enabled, false);
  const input = { redis: { tls: { serverName: 'r.example' } }, qdrant: { tls: true } };
  const { config } = loadConfig({ file: null, env: {}, overrides: input });
  assert.equal(
    [config.redis.tls.enabled, config.redis.tls.serverName, config.qdrant.tls.enabled],
    [true, 'r.example', true],
  );
  const alone = refusal(() => configFromYaml('redis:\n  tls:\n    key_file: k.pem\n'));
  assert.match(alone, 'yaml:3: redis.tls.cert_file and redis.tls.key_file need each other');
});

test('faiss and qdrant stand at the top level or under vector_db, and must agree', () => {
  const nested = configFromYaml(
    'vector_db:\n  backend: qdrant\n  faiss: { nlist: 9, metric: IP }\n  qdrant: { collection_name: x }',
  );
  assert.equal([nested.faiss.nlist, nested.faiss.metric, nested.qdrant.collection], [9, 'IP', 'x']);
  assert.is(nested.vectorDb.backend, 'qdrant');
  assert.is(configFromYaml('faiss: { nlist: 9 }\nvector_db: { faiss: { nlist: 9 } }').faiss.nlist, 9);
  const clash = refusal(() =>
    configFromYaml('faiss: { nlist: 9 }\nvector_db:\n  faiss: { nlist: 8 }', { name: 'f' }),
  );
  assert.match(clash, 'f:3: vector_db.faiss.nlist and faiss.nlist (f:1) say different things');
});

test('names of the reference mean our keys', () => {
  const config = configFromYaml(`
hnsw: { M: 32, max_elements: 5000 }
embedding: { dimension: 384, use_mock: false }
redis: { socket_timeout: 5, password: null }
chunking: { min_chunk_size: 80, chunk_size: 400, chunk_overlap: 40 }
warming: { interval_seconds: 60, extend_ttl_seconds: 100, min_query_count: 2, popularity_decay: 0.5 }
rate_limit: { requests_per_minute: 100, burst: 20 }
auth: { type: jwt, issuer: auth.example.com }
qdrant: { api_key: null, prefer_grpc: true }
vector_db_backend: faiss
`);
  assert.equal([config.hnsw.m, config.cache.maxEntries, config.embedding.dim], [32, 5000, 384]);
  assert.equal([config.redis.socketTimeoutMs, config.redis.password], [5000, undefined]);
  assert.equal(config.chunking, {
    size: 400,
    overlap: 40,
    minSize: 80,
    separator: '\n\n',
    unit: 'characters',
    bySection: false,
  });
  assert.equal(config.warming, {
    enabled: true,
    topN: 100,
    intervalSeconds: 60,
    minCount: 2,
    decay: 0.5,
    extendedTtlSeconds: 100,
  });
  assert.equal(
    [config.rateLimit, config.auth],
    [
      { requestsPerMinute: 100, burst: 20 },
      { type: 'jwt', issuer: 'auth.example.com' },
    ],
  );
  assert.equal([config.qdrant.useGrpc, config.vectorDb.backend], [true, 'faiss']);
});

test('YAML takes values out of the environment where it names them', () => {
  const text = 'redis:\n  port: ${P}\n  password: ${S}\n  host: ${H}.example\ncache:\n  directory: $${H}\n';
  const config = configFromYaml(text, { env: { P: '7001', S: '0123', H: 'red' } });
  assert.equal([config.redis.port, config.redis.host, config.cache.directory], [7001, 'red.example', '${H}']);
  assert.is(config.redis.password?.reveal(), '0123');
  const missing = refusal(() => configFromYaml(text, { env: { P: '7001', H: 'red', S: '' } }));
  assert.is(
    missing,
    'configuration: yaml:3: redis.password names the environment variable S, which is not set',
  );
});

test('sizes in bytes may be text with a unit', () => {
  const sizes: [string, number][] = [
    ['1024', 1024],
    ['256 MiB', 268435456],
    ['1.5 GB', 1.5e9],
    ['"10kb"', 10_000],
  ];
  for (const [text, bytes] of sizes)
    assert.is(configFromYaml(`cache: { max_bytes: ${text} }`).cache.maxBytes, bytes);
  assert.is(
    loadConfig({ file: null, env: {}, overrides: { cache: { maxBytes: '1 GiB' } } }).config.cache.maxBytes,
    2 ** 30,
  );
});

test('a chunk size below the defaults lowers them and says so, but does not change what is set', () => {
  const { config, notes } = loadConfig({ file: null, env: { CHUNK_SIZE: '40' } });
  assert.equal(config.chunking, {
    size: 40,
    overlap: 4,
    minSize: 40,
    separator: '\n\n',
    unit: 'characters',
    bySection: false,
  });
  assert.is(notes.length, 2);
  const clash = refusal(() => configFromEnv({ CHUNK_SIZE: '40', CHUNK_OVERLAP: '40' }));
  assert.match(clash, 'CHUNK_OVERLAP: chunking.overlap: expected at most 39 with chunking.size 40, got 40');
});

test('a variable that is usually meant for others does not stop the start', () => {
  const { config, notes } = loadConfig({
    file: null,
    env: { DEBUG: 'express:*', REDIS_PORT: 'tcp://10.0.0.1:6380' },
  });
  assert.is(config.debug, false);
  assert.is(config.redis.port, 6380);
  assert.match(notes.join('\n'), 'DEBUG is not true or false');
  assert.match(notes.join('\n'), 'taken out of REDIS_PORT');
});

test('null takes a value away in code, undefined leaves it', () => {
  const env = { REDIS_PASSWORD: 'pw', LLM_CACHE_MIN_SIMILARITY: '0.9', EMBEDDING_DIM: '384' };
  const overrides = {
    redis: { password: null },
    cache: { minSimilarity: undefined, ttlSeconds: null },
    hnsw: undefined,
  };
  const { config } = loadConfig({ file: null, env, overrides });
  assert.is(config.redis.password, undefined);
  assert.is(config.cache.minSimilarity, 0.9);
  assert.is(config.cache.ttlSeconds, null);
  assert.match(
    refusal(() => loadConfig({ file: null, env, overrides: { hnsw: { m: null as never } } })),
    'hnsw.m: expected',
  );
});

test('the result is frozen to its leaves', () => {
  const { config, sources, notes } = loadConfig({
    file: null,
    env: {},
    overrides: { cache: { rules: ['numbers'] } },
  });
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(frozen));
  assert.ok(frozen(config) && frozen(sources) && frozen(notes));
  assert.throws(() => Object.assign(config.cache, { strict: true }), TypeError);
});

test('a list that code passes is copied', () => {
  const rules = ['numbers'];
  const { config } = loadConfig({ file: null, env: {}, overrides: { cache: { rules } } });
  rules.push('negation');
  assert.equal(config.cache.rules, ['numbers']);
});

test.run();
