// Runs the contenders of one case against each other, run by run in turn; imported by run.ts.
import type { Figures, Ground, Job, Row, Variant } from '../types.js';
import { Contestant } from './children.js';
import { combine } from './measure.js';

interface Lane {
  readonly contestant: Contestant;
  readonly variant: Variant;
  readonly index: number;
  readonly figures: Figures[];
  failed: string | undefined;
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * Sets up one process a job, then lets them take turns: round by round, one run of each, never two at once. A contender that
 * fails keeps its place, with the reason.
 */
export async function runGroup(jobs: readonly Job[], ground: Ground): Promise<Row[]> {
  const contestants = jobs.map((job) => new Contestant(job));
  await Promise.all(contestants.map(({ started }) => started));
  const lanes: Lane[] = [];
  if (jobs.some(({ quietSetup }) => quietSetup)) {
    for (const contestant of contestants) lanes.push(...(await lanesOf(contestant, ground)));
  } else {
    lanes.push(...(await Promise.all(contestants.map((contestant) => lanesOf(contestant, ground)))).flat());
  }
  const rounds = Math.max(0, ...lanes.map(runsOf));
  for (let round = 0; round < rounds; round++) {
    for (const lane of lanes) {
      if (lane.failed !== undefined || round >= runsOf(lane)) continue;
      try {
        lane.figures.push(await lane.contestant.run(lane.index, round));
      } catch (error) {
        lane.failed = reasonOf(error);
      }
    }
  }
  await Promise.all(contestants.map((contestant) => contestant.close()));
  return lanes.map((lane) => rowOf(lane, lanes));
}

/** Sets a contender up: one lane for each of its rows. */
async function lanesOf(contestant: Contestant, ground: Ground): Promise<Lane[]> {
  try {
    const variants = await contestant.setup(ground);
    return variants.map((variant, index) => ({ contestant, variant, index, figures: [], failed: undefined }));
  } catch (error) {
    return [{ contestant, variant: {}, index: 0, figures: [], failed: reasonOf(error) }];
  }
}

function runsOf({ contestant, variant }: Lane): number {
  return variant.runs ?? contestant.job.runs;
}

/** Whether no other way of this contender did more a second. */
function isFastestWay(lane: Lane, lanes: readonly Lane[]): boolean {
  const rate = ({ figures }: Lane) => combine(figures).opsPerS ?? 0;
  const others = lanes.filter((other) => other !== lane && other.contestant === lane.contestant);
  return others.every((other) => other.variant.way === undefined || rate(other) <= rate(lane));
}

function rowOf(lane: Lane, lanes: readonly Lane[]): Row {
  const { variant, figures, failed } = lane;
  const { job } = lane.contestant;
  const { spreadPct, ...middle } = combine(failed === undefined ? figures : []);
  const { p50Us, p95Us, p99Us, opsPerS, recall, bytes, facts, quantilesUs, curve } = middle;
  return {
    case: variant.case ?? job.case,
    contender:
      variant.way === undefined || isFastestWay(lane, lanes)
        ? job.contender
        : `${job.contender} (${variant.way})`,
    n: variant.n ?? job.n,
    d: job.d,
    p50Us,
    p95Us,
    p99Us,
    opsPerS,
    recall,
    bytes,
    runs: figures.length,
    spreadPct,
    ...(facts === undefined ? {} : { facts }),
    ...(quantilesUs === undefined ? {} : { quantilesUs }),
    ...(curve === undefined ? {} : { curve }),
    ...(job.data === undefined ? {} : { data: job.data }),
    ...(variant.embedded === undefined ? {} : { embedded: variant.embedded }),
    ...(variant.note === undefined ? {} : { note: variant.note }),
    ...(failed === undefined ? {} : { failed }),
  };
}

/** A row for a contender that could not even be started. */
export function failedRow(job: Job, failed: string): Row {
  return rowOf({ contestant: { job } as Contestant, variant: {}, index: 0, figures: [], failed }, []);
}
