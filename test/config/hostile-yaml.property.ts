// Hostile YAML: time is bounded, prototypes stay as they are, and nothing but a ConfigError comes out.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what the YAML files of these tests hold.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configFromYaml } from '#dist/config/load.js';
import { ConfigError } from '#dist/core/errors.js';

const test = suite('hostile YAML');
const seed = Number(process.env.LLM_CACHE_TEST_SEED ?? 20_240_607);
const runs = Number(process.env.LLM_CACHE_TEST_RUNS ?? 300);
console.log(`seed ${seed}, ${runs} runs`);

function prototypes(): string {
  const names = (value: object): string[] => Reflect.ownKeys(value).map(String).sort();
  return JSON.stringify([
    names(Object.prototype),
    names(Array.prototype),
    names(Function.prototype),
    names(Map.prototype),
  ]);
}

/** True when the text is a configuration, false when it is refused; anything else fails. */
function accepts(text: string): boolean {
  try {
    configFromYaml(text, { env: {} });
    return true;
  } catch (error) {
    assert.instance(error, ConfigError, `${JSON.stringify(text.slice(0, 80))}: ${String(error)}`);
    return false;
  }
}

const N = 2 ** 20 - 64;
const fill = (unit: string, length = N): string => unit.repeat(Math.floor(length / unit.length));
const laughs = [
  'a: &a [x, x, x, x, x, x, x, x, x]',
  ...'bcdefghi'.split('').map((name, i) => {
    const before = `*${'abcdefghi'[i]}`;
    return `${name}: &${name} [${Array.from({ length: 9 }, () => before).join(', ')}]`;
  }),
].join('\n');

const BOMBS: Record<string, string> = {
  'billion laughs': laughs,
  'billion laughs in a known key': `${laughs}\ncache: { rules: *i }`,
  'aliases of a list': `a: &a [x]\ncache: { rules: [${fill('*a, ', 4000)}] }`,
  'an alias of itself': 'cache: &c { directory: *c, rules: &r [*r] }',
  'many keys': Array.from({ length: 80_000 }, (_, i) => `k${i}: 1`).join('\n'),
  'many equal keys': fill('a: 1\n'),
  'quadratic merge': `a: &a { b: 1 }\nc: { ${fill('<<: *a, ', 20_000)} }`,
  'deep lists': fill('['),
  'deep maps': fill('{a: '),
  'deep dashes': fill('- '),
  'deep questions': fill('? '),
  commas: `[${fill(',')}]`,
  comments: fill('#\n'),
  'a long key': fill('k'),
  'a long scalar': `cache: { directory: "${fill('\\n')}" }`,
  'folded text': `cache:\n  directory: >\n${fill('   x\n\n')}`,
  tags: `[${fill('!x 1,')}]`,
  anchors: `[${fill('&a 1,')}]`,
  directives: fill('%A\n'),
};

test('a megabyte of every known kind of bomb is refused in bounded time', () => {
  // Warm the code up, so that the figures are those of a running process.
  accepts('cache: {}');
  for (const [name, text] of Object.entries(BOMBS)) {
    const started = process.hrtime.bigint();
    assert.not(accepts(text), name);
    const ms = Number(process.hrtime.bigint() - started) / 1e6;
    console.log(
      `${name.padEnd(30)} ${String(text.length).padStart(8)} characters ${ms.toFixed(1).padStart(7)} ms`,
    );
    // Quadratic work on a megabyte would take minutes: the bound tells that from a busy machine.
    assert.ok(ms < 5000, `${name}: ${ms} ms`);
  }
});

test('bombs of aliases and merges are refused within 50 milliseconds, at the best of five', () => {
  for (const [name, text] of Object.entries(BOMBS).filter(([name]) => /laughs|alias|merge/.test(name))) {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const started = process.hrtime.bigint();
      assert.not(accepts(text), name);
      best = Math.min(best, Number(process.hrtime.bigint() - started) / 1e6);
    }
    assert.ok(best < 50, `${name}: ${best} ms`);
  }
});

test('keys that are names of prototypes are refused and change nothing', () => {
  const before = prototypes();
  for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
    for (const text of [
      `${name}: { polluted: 1 }`,
      `cache: { ${name}: { polluted: 1 } }`,
      `redis: { tls: { ${name}: 1 } }`,
    ]) {
      assert.not(accepts(text), text);
    }
  }
  assert.is(({} as Record<string, unknown>).polluted, undefined);
  assert.is(prototypes(), before);
});

const words = fc.constantFrom(
  'cache',
  'redis',
  'tls',
  'hnsw',
  'm',
  'M',
  'rules',
  'directory',
  '__proto__',
  'constructor',
  'polluted',
  '<<',
  ': ',
  ':',
  '\n',
  '\n  ',
  '\n    ',
  '- ',
  '? ',
  '{',
  '}',
  '[',
  ']',
  ', ',
  '&a ',
  '*a',
  '!!str ',
  '!x ',
  '"',
  "'",
  '|',
  '>',
  '#',
  '%',
  '---\n',
  '1',
  'true',
  'null',
  '${A}',
  '\t',
  'x',
);

test('random YAML is a configuration or a ConfigError, and no prototype changes', () => {
  const before = prototypes();
  fc.assert(
    fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
      accepts(parts.join(''));
    }),
    { seed, numRuns: runs * 5 },
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 60, unit: 'binary' }), (text) => void accepts(text)),
    { seed, numRuns: runs },
  );
  assert.is(prototypes(), before);
});

test.run();
