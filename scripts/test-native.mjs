// Builds and runs the C++ tests by ctest: as released, under AddressSanitizer and UndefinedBehaviorSanitizer, what has threads under
// ThreadSanitizer, and for 64-bit ARM under qemu where that and its compiler are installed. Prints "N passed, N failed" for each run;
// fails if any test did, or if there was none. With --fuzz N only hostile state files are tried, N of them (default 10,000,000).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const installed = (command) => !spawnSync(command, ['--version']).error;
const armCompiler = 'aarch64-linux-gnu-g++';
const emulator = ['qemu-aarch64-static', 'qemu-aarch64'].find(installed);
const runs = [
  { title: 'release', folder: 'build-native-tests/release', sanitizers: '' },
  {
    title: 'address and undefined-behaviour sanitizers',
    folder: 'build-native-tests/sanitized',
    sanitizers: 'address,undefined',
  },
  {
    title: 'thread sanitizer',
    folder: 'build-native-tests/threads',
    sanitizers: 'thread',
    // Only these have threads.
    programs: ['kmeans', 'pq', 'ivfpq_lists', 'flat_batch'],
  },
];
if (emulator !== undefined && installed(armCompiler)) {
  runs.push({
    title: '64-bit ARM under qemu',
    folder: 'build-native-tests/arm64',
    sanitizers: '',
    options: [
      '-DCMAKE_SYSTEM_NAME=Linux',
      '-DCMAKE_SYSTEM_PROCESSOR=aarch64',
      `-DCMAKE_CXX_COMPILER=${armCompiler}`,
      '-DCMAKE_EXE_LINKER_FLAGS=-static',
      `-DCMAKE_CROSSCOMPILING_EMULATOR=${emulator}`,
    ],
    programs: [
      'kernels',
      'pq_kernels',
      'scan',
      'kmeans',
      'pq',
      'quantise',
      'ivfpq_quantiser',
      'ivfpq_lists',
      'ivfpq_state',
      'flat_batch',
    ],
  });
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  return { ok: result.status === 0, output: `${result.stdout ?? ''}${result.stderr ?? ''}` };
}

function build({ folder, sanitizers, programs = [], options: more = [] }) {
  const options = [
    '-DLLM_CACHE_TESTS=ON',
    '-DCMAKE_BUILD_TYPE=Release',
    `-DLLM_CACHE_SANITIZE=${sanitizers}`,
    ...more,
  ];
  const targets = programs.flatMap((name) => ['--target', `${name}_test`]);
  const configured = run('cmake', ['-S', '.', '-B', folder, ...options]);
  return configured.ok
    ? run('cmake', ['--build', folder, '--config', 'Release', '--parallel', '2', ...targets])
    : configured;
}

function test(one) {
  const built = build(one);
  if (!built.ok) {
    console.error(`${built.output}\n${one.title}: the tests did not build`);
    return false;
  }
  const { ok, output } = run('ctest', [
    '--test-dir',
    join(root, one.folder),
    '-C',
    'Release',
    '--output-on-failure',
    ...(one.programs === undefined ? [] : ['-R', `^(${one.programs.join('|')})$`]),
  ]);
  // ctest counts programs; each program says itself how many tests it held.
  const log = run('cmake', ['-E', 'cat', join(root, one.folder, 'Testing/Temporary/LastTest.log')]).output;
  let passed = 0;
  let failed = 0;
  let reported = 0;
  for (const [, good, bad] of log.matchAll(/^(\d+) passed, (\d+) failed$/gm)) {
    passed += Number(good);
    failed += Number(bad);
    if (bad !== '0') reported++;
  }
  if (!ok) console.error(output);
  // A program that crashed or hung printed no count.
  const badPrograms = Number(output.match(/(\d+) tests failed out of/)?.[1] ?? 0);
  failed += Math.max(0, badPrograms - reported);
  console.log(`${one.title}\n${passed} passed, ${failed} failed`);
  return ok && passed > 0;
}

/** Runs only the hostile state files, so many of them, under sanitizers. */
function fuzz(count) {
  const sanitized = runs.find(({ sanitizers }) => sanitizers.startsWith('address'));
  const built = build(sanitized);
  if (!built.ok) {
    console.error(built.output);
    return false;
  }
  const program = join(root, sanitized.folder, 'test/native/fuzz_state_test');
  const env = { ...process.env, LLM_CACHE_FUZZ: String(count) };
  return spawnSync(program, [], { cwd: root, stdio: 'inherit', env }).status === 0;
}

const fuzzAt = process.argv.indexOf('--fuzz');
if (!installed('cmake') || !installed('ctest')) {
  console.log('0 passed, 0 failed, 1 skipped: the C++ tests need cmake and ctest on PATH');
} else if (fuzzAt > 0) {
  process.exitCode = fuzz(Number(process.argv[fuzzAt + 1] ?? 10_000_000)) ? 0 : 1;
} else {
  const results = runs.map(test);
  process.exitCode = results.every(Boolean) ? 0 : 1;
}
