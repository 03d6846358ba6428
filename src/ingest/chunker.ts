// Cuts documents as the options say: by characters or tokens, at sections or not, or with a splitter of the caller's. For pipeline.ts.
import { canonicalJson } from '../core/canonical.js';
import type { Embedder } from '../core/embedder.js';
import { IngestError, InvalidArgumentError } from '../core/errors.js';
import { native } from '../core/native.js';
import {
  type Chunk,
  type Chunking,
  type ChunkingOptions,
  characters,
  chunkingConfigHash,
  chunks,
  resolveChunking,
  type TextSplitter,
} from './chunk.js';
import { isWellFormed, type Part, type Titled } from './document.js';
import { TokenCounter } from './token-measure.js';

/** A piece of a document, and the page and headings it begins under. */
export type PlacedChunk = Chunk & { readonly place: Omit<Part, 'start'> };

interface Section {
  readonly from: number;
  readonly to: number;
  readonly lead: number;
}

const maxNameLength = 4096;

/** Cuts documents in one way. */
export class Chunker {
  /** Stands for the way: another one has every document cut anew. 16 hexadecimal digits. */
  readonly hash: string;
  readonly #chunking: Chunking;
  readonly #counter: TokenCounter | undefined;
  readonly #bySection: boolean;
  readonly #splitter: TextSplitter | undefined;

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for options out of range, or tokens without an embedder that counts them. */
  constructor(options: ChunkingOptions = {}, embedder: Embedder) {
    this.#chunking = resolveChunking(options);
    const { unit = 'characters', bySection = false, splitter } = options;
    if (unit !== 'characters' && unit !== 'tokens') {
      throw new InvalidArgumentError('chunking.unit', '"characters" or "tokens"', unit);
    }
    if (typeof bySection !== 'boolean') {
      throw new InvalidArgumentError('chunking.bySection', 'true or false', bySection);
    }
    if (splitter !== undefined && typeof splitter?.splitText !== 'function') {
      throw new InvalidArgumentError('chunking.splitter', 'an object with a method splitText', splitter);
    }
    this.#counter = unit === 'tokens' && splitter === undefined ? new TokenCounter(embedder) : undefined;
    this.#bySection = bySection;
    this.#splitter = splitter;
    const { size, overlap, separator, minSize } = this.#chunking;
    const plain = chunkingConfigHash(size, overlap, separator, minSize);
    const isPlain = this.#counter === undefined && !bySection && splitter === undefined;
    const way = splitter === undefined ? [plain, unit] : ['splitter', nameOf(splitter, options.splitterName)];
    this.hash = isPlain ? plain : native.sha256Fields(['chunker/1', ...way, String(bySection)]).slice(0, 16);
  }

  /**
   * The chunks in order.
   * @throws {IngestError} ERR_LLM_CACHE_INGEST when the splitter fails or gives what is no list of texts · what the embedder throws
   */
  async *cut(
    { text, parts = [] }: Titled,
    signal?: AbortSignal,
  ): AsyncGenerator<PlacedChunk, void, undefined> {
    const places = new Places(parts);
    const whole = [{ from: 0, to: text.length, lead: 0 }];
    for (const { from, to, lead } of this.#bySection ? sections(text, parts) : whole) {
      for await (const { text: own, start, end } of this.#pieces(text.slice(from, to), signal)) {
        const place = places.at(Math.max(from + start, lead));
        yield { text: own, start: from + start, end: from + end, place };
      }
    }
  }

  async *#pieces(text: string, signal: AbortSignal | undefined): AsyncGenerator<Chunk, void, undefined> {
    if (this.#splitter !== undefined) yield* await split(text, this.#splitter);
    else yield* chunks(text, this.#chunking, (await this.#counter?.measure(text, signal)) ?? characters);
  }
}

/** Finds the part in which a chunk begins; asked in ascending order. */
class Places {
  readonly #parts: readonly Part[];
  #next = 0;
  #place: Omit<Part, 'start'> = {};

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  at(index: number): Omit<Part, 'start'> {
    for (let part = this.#parts[this.#next]; part !== undefined && part.start <= index; ) {
      const { start: _, ...place } = part;
      this.#place = place;
      part = this.#parts[++this.#next];
    }
    return this.#place;
  }
}

/**
 * From heading to heading and page to page. A heading with nothing under it but the next one stays with that, and `lead` is then
 * where the last of them stands: what follows belongs there.
 */
function sections(text: string, parts: readonly Part[]): Section[] {
  const found: Section[] = [];
  let from = 0;
  let lead = 0;
  let isHeaded = false;
  for (const { start, headings } of parts) {
    const before = text.slice(lead, start).trim();
    if (before !== '' && !(isHeaded && !before.includes('\n'))) {
      found.push({ from, to: start, lead });
      from = start;
    }
    lead = start;
    isHeaded = headings !== undefined;
  }
  return [...found, { from, to: text.length, lead }];
}

async function split(text: string, splitter: TextSplitter): Promise<Chunk[]> {
  let pieces: unknown;
  try {
    pieces = await splitter.splitText(text);
  } catch (error) {
    throw new IngestError(`the splitter failed: ${(error as Error).message}`, { cause: error });
  }
  const isText = (piece: unknown) => typeof piece === 'string' && isWellFormed(piece);
  if (!Array.isArray(pieces) || !pieces.every(isText)) {
    throw new IngestError('the splitter gave something other than a list of texts');
  }
  let start = 0;
  const found: Chunk[] = [];
  for (const piece of pieces as string[]) {
    if (!/\S/.test(piece)) continue;
    // Chunks may overlap; one that the splitter has rewritten begins where the last one did.
    const at = text.indexOf(piece, found.length === 0 ? 0 : start + 1);
    if (at >= 0) start = at;
    found.push({ text: piece, start, end: Math.min(text.length, start + piece.length) });
  }
  return found;
}

function nameOf(splitter: TextSplitter, given: string | undefined): string {
  if (given !== undefined) {
    if (typeof given === 'string' && given !== '' && given.length <= maxNameLength) return given;
    throw new InvalidArgumentError('chunking.splitterName', 'a name', given);
  }
  const isPlain = (value: unknown) =>
    ['string', 'boolean'].includes(typeof value) || (typeof value === 'number' && Number.isFinite(value));
  const settings = Object.entries(splitter).filter(
    ([, value]) => isPlain(value) || (Array.isArray(value) && value.every(isPlain)),
  );
  return canonicalJson([splitter.constructor?.name ?? '', Object.fromEntries(settings)], 'splitter');
}
