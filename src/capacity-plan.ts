// A capacity plan: memory of each engine, machines, latency and money; and the tables of the Python package held against its own formulas.
// The public face exports it.
import {
  bytesToHumanReadable,
  flatEngineBytes,
  hnswEngineBytes,
  hnswOverheadBytes,
  ivfPqBytes,
  pqBytes,
  rawEmbeddingsBytes,
} from './capacity.js';
import { InvalidArgumentError } from './core/errors.js';

/** An engine a plan is made for. */
export type PlanEngine = 'flat' | 'hnsw' | 'ivfpq';

/** All of them, in the order of a plan. */
export const planEngines: readonly PlanEngine[] = ['flat', 'hnsw', 'ivfpq'];

/** What is planned for. */
export interface PlanOptions {
  /** Vectors kept, 0 to 10^12. */
  readonly vectors: number;
  /** Numbers a vector, 1 to 65,536. */
  readonly dimension: number;
  /** Default all. */
  readonly engines?: readonly PlanEngine[] | undefined;
  /** Links of a graph, 2 to 512. Default 16. */
  readonly hnswM?: number | undefined;
  /** Parts of product quantisation, a divisor of the dimension. Default its greatest divisor up to 64. */
  readonly pqM?: number | undefined;
  /** Bits a part, 1 to 16. Default 8. */
  readonly pqBits?: number | undefined;
  /** Inverted lists, 1 to 16,777,216. Default 1,024. */
  readonly lists?: number | undefined;
  /** Bytes of memory of one machine. Default 64 GiB. */
  readonly machineBytes?: number | undefined;
  /** Part of it that vectors may take, above 0 up to 1. Default 0.7: the rest is for the system, Node.js and what grows. */
  readonly machineShare?: number | undefined;
  /** Requests a second, 0 to 10^9. Needed for what is said of traffic. */
  readonly requestsPerSecond?: number | undefined;
  /** Part of the requests answered from the cache, 0 to 1. Default 0.5. */
  readonly hitRate?: number | undefined;
  /** Milliseconds the model takes for an answer, 0 to 3,600,000. Default 1,000. */
  readonly llmMs?: number | undefined;
  /** Money an answer of the model costs, in any currency, 0 to 10^6. Default 0. */
  readonly llmCost?: number | undefined;
  /** Milliseconds of a hit, its embedding included. Default 1.1, which `npm run bench` measured for a hit by meaning. */
  readonly hitMs?: number | undefined;
  /** Milliseconds that a miss adds to the model's. Default 2.1, measured by `npm run bench`. */
  readonly missMs?: number | undefined;
}

/** One engine's part of a plan. */
export interface EnginePlan {
  readonly engine: PlanEngine;
  /** `planned`: no engine of this version. */
  readonly status: 'available' | 'planned';
  /** Bytes in service. */
  readonly bytes: number;
  /** Bytes at most, while an index is built beside the one in service. */
  readonly peakBytes: number;
  /** Machines whose memory holds the peak. The vectors are split by scope, or by a server such as Qdrant; one process does not split them. */
  readonly machines: number;
  /** Bytes a search reads at least; undefined where that depends on the data. */
  readonly scannedBytes: number | undefined;
}

/** What a cache does for some traffic. */
export interface TrafficPlan {
  readonly requestsPerSecond: number;
  readonly hitRate: number;
  /** Milliseconds a request takes on average. */
  readonly meanMs: number;
  /** The same without a cache. */
  readonly meanMsWithout: number;
  /** Requests under way at one time on average (Little's law), with a cache and without. */
  readonly underWay: number;
  readonly underWayWithout: number;
  /** Calls of the model that are left, and that are spared, a second. */
  readonly modelCallsPerSecond: number;
  readonly sparedCallsPerSecond: number;
  /** Money a day without a cache, what of it is saved, and that for 30 days. */
  readonly costPerDayWithout: number;
  readonly savedPerDay: number;
  readonly savedPer30Days: number;
}

/** A whole plan. */
export interface Plan {
  readonly vectors: number;
  readonly dimension: number;
  readonly pqM: number;
  readonly hnswM: number;
  /** Bare float32 vectors. */
  readonly rawBytes: number;
  readonly machineBytes: number;
  readonly machineShare: number;
  readonly engines: readonly EnginePlan[];
  readonly traffic: TrafficPlan | undefined;
}

function number(name: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw new InvalidArgumentError(name, `a number from ${least} to ${most}`, value);
  }
  return value;
}

function greatestDivisor(dimension: number, most: number): number {
  for (let divisor = Math.min(dimension, most); divisor > 1; divisor--) {
    if (dimension % divisor === 0) return divisor;
  }
  return 1;
}

/** Bytes of the coarse pass of the exact engine: half a byte a number and four bounds of a row. */
function flatScanBytes(vectors: number, dimension: number): number {
  return vectors * (Math.ceil(dimension / 16) * 8 + 16);
}

/**
 * Plans memory, machines, latency and money. Pure arithmetic; nothing is measured.
 *
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 * @example planCapacity({ vectors: 10_000_000, dimension: 1536 }).engines.map(({ engine, machines }) => [engine, machines]);
 */
export function planCapacity(options: PlanOptions): Plan {
  const {
    vectors,
    dimension,
    hnswM = 16,
    lists,
    pqBits,
    machineBytes = 64 * 2 ** 30,
    machineShare = 0.7,
  } = options;
  const rawBytes = rawEmbeddingsBytes(vectors, dimension);
  const pqM = options.pqM ?? greatestDivisor(dimension, 64);
  const room =
    number('machineBytes', machineBytes, 1, 2 ** 50) * number('machineShare', machineShare, 0.01, 1);
  const flat = flatEngineBytes(vectors, dimension);
  const graph = hnswEngineBytes(vectors, dimension, { M: hnswM });
  const third = flatEngineBytes(Math.ceil(vectors / 3), dimension);
  const sizes: Readonly<Record<PlanEngine, Omit<EnginePlan, 'engine' | 'machines'>>> = {
    flat: {
      status: 'available',
      bytes: flat,
      peakBytes: flat,
      scannedBytes: flatScanBytes(vectors, dimension),
    },
    hnsw: {
      status: 'available',
      bytes: graph,
      // The first build has all rows in the exact engine; a later one the old graph and up to a third of the rows.
      peakBytes: Math.max(flat, graph + third) + rawBytes + graph,
      scannedBytes: undefined,
    },
    ivfpq: {
      status: 'planned',
      bytes: ivfPqBytes(vectors, dimension, { m: pqM, bits: pqBits, lists }),
      // Codes are trained on and made from vectors that are read a part at a time.
      peakBytes: 2 * ivfPqBytes(vectors, dimension, { m: pqM, bits: pqBits, lists }),
      scannedBytes: undefined,
    },
  };
  const engines = (options.engines ?? planEngines).map((engine) => {
    if (!Object.hasOwn(sizes, engine)) {
      throw new InvalidArgumentError('engines', `some of ${planEngines.join(', ')}`, engine);
    }
    return { engine, ...sizes[engine], machines: Math.ceil(sizes[engine].peakBytes / room) };
  });
  return {
    vectors,
    dimension,
    pqM,
    hnswM,
    rawBytes,
    machineBytes,
    machineShare,
    engines,
    traffic: trafficOf(options),
  };
}

function trafficOf(options: PlanOptions): TrafficPlan | undefined {
  if (options.requestsPerSecond === undefined) return undefined;
  const requestsPerSecond = number('requestsPerSecond', options.requestsPerSecond, 0, 1e9);
  const hitRate = number('hitRate', options.hitRate ?? 0.5, 0, 1);
  const llmMs = number('llmMs', options.llmMs ?? 1000, 0, 3_600_000);
  const llmCost = number('llmCost', options.llmCost ?? 0, 0, 1e6);
  const hitMs = number('hitMs', options.hitMs ?? 1.1, 0, 3_600_000);
  const missMs = number('missMs', options.missMs ?? 2.1, 0, 3_600_000);
  const meanMs = hitRate * hitMs + (1 - hitRate) * (missMs + llmMs);
  const sparedCallsPerSecond = requestsPerSecond * hitRate;
  const savedPerDay = sparedCallsPerSecond * 86_400 * llmCost;
  return {
    requestsPerSecond,
    hitRate,
    meanMs,
    meanMsWithout: llmMs,
    underWay: (requestsPerSecond * meanMs) / 1000,
    underWayWithout: (requestsPerSecond * llmMs) / 1000,
    modelCallsPerSecond: requestsPerSecond - sparedCallsPerSecond,
    sparedCallsPerSecond,
    costPerDayWithout: requestsPerSecond * 86_400 * llmCost,
    savedPerDay,
    savedPer30Days: 30 * savedPerDay,
  };
}

/** A cell of the table in the README of llm-semantic-cache 0.1.1 for vectors of 1,536 numbers, m = 64, M = 16. */
export interface ReferenceCell {
  readonly what: string;
  readonly vectors: number;
  /** As it is printed there. */
  readonly printed: string;
  /** Bytes by the rule that stands beside the table. */
  readonly bytes: number;
  /** `neither`: right in no unit. */
  readonly verdict: 'right' | 'GiB called GB' | 'MiB called MB' | 'neither';
  /** What else is to be known. */
  readonly note: string;
}

const PRINTED: readonly (readonly [
  what: string,
  printed: readonly string[],
  bytes: (vectors: number) => number,
  note: string,
])[] = [
  ['raw float32', ['5.7 GB', '57.2 GB', '572 GB'], (vectors) => rawEmbeddingsBytes(vectors, 1536), ''],
  ['codes, m = 64', ['61 MB', '610 MB', '6.1 GB'], (vectors) => pqBytes(vectors, 64), ''],
  [
    'graph, M = 16',
    ['192 MB', '1.9 GB', '19 GB'],
    (vectors) => hnswOverheadBytes(vectors, 16, { model: 'readme' }),
    'half of what the code of the same package computes',
  ],
  [
    'codes and graph',
    ['253 MB', '2.5 GB', '25 GB'],
    (vectors) => pqBytes(vectors, 64) + hnswOverheadBytes(vectors, 16, { model: 'readme' }),
    'adds units of 1,024 to units of 1,000',
  ],
];

/** The table of the reference, held against its own rules: 61.4 GB are 57.2 GiB, and are printed there as 57.2 GB. */
export function referenceTable(): ReferenceCell[] {
  return PRINTED.flatMap(([what, printed, rule, note]) =>
    printed.map((text, column) => {
      const vectors = 10 ** (6 + column);
      const bytes = rule(vectors);
      return { what, vectors, printed: text, bytes, verdict: verdictOf(text, bytes), note };
    }),
  );
}

/** Compares at the precision of the printed number; its last digit may be cut or rounded. */
function verdictOf(printed: string, bytes: number): ReferenceCell['verdict'] {
  const [amount = '', unit = ''] = printed.split(' ');
  const digits = amount.split('.')[1]?.length ?? 0;
  const power = ['B', 'kB', 'MB', 'GB'].indexOf(unit);
  const isNear = (base: number) => Math.abs(bytes / base ** power - Number(amount)) < 10 ** -digits;
  return isNear(1000)
    ? 'right'
    : !isNear(1024)
      ? 'neither'
      : unit === 'GB'
        ? 'GiB called GB'
        : 'MiB called MB';
}

/** Both readings of an amount, such as `61.4 GB = 57.2 GiB`. */
export function bothUnits(bytes: number): string {
  return `${bytesToHumanReadable(bytes)} = ${bytesToHumanReadable(bytes, { format: 'iec' })}`;
}
