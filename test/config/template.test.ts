// The commented file that `config --init` writes, and the JSON Schema for editors: neither may say anything but the truth.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { DESCRIPTIONS } from '#dist/config/descriptions.js';
import { configFromYaml, loadConfig } from '#dist/config/load.js';
import { ALIASES, PATHS, yamlName } from '#dist/config/schema.js';
import { configToObject } from '#dist/config/show.js';
import { configJsonSchema, configTemplate } from '#dist/config/template.js';

const test = suite('template and schema');
const docs = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const shipped = new URL('../../docs/config.schema.json', import.meta.url);
const defaults = loadConfig({ file: null, env: {} }).config;

test('the template changes nothing as it is, and with every key in force gives the defaults', () => {
  const text = configTemplate();
  assert.equal(configFromYaml(text, { env: {} }), defaults);
  const inForce = text.replace(/^#( *[a-z_]+:)/gm, '$1');
  assert.is.not(inForce, text);
  for (const path of PATHS) {
    const name = yamlName(path).split('.').at(-1);
    assert.match(inForce, new RegExp(`^ *${name}: `, 'm'), path);
  }
  assert.equal(configFromYaml(inForce, { env: {} }), defaults);
  for (const line of text.split('\n')) assert.match(line, /^(#|$)/);
});

test('every key has its description, which is that of the documentation', () => {
  const plain = (text: string) => text.replace(/\[[^\]]*\]\(([^)]*)\)/g, 'docs/$1').replace(/ †|`/g, '');
  const rows = [...docs.matchAll(/^\| `([a-z_.]+)` \|[^|\n]*\|[^|\n]*\|[^|\n]*\| (.*) \|$/gm)];
  const documented = Object.fromEntries(rows.map(([, key = '', text = '']) => [key, plain(text)]));
  for (const path of PATHS) {
    const name = yamlName(path);
    assert.is(DESCRIPTIONS[name], documented[name], `src/config/descriptions.ts: ${name}`);
  }
  assert.is(Object.keys(DESCRIPTIONS).length, PATHS.length);
});

test('the shipped schema is the one of the code (write it with: llm-cache config --schema)', () => {
  assert.equal(JSON.parse(readFileSync(shipped, 'utf8')), configJsonSchema());
});

test('the schema accepts what is accepted and refuses what is refused', () => {
  const schema = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
  const isValid = (value: unknown) => schema.safeParse(value).success;
  assert.ok(isValid(configToObject(defaults)));
  const good = [
    {},
    { cache: null },
    { redis: { tls: true, port: 6380, url: 'redis://h' } },
    { redis: { tls: { ca_file: 'a.pem' }, socket_timeout: 5 } },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what YAML files hold
    { hnsw: { m: '${M:-16}' }, cache: { ttl_seconds: 'never', max_bytes: '256 MiB' } },
    { vector_db: { backend: 'qdrant', faiss: { nlist: 4 } }, faiss: { pq_m: null } },
  ];
  for (const value of good) {
    assert.ok(isValid(value), JSON.stringify(value));
    configFromYaml(JSON.stringify(value), { env: {} });
  }
  const bad = [
    { cach: {} },
    { cache: { max_entires: 4 } },
    { hnsw: { m: 1 } },
    { redis: { port: 'x' } },
    { vector_db: { backend: 'annoy' } },
  ];
  for (const value of bad) {
    assert.not(isValid(value), JSON.stringify(value));
    assert.throws(() => configFromYaml(JSON.stringify(value), { env: {} }));
  }
});

test('every key and every other name stands in the schema', () => {
  const text = JSON.stringify(configJsonSchema());
  for (const name of [...PATHS.map(yamlName), ...ALIASES.map(({ yaml }) => yaml)])
    assert.ok(text.includes(`"${name.split('.').at(-1)}":{`), name);
});

test.run();
