// Reads labelled rows from JSONL files, line by line, and says where one is wrong. The root imports it.
import { createReadStream } from 'node:fs';
import { InvalidArgumentError } from '../core/errors.js';

/** Two questions and whether one answer serves both. */
export interface PairRow {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  /** What the pair is an example of; figures are told by it. */
  readonly class?: string | undefined;
}

/** A question that is asked after those before it, with the class of its answer: a hit is right when the classes agree. */
export interface StreamRow {
  readonly query: string;
  readonly class: string;
  /** Stored before anything is asked, and never asked itself. */
  readonly isStored: boolean;
}

/** Longest line, in UTF-16 code units. */
export const maxLineLength = 1_048_576;

/**
 * The rows `{ a, b, same }` of a file. Holds one line at a time.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT with the number of the line
 */
export async function* readPairRows(path: string): AsyncGenerator<PairRow> {
  for await (const { where, value } of values(path)) {
    const { a, b, same, class: kind } = value;
    const fits = isText(a) && isText(b) && typeof same === 'boolean';
    if (!fits || !(kind === undefined || typeof kind === 'string'))
      throw new InvalidArgumentError(where, '{ "a": text, "b": text, "same": true or false }', value);
    yield { a, b, same, class: kind };
  }
}

/**
 * The rows `{ query, class }` of a file, asked in their order; or `{ cached, asked }`: every `cached` is stored first, and the right
 * answer of `asked` is that of its own `cached`.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT with the number of the line
 */
export async function* readStreamRows(path: string): AsyncGenerator<StreamRow> {
  for await (const { where, value } of values(path)) {
    const { query, class: kind, cached, asked } = value;
    if (isText(query) && isText(kind)) yield { query, class: kind, isStored: false };
    else if (isText(cached) && isText(asked)) {
      yield { query: cached, class: cached, isStored: true };
      yield { query: asked, class: cached, isStored: false };
    } else
      throw new InvalidArgumentError(
        where,
        '{ "query": text, "class": text } or { "cached": text, "asked": text }',
        value,
      );
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** The object of each line that is not empty. */
async function* values(
  path: string,
): AsyncGenerator<{ readonly where: string; readonly value: Record<string, unknown> }> {
  let number = 0;
  for await (const line of lines(path)) {
    number++;
    if (line.trim() === '') continue;
    const where = `line ${number} of ${path}`;
    let value: unknown;
    try {
      value = JSON.parse(number === 1 ? line.replace(/^\uFEFF/, '') : line);
    } catch (error) {
      throw new InvalidArgumentError(where, 'JSON', line, { cause: error });
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new InvalidArgumentError(where, 'an object', value);
    yield { where, value: value as Record<string, unknown> };
  }
}

async function* lines(path: string): AsyncGenerator<string> {
  let rest = '';
  let count = 0;
  const file = createReadStream(path, 'utf8');
  try {
    for await (const chunk of file) {
      const parts = `${rest}${chunk}`.split('\n');
      rest = parts.pop() as string;
      for (const line of parts) {
        count++;
        yield line;
      }
      if (rest.length > maxLineLength)
        throw new InvalidArgumentError(
          `line ${count + 1} of ${path}`,
          `at most ${maxLineLength} characters long`,
          rest,
        );
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      throw new InvalidArgumentError('FILE', 'a file that can be read', path, { cause: error });
    throw error;
  }
  yield rest;
}
