// Kinds of configuration values: what each accepts and how it reads text. The only file that imports zod; schema.ts imports it.
import { z } from 'zod';
import { bytesFromText } from '../core/bytes.js';
import { Secret } from './secret.js';

/** How a value is checked and, where it comes as text (environment, `${NAME}` in YAML), read. */
export interface Kind<T> {
  /** What is accepted, to follow "expected " in a message. */
  readonly expected: string;
  /** Error messages may quote a refused value. False for free text, where a misplaced password could stand. */
  readonly quotable: boolean;
  /** The checked value, or undefined when it is not of this kind. */
  parse(value: unknown): { readonly value: T } | undefined;
  /** What is accepted, as JSON Schema for editors. */
  jsonSchema(): Readonly<Record<string, unknown>>;
  /** Turns text into what `parse` takes. Text that is not of this kind comes back unchanged, for `parse` to refuse. */
  fromText(text: string): unknown;
}

function kind<T>(
  expected: string,
  schema: z.ZodType<T>,
  options: {
    quotable?: boolean;
    fromText?: (text: string) => unknown;
    /** What editors are told; default what `schema` takes before it transforms it. */
    editor?: z.ZodType;
  } = {},
): Kind<T> {
  return {
    expected,
    quotable: options.quotable ?? true,
    parse(value) {
      const result = schema.safeParse(value);
      return result.success ? { value: result.data } : undefined;
    },
    jsonSchema() {
      // A check in code has no form in JSON Schema; it holds all the same when the file is read.
      const { $schema: _, ...rest } = z.toJSONSchema(options.editor ?? schema, {
        io: 'input',
        unrepresentable: 'any',
      });
      return rest;
    },
    fromText: options.fromText ?? ((text) => text),
  };
}

const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

function numberFromText(text: string): unknown {
  return NUMBER.test(text) ? Number(text) : text;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['no', false],
]);

function booleanFromText(text: string): unknown {
  return BOOLEANS.get(text.toLowerCase()) ?? text;
}

const show = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** A whole number within bounds, both included. */
export function integer(minimum: number, maximum: number): Kind<number> {
  return kind(`a whole number from ${show(minimum)} to ${show(maximum)}`, z.int().min(minimum).max(maximum), {
    fromText: numberFromText,
  });
}

/** A number within bounds, both included. */
export function decimal(minimum: number, maximum: number): Kind<number> {
  return kind(`a number from ${minimum} to ${maximum}`, z.number().min(minimum).max(maximum), {
    fromText: numberFromText,
  });
}

/** A TCP port. The text form also takes `tcp://host:port`, which container platforms put into `…_PORT` variables. */
export function port(): Kind<number> {
  return kind('a port from 1 to 65,535', z.int().min(1).max(65_535), {
    fromText: (text) => numberFromText(/^tcp:\/\/[^/@]+:(\d+)$/.exec(text)?.[1] ?? text),
  });
}

/** `true` or `false`; as text also `1`, `0`, `yes` and `no`. */
export function flag(): Kind<boolean> {
  return kind('true or false', z.boolean(), { fromText: booleanFromText });
}

/** As `flag`, and the words `enabled` and `disabled`. */
export function tlsSwitch(): Kind<boolean> {
  const words = z.enum(['enabled', 'disabled']).transform((word) => word === 'enabled');
  return kind('true, false, enabled or disabled', z.union([z.boolean(), words]), {
    fromText: booleanFromText,
  });
}

/** One of some words, whatever its case; `synonyms` maps further words to them. */
export function oneOf<const T extends string>(
  words: readonly T[],
  options: { expected?: string; synonyms?: Readonly<Record<string, T>> } = {},
): Kind<T> {
  const table = new Map<string, T>([
    ...Object.entries<T>(options.synonyms ?? {}),
    ...words.map((word): [string, T] => [word.toLowerCase(), word]),
  ]);
  const schema = z.string().transform((text, context) => {
    const word = table.get(text.toLowerCase());
    if (word !== undefined) return word;
    context.addIssue('unknown word');
    return z.NEVER;
  });
  return kind<T>(options.expected ?? `one of ${words.join(', ')}`, schema as unknown as z.ZodType<T>, {
    editor: z.enum([...table.keys(), ...words] as [string, ...string[]]),
  });
}

// A NUL ends a C string early, so it must not reach a path.
const TEXT = z
  .string()
  .min(1)
  .max(4096)
  .refine((value) => !value.includes('\0'));

/** Free text of 1 to 4,096 characters, or what `pattern` allows. */
export function text(expected = 'text of 1 to 4,096 characters', pattern?: RegExp): Kind<string> {
  return kind(expected, pattern === undefined ? TEXT : TEXT.regex(pattern), { quotable: false });
}

/** A host name or an address, without protocol, user or port. */
export function host(): Kind<string> {
  return text('a host name or address without protocol and port', /^[A-Za-z0-9._:[\]%-]{1,255}$/);
}

const NODE = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,255}):([1-9]\d{0,4})$/;

/** A list of `host:port`; as text separated by commas. */
export function nodes(): Kind<readonly string[]> {
  const node = z.string().regex(NODE);
  return kind('a list of host:port', z.array(node).min(1).max(100), {
    fromText: (value) => value.split(',').map((part) => part.trim()),
  });
}

const INDEXED_FIELD = /^[^:,\0]{1,256}(:(keyword|integer|float|bool))?$/;

/** A list of metadata fields, each `name` or `name:type`; as text separated by commas. */
export function indexedFields(): Kind<readonly string[]> {
  const field = z.string().regex(INDEXED_FIELD);
  return kind(
    'a list of names or name:type, with a type of keyword, integer, float or bool',
    z.array(field).max(100),
    { fromText: (value) => value.split(',').map((part) => part.trim()) },
  );
}

const PRICE = /^[^=,\0]{1,256}=\d+(\.\d+)?\/\d+(\.\d+)?$/;

/** A list of prices, each `model=input/output`; as text separated by commas. */
export function prices(): Kind<readonly string[]> {
  const price = z.string().regex(PRICE);
  return kind('a list of model=input/output', z.array(price).max(1_000), {
    fromText: (value) => value.split(',').map((part) => part.trim()),
  });
}

/** A secret: text that is wrapped at once. */
export function secret(): Kind<Secret> {
  const wrapped = TEXT.transform((value) => new Secret(value));
  return kind('text (put digits in quotes)', z.union([z.instanceof(Secret), wrapped]), { quotable: false });
}

const readBytes = (text: string): unknown => bytesFromText(text) ?? text;

/** A number of bytes: a whole number, or text such as `256 MiB` or `1.5 GB`. */
export function bytes(minimum: number): Kind<number> {
  const schema = z.preprocess(
    (value) => (typeof value === 'string' ? readBytes(value) : value),
    z.int().min(minimum),
  );
  return kind(`a number of bytes from ${show(minimum)}, such as 268435456 or 256 MiB`, schema, {
    fromText: readBytes,
    editor: z.union([z.int().min(minimum), z.string().regex(/^\d+(\.\d+)? ?([KkMmGgTt]i?)?[Bb]?$/)]),
  });
}

/** Whole seconds from 1 to ten years, or null (as text: `never`). */
export function secondsOrNever(): Kind<number | null> {
  const seconds = z.int().min(1).max(315_360_000).nullable();
  const schema = z.preprocess((value) => (value === 'never' ? null : value), seconds);
  return kind('a whole number of seconds from 1 to 315,360,000, or null or never', schema, {
    fromText: numberFromText,
    editor: z.union([seconds, z.literal('never')]),
  });
}

/** `all`, `none`, or a list of names. */
export function ruleNames(): Kind<'all' | 'none' | readonly string[]> {
  const name = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
  return kind(
    'all, none, or a list of rule names',
    z.union([z.enum(['all', 'none']), z.array(name).max(100)]),
    {
      fromText: (value) => (/^(all|none)$/.test(value) ? value : value.split(',').map((part) => part.trim())),
    },
  );
}

/** What a `redis:` or `rediss:` URL says, part by part; parts that it does not name are absent. */
export interface RedisUrl {
  readonly host: string;
  readonly port?: number;
  readonly db?: number;
  readonly username?: string;
  readonly password?: Secret;
  /** True for `rediss:`. */
  readonly tls: boolean;
}

function readRedisUrl(value: string): RedisUrl | undefined {
  if (!/^rediss?:\/\//i.test(value) || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const path = /^\/?(\d{0,9})$/.exec(url.pathname);
  if (url.hostname === '' || path === null || url.search !== '' || url.hash !== '') return undefined;
  try {
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      tls: url.protocol === 'rediss:',
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      ...(path[1] === '' ? {} : { db: Number(path[1]) }),
      ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
      ...(url.password === '' ? {} : { password: new Secret(decodeURIComponent(url.password)) }),
    };
  } catch {
    return undefined;
  }
}

/** A `redis:` or `rediss:` URL, taken apart at once so that its password is nowhere kept as text. */
export function redisUrl(): Kind<RedisUrl> {
  const schema = z.union([z.instanceof(Secret), z.string().max(4096)]).transform((value, context) => {
    const url = readRedisUrl(typeof value === 'string' ? value : value.reveal());
    if (url !== undefined) return url;
    context.addIssue('not a Redis URL');
    return z.NEVER;
  });
  return kind('a URL such as redis://user:password@host:6379/0', schema, { quotable: false });
}
