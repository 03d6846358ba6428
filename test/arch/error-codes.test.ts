// Holds the table of error codes: each is unique, thrown somewhere, and explained in the README.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filesIn, read } from './sources.ts';

const test = suite('error codes');
const errors = read('src/core/errors.ts');
const codes = [...errors.matchAll(/^ {2}\| '(ERR_LLM_CACHE_\w+)'/gm)].map((match) => match[1] as string);
const classes = [
  ...errors.matchAll(/^export class (\w+) extends[\s\S]*?code(?:: ErrorCode)? = '(ERR_\w+)'/gm),
].map((match) => ({
  name: match[1] as string,
  code: match[2] as string,
}));

test('every code belongs to exactly one class', () => {
  assert.ok(codes.length > 10);
  assert.equal(classes.map(({ code }) => code).sort(), [...codes].sort());
});

test('every class is thrown somewhere', () => {
  const code = filesIn('src', /\.ts$/).map(read).join('\n');
  for (const { name } of classes) assert.match(code, new RegExp(`new ${name}\\(`), `${name} is never thrown`);
});

test('every code is explained in the README', () => {
  const readme = read('README.md');
  for (const code of codes) assert.ok(readme.includes(`\`${code}\``), `${code} is not in the README`);
});

test.run();
