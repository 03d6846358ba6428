// Reads YAML text into a tree with line numbers. The only file that imports yaml; load.ts imports it.

import type { Document, ErrorCode, Node } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument } from 'yaml';
import type { Problems, SourceNode } from './tree.js';

/** Bytes of a configuration file at most. */
export const MAX_YAML_BYTES = 2 ** 20;

/**
 * Lexical tokens at most; the largest sensible file has some hundreds. The parser's time grows with tokens, about 8
 * microseconds each (measured on 1 MB of commas, brackets, keys, comments): this bound is 40 ms.
 */
const MAX_TOKENS = 5000;

/** Uses of anchors at most. */
const MAX_ALIASES = 50;

/** What the lexer gives before the text of a scalar. */
const SCALAR_FOLLOWS = '\u001f';

/** Our own words: the parser's messages quote the text, and the text may hold a password. */
const MESSAGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_ALIAS: 'an alias that is not a name; put text that begins with * in quotes',
  BAD_DIRECTIVE: 'a directive that is not understood',
  BAD_DQ_ESCAPE: 'an unknown escape in a text in double quotes (write \\\\ for a backslash)',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a value begins with a reserved character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on one line; put the value in quotes or break the line',
  KEY_OVER_1024_CHARS: 'a key of more than 1,024 characters',
  MISSING_CHAR: 'a colon, a quote or a bracket is missing',
  MULTILINE_IMPLICIT_KEY: 'a key runs over several lines (is a colon missing?)',
  MULTIPLE_ANCHORS: 'two anchors on one value',
  MULTIPLE_DOCS: 'more than one document; only one is allowed',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab in the indentation; use spaces',
  TAG_RESOLVE_FAILED: 'a tag that is not allowed',
  UNEXPECTED_TOKEN: 'something that does not belong here',
};

/** A value no kind accepts: stands for what a configuration value cannot be. */
const UNUSABLE = Symbol('not a plain value');

/** Tags that say no more than the value itself does. */
const PLAIN_TAGS = /^(tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)|!)$/;

/**
 * The tree of a YAML text, or undefined when it is no usable YAML; then `problems` says why, all at once. Cost: bounded by
 * limits on bytes and tokens; aliases are followed one by one and never expanded.
 *
 * @param name the file's name in messages
 */
export function yamlTree(text: string, name: string, problems: Problems): SourceNode | undefined {
  if (Buffer.byteLength(text) > MAX_YAML_BYTES) {
    problems.add(name, `more than ${MAX_YAML_BYTES} bytes`);
    return undefined;
  }
  let tokens = 0;
  let aliases = 0;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    if (++tokens > MAX_TOKENS) {
      problems.add(name, `more than ${MAX_TOKENS} YAML tokens; a configuration file is smaller`);
      return undefined;
    }
    // The text of a scalar may begin with a star too.
    if (token.startsWith('*') && before !== SCALAR_FOLLOWS && ++aliases > MAX_ALIASES) {
      problems.add(name, `more than ${MAX_ALIASES} aliases`);
      return undefined;
    }
    before = token;
  }
  const lines = new LineCounter();
  // Keys are compared by the walk, in linear time; the parser's own comparison is quadratic.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
  });
  const where = (offset: number | undefined): string => `${name}:${lines.linePos(offset ?? 0).line}`;
  const found = [...document.errors, ...document.warnings];
  for (const { code, pos } of found) problems.add(where(pos[0]), MESSAGES[code] ?? 'not valid YAML');
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    problems.add(where(0), 'only YAML 1.2 is read; leave the %YAML line out');
    return undefined;
  }
  if (found.length > 0) return undefined;
  return new Adapter(document, where, problems).node(document.contents);
}

class Adapter {
  readonly #document: Document.Parsed;
  readonly #where: (offset: number | undefined) => string;
  readonly #problems: Problems;
  #aliases = 0;

  constructor(document: Document.Parsed, where: (offset: number | undefined) => string, problems: Problems) {
    this.#document = document;
    this.#where = where;
    this.#problems = problems;
  }

  node(given: unknown, at?: string): SourceNode {
    const node = this.#resolve(given);
    const where = at ?? this.#where((given as Node | null)?.range?.[0]);
    if (node === undefined) return { where, value: undefined };
    if (node === null) return { where, value: null };
    if (node.tag !== undefined && !PLAIN_TAGS.test(node.tag)) {
      this.#problems.add(where, 'a tag that is not allowed');
      return { where, value: undefined };
    }
    if (isScalar(node)) {
      if (node.anchor !== undefined && node.source === '') {
        this.#problems.add(where, 'an anchor without a value; put text that begins with & in quotes');
      }
      return { where, value: node.value };
    }
    if (isSeq(node)) return { where, value: node.items.map((item) => this.#element(item)) };
    if (!isMap(node)) return { where, value: UNUSABLE };
    const self = this;
    const entries = function* (): Generator<readonly [string, SourceNode, string]> {
      for (const { key, value } of node.items) {
        const keyWhere = self.#where((key as Node | null)?.range?.[0]);
        if (isScalar(key) && typeof key.value === 'string') {
          // An empty value has the position of what follows it, often the next line: the key's place is the better one.
          yield [
            key.value,
            self.node(value, isScalar(value) && value.value === null ? keyWhere : undefined),
            keyWhere,
          ];
        } else self.#problems.add(keyWhere, 'a key must be text');
      }
    };
    return { where, value: undefined, entries };
  }

  /** Elements of lists are plain values: nested ones are of no use, and expanding them is what bombs are made of. */
  #element(item: unknown): unknown {
    const node = this.#resolve(item);
    return isScalar(node) && (node.tag === undefined || PLAIN_TAGS.test(node.tag)) ? node.value : UNUSABLE;
  }

  #resolve(given: unknown): Node | null | undefined {
    if (!isAlias(given)) return (given as Node | null | undefined) ?? null;
    const where = this.#where(given.range?.[0]);
    if (++this.#aliases > MAX_ALIASES) {
      if (this.#aliases === MAX_ALIASES + 1) this.#problems.add(where, `more than ${MAX_ALIASES} aliases`);
      return undefined;
    }
    const target = given.resolve(this.#document);
    if (target === undefined) {
      this.#problems.add(where, 'an alias without its anchor; put text that begins with * in quotes');
    }
    return target;
  }
}
