// The rows of both sides, with everything a verifier may see of them. main.ts and measure.ts import it.
import {
  type LabelledPair,
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

/** Made pairs of each label. */
const editCount = 4_500;
const edited: readonly LabelledPair['set'][] = ['questions', 'medical', 'banking'];

/** What one side has. */
export interface Loaded {
  readonly rows: readonly Row[];
  readonly stream: readonly StreamRow[];
  readonly signals: Signals;
}

/** `data`: folder of the labelled sets; `cache`: folder that keeps what the models say. Edits are made of the side to fit on alone. */
export async function load(data: string, cache: string, part: LabelledPair['part']): Promise<Loaded> {
  const signals = new Signals(cache);
  const labelled = readPairs(data);
  const stream = readStream(data);
  await signals.embed([
    ...labelled.flatMap(({ a, b }) => [a, b]),
    ...stream.map(({ query }) => query),
    ...paraphraseTexts(data),
  ]);
  const found = [...labelled, ...streamPairs(stream, signals, 4), ...paraphrasePairs(data, signals)].filter(
    (pair) => pair.part === part,
  );
  const edits =
    part === 'fit'
      ? editedPairs(
          found.filter(({ set }) => edited.includes(set)),
          editCount,
          11,
        )
      : [];
  await signals.embed(edits.flatMap(({ a, b }) => [a, b]));
  const pairs = [...found, ...edits];
  await signals.score(pairs);
  return {
    rows: rowsOf(pairs, signals),
    stream: stream.filter((row) => row.part === part),
    signals,
  };
}
