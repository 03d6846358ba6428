// The rows of a part, with everything a verifier may see of them. main.ts, calibrate.ts and measure.ts import it.
import {
  type LabelledPair,
  type Part,
  paraphrasePairs,
  paraphraseTexts,
  readPairs,
  readStream,
  type StreamRow,
  streamPairs,
} from './data.ts';
import { editedPairs } from './edits.ts';
import { type Row, rowsOf } from './rows.ts';
import { Signals } from './signals.ts';
import { writtenPairs } from './written.ts';

/** Made pairs of each label. */
const editCount = 4_500;
const edited: readonly LabelledPair['set'][] = ['questions', 'medical', 'banking'];
const editable: readonly Part[] = ['fit', 'calibrate'];

/** What some parts have. */
export interface Loaded {
  readonly rows: readonly Row[];
  readonly stream: readonly StreamRow[];
  readonly signals: Signals;
}

/** The three folders that a script is started with: labelled sets, what the models said of them, the verifier. */
export function argumentsOf(script: string): [data: string, cache: string, folder: string] {
  const [data, cache, folder] = process.argv.slice(2);
  if (data !== undefined && cache !== undefined && folder !== undefined) return [data, cache, folder];
  console.error(`usage: npx tsx scripts/${script}.ts DATA CACHE FOLDER`);
  process.exit(2);
}

/** Edits are made of what is fitted or calibrated on. */
export async function load(data: string, cache: string, parts: readonly Part[]): Promise<Loaded> {
  const signals = new Signals(cache);
  const labelled = readPairs(data);
  const written = writtenPairs();
  const stream = readStream(data);
  await signals.embed([
    ...[...labelled, ...written].flatMap(({ a, b }) => [a, b]),
    ...stream.map(({ query }) => query),
    ...paraphraseTexts(data),
  ]);
  const found = [
    ...labelled,
    ...written,
    ...streamPairs(stream, signals, 4),
    ...paraphrasePairs(data, signals),
  ].filter(({ part }) => parts.includes(part));
  const sources = found.filter(({ part, set }) => editable.includes(part) && edited.includes(set));
  const edits = sources.length === 0 ? [] : editedPairs(sources, editCount, 11);
  await signals.embed(edits.flatMap(({ a, b }) => [a, b]));
  const pairs = [...found, ...edits];
  await signals.score(pairs);
  return {
    rows: rowsOf(pairs, signals),
    stream: stream.filter(({ part }) => parts.includes(part)),
    signals,
  };
}
