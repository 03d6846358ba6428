// Helpers of the configuration tests: a folder for files, and the message of a refusal.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ConfigError } from '#dist/core/errors.js';

/** Runs `use` with a folder that holds `llm-cache.yaml` with this text (none when undefined). */
export function withFile<T>(text: string | undefined, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'llm-cache-config-'));
  try {
    if (text !== undefined) writeFileSync(join(folder, 'llm-cache.yaml'), text);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The message of the `ConfigError` that `action` throws; fails when it throws none or another. */
export function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.is((error as ConfigError).code, 'ERR_LLM_CACHE_CONFIG');
    return (error as ConfigError).message;
  }
  assert.unreachable('nothing was thrown');
  return '';
}
