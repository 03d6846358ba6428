// Walks what a YAML file or code says along the table of keys, and collects settings and problems. config/ imports it.
import { describe } from '../core/errors.js';
import type { RedisUrl } from './kinds.js';
import { redisUrl } from './kinds.js';
import { ALIASES, keyAt, PATHS, yamlName } from './schema.js';
import { Secret, stripUserinfo } from './secret.js';
import { suggest } from './suggest.js';
import type { ConfigPath } from './types.js';

/** Something said at one place of a source. Sections open their entries only when asked, so hostile input never expands. */
export interface SourceNode {
  /** `file:line` or `code`. */
  readonly where: string;
  /** A plain value; ignored where there are entries. */
  readonly value: unknown;
  /** Present on a section. */
  readonly entries?: () => Iterable<readonly [name: string, node: SourceNode, keyWhere: string]>;
}

/** A value that one source gives to one key. */
export interface Setting {
  readonly value: unknown;
  readonly where: string;
  /** The key as that source spells it. */
  readonly name: string;
}

/** What one source sets. */
export type Layer = Map<ConfigPath, Setting>;

/** At most this many problems are told: a hostile file may have as many as it has lines. */
const MAX_PROBLEMS = 50;

/** Collects what is wrong, so that everything is told at once. */
export class Problems {
  readonly lines: string[] = [];
  #more = 0;

  /** Adds a line; `where` may be empty. */
  add(where: string, text: string): void {
    if (this.lines.length < MAX_PROBLEMS) this.lines.push(where === '' ? text : `${where}: ${text}`);
    else this.#more++;
  }

  /** True when no further problem would be shown. */
  get full(): boolean {
    return this.lines.length >= MAX_PROBLEMS;
  }

  /** One line for one problem, otherwise a list; undefined when all is well. */
  message(): string | undefined {
    if (this.lines.length === 0) return undefined;
    if (this.lines.length === 1) return `configuration: ${this.lines[0]}`;
    const more = this.#more === 0 ? '' : `\n  and ${this.#more} more`;
    return `configuration has ${this.lines.length + this.#more} problems:\n  ${this.lines.join('\n  ')}${more}`;
  }
}

type Target = { readonly path: ConfigPath; readonly factor?: number } | { readonly url: true };

/** Names known in one section. `shorthand` takes a plain value that stands in the section's place. */
interface Branch {
  readonly names: Map<string, Branch | Target>;
  shorthand?: Target;
}

/** How names are spelt: snake_case with aliases, or camelCase; and in a flag, where every value is text. */
export type Spelling = 'yaml' | 'code' | 'flag';

function isBranch(found: Branch | Target): found is Branch {
  return 'names' in found;
}

function insert(root: Branch, path: string, target: Target): void {
  const parts = path.split('.');
  const last = parts.pop() ?? '';
  let branch = root;
  for (const part of parts) {
    const next = branch.names.get(part) ?? { names: new Map() };
    branch.names.set(part, next);
    if (!isBranch(next)) throw new TypeError(`${path} runs through a key`);
    branch = next;
  }
  branch.names.set(last, target);
  if (parts.at(-1) === 'tls' && last === 'enabled') branch.shorthand = target;
}

function index(spelling: Spelling): Branch {
  const root: Branch = { names: new Map() };
  for (const path of PATHS) insert(root, spelling === 'code' ? path : yamlName(path), { path });
  insert(root, 'redis.url', { url: true });
  if (spelling !== 'code') {
    for (const { yaml, path, factor } of ALIASES)
      insert(root, yaml, factor === undefined ? { path } : { path, factor });
  }
  return root;
}

const yamlIndex = index('yaml');
const INDEX: Readonly<Record<Spelling, Branch>> = { yaml: yamlIndex, code: index('code'), flag: yamlIndex };
const URL_KIND = redisUrl();

const VARIABLE = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}/g;
const WHOLE_VARIABLE = /^\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\}$/;

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** A name for a message: its beginning up to what no name of ours holds, because a value without its space could follow. */
export function printable(name: string): string {
  const start = /^[\w.-]{0,60}/.exec(name)?.[0] ?? '';
  return start === name ? name : `${start}…`;
}

/** What was found, for a message: the value itself only where no secret could stand. */
function shown(value: unknown, quotable: boolean): string {
  if (quotable) return stripUserinfo(describe(value));
  return typeof value === 'string' ? `text of ${value.length} characters` : `a ${typeof value}`;
}

/** Checks values against the table and puts them into a layer. */
export class Reader {
  readonly layer: Layer = new Map();
  readonly #spelling: Spelling;
  readonly #problems: Problems;
  readonly #env: NodeJS.ProcessEnv;

  /** @param env where `${NAME}` in YAML is looked up */
  constructor(spelling: Spelling, problems: Problems, env: NodeJS.ProcessEnv) {
    this.#spelling = spelling;
    this.#problems = problems;
    this.#env = env;
  }

  /** Reads a whole source. */
  read(root: SourceNode): void {
    if (this.#isEmpty(root)) return;
    this.#section(root, INDEX[this.#spelling], '');
  }

  /** Checks one value and keeps it. `fromText`: the value is text that stands for a value of the key's kind. */
  put(
    path: ConfigPath,
    raw: unknown,
    at: { name: string; where: string; factor?: number; fromText?: boolean },
  ): void {
    const { kind, default: fallback } = keyAt(path);
    let value = at.fromText === true && typeof raw === 'string' ? kind.fromText(raw) : raw;
    if (at.factor !== undefined && typeof value === 'number') value *= at.factor;
    const parsed =
      kind.parse(value) ?? (value === null && fallback === undefined ? { value: undefined } : undefined);
    if (parsed === undefined) {
      const unit = at.factor === undefined ? '' : ` (after multiplying by ${at.factor})`;
      this.#problems.add(
        at.where,
        `${at.name}: expected ${kind.expected}${unit}, got ${shown(raw, kind.quotable)}`,
      );
      return;
    }
    const earlier = this.layer.get(path);
    if (earlier !== undefined && !same(earlier.value, parsed.value)) {
      this.#problems.add(
        at.where,
        `${at.name} and ${earlier.name} (${earlier.where}) say different things; keep one`,
      );
      return;
    }
    this.layer.set(path, { value: parsed.value, where: at.where, name: at.name });
  }

  /** An empty section in YAML is null: all its keys are commented out. */
  #isEmpty(node: SourceNode): boolean {
    return node.value === undefined
      ? node.entries === undefined
      : node.value === null && this.#spelling === 'yaml' && node.entries === undefined;
  }

  #section(node: SourceNode, branch: Branch, path: string): void {
    if (node.entries === undefined) {
      this.#problems.add(
        node.where,
        `${path === '' ? 'expected' : `${path}: expected`} keys with values, not a single value or a list`,
      );
      return;
    }
    const seen = new Map<string, string>();
    for (const [name, child, keyWhere] of node.entries()) {
      const first = seen.get(name);
      if (first !== undefined) {
        this.#problems.add(keyWhere, `${join(path, printable(name))} stands twice (first at ${first})`);
        continue;
      }
      seen.set(name, keyWhere);
      const found = branch.names.get(name);
      if (found === undefined) this.#unknown(name, branch, path, keyWhere);
      else if (!isBranch(found)) this.#target(found, child, join(path, name));
      else if (this.#isEmpty(child)) continue;
      else if (child.entries === undefined && found.shorthand !== undefined) {
        this.#target(found.shorthand, child, join(path, name));
      } else this.#section(child, found, join(path, name));
    }
  }

  #target(target: Target, node: SourceNode, name: string): void {
    if (node.entries !== undefined) {
      this.#problems.add(node.where, `${name}: expected a value, got a section`);
      return;
    }
    if (node.value === undefined) return;
    const text = this.#substitute(node, name);
    if (text === undefined) return;
    const at = { name, where: node.where, fromText: text.whole };
    if ('url' in target) this.#url(text.value, at);
    else
      this.put(target.path, text.value, target.factor === undefined ? at : { ...at, factor: target.factor });
  }

  #url(value: unknown, at: { name: string; where: string }): void {
    if (value === null) return;
    const parsed = URL_KIND.parse(value);
    if (parsed === undefined) {
      this.#problems.add(at.where, `${at.name}: expected ${URL_KIND.expected}, got ${shown(value, false)}`);
      return;
    }
    const { tls, ...parts } = parsed.value;
    for (const [part, partValue] of Object.entries(parts)) {
      this.put(`redis.${part as Exclude<keyof RedisUrl, 'tls'>}`, partValue, at);
    }
    if (tls) this.put('redis.tls.enabled', true, at);
  }

  /** Replaces `${NAME}` and `${NAME:-fallback}` in YAML text; `$${NAME}` stands for itself. Undefined when a variable is missing. */
  #substitute(node: SourceNode, name: string): { value: unknown; whole: boolean } | undefined {
    const { value } = node;
    if (this.#spelling === 'flag') return { value: value === 'null' ? null : value, whole: true };
    if (this.#spelling !== 'yaml' || typeof value !== 'string') return { value, whole: false };
    let missing = false;
    const replaced = value.replace(
      VARIABLE,
      (match, escaped: string, variable: string, fallback: string | undefined) => {
        if (escaped !== '') return match.slice(1);
        const found = this.#env[variable] || fallback;
        if (found !== undefined) return found;
        missing = true;
        this.#problems.add(
          node.where,
          `${name} names the environment variable ${variable}, which is not set`,
        );
        return '';
      },
    );
    if (missing) return undefined;
    return { value: replaced, whole: WHOLE_VARIABLE.test(value) };
  }

  #unknown(name: string, branch: Branch, path: string, where: string): void {
    const full = join(path, name === '<<' ? name : printable(name));
    if (this.#problems.full) {
      this.#problems.add(where, 'only counted');
      return;
    }
    if (name === '<<') {
      this.#problems.add(where, `${full}: merge keys are not supported`);
      return;
    }
    const near = suggest(name, branch.names.keys());
    const hint = near === undefined ? elsewhere(name, this.#spelling) : `; did you mean ${near}?`;
    this.#problems.add(where, `unknown key ${full}${hint}`);
  }
}

/** Tells where else a key of this name exists. */
function elsewhere(name: string, spelling: Spelling): string {
  const known = PATHS.map((path) => (spelling === 'code' ? path : yamlName(path)));
  const found = known.filter((path) => path.split('.').at(-1) === name).slice(0, 3);
  return found.length === 0 ? '' : `; did you mean ${found.join(' or ')}?`;
}

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Secret && b instanceof Secret) return a.reveal() === b.reveal();
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What code passed, as a tree. Only plain objects are sections. */
export function codeNode(value: unknown, where = 'code'): SourceNode {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { where, value };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return { where, value };
  const entries = function* (): Generator<readonly [string, SourceNode, string]> {
    for (const [name, child] of Object.entries(value)) yield [name, codeNode(child, where), where];
  };
  return { where, value: undefined, entries };
}

/** What `key=value` of a flag says, as a tree: the key in YAML's names, the value as text. Undefined when there is no key. */
export function flagNode(setting: string, where: string): SourceNode | undefined {
  const at = setting.indexOf('=');
  if (at < 1) return undefined;
  const names = setting.slice(0, at).trim().split('.');
  return names.reduceRight<SourceNode>(
    (child, name) => ({ where, value: undefined, entries: () => [[name, child, where] as const] }),
    { where, value: setting.slice(at + 1) },
  );
}
