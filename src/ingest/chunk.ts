// Cuts a document into overlapping chunks at paragraphs, sentences and words. The pipeline and the package's face import it.
import { InvalidArgumentError } from '../core/errors.js';
import { native } from '../core/native.js';
import {
  boundaryAfter,
  boundaryBefore,
  codePointBefore,
  graphemeEnd,
  isBoundary,
  isSpace,
  isUnspaced,
  maxGraphemeUnits,
  skipSpace,
  trimSpace,
} from './boundaries.js';

/** How documents are cut. All lengths in UTF-16 code units, or tokens where `unit` says so. */
export interface ChunkingOptions {
  /** Longest chunk, 1 to 2^24, default 512. The last chunk may be longer by the tail that joins it. */
  readonly size?: number | undefined;
  /** Most that two neighbouring chunks share, 0 to `size` - 1, default 50 (a tenth of a `size` under 512). */
  readonly overlap?: number | undefined;
  /** A tail shorter than this joins the chunk before it, 0 to `size`, default 100 (a fifth of a `size` under 512). */
  readonly minSize?: number | undefined;
  /** What parts paragraphs, default a blank line. */
  readonly separator?: string | undefined;
  /**
   * What lengths are counted in, default `characters`. `tokens` are those of the embedder's own tokenizer; the model that comes with
   * the package reads 254 at a time, and what is longer is halved until it fits.
   */
  readonly unit?: 'characters' | 'tokens' | undefined;
  /** Cuts at every heading and page too, so that no chunk reaches from one section into the next. Default false. */
  readonly bySection?: boolean | undefined;
  /** Cuts documents in place of all the above but `bySection`: anything with the method of LangChain's splitters. */
  readonly splitter?: TextSplitter | undefined;
  /**
   * Stands for the splitter and its settings: under another name every document is cut anew. Default: its class and its fields that
   * are strings, numbers, booleans or lists of them.
   */
  readonly splitterName?: string | undefined;
}

/** What LangChain's text splitters have in common. */
export interface TextSplitter {
  splitText(text: string): Promise<string[]>;
}

/** Checked options, defaults filled in. */
export interface Chunking {
  readonly size: number;
  readonly overlap: number;
  readonly minSize: number;
  readonly separator: string;
}

/** Lengths within one text. Characters count as such; `tokenMeasure` counts tokens. */
export interface Measure {
  /** The last index that is at most `amount` from `from`. */
  forward(from: number, amount: number): number;
  /** The first index that is at most `amount` before `to`. */
  backward(to: number, amount: number): number;
  /** Length from `from` to `to`. */
  between(from: number, to: number): number;
}

/** One UTF-16 code unit counts one. */
export const characters: Measure = {
  forward: (from, amount) => from + amount,
  backward: (to, amount) => to - amount,
  between: (from, to) => to - from,
};

/** A piece of a document. */
export interface Chunk {
  /** `document.slice(start, end)`, without white space at its ends. */
  readonly text: string;
  /** Offset of the first code unit. */
  readonly start: number;
  /** Offset after the last code unit. */
  readonly end: number;
}

const blankLine = '\n\n';
const maxSize = 2 ** 24;

/**
 * Checks the options and fills in defaults.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a value outside its range.
 */
export function resolveChunking(options: ChunkingOptions = {}): Chunking {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidArgumentError('chunking', 'an object', options);
  }
  const size = integer('size', options.size ?? 512, 1, maxSize);
  const overlap = integer('overlap', options.overlap ?? Math.min(50, Math.floor(size / 10)), 0, size - 1);
  const minSize = integer('minSize', options.minSize ?? Math.min(100, Math.floor(size / 5)), 0, size);
  const separator = options.separator ?? blankLine;
  if (typeof separator !== 'string' || separator.length === 0 || separator.length > 256) {
    throw new InvalidArgumentError('chunking.separator', 'a string of 1 to 256 characters', separator);
  }
  return { size, overlap, minSize, separator };
}

/**
 * Cuts a text. Each cut lies at the end of a paragraph, else of a sentence or line, else of a word within the last fifth of a
 * chunk, else at the last character that fits; never inside a grapheme of up to 256 code units (a chunk holds at least one,
 * so it may be longer than a tiny `size`). Every character that is not white space is in at least one chunk; white space
 * alone gives none. Cost: O(length), about 40 ms for 10 MB of prose.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT as `resolveChunking`, or when `text` is no string.
 */
export function chunkText(text: string, options?: ChunkingOptions): Chunk[] {
  return [...chunks(text, resolveChunking(options))];
}

/** As `chunkText`, one chunk at a time, for documents too large to hold all chunks of; lengths by any measure. */
export function* chunks(
  text: string,
  chunking: Chunking,
  measure = characters,
): Generator<Chunk, void, undefined> {
  if (typeof text !== 'string') throw new InvalidArgumentError('text', 'a string', text);
  const stop = trimSpace(text, 0, text.length);
  let start = skipSpace(text, 0, stop);
  let previousEnd = start;
  while (start < stop) {
    let end = chunkEnd(text, start, previousEnd, stop, chunking, measure);
    if (end <= previousEnd && start < previousEnd) {
      // The overlap left no room for anything new: give it up.
      start = skipSpace(text, previousEnd, stop);
      end = chunkEnd(text, start, start, stop, chunking, measure);
    }
    yield { text: text.slice(start, end), start, end };
    if (end >= stop) return;
    start = nextStart(text, start, end, stop, measure.backward(end, chunking.overlap));
    previousEnd = end;
  }
}

/** Hash (16 hexadecimal digits) of all that decides where documents are cut; a changed one has every document cut anew. */
export function chunkingConfigHash(size: number, overlap: number, separator: string, minSize = 100): string {
  const fields = ['chunking/1', String(size), String(overlap), separator, String(minSize)];
  return native.sha256Fields(fields).slice(0, 16);
}

function integer(name: string, value: unknown, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new InvalidArgumentError(`chunking.${name}`, `an integer from ${least} to ${most}`, value);
  }
  return value as number;
}

function chunkEnd(
  text: string,
  start: number,
  previousEnd: number,
  stop: number,
  chunking: Chunking,
  measure: Measure,
): number {
  const { size, minSize } = chunking;
  if (measure.between(start, stop) <= size) return stop;
  const limit = Math.max(start + 1, measure.forward(start, size));
  const fourFifths = measure.forward(start, Math.ceil(size * 0.8));
  const lowest = Math.max(fourFifths, start + 1, previousEnd + 1);
  const cut = softCut(text, start, lowest, limit, chunking.separator) ?? hardCut(text, start, limit);
  const end = trimSpace(text, start, cut);
  const tailStart = skipSpace(text, cut, stop);
  // A short tail behind a wide gap stays alone: joining it would fill a chunk with white space.
  return measure.between(tailStart, stop) < minSize && tailStart - end < minSize + 2 ? stop : end;
}

// The best cut in [lowest, limit] that parts no word, if there is one.
function softCut(text: string, start: number, lowest: number, limit: number, separator: string) {
  if (separator !== blankLine) {
    const window = text.slice(Math.max(start, lowest - separator.length), limit);
    const found = window.lastIndexOf(separator);
    const cut = limit - window.length + found + separator.length;
    if (found >= 0 && cut >= lowest && isBoundary(text, start, cut)) return cut;
  }
  let sentence: number | undefined;
  let word: number | undefined;
  for (let at = limit; at >= lowest; at--) {
    const before = text.charCodeAt(at - 1);
    if (isSpace(text.charCodeAt(at))) {
      word ??= isBoundary(text, start, at) ? at : undefined;
      if (isSpace(before)) continue;
      const lines = lineBreaks(text, at);
      if (lines > 1 && separator === blankLine && isBoundary(text, start, at)) return at;
      if (
        sentence === undefined &&
        (lines > 0 || endsSentence(text, start, at)) &&
        isBoundary(text, start, at)
      ) {
        sentence = at;
      }
    } else if (sentence === undefined && isFullWidthStop(before) && !isCloser(text.charCodeAt(at))) {
      if (isBoundary(text, start, at)) sentence = at;
    }
  }
  return sentence ?? word;
}

function hardCut(text: string, start: number, limit: number): number {
  const cut = boundaryBefore(text, start, limit);
  if (limit - cut > maxGraphemeUnits) return Math.max(codePointBefore(text, limit), start + 1);
  if (cut > start) return cut;
  const end = graphemeEnd(text, start);
  return end - start <= maxGraphemeUnits ? end : codePointBefore(text, start + maxGraphemeUnits);
}

function nextStart(text: string, start: number, end: number, stop: number, least: number): number {
  const earliest = Math.max(start + 1, least);
  for (let at = earliest; at < end; at++) {
    const begins = isSpace(text.charCodeAt(at - 1)) && !isSpace(text.charCodeAt(at));
    if (begins && isBoundary(text, start, at)) return at;
  }
  const midWord = end < stop && !isSpace(text.charCodeAt(end));
  if (midWord || isUnspaced(text.charCodeAt(earliest))) {
    const at = boundaryAfter(text, start, earliest);
    if (at < end && !isSpace(text.charCodeAt(at))) return at;
  }
  return skipSpace(text, end, stop);
}

// Line breaks in the white space that begins at `at`, counted up to two.
function lineBreaks(text: string, at: number): number {
  let count = 0;
  for (let index = at; count < 2 && isSpace(text.charCodeAt(index)); index++) {
    const code = text.charCodeAt(index);
    if (code === 0x0a || code === 0x2029) count++;
  }
  return count;
}

function endsSentence(text: string, start: number, end: number): boolean {
  let at = end - 1;
  while (at > start && isCloser(text.charCodeAt(at))) at--;
  const code = text.charCodeAt(at);
  return code === 0x2e || code === 0x21 || code === 0x3f || code === 0x2026 || isFullWidthStop(code);
}

function isFullWidthStop(code: number): boolean {
  return code === 0x3002 || code === 0xff01 || code === 0xff1f || code === 0xff61;
}

const closers = new Set(Array.from(`"')]}”’»」』）】`, (char) => char.charCodeAt(0)));

function isCloser(code: number): boolean {
  return closers.has(code);
}
