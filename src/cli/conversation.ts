// Questions from a terminal or a pipe, line by line, with the history that a terminal keeps. For query.ts alone.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { QueryAnswer } from '../index.js';
import type { Context } from './context.js';
import { oneLine } from './text.js';

/** What a conversation can do. */
export interface Conversation {
  /** Where the history is kept; undefined for none. */
  readonly directory: string | undefined;
  ask(text: string): Promise<void>;
  explain(): void;
  stats(): Promise<void>;
}

const prompt = 'question> ';
const historyFile = 'query-history';
const mostRemembered = 500;
// A file of this size holds far more than is remembered; a greater one is not ours.
const mostHistoryBytes = 2 ** 20;

const commands: readonly (readonly [name: string, meaning: string])[] = [
  [':explain', 'why the last question was answered as it was'],
  [':stats', 'what this session has counted'],
  [':help', 'this list'],
  [':quit', 'end, as an empty line or Ctrl-D does'],
];

/** The lines of standard input. Ctrl-C ends the process as everywhere. @throws the signal's reason once it is aborted. */
export async function* inputLines(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const reader = createInterface({ input: process.stdin });
  const stop = () => reader.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield* reader;
  } finally {
    signal.removeEventListener('abort', stop);
    reader.close();
  }
  signal.throwIfAborted();
}

/**
 * Asks for questions until an empty line, `:quit` or Ctrl-D. Ctrl-C while a line is being typed drops the line, on an empty one it ends
 * the process; while a question is under way it stops that.
 */
export async function converse({ output, signal }: Context, conversation: Conversation): Promise<void> {
  const isTerminal = process.stdin.isTTY === true;
  const { directory } = conversation;
  const reader = createInterface({
    input: process.stdin,
    output: process.stderr,
    prompt,
    terminal: isTerminal,
    history: isTerminal && directory !== undefined ? readHistory(directory) : [],
    historySize: mostRemembered,
    removeHistoryDuplicates: true,
    completer: (line: string): [string[], string] => [
      commands.map(([name]) => name).filter((name) => line.startsWith(':') && name.startsWith(line)),
      line,
    ],
  });
  let history: readonly string[] | undefined;
  reader.on('history', (lines) => {
    history = lines;
  });
  const stop = () => reader.close();
  signal.addEventListener('abort', stop, { once: true });
  let isAsking = false;
  // On a terminal the reader takes Ctrl-C for itself.
  reader.on('SIGINT', () => {
    process.stderr.write('\n');
    if (isAsking || reader.line === '') process.kill(process.pid, 'SIGINT');
    else {
      reader.write(null, { ctrl: true, name: 'e' });
      reader.write(null, { ctrl: true, name: 'u' });
      reader.prompt();
    }
  });
  if (directory !== undefined) {
    output.aside(
      output.errorStyle.dim('Ask a question; :help lists commands, an empty line or Ctrl-D ends.'),
    );
  }
  reader.prompt();
  try {
    for await (const line of reader) {
      const text = line.trim();
      if (text === '' || text === ':quit' || text === ':q') break;
      isAsking = true;
      await answerTo(text);
      isAsking = false;
      reader.prompt();
    }
    if (isTerminal && reader.line === '') process.stderr.write('\n');
  } finally {
    signal.removeEventListener('abort', stop);
    reader.close();
    if (directory !== undefined && history !== undefined) writeHistory(directory, history);
  }
  signal.throwIfAborted();

  async function answerTo(text: string): Promise<void> {
    if (!text.startsWith(':')) return conversation.ask(text);
    if (text === ':explain') conversation.explain();
    else if (text === ':stats') await conversation.stats();
    else {
      if (text !== ':help') output.aside(`There is no command ${oneLine(text).slice(0, 40)}; these are all:`);
      for (const [name, meaning] of commands) output.aside(`  ${name.padEnd(9)}  ${meaning}`);
    }
  }
}

/** Why a question was answered as it was, in lines. */
export function explanation(
  question: string,
  { decision, tier, latencyMs, embedMs, results }: QueryAnswer,
): string[] {
  const { match, similarity, question: past, refused } = decision;
  const found = {
    exact: `"${oneLine(question)}" was asked before in these words: found in tier ${tier} by its key, without an embedding.`,
    semantic: `"${oneLine(question)}" was taken for the past question "${oneLine(past ?? '')}" (cosine ${similarity.toFixed(4)}), found in tier ${tier}.`,
    none: `"${oneLine(question)}" is like no past question: the corpus was searched, ${results.length} passages came back.`,
  }[match];
  const lines = [found];
  if (refused !== null) {
    const { rule, why, question: stored } = refused;
    lines.push(`"${oneLine(stored)}" was near enough, and rule ${rule} refused it: ${why}.`);
  }
  lines.push(`It took ${latencyMs.toFixed(2)} ms, ${embedMs.toFixed(2)} of them for the embedding.`);
  return lines;
}

/** Latest first, as readline wants it. What cannot be read is no history. */
function readHistory(directory: string): string[] {
  try {
    const text = readFileSync(join(directory, historyFile), 'utf8');
    if (text.length > mostHistoryBytes) return [];
    return text
      .split('\n')
      .filter((line) => line !== '')
      .slice(-mostRemembered)
      .reverse();
  } catch {
    return [];
  }
}

/** Questions are private: the file is its owner's alone. Where it cannot be written there is no history. */
function writeHistory(directory: string, history: readonly string[]): void {
  if (!existsSync(directory)) return;
  const file = join(directory, historyFile);
  try {
    writeFileSync(
      file,
      [...history]
        .reverse()
        .map((line) => `${oneLine(line)}\n`)
        .join(''),
      { mode: 0o600 },
    );
    // One that was there keeps its mode otherwise.
    chmodSync(file, 0o600);
  } catch {
    // An old history is no reason to fail.
  }
}
