// Builds the addon: by cmake-js where cmake is installed (development), else by node-gyp. Does nothing when the built file
// is newer than every source. Nothing is downloaded if the headers of this Node are installed, as they are by default.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What to tell somebody on whose machine the build fails. */
export const advice =
  'Building the native addon of llm-tiered-cache needs a C++17 compiler, make and python3: on Debian or Ubuntu ' +
  '"apt install g++ make python3", on Fedora "dnf install gcc-c++ make python3", on Alpine "apk add g++ make python3", on macOS ' +
  '"xcode-select --install", on Windows the Visual Studio Build Tools with "Desktop development with C++". Then run ' +
  '"npm rebuild llm-tiered-cache". The compiler\'s own message is above.';

/** First file of the name in PATH, links resolved; undefined when there is none. */
function findProgram(name) {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name];
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const found = names.map((one) => join(directory, one)).find((path) => existsSync(path));
    if (found) return realpathSync(found);
  }
  return undefined;
}

/** Prefix under which this Node's headers are installed, or undefined. */
function headersPrefix() {
  const prefix = join(dirname(realpathSync(process.execPath)), '..');
  return existsSync(join(prefix, 'include/node/node_api.h')) ? prefix : undefined;
}

/** The node-gyp that npm brings: npm names it to the scripts it runs; otherwise it lies within npm's own folder. */
function findNodeGyp() {
  const npm = process.env.npm_execpath ?? findProgram('npm');
  const beside = (path) => join(dirname(path), '../node_modules/node-gyp/bin/node-gyp.js');
  const candidates = [
    process.env.npm_config_node_gyp,
    npm && beside(npm),
    join(dirname(process.execPath), '../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js'),
    join(dirname(process.execPath), 'node_modules/npm/node_modules/node-gyp/bin/node-gyp.js'),
  ];
  return candidates.find((path) => path && existsSync(path));
}

function run(script, args, env = {}) {
  const options = { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } };
  const { status, error } = spawnSync(process.execPath, [script, ...args], options);
  if (error) throw error;
  return status === 0;
}

/** Builds with node-gyp into build/Release; true when it worked. */
export function buildWithNodeGyp() {
  const nodeGyp = findNodeGyp();
  if (!nodeGyp)
    throw new Error('node-gyp was not found: it comes with npm, which must be installed beside Node.');
  const prefix = headersPrefix();
  return run(nodeGyp, ['rebuild', ...(prefix ? [`--nodedir=${prefix}`] : [])]);
}

function buildWithCmake(cmakeJs) {
  const prefix = headersPrefix();
  return run(
    cmakeJs,
    ['compile', '--out', 'build-cmake', '--config', 'Release'],
    prefix && !process.env.npm_config_nodedir ? { npm_config_nodedir: prefix } : {},
  );
}

function newestSource() {
  const files = readdirSync(join(root, 'native/src'), { recursive: true }).map((file) =>
    join('native/src', file),
  );
  return Math.max(
    ...['CMakeLists.txt', 'binding.gyp', ...files].map((file) => statSync(join(root, file)).mtimeMs),
  );
}

/** Brings the addon up to date; true when it is. */
export function buildNative() {
  const cmakeJs = join(root, 'node_modules/cmake-js/bin/cmake-js');
  const withCmake = findProgram('cmake') !== undefined && existsSync(cmakeJs);
  const output = join(root, withCmake ? 'build-cmake' : 'build', 'Release/llm_tiered_cache.node');
  if (existsSync(output) && statSync(output).mtimeMs > newestSource()) return true;
  return withCmake ? buildWithCmake(cmakeJs) : buildWithNodeGyp();
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (!buildNative()) {
    console.error(advice);
    process.exitCode = 1;
  }
}
