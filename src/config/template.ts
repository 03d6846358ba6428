// A configuration file with every key commented out, and the JSON Schema of such files, for editors. The public face exports both.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what configuration files hold.
import { DESCRIPTIONS } from './descriptions.js';
import { ALIASES, type Key, keyAt, PATHS, yamlName } from './schema.js';

/** Where the schema lies in the package. */
const SCHEMA_FILE = 'node_modules/llm-tiered-cache/docs/config.schema.json';

/** A value as it stands behind `key: ` in YAML; JSON is YAML. */
function yamlValue(value: unknown): string {
  if (
    typeof value === 'string' &&
    /^[A-Za-z.][\w./-]*$/.test(value) &&
    !/^(true|false|yes|no|null|on|off)$/i.test(value)
  )
    return value;
  return JSON.stringify(value ?? null);
}

/** What a person wants to know of a key before setting it. */
function factsOf(path: (typeof PATHS)[number]): string[] {
  const { kind, unit, env, usedBy } = keyAt(path);
  const facts = [
    DESCRIPTIONS[yamlName(path)] ?? '',
    `Takes ${kind.expected}${unit === undefined || unit === 'port' ? '' : ` (${unit})`}.`,
  ];
  if (env !== undefined) facts.push(`Environment: ${env}.`);
  if (usedBy === undefined) facts.push('No effect in this version.');
  return facts.filter((fact) => fact !== '');
}

function wrapped(text: string, margin: string): string[] {
  const lines: string[] = [];
  let line = margin;
  for (const word of text.split(' ')) {
    if (line.length + word.length > 100 && line !== margin) {
      lines.push(line.trimEnd());
      line = margin;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

/**
 * The text of a configuration file that names, explains and comments out every key with its default: as it is, it changes nothing.
 */
export function configTemplate(): string {
  const lines = [
    `# yaml-language-server: $schema=${SCHEMA_FILE}`,
    '# Configuration of llm-cache. Every key stands here with its default; take the # before a section and a key away to set it.',
    '# Command line > environment > this file > defaults. Keep secrets out of it: ${NAME} or ${NAME:-default} takes a variable.',
  ];
  let open: string[] = [];
  for (const path of PATHS) {
    const parts = yamlName(path).split('.');
    const name = parts.pop() as string;
    const shared = parts.findIndex((part, at) => open[at] !== part);
    if (shared >= 0 || parts.length < open.length) lines.push('');
    if (shared >= 0) {
      for (let depth = shared; depth < parts.length; depth++)
        lines.push(`#${'  '.repeat(depth)}${parts[depth]}:`);
    }
    open = parts;
    const indent = '  '.repeat(parts.length);
    lines.push(...wrapped(factsOf(path).join(' '), `# ${indent}# `));
    lines.push(`#${indent}${name}: ${yamlValue(keyAt(path).default)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A JSON Schema. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

interface Section {
  type: 'object';
  additionalProperties: false;
  properties: Record<string, JsonSchema | Section>;
}

const VARIABLE: JsonSchema = { type: 'string', pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?\\}$' };

function leaf(key: Key, description: string, factor = 1): JsonSchema {
  const accepted = key.kind.jsonSchema();
  const { default: fallback } = key;
  // A value in another unit has other bounds; what it comes to is checked when the file is read.
  const own: JsonSchema = factor === 1 ? accepted : { type: 'number' };
  const choices = [own, VARIABLE, ...(fallback === undefined ? [{ type: 'null' }] : [])];
  return {
    description,
    ...(fallback === undefined || factor !== 1 ? {} : { default: fallback }),
    anyOf: choices,
  };
}

function put(root: Section, path: string, schema: JsonSchema): void {
  const parts = path.split('.');
  const last = parts.pop() as string;
  let section = root;
  for (const part of parts) {
    section.properties[part] ??= { type: 'object', additionalProperties: false, properties: {} };
    section = section.properties[part] as Section;
  }
  section.properties[last] = schema;
}

/** A section that is also a switch, as `tls: true` is, and any section may be empty. */
function finished(section: Section): JsonSchema {
  const properties = Object.fromEntries(
    Object.entries(section.properties).map(([name, child]) => [
      name,
      'properties' in child ? finished(child as Section) : child,
    ]),
  );
  const isSwitch = 'enabled' in properties && 'ca_file' in properties;
  const shape = { type: 'object', additionalProperties: false, properties };
  return {
    anyOf: [
      shape,
      { type: 'null' },
      ...(isSwitch ? [{ type: 'boolean' }, { enum: ['enabled', 'disabled'] }] : []),
    ],
  };
}

/** The JSON Schema (2020-12) of configuration files, other names included. Shipped as `docs/config.schema.json`. */
export function configJsonSchema(): JsonSchema {
  const root: Section = { type: 'object', additionalProperties: false, properties: {} };
  for (const path of PATHS) {
    const name = yamlName(path);
    put(root, name, leaf(keyAt(path), DESCRIPTIONS[name] ?? ''));
  }
  for (const { yaml, path, factor } of ALIASES) {
    put(root, yaml, leaf(keyAt(path), `Another name of ${yamlName(path)}.`, factor));
  }
  put(root, 'redis.url', {
    description: 'Stands for host, port, db, username, password and tls.',
    type: 'string',
  });
  const { properties } = (finished(root) as { anyOf: readonly [{ properties: unknown }] }).anyOf[0];
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of llm-tiered-cache',
    type: 'object',
    additionalProperties: false,
    properties,
  };
}
