// Tables that fit the terminal; the only importer of cli-table3. For the command line alone.
import Table from 'cli-table3';
import type { Output } from './output.js';
import { columns, cut, oneLine, wrap } from './text.js';

/** A column. One at most is `flexible`: it gets what the others leave. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly flexible?: boolean;
  /** Least width in columns, so that tables below each other line up; default the widest cell's. */
  readonly width?: number;
}

/** A cell: its text, and how it is coloured once it has been cut. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

/** A row of cells, or a line of text below the row before it. */
export type Row = readonly Cell[] | { readonly below: string; readonly paint: (text: string) => string };

const indent = 2;
const gap = 2;

/**
 * The table in lines: with a rule below its head on a terminal, as aligned text in a pipe, where nothing is cut so that programs
 * can search it.
 */
export function tableLines(output: Output, head: readonly Column[], rows: readonly Row[]): string[] {
  const { style } = output;
  const widths = head.map(({ title, width = 0 }, index) => {
    const cells = rows.map((row) => (isBelow(row) ? 0 : columns(oneLine(textOf(row[index] ?? '')))));
    return Math.max(columns(title), width, ...cells);
  });
  const flexible = head.findIndex((column) => column.flexible);
  if (output.isTerminal && flexible >= 0) {
    const others = widths.reduce((sum, width, index) => sum + (index === flexible ? 0 : width), 0);
    const left = output.width - indent - gap * (head.length - 1) - others;
    widths[flexible] = Math.max(12, Math.min(widths[flexible] as number, left));
  }
  const total = widths.reduce((sum, width) => sum + width, 0) + gap * (head.length - 1);
  const table = new Table({
    head: head.map((column, index) =>
      shown(
        { text: column.title, paint: style.bold },
        widths[index] as number,
        column,
        index === head.length - 1,
      ),
    ),
    colWidths: widths.map((width, index) => width + (index === head.length - 1 ? 0 : gap)),
    colAligns: head.map(({ align = 'left' }) => align),
    chars: { ...noLines, ...(output.isTerminal ? { mid: style.dim('─') } : {}) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  for (const row of rows) {
    if (isBelow(row)) {
      for (const line of wrap(row.below, total - 4)) {
        table.push([{ content: row.paint(`  ${line}`), colSpan: head.length }]);
      }
    } else
      table.push(
        row.map((cell, index) =>
          shown(cell, widths[index] as number, head[index] as Column, index === head.length - 1),
        ),
      );
  }
  return table
    .toString()
    .split('\n')
    .map((line) => ' '.repeat(indent) + line.trimEnd());
}

const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
} as const;

function isBelow(row: Row): row is Extract<Row, { below: string }> {
  return 'below' in row;
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function shown(cell: Cell, width: number, { align }: Column, isLast: boolean): string {
  const text = cut(oneLine(textOf(cell)), width);
  const painted = typeof cell === 'string' ? text : cell.paint(text);
  // The gap lies to the right of every column but the last, also of those aligned to the right.
  return align === 'right' && !isLast ? painted + ' '.repeat(gap) : painted;
}
