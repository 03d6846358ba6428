// How inverted lists are made and searched, checked. engines/ and stores.ts import it.
import { InvalidArgumentError } from '../core/errors.js';
import { checkInteger } from './flat.js';

/** How rows are kept beside their codes, to work out their products anew. */
export type RescoreRows = 'int8' | 'float16' | 'none';

/** How lists are made and searched, in the papers' names. Sources: Jégou, Douze, Schmid, PAMI 2011; André, Kermarrec, Le Scouarnec, 2015. */
export interface IvfPqEngineOptions {
  /** Rows of a partition from which on it is kept in lists, 32 to 2^31; below it, it is exact. Default 50,000. */
  readonly trainFrom?: number | undefined;
  /** Lists, 1 to 1,048,576. Default: twice the root of the rows, at most one for 400 rows, rounded to a power of two. */
  readonly nlist?: number | undefined;
  /** Lists that a search looks at, at least 1. Default: a third of them, at least 64. */
  readonly nprobe?: number | undefined;
  /** Parts of a code; divides the dimension. Default: a quarter of the dimension where that divides it, else the greatest divisor below. */
  readonly m?: number | undefined;
  /** Bits of a part's code, 4 or 8. Default 4, which is scanned in registers. */
  readonly nbits?: 4 | 8 | undefined;
  /** Rounds of optimised rotation (OPQ), 0 to 100. Default 0. */
  readonly rotations?: number | undefined;
  /** Default `int8`: recall near that of float32 for a byte a component. `none` keeps the codes alone. */
  readonly rescore?: RescoreRows | undefined;
  /** Rows rescored for each neighbour asked for, 1 to 10,000; 100 in all at least. Default 20. */
  readonly rescoreFactor?: number | undefined;
  /** Threads of the addon's own that build, 1 to 64. Default 2. */
  readonly threads?: number | undefined;
  /** 0 to 2^32 - 1, default 0. */
  readonly seed?: number | undefined;
}

/** Options with their defaults. */
export type IvfPqShape = {
  readonly [name in Exclude<keyof IvfPqEngineOptions, 'nlist' | 'nprobe'>]: NonNullable<
    IvfPqEngineOptions[name]
  >;
} & Pick<IvfPqEngineOptions, 'nlist' | 'nprobe'>;

/** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkedOptions(dimension: number, options: IvfPqEngineOptions): IvfPqShape {
  const {
    trainFrom = 50_000,
    nlist,
    nprobe,
    m = partsOf(dimension),
    nbits = 4,
    rotations = 0,
    rescore = 'int8',
    rescoreFactor = 20,
    threads = 2,
    seed = 0,
  } = options;
  checkInteger('trainFrom', trainFrom, 32, 2 ** 31);
  if (nlist !== undefined) checkInteger('nlist', nlist, 1, 2 ** 20);
  if (nprobe !== undefined) checkInteger('nprobe', nprobe, 1, nlist ?? 2 ** 20);
  checkInteger('m', m, 1, dimension);
  if (dimension % m !== 0) throw new InvalidArgumentError('m', `a divisor of ${dimension}`, m);
  if (nbits !== 4 && nbits !== 8) throw new InvalidArgumentError('nbits', '4 or 8', nbits);
  checkInteger('rotations', rotations, 0, 100);
  if (!['int8', 'float16', 'none'].includes(rescore)) {
    throw new InvalidArgumentError('rescore', "'int8', 'float16' or 'none'", rescore);
  }
  checkInteger('rescoreFactor', rescoreFactor, 1, 10_000);
  checkInteger('threads', threads, 1, 64);
  checkInteger('seed', seed, 0, 2 ** 32 - 1);
  return { trainFrom, nlist, nprobe, m, nbits, rotations, rescore, rescoreFactor, threads, seed };
}

/** What of the options rows in lists depend on, as one text. */
export function kindOf({ nlist, m, nbits, rotations, rescore, seed }: IvfPqShape): string {
  return `ivfpq nlist=${nlist ?? 'auto'} m=${m} nbits=${nbits} rotations=${rotations} rescore=${rescore} seed=${seed}`;
}

/** A quarter of the components, or the next divisor below. */
function partsOf(dimension: number): number {
  let m = Math.max(1, Math.floor(dimension / 4));
  while (dimension % m !== 0) m--;
  return m;
}

/** Lists for so many rows, a power of two: about twice their root, but one for 400 rows at most, because a list costs what 20 rows of it cost. */
export function listsFor(rows: number): number {
  return Math.min(rows, 2 ** Math.round(Math.log2(Math.max(1, Math.min(2 * Math.sqrt(rows), rows / 400)))));
}

// Rows are kept 32 in a block, of which the last in each list is half full on average. A block: its rows' ids and partitions, its head, its place
// in the list's table, which has a quarter of room to spare, and in that of all blocks.
const blockRows = 32;
const blockBytes = 370;
// Where a row stands, by its id.
const rowBytes = 4.6;

/**
 * Bytes that lists of so many rows take, within 5 % from some ten thousand rows on: codes and kept rows, those of int8 with a scale; ids,
 * places and what they are found by; a centroid a list, and the codebooks.
 */
export function listsBytes(
  rows: number,
  dimension: number,
  { nlist = listsFor(rows), ...options }: IvfPqEngineOptions = {},
): number {
  const { m, nbits, rescore } = checkedOptions(dimension, options);
  const code = Math.ceil((m * nbits) / 8);
  const kept = { none: 0, int8: dimension + 4, float16: 2 * dimension }[rescore];
  const blocks = rows / blockRows + nlist / 2;
  const learnt = 4 * dimension * (nlist + 2 ** nbits);
  return blocks * (blockRows * (code + kept) + blockBytes) + rows * rowBytes + learnt;
}
