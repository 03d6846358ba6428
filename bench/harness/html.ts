// One self-contained HTML file with plots and tables; imported by run.ts.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CaseName, caseNames, type Row } from '../types.js';
import { type Header, headerLines } from './header.js';
import { type LinePlot, linePlots } from './plots.js';
import { referenceTables } from './reference.js';
import { cells, factsOf, nameOf, sectionsOf, titles, units } from './table.js';
import { claims, type Verdict } from './targets.js';

const read = (relative: string) => readFileSync(fileURLToPath(new URL(relative, import.meta.url)), 'utf8');
const uplot = '../../node_modules/uplot/dist/';

/** What the page's script draws. */
interface Plots {
  /** Of the index cases. */
  readonly lines: readonly LinePlot[];
  /** p50 of a search over n, a line a contender. */
  readonly search: {
    readonly n: readonly number[];
    readonly lines: readonly { name: string; p50: (number | null)[] }[];
  };
  /** p50 of the whole cache, two bars a case. */
  readonly tiers: {
    readonly names: readonly string[];
    readonly with: (number | null)[];
    readonly without: (number | null)[];
  };
}

/** The report of a run; it loads nothing from anywhere. */
export function htmlReport(header: Header, rows: readonly Row[], verdicts: readonly Verdict[]): string {
  const plots = plotsOf(rows);
  const script = read('./report-page.js').replace('/* data */ null', () => json(plots));
  const library = read(`${uplot}uPlot.iife.min.js`).replaceAll('</script', '<\\/script');
  const figures = [
    plots.search.n.length > 1
      ? plot(
          'search',
          'Search of the 10 nearest vectors',
          'p50 in µs over the number of vectors, both axes logarithmic',
        )
      : '',
    plots.tiers.names.length > 0
      ? plot(
          'tiers',
          'The whole cache, tier by tier',
          'p50 in µs, logarithmic: with the embedding of the question and without',
        )
      : '',
    ...plots.lines.map(({ id, title, subtitle }) => plot(id, title, subtitle)),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>llm-tiered-cache benchmarks, ${escapeText(header.date.slice(0, 10))}</title>
<style>${read(`${uplot}uPlot.min.css`)}${read('./report.css')}</style>
</head>
<body>
<main>
<h1>llm-tiered-cache benchmarks</h1>
<p class="header">${headerLines(header).map(escapeText).join('<br>')}</p>
<h2>Targets</h2>
${verdictTable(verdicts)}
${figures.join('\n')}
<h2>Figures</h2>
${sectionsOf(rows).map(sectionTable).join('\n')}
<h2>The reference's tables</h2>
${referenceTables(rows).map(claimTable).join('\n')}
<h2>Units</h2>
<ul>${units.map((line) => `<li>${escapeText(line.trim())}</li>`).join('')}</ul>
</main>
<script>${library}</script>
<script>${script}</script>
</body>
</html>
`;
}

function plotsOf(rows: readonly Row[]): Plots {
  const searches = rows.filter(
    (row) => row.case === 'flat-search' && (row.data ?? 'clustered') === 'clustered' && row.p50Us !== null,
  );
  const n = [...new Set(searches.map((row) => row.n as number))].sort((a, b) => a - b);
  const names = [...new Set(searches.map((row) => row.contender))];
  const lines = names.map((name) => ({
    name,
    p50: n.map((size) => searches.find((row) => row.contender === name && row.n === size)?.p50Us ?? null),
  }));
  const ours = (name: CaseName, embedded: Row['embedded']) =>
    rows.find((row) => row.case === name && row.contender === 'ours' && row.embedded === embedded)?.p50Us ??
    null;
  const tiers = caseNames.filter((name) => ours(name, 'with') !== null || ours(name, 'without') !== null);
  return {
    lines: linePlots(rows),
    search: { n, lines },
    tiers: {
      names: tiers,
      with: tiers.map((name) => ours(name, 'with')),
      without: tiers.map((name) => ours(name, 'without')),
    },
  };
}

const plot = (id: string, title: string, subtitle: string) =>
  `<figure><figcaption><strong>${title}</strong> ${subtitle}</figcaption><div id="${id}" class="plot"></div></figure>`;

function verdictTable(verdicts: readonly Verdict[]): string {
  const mark = (state: string | undefined) =>
    state === undefined ? '<td>–</td>' : `<td class="${state.replace(' ', '-')}">${state}</td>`;
  const body = verdicts.map(
    ({ target, measured, must, stretch }) =>
      `<tr><th>${escapeText(target)}</th><td class="number">${escapeText(measured)}</td>${mark(must)}${mark(stretch)}</tr>`,
  );
  return table(['target', 'measured', 'must', 'stretch'], body);
}

function sectionTable({ case: name, heading, rows }: ReturnType<typeof sectionsOf>[number]): string {
  const body = rows.map((row) => {
    const label = `<th${row.note === undefined ? '' : ` title="${escapeText(row.note)}"`}>${escapeText(nameOf(row))}</th>`;
    if (row.failed !== undefined)
      return `<tr>${label}<td colspan="7" class="not-reached">failed: ${escapeText(row.failed)}</td></tr>`;
    const told = [row.note, row.facts && factsOf(row)].filter((text) => text !== undefined);
    const note = told.map((text) => `<br><small>${escapeText(text)}</small>`).join('');
    const figures = cells(row).map((cell) => `<td class="number">${cell}</td>`);
    return `<tr>${label.replace('</th>', `${note}</th>`)}${figures.join('')}</tr>`;
  });
  const claim = claims[name];
  const beside =
    claim === undefined
      ? ''
      : `<p class="claim">The reference claims ${escapeText(claim.claim)}; reached when measured: ${escapeText(claim.reached)}.</p>`;
  const head = ['contender', 'p50 µs', 'p95 µs', 'p99 µs', 'ops/s', '±%', 'right', 'bytes'];
  return `<h3>${escapeText(heading)}</h3><p>${escapeText(titles[name])}</p>${table(head, body)}${beside}`;
}

function claimTable({ title, lines }: ReturnType<typeof referenceTables>[number]): string {
  const body = lines.map(
    ({ what, claimed, measured }) =>
      `<tr><th>${escapeText(what)}</th><td>${escapeText(claimed)}</td><td>${escapeText(measured)}</td></tr>`,
  );
  return `<h3>${escapeText(title)}</h3>${table(['', 'reference claims', 'measured here'], body)}`;
}

function table(head: readonly string[], body: readonly string[]): string {
  const cell = (text: string) => `<th scope="col">${escapeText(text)}</th>`;
  return `<div class="scroll"><table><thead><tr>${head.map(cell).join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] as string);
}

/** JSON that cannot end the script element it stands in. */
function json(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
