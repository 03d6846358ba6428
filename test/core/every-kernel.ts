// Runs a property file once more for each kernel of the machine; imported by the tests of what has kernels.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '#dist/core/native.js';

/**
 * Adds a test for each of the kernels, unless this process is one of those: the file, which prints `kernel <name>`, must pass with it.
 * @param variables of the environment, such as the seed
 */
export function underEveryKernel(
  test: Test,
  file: string,
  variables: Readonly<Record<string, string>>,
  kernels: readonly string[] = native.kernels,
): void {
  if (process.env.LLM_CACHE_KERNEL !== undefined) return;
  for (const kernel of kernels) {
    test(`all of this holds with LLM_CACHE_KERNEL=${kernel}`, () => {
      const child = spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(file)], {
        env: { ...process.env, ...variables, LLM_CACHE_KERNEL: kernel },
        encoding: 'utf8',
      });
      assert.is(child.status, 0, child.stdout + child.stderr);
      assert.match(child.stdout, `kernel ${kernel}`);
    });
  }
}
