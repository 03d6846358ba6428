// Runs the tests: each file in a process of its own under a time limit, two at a time where there are two cores, then the C++ tests. Prints "N passed, N failed, N skipped"
// alone on the last line. Arguments filter files by a part of their path; --no-native leaves the C++ tests out.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const fileTimeoutMs = 300_000;
const lingerMs = 15_000;
// Four builds of everything in C++ come first.
const nativeTimeoutMs = 1_200_000;
const suffix = /\.(test|property)\.ts$/;

const files = readdirSync(join(root, 'test'), { recursive: true })
  .map((file) => join('test', file))
  .filter((file) => suffix.test(file))
  .filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)))
  .sort();

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const running = new Set();

const end = (child) => {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
};

process.on('SIGINT', () => {
  running.forEach(end);
  process.exit(130);
});

/** Runs a command; resolves to its exit code and what it printed. It is ended with everything it started when time is up. */
function run(command, args, timeoutMs = fileTimeoutMs) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    let lingering;
    const collect = (chunk) => {
      output += chunk;
      // Uvu's last line. What is still open then would keep the process for ever.
      if (lingering !== undefined || !/^\s*Duration:/m.test(output)) return;
      lingering = setTimeout(() => {
        output += `\nended ${lingerMs / 1000} s after its last test\n`;
        end(child);
      }, lingerMs);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const timer = setTimeout(() => {
      output += `\nended after ${timeoutMs / 1000} s\n`;
      end(child);
    }, timeoutMs);
    child.on('exit', (code) => {
      clearTimeout(timer);
      clearTimeout(lingering);
      end(child);
      running.delete(child);
      resolve({ code, output });
    });
  });
}

// uvu's closing block; a file without it did not run its suite.
function countsOf(output) {
  const plain = stripVTControlCharacters(output);
  const of = (word) => plain.match(new RegExp(`^\\s*${word}:?\\s+(\\d+)`, 'm'))?.[1];
  const ran = of('Total');
  return ran === undefined
    ? undefined
    : { total: Number(ran), passed: Number(of('Passed') ?? 0), skipped: Number(of('Skipped') ?? 0) };
}

async function test(file) {
  const begun = Date.now();
  const { code, output } = await run(process.execPath, [
    '--unhandled-rejections=strict',
    '--import',
    'tsx',
    file,
  ]);
  const counts = countsOf(output);
  const seconds = ((Date.now() - begun) / 1000).toFixed(1);
  const ok = code === 0 && counts !== undefined && counts.total + counts.skipped > 0;
  const failed = ok ? 0 : Math.max(1, counts ? counts.total - counts.passed : 0);
  total.passed += counts?.passed ?? 0;
  total.skipped += counts?.skipped ?? 0;
  total.failed += failed;
  const name = relative('test', file);
  const skipped = counts?.skipped ? `, ${counts.skipped} skipped` : '';
  console.log(
    `${ok ? '✓' : '✗'} ${name.padEnd(46)} ${String(counts?.passed ?? 0).padStart(4)} passed${skipped}  ${seconds} s`,
  );
  for (const line of output.match(/^.*\bskipped: (?!\s*\d+$).*$/gm) ?? []) console.log(`    ${line.trim()}`);
  if (!ok) {
    failures.push(file);
    console.log(
      counts === undefined ? `${output}\n    the suite did not run to its end (exit code ${code})` : output,
    );
  }
}

/** Each lane takes the next file when it is free. */
async function testAll(some, lanes) {
  const next = some.values();
  const lane = async () => {
    for (const file of next) await test(file);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const started = Date.now();
// What measures itself against the clock has the machine to itself.
const alone = (file) => /faults|redis|outage/.test(file);
await testAll(
  files.filter((file) => !alone(file)),
  Math.min(2, availableParallelism()),
);
await testAll(files.filter(alone), 1);

if (filters.length === 0 && !process.argv.includes('--no-native')) {
  const { code, output } = await run(process.execPath, ['scripts/test-native.mjs'], nativeTimeoutMs);
  for (const [, passed, failed] of output.matchAll(/(\d+) passed, (\d+) failed/g)) {
    total.passed += Number(passed);
    total.failed += Number(failed);
  }
  if (code !== 0 && !/[1-9]\d* failed/.test(output)) total.failed++;
  console.log(output.trim());
}

if (total.passed + total.failed === 0) total.failed = 1;
if (failures.length > 0) console.log(`\nfailed: ${failures.join(' ')}`);
console.log(`\n${((Date.now() - started) / 1000).toFixed(0)} s`);
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`,
);
process.exit(total.failed > 0 ? 1 : 0);
