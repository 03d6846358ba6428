// Shows a configuration without its secrets, and turns it back into plain data. The command line and the public face import it.
import { nest, valueAt } from './resolve.js';
import { keyAt, PATHS, yamlName } from './schema.js';
import { REDACTED, Secret, stripUserinfo } from './secret.js';
import type { Config, LoadedConfig, Source } from './types.js';

/** A value as JSON knows it. */
export type PlainValue = string | number | boolean | null | readonly string[];

/** One key, for `llm-cache config --show`. */
export interface ConfigRow {
  /** YAML path, such as `cache.max_entries`. */
  readonly key: string;
  /** JSON-safe; null = not set, or never for `cache.ttl_seconds`; `[secret]` for a secret. */
  readonly value: PlainValue;
  /** The value as a person reads it. */
  readonly text: string;
  readonly source: Source['from'];
  /** `file:line`, the variable's name, `--set key`, `code` or `default`. */
  readonly where: string;
  /** Places of weaker sources that set it too, the strongest first. */
  readonly over: readonly string[];
  /** Unit of a number; empty where there is none. */
  readonly unit: string;
  /** Environment variable of the key; empty where there is none. */
  readonly environment: string;
  /** Who acts on it; empty when nobody does. */
  readonly usedBy: string;
  /** Empty, or `no effect in this version`. */
  readonly note: string;
}

function plain(value: unknown): PlainValue {
  if (value === undefined || value === null) return null;
  if (value instanceof Secret) return REDACTED;
  if (typeof value === 'string') return stripUserinfo(value);
  if (Array.isArray(value)) return value.map((item) => stripUserinfo(String(item)));
  return value as number | boolean;
}

function display(value: unknown): string {
  if (value === null) return 'never';
  if (value === undefined) return 'not set';
  const shown = plain(value);
  if (typeof shown === 'string') return /^[\x21-\x7e]+$/.test(shown) ? shown : JSON.stringify(shown);
  return Array.isArray(shown) ? `[${shown.join(', ')}]` : String(shown);
}

/** A row for every key, in the order of the documentation. Secrets are `[secret]`; URLs lose their user and password. */
export function showConfig(loaded: LoadedConfig): ConfigRow[] {
  return PATHS.map((path) => {
    const { unit = '', env = '', usedBy = '' } = keyAt(path);
    const value = valueAt(loaded.config, path);
    const source = loaded.sources[yamlName(path)];
    return {
      key: yamlName(path),
      value: plain(value),
      text: display(value),
      source: source?.from ?? 'default',
      where: source?.where ?? 'default',
      over: source?.over ?? [],
      unit,
      environment: env,
      usedBy,
      note: usedBy === '' ? 'no effect in this version' : '',
    };
  });
}

/** Plain data as it stands in YAML. */
export interface ConfigObject {
  readonly [key: string]: PlainValue | ConfigObject;
}

/**
 * The configuration in YAML's names. `JSON.stringify` of it is YAML that `configFromYaml` reads back to the same configuration,
 * but for secrets, which are left out unless asked for. Keys without a value are left out.
 */
export function configToObject(config: Config, options: { revealSecrets?: boolean } = {}): ConfigObject {
  const pairs: [string, unknown][] = [];
  for (const path of PATHS) {
    const value = valueAt(config, path);
    if (value === undefined || (value instanceof Secret && options.revealSecrets !== true)) continue;
    // A literal ${NAME} must not be looked up when the text is read again.
    pairs.push([yamlName(path), escaped(value instanceof Secret ? value.reveal() : value)]);
  }
  return nest(pairs) as ConfigObject;
}

function escaped(value: unknown): unknown {
  if (Array.isArray(value)) return [...value];
  return typeof value === 'string'
    ? value.replace(/\$(\$?\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\})/g, '$$$$$1')
    : value;
}
