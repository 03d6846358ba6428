// Holds the form of files: length, first line, doc comments, suites that run, equal source lists.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filesIn, read } from './sources.ts';

const test = suite('form');
const longest = 400;
const code = [
  ...filesIn('src', /\.ts$/),
  ...filesIn('test', /\.(ts|cpp|hpp)$/),
  ...filesIn('bench', /\.ts$/),
  ...filesIn('native', /\.(cpp|hpp)$/),
  ...filesIn('scripts', /\.mjs$/),
];

test(`no file is longer than ${longest} lines`, () => {
  for (const file of code) {
    const lines = read(file).split('\n').length - 1;
    assert.ok(lines <= longest, `${file} has ${lines} lines`);
  }
});

test('every file says in its first line what lives there', () => {
  for (const file of code) {
    const first = read(file)
      .replace(/^#!.*\n/, '')
      .split('\n')[0] as string;
    assert.match(first, /^(\/\/|\/\*)\s?\S.{15,}/, `${file} begins with "${first}"`);
  }
});

test('every exported function and class of the library has a doc comment', () => {
  const exported = /^export (?:abstract )?(?:async )?(?:function\*?|class) (\w+)/;
  for (const file of filesIn('src', /\.ts$/)) {
    const lines = read(file).split('\n');
    for (const [index, line] of lines.entries()) {
      const name = line.match(exported)?.[1];
      if (name === undefined) continue;
      const before = (lines[index - 1] ?? '').trim();
      // A further overload shares the comment of the first.
      const overload = lines.slice(0, index).some((earlier) => earlier.match(exported)?.[1] === name);
      assert.ok(before.endsWith('*/') || overload, `${file}: ${name} has no doc comment`);
    }
  }
});

test('every test file runs its suite', () => {
  for (const file of filesIn('test', /\.(test|property)\.ts$/))
    assert.match(read(file), /\.run\(\);\s*$/, file);
});

test('binding.gyp and CMakeLists.txt list the same sources, and all of them', () => {
  const listed = (path: string) => [...new Set(read(path).match(/native\/src\/[\w/]+\.cpp/g) ?? [])].sort();
  const present = filesIn('native/src', /\.cpp$/);
  assert.equal(listed('binding.gyp'), present);
  assert.equal(listed('CMakeLists.txt'), present);
});

test('only native/src/napi includes headers of Node', () => {
  for (const file of filesIn('native', /\.(cpp|hpp)$/).filter(
    (path) => !path.startsWith('native/src/napi/'),
  )) {
    assert.not.match(read(file), /#include\s*[<"](napi|node|v8|uv)\b/, file);
  }
});

test('native code never prints and never ends the process', () => {
  for (const file of filesIn('native', /\.(cpp|hpp)$/)) {
    assert.not.match(read(file), /\b(printf|fprintf|abort|exit|puts)\s*\(|std::c(out|err)/, file);
  }
});

test.run();
