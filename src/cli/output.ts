// Where a verb writes: lines for people, or JSON; nothing else writes to standard output. For the command line alone.
import { chooseStyle, type Style } from './style.js';
import { wrap } from './text.js';

const narrowest = 60;
const widest = 160;
const pipeWidth = 100;

/** What the output is made for. */
export interface OutputOptions {
  readonly json: boolean;
  readonly colour: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** The two streams of a verb. */
export class Output {
  readonly json: boolean;
  readonly isTerminal: boolean;
  readonly style: Style;
  /** Colours of standard error. */
  readonly errorStyle: Style;

  constructor({ json, colour, env }: OutputOptions) {
    this.json = json;
    this.isTerminal = process.stdout.isTTY === true;
    this.style = chooseStyle({ isTerminal: this.isTerminal, env, wanted: colour });
    this.errorStyle = chooseStyle({ isTerminal: process.stderr.isTTY === true, env, wanted: colour });
  }

  /** Columns of a line of text: the terminal's, or 100 where there is none. */
  get width(): number {
    return Math.min(widest, Math.max(narrowest, process.stdout.columns || pipeWidth));
  }

  /** A line for people; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** Text for people in as many lines as the terminal needs, `margin` columns from the left; one line in a pipe. */
  paragraph(text: string, margin: number, paint: (text: string) => string = (line) => line): void {
    for (const line of wrap(text, this.isTerminal ? this.width - margin : Number.POSITIVE_INFINITY)) {
      this.line(' '.repeat(margin) + paint(line));
    }
  }

  /** A line of JSON; nothing without `--json`. */
  data(value: unknown): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A line beside the result: standard error, with and without `--json`. */
  aside(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}
