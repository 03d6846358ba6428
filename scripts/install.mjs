// npm's install hook: takes the prebuilt addon if it loads here, else compiles one. In a checkout of the repository it leaves
// the choice of the build tool to build-native.mjs.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { advice, buildNative, buildWithNodeGyp } from './build-native.mjs';

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

function prebuildLoads() {
  const prebuild = path(`prebuilds/${process.platform}-${process.arch}/llm_tiered_cache.node`);
  if (!existsSync(prebuild)) return false;
  try {
    createRequire(import.meta.url)(prebuild);
    return true;
  } catch (error) {
    // A prebuild for another C library, for instance: compiling is the cure, so this is no failure yet.
    console.warn(`The prebuilt addon does not load here (${error.message}); compiling it instead.`);
    return false;
  }
}

const isCheckout = ['src', 'tsconfig.json', 'CMakeLists.txt'].every((name) => existsSync(path(name)));

try {
  if (!prebuildLoads() && !(isCheckout ? buildNative() : buildWithNodeGyp())) {
    console.error(advice);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(`${error.message}\n${advice}`);
  process.exitCode = 1;
}
