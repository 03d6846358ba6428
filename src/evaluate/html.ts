// An evaluation as one HTML page with its plots inside. The public face exports it.
import type { ClassShare, Evaluation, PairEvaluation, Served, WayFigures } from './evaluation.js';
import type { Way } from './judge.js';
import { escaped, type Line, plot } from './plot.js';
import type { StreamCurve } from './stream.js';

/** What a way is called. */
const wayName = ({ by, rules }: Way): string => (rules ? `${by}, rules` : by);

const style =
  'body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}' +
  'table{border-collapse:collapse;margin:1rem 0}th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}' +
  'th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}h2{margin-top:2.5rem}small{color:#666}';

/** The page: complete in itself, it loads nothing. */
export function evaluationHtml(evaluation: Evaluation): string {
  const { embedder, stream, ways } = evaluation;
  const body = [
    `<h1>Evaluation of the decision</h1><p>Embedder ${escaped(embedder)}.</p>`,
    ...(ways === undefined ? [] : pairsPart(evaluation as Evaluation & PairEvaluation)),
    ...(stream === null ? [] : streamPart(stream.questions, stream.curves)),
  ];
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Evaluation of the decision</title><style>${style}</style></head>` +
    `<body>\n${body.join('\n')}\n</body></html>\n`
  );
}

function pairsPart(evaluation: PairEvaluation): string[] {
  const { pairs, same, ways, policy, promises, classes, pairModelShare } = evaluation;
  const curves = (x: 'recall' | 'hitRatio') =>
    ways.map((way): Line => ({ name: wayName(way), points: way.curve.map((p) => [p[x], p.precision]) }));
  return [
    `<h2>Pairs</h2><p>${pairs} pairs, ${same} ask the same.${
      pairModelShare === null
        ? ''
        : ` The pair model is asked about ${percent(pairModelShare)} of those within reach.`
    }</p>`,
    waysTable(ways),
    '<p><small>In brackets: 95 % of 300 bootstrap resamples. Recall: share of the pairs that ask the same which are accepted at that precision.</small></p>',
    plot('Precision against recall', 'recall', 'precision', curves('recall')),
    plot('Precision against hit ratio', 'hit ratio', 'precision', curves('hitRatio')),
    servedTable([policy, ...promises]),
    causesTable(ways),
    ...(classes.length === 0 ? [] : [classesTable(classes)]),
  ];
}

function waysTable(ways: readonly WayFigures[]): string {
  const names = Object.keys(ways[0]?.recallAtPrecision ?? {});
  const rows = ways.map((way) => [
    wayName(way),
    way.auc === null ? 'none' : `${way.auc.toFixed(4)} ${range(way.aucInterval)}`,
    ...names.map((name) => `${share(way.recallAtPrecision[name])} ${range(way.recallIntervals[name])}`),
  ]);
  return table(['way', 'AUC', ...names.map((name) => `recall at ${name}`)], rows);
}

function servedTable(served: readonly Served[]): string {
  const rows = served.map((one) => [
    one.maxErrorRate === null ? 'configured similarity' : `at most ${percent(one.maxErrorRate)} wrong`,
    String(one.accepted),
    one.errorRate === null ? 'none' : percent(one.errorRate),
    one.accepted === 0 ? '' : range(one.interval),
    one.ofBest === null ? '' : one.ofBest.toFixed(2),
    one.promise ?? '',
  ]);
  return `<h2>Promises</h2>${table(['policy', 'accepted', 'wrong', '95 % interval', 'of the best threshold', 'promise'], rows)}`;
}

function causesTable(ways: readonly WayFigures[]): string {
  const causes = [...new Set(ways.flatMap((way) => Object.keys(way.wrongByCause)))];
  const rows = causes.map((cause) => [cause, ...ways.map((way) => String(way.wrongByCause[cause] ?? 0))]);
  return `<h2>Wrong hits by cause, at precision 0.80</h2>${table(['cause', ...ways.map(wayName)], rows)}`;
}

function classesTable(classes: readonly ClassShare[]): string {
  const rows = classes.map((one) => [one.class, String(one.pairs), percent(one.accepted / one.pairs)]);
  return `<h2>Accepted by class, where 85 % of the same are</h2>${table(['class', 'pairs', 'accepted'], rows)}`;
}

function streamPart(questions: number, curves: readonly StreamCurve[]): string[] {
  const names = Object.keys(curves[0]?.hitRatioAtPrecision ?? {});
  const rows = curves.map((curve) => [
    wayName(curve),
    ...names.map((name) => share(curve.hitRatioAtPrecision[name])),
  ]);
  const lines = curves.map(
    (curve): Line => ({
      name: wayName(curve),
      points: curve.points.filter(({ hits }) => hits > 0).map((p) => [p.hitRatio, p.precision]),
    }),
  );
  return [
    `<h2>Stream</h2><p>${questions} questions.</p>`,
    table(['way', ...names.map((name) => `hit ratio at ${name}`)], rows),
    plot('Precision against hit ratio, stream', 'hit ratio', 'precision', lines),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${cells('th', head)}${rows.map((row) => cells('td', row)).join('')}</table>`;
}

const share = (value: number | undefined): string => (value ?? 0).toFixed(3);
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const range = (ends: readonly [number, number] | null | undefined): string =>
  ends === null || ends === undefined ? '' : `(${ends[0].toFixed(3)} to ${ends[1].toFixed(3)})`;
