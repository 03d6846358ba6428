// The verb `plan`. For program.ts alone.
import {
  bytesToHumanReadable,
  hnswOverheadBytes,
  type Plan,
  type PlanEngine,
  planCapacity,
  type ReferenceCell,
  referenceTable,
  type TrafficPlan,
} from '../index.js';
import type { CommonFlags, Context } from './context.js';
import { UsageError } from './failure.js';
import type { Output } from './output.js';
import { tableLines } from './table.js';
import { count, duration } from './text.js';

/** Options of `plan`. */
export interface PlanFlags extends CommonFlags {
  readonly vectors?: number;
  readonly dim?: number;
  readonly engine?: PlanEngine;
  readonly pqM?: number;
  readonly pqNbits?: number;
  readonly lists?: number;
  readonly hnswM?: number;
  readonly machineMemory?: number;
  readonly machineShare?: number;
  readonly requestsPerSecond?: number;
  readonly hitRate?: number;
  readonly llmMs?: number;
  readonly llmCost?: number;
  readonly hitMs?: number;
  readonly missMs?: number;
}

const models = ['readme', 'seed', 'faiss', 'hnswlib'] as const;
const modelNames = {
  readme: "the Python package's README",
  seed: "the Python package's code",
  faiss: "Faiss' own rule",
  hnswlib: 'hnswlib, checked against measured memory',
} as const;

/** Plans memory, machines, latency and money; reads no configuration and opens nothing. @throws as `planCapacity` */
export async function plan({ output }: Context, flags: PlanFlags): Promise<void> {
  if (flags.vectors === undefined || flags.dim === undefined) {
    throw new UsageError(
      'say how many vectors and how long; as in "llm-cache plan --vectors 10000000 --dim 1536"',
    );
  }
  const {
    vectors,
    requestsPerSecond,
    hitRate,
    llmMs,
    llmCost,
    hitMs,
    missMs,
    hnswM,
    pqM,
    lists,
    machineShare,
  } = flags;
  const made = planCapacity({
    vectors,
    dimension: flags.dim,
    engines: flags.engine === undefined ? undefined : [flags.engine],
    pqBits: flags.pqNbits,
    machineBytes: flags.machineMemory,
    ...{ requestsPerSecond, hitRate, llmMs, llmCost, hitMs, missMs, hnswM, pqM, lists, machineShare },
  });
  const graphs = models.map((model) => ({
    model,
    bytes: hnswOverheadBytes(vectors, made.hnswM, { model }),
  }));
  const reference = referenceTable();
  output.data({ ...made, traffic: made.traffic ?? null, graphs, reference });
  if (output.json) return;
  showEngines(output, made);
  showGraphs(output, made, graphs);
  if (made.traffic !== undefined) showTraffic(output, made.traffic, flags.llmCost !== undefined);
  showReference(output, reference);
}

const iec = (bytes: number) => bytesToHumanReadable(bytes, { format: 'iec' });

function showEngines(output: Output, plan: Plan): void {
  const { bold, dim } = output.style;
  const room = bytesToHumanReadable(plan.machineBytes * plan.machineShare);
  output.line();
  output.line(
    `  ${bold(`${count(plan.vectors)} vectors of ${count(plan.dimension)} numbers`)} ${dim(`· bare float32: ${bytesToHumanReadable(plan.rawBytes)} = ${iec(plan.rawBytes)}`)}`,
  );
  output.line();
  const head = [
    { title: 'engine', width: 18 },
    { title: 'memory', align: 'right' },
    { title: '', align: 'right' },
    { title: 'while building', align: 'right' },
    { title: '', align: 'right' },
    { title: 'machines', align: 'right' },
    { title: 'a search reads', align: 'right' },
  ] as const;
  const rows = plan.engines.map(({ engine, status, bytes, peakBytes, machines, scannedBytes }) => [
    status === 'planned' ? `${engine} (planned)` : engine,
    bytesToHumanReadable(bytes),
    iec(bytes),
    bytesToHumanReadable(peakBytes),
    iec(peakBytes),
    count(machines),
    scannedBytes === undefined ? '-' : bytesToHumanReadable(scannedBytes),
  ]);
  for (const line of tableLines(output, head, rows)) output.line(line);
  output.line(
    dim(
      `  machines with ${room} of ${bytesToHumanReadable(plan.machineBytes)} (${iec(plan.machineBytes)}) for vectors`,
    ),
  );
  const planned = plan.engines.some(({ status }) => status === 'planned');
  if (planned) {
    output.line(
      dim(
        `  planned: no engine of this version; the layout of Faiss' IVFPQ with m = ${plan.pqM}, which vector_db.backend faiss offers`,
      ),
    );
  }
}

function showGraphs(
  output: Output,
  { hnswM }: Plan,
  graphs: readonly { readonly model: (typeof models)[number]; readonly bytes: number }[],
): void {
  output.line();
  const head = [
    { title: `links of a graph, M = ${hnswM}`, width: 18 },
    { title: 'SI', align: 'right' },
    { title: 'IEC', align: 'right' },
    { title: 'by the rule of' },
  ] as const;
  const rows = graphs.map(({ model, bytes }) => [
    model,
    bytesToHumanReadable(bytes),
    iec(bytes),
    modelNames[model],
  ]);
  for (const line of tableLines(output, head, rows)) output.line(line);
}

function showTraffic(output: Output, traffic: TrafficPlan, hasCost: boolean): void {
  const money = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 2 });
  const rate = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 1 });
  const head = [
    { title: `at ${rate(traffic.requestsPerSecond)} requests a second`, width: 36 },
    { title: 'without a cache', align: 'right' },
    { title: `with, ${(100 * traffic.hitRate).toFixed(0)} % hits`, align: 'right' },
  ] as const;
  const rows = [
    ['time of a request, on average', duration(traffic.meanMsWithout), duration(traffic.meanMs)],
    ['requests under way at a time', rate(traffic.underWayWithout), rate(traffic.underWay)],
    ['calls of the model a second', rate(traffic.requestsPerSecond), rate(traffic.modelCallsPerSecond)],
  ];
  if (hasCost) {
    rows.push(
      [
        'money a day',
        money(traffic.costPerDayWithout),
        money(traffic.costPerDayWithout - traffic.savedPerDay),
      ],
      ['saved a day', '', money(traffic.savedPerDay)],
      ['saved in 30 days', '', money(traffic.savedPer30Days)],
    );
  }
  output.line();
  for (const line of tableLines(output, head, rows)) output.line(line);
}

function showReference(output: Output, cells: readonly ReferenceCell[]): void {
  const head = [
    { title: 'printed by llm-semantic-cache 0.1.1', width: 36 },
    { title: 'there', align: 'right' },
    { title: 'is', align: 'right' },
    { title: '', align: 'right' },
    { title: 'so' },
  ] as const;
  const rows = cells.map(({ what, vectors, printed, bytes, verdict, note }) => [
    `${what}, ${count(vectors / 1e6)} million`,
    printed,
    bytesToHumanReadable(bytes),
    iec(bytes),
    note === '' ? verdict : `${verdict}; ${note}`,
  ]);
  output.line();
  for (const line of tableLines(output, head, rows)) output.line(line);
}
