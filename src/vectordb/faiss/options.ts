// What a faiss database can be told, and which index suits how many rows; faiss.ts and partition.ts import it.
import type { Clock } from '../../core/clock.js';
import { InvalidArgumentError } from '../../core/errors.js';
import type { FaissMetric, FaissSpec } from './protocol.js';

/** How a faiss database is opened. */
export interface FaissDatabaseOptions {
  /** Names the databases within the environment: 1 to 40 of `[a-z0-9-]`. */
  readonly name: string;
  /** Components of each vector. */
  readonly dimension: number;
  /**
   * Index of the scopes that hold enough; default `Flat`, which is exact. `IVF` searches some of its lists, `IVFPQ` keeps codes in place
   * of vectors, `HNSW` is a graph. What they find is compared anew with the stored vectors, so similarities are exact always.
   */
  readonly indexType?: 'Flat' | 'IVF' | 'IVFPQ' | 'HNSW' | undefined;
  /** Default `L2`. Of vectors of unit length both find the same, but for an inverted file, whose centres differ. */
  readonly metric?: FaissMetric | undefined;
  /** Documents of a scope below which it is searched exactly, whatever the type; default 10,240: 40 for each of 256 centres. */
  readonly exactBelow?: number | undefined;
  /** IVF, IVFPQ: most lists; there are fewer while a scope holds less than 40 documents a list. Default 1,024. */
  readonly nlist?: number | undefined;
  /** IVF, IVFPQ: lists that a search looks at. Default 8. */
  readonly nprobe?: number | undefined;
  /** IVFPQ: parts of a vector, each of which becomes one code; divides the dimension. Default: the greatest divisor up to 64 and half of it. */
  readonly pqM?: number | undefined;
  /** IVFPQ: bits of a code, 1 to 12. Default 8. */
  readonly pqNbits?: number | undefined;
  /** HNSW: links a row, 2 to 512. Default 16. */
  readonly m?: number | undefined;
  /** HNSW: candidates looked at when a row is linked. Default 200. */
  readonly efConstruction?: number | undefined;
  /** HNSW: candidates looked at by a search. Default 50. */
  readonly efSearch?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** The options that decide about indices, checked and complete. */
export type IndexPlan = Required<{
  [Option in Exclude<keyof FaissDatabaseOptions, 'name' | 'clock'>]: NonNullable<
    FaissDatabaseOptions[Option]
  >;
}>;

const pointsPerCentre = 40;
const types = ['Flat', 'IVF', 'IVFPQ', 'HNSW'] as const;

/** Checks the options and fills in the defaults. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function planOf(options: FaissDatabaseOptions): IndexPlan {
  const { indexType = 'Flat', metric = 'L2' } = options;
  if (!types.includes(indexType))
    throw new InvalidArgumentError('indexType', `one of ${types.join(', ')}`, indexType);
  if (metric !== 'L2' && metric !== 'IP') throw new InvalidArgumentError('metric', 'L2 or IP', metric);
  const dimension = integer('dimension', options.dimension, 1, 65_536);
  const pqM = integer('pqM', options.pqM ?? greatestDivisor(dimension), 1, dimension);
  if (dimension % pqM !== 0) throw new InvalidArgumentError('pqM', `a divisor of ${dimension}`, pqM);
  return {
    indexType,
    metric,
    dimension,
    exactBelow: integer('exactBelow', options.exactBelow ?? 10_240, pointsPerCentre, 2 ** 31),
    nlist: integer('nlist', options.nlist ?? 1024, 1, 65_536),
    nprobe: integer('nprobe', options.nprobe ?? 8, 1, 65_536),
    pqM,
    pqNbits: integer('pqNbits', options.pqNbits ?? 8, 1, 12),
    m: integer('m', options.m ?? 16, 2, 512),
    efConstruction: integer('efConstruction', options.efConstruction ?? 200, 1, 100_000),
    efSearch: integer('efSearch', options.efSearch ?? 50, 1, 100_000),
  };
}

/** The index that suits a scope of so many documents. */
export function specFor(plan: IndexPlan, documents: number): FaissSpec {
  const { indexType: type, dimension, metric } = plan;
  const least = type === 'IVFPQ' ? Math.max(plan.exactBelow, 2 ** plan.pqNbits) : plan.exactBelow;
  if (type === 'Flat' || documents < least) return { type: 'Flat', dimension, metric };
  if (type === 'HNSW') {
    const { m, efConstruction, efSearch } = plan;
    return { type, dimension, metric, m, efConstruction, efSearch };
  }
  const nlist = Math.min(plan.nlist, Math.floor(documents / pointsPerCentre));
  const lists = { dimension, metric, nlist, nprobe: Math.min(plan.nprobe, nlist) };
  if (type === 'IVF') return { type, ...lists };
  return { type, ...lists, pqM: plan.pqM, pqNbits: plan.pqNbits };
}

/** True when the second index is worth building in the place of the first. */
export function isOutgrown(held: FaissSpec, suited: FaissSpec): boolean {
  if (held.type !== suited.type) return suited.type !== 'Flat';
  // Twice as many lists, each half as long, repay the training.
  return 'nlist' in held && 'nlist' in suited && suited.nlist >= held.nlist * 2;
}

/** Rows to train on; 0 when there is nothing to train. */
export function sampleSize(spec: FaissSpec): number {
  if (spec.type === 'IVF') return spec.nlist * pointsPerCentre;
  if (spec.type === 'IVFPQ')
    return Math.max(spec.nlist * pointsPerCentre, 2 ** spec.pqNbits * pointsPerCentre);
  return 0;
}

/** Bytes of a row in the worker. */
export function bytesPerRow(spec: FaissSpec): number {
  if (spec.type === 'IVFPQ') return (spec.pqM * spec.pqNbits) / 8 + 8;
  const links = spec.type === 'HNSW' ? spec.m * 2 * 4 + 16 : spec.type === 'IVF' ? 8 : 0;
  return spec.dimension * 4 + links;
}

function greatestDivisor(dimension: number): number {
  for (let m = Math.min(64, dimension >> 1); m > 1; m--) if (dimension % m === 0) return m;
  return 1;
}

function integer(name: string, value: number, least: number, greatest: number): number {
  if (!Number.isInteger(value) || value < least || value > greatest) {
    throw new InvalidArgumentError(name, `an integer from ${least} to ${greatest}`, value);
  }
  return value;
}
