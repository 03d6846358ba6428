// How words of the command line are read, and its examples. For program.ts and the files of verbs.

import { bytesFromText } from '../index.js';
import { InvalidArgumentError } from './commander.js';

/** A whole number within bounds. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${bounds}`);
  };
}

/** A number within bounds. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}`);
  };
}

/** An amount of bytes, such as 64GiB. */
export function byteCount(text: string): number {
  const value = bytesFromText(text);
  if (value !== undefined && value > 0) return value;
  throw new InvalidArgumentError('It must be an amount such as 64GiB or 128GB');
}

/** Whole numbers with commas between them. */
export function wholeNumbers(text: string): readonly number[] {
  return text.split(',').map(wholeNumber(1, 10_000));
}

/** `key=value`, which may be given several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('It must look like key=value');
  return [...before, text];
}

/** A word that may be given several times. */
export function append(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Lines that show how a command is called. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ llm-cache ${line}`).join('\n')}`;
}
