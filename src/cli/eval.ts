// The verb `eval`. For program.ts alone.
import { writeFileSync } from 'node:fs';
import {
  type Evaluation,
  type EvaluationProgress,
  evaluateDecision,
  evaluationHtml,
  InvalidArgumentError,
  type PairEvaluation,
  type Served,
  type StreamCurve,
  type WayFigures,
} from '../index.js';
import { type CommonFlags, type Context, load, openOptions } from './context.js';
import { UsageError } from './failure.js';
import type { Output } from './output.js';
import { tableLines } from './table.js';
import { count, counted } from './text.js';

/** Options of `eval`. */
export interface EvalFlags extends CommonFlags {
  readonly pairs?: string;
  readonly stream?: string;
  readonly store: 'misses' | 'all';
  readonly html?: string;
  readonly rules: boolean;
  readonly pairModel: boolean;
  readonly maxErrorRate?: number;
}

/** Prints how the decision does on labelled data. */
export async function evaluate(context: Context, flags: EvalFlags): Promise<void> {
  const { pairs, stream, store, html, rules, pairModel, maxErrorRate } = flags;
  if (pairs === undefined && stream === undefined)
    throw new UsageError('no labelled rows were named; give --pairs FILE, --stream FILE, or both');
  const options = openOptions(flags, { decide: { maxErrorRate } });
  load(context, options);
  const { output, signal } = context;
  const onProgress = tellProgress(output);
  const what = { pairs, stream, store, rules, pairModel, onProgress, signal };
  const evaluation = await evaluateDecision(what, options);
  if (html !== undefined) save(html, '--html', evaluationHtml(evaluation));
  output.data(evaluation);
  if (output.json) return;
  output.line(`embedder ${evaluation.embedder}, ${meansOf(evaluation)}`);
  if (evaluation.pairsFailed > 0)
    output.aside(`llm-cache: note: the pair model gave no score ${counted(evaluation.pairsFailed, 'time')}`);
  if (evaluation.ways !== undefined) showPairs(output, evaluation as Evaluation & PairEvaluation);
  if (evaluation.stream !== null) showStream(output, evaluation.stream.questions, evaluation.stream.curves);
  if (html !== undefined) output.line(`report written to ${html}`);
}

/** Says on standard error how far a long run has come, now and then. */
export function tellProgress(output: Output): (progress: EvaluationProgress) => void {
  let next = 1000;
  return ({ step, done }) => {
    if (step === 'stream') output.aside(`stream: ${counted(done, 'curve')} drawn`);
    else if (done >= next) {
      output.aside(`${count(done)} pairs judged`);
      next = 2 * done;
    }
  };
}

/** Writes a file that the option names. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function save(path: string, option: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new InvalidArgumentError(option, 'a file that can be written', path, { cause: error });
  }
}

function meansOf({ hasVerifier, hasPairModel }: Evaluation): string {
  if (!hasVerifier) return 'no verifier has weights for it: the cosine decides';
  return hasPairModel ? 'with verifier and pair model' : 'with verifier, without pair model';
}

const wayName = ({ by, rules }: Pick<WayFigures, 'by' | 'rules'>) => (rules ? `${by}, rules` : by);
const share = (value: number | null | undefined) =>
  value === null || value === undefined ? 'none' : value.toFixed(3);
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

function showPairs(output: Output, evaluation: PairEvaluation): void {
  const { pairs, same, ways, policy, promises, classes, pairModelShare } = evaluation;
  const precisions = Object.keys(evaluation.recallAtPrecision);
  output.line(`${counted(pairs, 'pair')}, ${count(same)} ask the same`);
  if (pairModelShare !== null)
    output.line(`the pair model is asked about ${percent(pairModelShare)} of the pairs within reach`);
  output.line();
  show(
    output,
    ['recall at precision', 'AUC', ...precisions, 'most kept', 'wrong at 0.85 kept'],
    ways.flatMap((way) => [
      [
        wayName(way),
        share(way.auc),
        ...precisions.map((name) => share(way.recallAtPrecision[name])),
        share(way.greatestRecall),
        share(way.wrongAtRecall['0.85']),
      ],
      ['  95 %', range(way.aucInterval), ...precisions.map((name) => range(way.recallIntervals[name]))],
    ]),
  );
  output.line();
  show(
    output,
    ['policy', 'accepted', 'wrong', '95 % interval', 'of best', 'promise'],
    [policy, ...promises].map(servedRow),
  );
  output.line();
  const causes = [...new Set(ways.flatMap((way) => Object.keys(way.wrongByCause)))];
  show(
    output,
    ['wrong at 0.80, by cause', ...ways.map(wayName)],
    causes.map((cause) => [cause, ...ways.map((way) => count(way.wrongByCause[cause] ?? 0))]),
  );
  if (classes.length === 0) return;
  output.line();
  show(
    output,
    ['accepted at 0.85 kept, or most', 'pairs', 'accepted'],
    classes.map((one) => [one.class, count(one.pairs), percent(one.accepted / one.pairs)]),
  );
}

function servedRow(one: Served): string[] {
  return [
    one.maxErrorRate === null ? 'similarity' : `at most ${percent(one.maxErrorRate)} wrong`,
    count(one.accepted),
    one.errorRate === null ? 'none' : percent(one.errorRate),
    one.accepted === 0 ? '' : `${percent(one.interval[0])} to ${percent(one.interval[1])}`,
    one.ofBest === null ? '' : one.ofBest.toFixed(2),
    one.promise ?? '',
  ];
}

function showStream(output: Output, questions: number, curves: readonly StreamCurve[]): void {
  output.line();
  output.line(`${counted(questions, 'question')} asked in order`);
  const precisions = Object.keys(curves[0]?.hitRatioAtPrecision ?? {});
  show(
    output,
    ['hit ratio at precision', ...precisions],
    curves.map((curve) => [
      wayName(curve),
      ...precisions.map((name) => share(curve.hitRatioAtPrecision[name])),
    ]),
  );
}

const range = (ends: readonly [number, number] | null | undefined) =>
  ends === null || ends === undefined ? '' : `${ends[0].toFixed(3)}–${ends[1].toFixed(3)}`;

function show(output: Output, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const columns = head.map((title, at) => ({
    title,
    align: at === 0 ? ('left' as const) : ('right' as const),
  }));
  for (const line of tableLines(output, columns, rows)) output.line(line);
}
