// Secrets: every way a value can come out of the configuration, with canaries in every way it can come in.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what the YAML files of these tests hold.
import { inspect } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configFromYaml, loadConfig } from '#dist/config/load.js';
import { Secret, stripUserinfo } from '#dist/config/secret.js';
import { configToObject, showConfig } from '#dist/config/show.js';
import { refusal, withFile } from './support.ts';

const test = suite('secrets');
const CANARY = /canary/i;

test('a Secret shows nothing but reveals its text when asked', () => {
  const secret = new Secret('canary');
  const outputs = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ a: [secret] }, { showHidden: true, depth: 9 }),
    Object.keys(secret).join(),
    JSON.stringify(structuredClone({ ...secret })),
    String(Object.entries(secret)),
  ];
  for (const output of outputs) assert.not.match(output, CANARY);
  assert.is(secret.reveal(), 'canary');
});

test('URLs lose user and password', () => {
  assert.is(
    stripUserinfo('see redis://app:canary@host:1/2 and https://canary@x'),
    'see redis://[secret]@host:1/2 and https://[secret]@x',
  );
  assert.not.match(stripUserinfo('redis://a:can@ary/canary@host'), CANARY);
  assert.is(stripUserinfo('mail a@b.example'), 'mail a@b.example');
});

const SOURCES: [string, () => ReturnType<typeof loadConfig>][] = [
  [
    'yaml',
    () =>
      withFile('redis: { password: canary-1, host: r }\nqdrant: { api_key: "canary-2" }', (cwd) =>
        loadConfig({ cwd, env: {} }),
      ),
  ],
  [
    'yaml under vector_db',
    () => withFile('vector_db: { qdrant: { api_key: canary } }', (cwd) => loadConfig({ cwd, env: {} })),
  ],
  [
    'url in yaml',
    () => withFile('redis: { url: "redis://u:canary@h" }', (cwd) => loadConfig({ cwd, env: {} })),
  ],
  [
    'substitution',
    () =>
      withFile('redis: { password: "${S}", host: r }', (cwd) => loadConfig({ cwd, env: { S: 'canary' } })),
  ],
  [
    'environment',
    () => loadConfig({ file: null, env: { REDIS_PASSWORD: 'canary', QDRANT_API_KEY: 'canary' } }),
  ],
  [
    'code',
    () =>
      loadConfig({
        file: null,
        env: {},
        overrides: { redis: { password: 'canary' }, qdrant: { apiKey: new Secret('canary') } },
      }),
  ],
  [
    'url in code',
    () => loadConfig({ file: null, env: {}, overrides: { redis: { url: 'redis://:canary@h' } } }),
  ],
  [
    'url in another key',
    () => loadConfig({ file: null, env: { EMBEDDING_MODEL: 'https://u:canary@models.example/x' } }),
  ],
];

for (const [name, load] of SOURCES) {
  test(`no output of a loaded configuration holds a secret: ${name}`, () => {
    const loaded = load();
    const rows = showConfig(loaded);
    const outputs = [
      JSON.stringify(rows),
      inspect(rows, { depth: 9 }),
      JSON.stringify(loaded.sources),
      loaded.notes.join(),
    ];
    if (!name.endsWith('another key')) {
      outputs.push(
        JSON.stringify(loaded),
        inspect(loaded, { depth: 9, showHidden: true }),
        JSON.stringify(configToObject(loaded.config)),
      );
    }
    for (const output of outputs) assert.not.match(output, CANARY);
    assert.match(JSON.stringify(rows), '[secret]');
  });
}

test('no refusal holds a secret', () => {
  const texts = [
    'redis: { pasword: canary }',
    'redis: { host: "redis://u:canary@h" }',
    'redis: { url: "http://u:canary@h" }',
    'redis: { url: "redis://u:canary@h:99999" }',
    'redis: { url: "redis://u:canary@h", password: other }',
    'redis: { port: "redis://u:canary@h:1" }',
    'redis: { password: [canary] }',
    'redis: { password: { canary: 1 } }',
    'redis: { password: @canary }',
    'redis: { password: *canary }',
    'redis: { password: !canary }',
    'redis: { password: "canary }',
    'redis:\n  password:canary\n',
    'redis:\n  password:canary\n  host: x\n',
    'redis: {password:canary}',
    'redis://u:canary@h: 1',
    'redis: canary',
    'redis://u:canary@h',
    'canary',
    'redis: { password: "a\\canary" }',
    'redis:\n  password: a: canary\n',
    'redis:\n    password: x\n  canary\n',
    '%canary x\n---\na: 1',
    `redis: { password: "${'canary'.repeat(800)}" }`,
    'auth: { type: "", issuer: [canary] }',
    'cache: { rules: "canary!" , strict: 5 }',
    'cache: { directory: "canary\\0" }',
    'qdrant: { collection: "api key canary" }',
    'embedding: { model: [canary] }',
    'redis: { username: { name: canary } }',
    'redis: { tls: { key_file: [canary] } }',
  ];
  for (const text of texts) {
    // A rule list names no secret and is quoted; everything else must stay silent.
    const message = refusal(() => configFromYaml(text, { env: {} }));
    if (!text.includes('rules')) assert.not.match(message, CANARY, text.slice(0, 60));
  }
  const codes = [
    { redis: { password: ['canary'] } },
    { redis: { url: 'canary' } },
    { redis: { host: 'u:canary@h' } },
    { redis: 'canary' },
  ];
  for (const overrides of codes) {
    assert.not.match(
      refusal(() => loadConfig({ file: null, env: {}, overrides: overrides as never })),
      CANARY,
    );
  }
  const environments = [
    { REDIS_HOST: 'redis://u:canary@h' },
    { REDIS_PORT: 'tcp://u:canary@h:1' },
    { LLM_CACHE_TOKEN: 'canary' },
  ];
  for (const env of environments)
    assert.not.match(
      refusal(() => loadConfig({ file: null, env })),
      CANARY,
    );
});

test('the error has no cause that could tell more', () => {
  try {
    configFromYaml('redis: { password: "canary }');
    assert.unreachable();
  } catch (error) {
    assert.not.match(inspect(error, { depth: 9, showHidden: true }), CANARY);
  }
});

test.run();
