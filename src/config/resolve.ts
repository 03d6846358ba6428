// Merges layers key by key, fills in what follows from other keys, and builds the frozen configuration. load.ts imports it.
import { keyAt, PATHS, yamlName } from './schema.js';
import type { Layer, Problems } from './tree.js';
import type { Config, ConfigPath, Source } from './types.js';

/** A value with its source. */
export interface Resolved {
  value: unknown;
  source: Source;
}

/** Every key with its value and source. */
export type ResolvedKeys = Map<ConfigPath, Resolved>;

const DEFAULT_SOURCE: Source = Object.freeze({ from: 'default', where: 'default' });

/** Merges layers, the weakest first, over the defaults. */
export function mergeLayers(layers: readonly { from: Source['from']; layer: Layer }[]): ResolvedKeys {
  const keys: ResolvedKeys = new Map();
  for (const path of PATHS) keys.set(path, { value: keyAt(path).default, source: DEFAULT_SOURCE });
  for (const { from, layer } of layers) {
    for (const [path, { value, where }] of layer) {
      const before = keys.get(path)?.source;
      const over =
        before === undefined || before.from === 'default' ? [] : [before.where, ...(before.over ?? [])];
      const source: Source = over.length === 0 ? { from, where } : { from, where, over: Object.freeze(over) };
      keys.set(path, { value, source: Object.freeze(source) });
    }
  }
  return keys;
}

function get(keys: ResolvedKeys, path: ConfigPath): Resolved {
  const found = keys.get(path);
  if (found === undefined) throw new TypeError(`no key ${path}`);
  return found;
}

function isSet(keys: ResolvedKeys, path: ConfigPath): boolean {
  return get(keys, path).source.from !== 'default';
}

/** Switches `flag` on when it is not set itself and one of `signs` is; the source is the sign's. */
function enableBy(keys: ResolvedKeys, flag: ConfigPath, signs: readonly ConfigPath[]): void {
  const sign = signs.find((path) => isSet(keys, path) && get(keys, path).value !== undefined);
  if (isSet(keys, flag) || sign === undefined) return;
  keys.set(flag, { value: true, source: get(keys, sign).source });
}

function finishTls(keys: ResolvedKeys, section: 'redis' | 'qdrant', problems: Problems): void {
  const at = <N extends string>(name: N): `${typeof section}.tls.${N}` => `${section}.tls.${name}`;
  enableBy(keys, at('enabled'), [
    at('caFile'),
    at('certFile'),
    at('keyFile'),
    at('serverName'),
    at('rejectUnauthorized'),
  ]);
  needEachOther(keys, at('certFile'), at('keyFile'), problems);
}

function needEachOther(keys: ResolvedKeys, one: ConfigPath, other: ConfigPath, problems: Problems): void {
  const [first, second] = [get(keys, one), get(keys, other)];
  if ((first.value === undefined) === (second.value === undefined)) return;
  const there = first.value === undefined ? second : first;
  problems.add(there.source.where, `${yamlName(one)} and ${yamlName(other)} need each other`);
}

/** A default that a smaller chunk size rules out is lowered; a set value is a problem. */
function limitBySize(
  keys: ResolvedKeys,
  path: 'chunking.overlap' | 'chunking.minSize',
  limit: number,
  lowered: number,
  problems: Problems,
  notes: string[],
): void {
  const { value, source } = get(keys, path);
  if ((value as number) <= limit) return;
  const size = get(keys, 'chunking.size');
  if (isSet(keys, path)) {
    problems.add(
      source.where,
      `${yamlName(path)}: expected at most ${limit} with chunking.size ${size.value}, got ${value}`,
    );
    return;
  }
  keys.set(path, { value: lowered, source });
  notes.push(`${yamlName(path)} is ${lowered} instead of ${value}, because chunking.size is ${size.value}`);
}

function tellRedis(keys: ResolvedKeys, notes: string[]): void {
  if (get(keys, 'redis.enabled').value === true || isSet(keys, 'redis.enabled')) return;
  const set = PATHS.filter((path) => path.startsWith('redis.') && isSet(keys, path)).map(yamlName);
  if (set.length === 0) return;
  notes.push(`${set.join(', ')}: not used, because Redis is not; set redis.host or redis.enabled to use it`);
}

/** Names what is set and has no effect, a note a section. */
function tellUnused(keys: ResolvedKeys, notes: string[]): void {
  const sections = new Map<string, string[]>();
  for (const path of PATHS) {
    if (keyAt(path).usedBy !== undefined || !isSet(keys, path)) continue;
    const section = path.split('.')[0] ?? path;
    const list = sections.get(section) ?? [];
    list.push(`${yamlName(path)} (${get(keys, path).source.where})`);
    sections.set(section, list);
  }
  for (const [section, list] of sections) {
    const warning = section === 'auth' ? ' - nobody is authenticated by it' : '';
    notes.push(`no effect in this version: ${list.join(', ')}${warning}`);
  }
}

/** Fills in values that follow from others and checks keys against each other. */
export function finish(keys: ResolvedKeys, problems: Problems, notes: string[]): void {
  enableBy(keys, 'redis.enabled', ['redis.host', 'redis.cluster', 'redis.sentinels']);
  needEachOther(keys, 'redis.sentinels', 'redis.sentinelName', problems);
  if (get(keys, 'redis.seal').value !== 'none' && get(keys, 'redis.sealKeys').value === undefined) {
    problems.add(get(keys, 'redis.seal').source.where, 'redis.seal needs redis.seal_keys');
  }
  finishTls(keys, 'redis', problems);
  finishTls(keys, 'qdrant', problems);
  const size = get(keys, 'chunking.size').value as number;
  limitBySize(keys, 'chunking.overlap', size - 1, Math.floor(size / 10), problems, notes);
  limitBySize(keys, 'chunking.minSize', size, size, problems, notes);
  tellRedis(keys, notes);
  tellUnused(keys, notes);
}

/** Builds a nested object from the known paths. Names come from the table alone, never from input. */
export function nest(pairs: Iterable<readonly [path: string, value: unknown]>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of pairs) {
    const parts = path.split('.');
    const last = parts.pop() ?? '';
    let section = root;
    for (const part of parts) {
      section[part] ??= {};
      section = section[part] as Record<string, unknown>;
    }
    section[last] = value;
  }
  return root;
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) freeze(child);
}

/** The frozen configuration. */
export function toConfig(keys: ResolvedKeys): Config {
  const config = nest(PATHS.map((path) => [path, get(keys, path).value] as const));
  freeze(config);
  return config as unknown as Config;
}

/** Sources by YAML path, frozen. */
export function toSources(keys: ResolvedKeys): Readonly<Record<string, Source>> {
  return Object.freeze(Object.fromEntries(PATHS.map((path) => [yamlName(path), get(keys, path).source])));
}

/** The value at a path. */
export function valueAt(config: Config, path: ConfigPath): unknown {
  return path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config);
}
