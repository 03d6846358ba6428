// The labelled pairs that the verifier is fitted on and reported on, parted so that no text stands on both sides.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Signals } from './signals.ts';

/**
 * The pair model is trained on `pair`; the verifier is fitted on that and `fit`, but reads off `fit` alone how far to trust the pair
 * model; promises are counted on `fit` across folds and on `calibrate`; nothing but the report looks at `report`.
 */
export type Part = 'pair' | 'fit' | 'calibrate' | 'report';

/** A labelled pair. */
export interface LabelledPair {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  readonly set: 'questions' | 'medical' | 'banking' | 'paraphrases' | 'traps' | 'written' | 'edits';
  /** Pairs of one component share texts, so they stay together in a fold. */
  readonly component: string;
  readonly part: Part;
  readonly class?: string | undefined;
}

/** A query of a stream with the class of its answer. */
export interface StreamRow {
  readonly query: string;
  readonly class: string;
  readonly part: Part;
}

export function readRows<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as T);
}

const traps = (name: string) =>
  fileURLToPath(new URL(`../../bench/data/traps/${name}.jsonl`, import.meta.url));
const reportShare = 0.35;
/** Of the question pairs and of the stream's queries that are not held out. */
const pairShare = 0.5;

/** A number in [0, 1) of a text, the same on every machine (FNV-1a with a final mix). */
export function hashed(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** The part that a text and all that is paired with it is in. */
const partOf = (text: string, share: number): Part => (hashed(`side of ${text}`) < share ? 'report' : 'fit');

/** The same with what is not fitted on halved. */
const heldOut = (text: string): Part => {
  const part = partOf(text, reportShare);
  return part === 'report' && hashed(`half of ${text}`) < 0.5 ? 'calibrate' : part;
};

/** The same with what is fitted on parted between the pair model and what reads its logit. */
const taught = (text: string, part: Part): Part =>
  part === 'fit' && hashed(`pair model's of ${text}`) < pairShare ? 'pair' : part;

/** The pairs of `folder` whose labels are read, not made: question pairs, medical pairs, and this repository's traps. */
export function readPairs(folder: string): LabelledPair[] {
  const read = (file: string, set: LabelledPair['set']): LabelledPair[] => {
    const rows = readRows<{ a: string; b: string; same: boolean }>(`${folder}/${file}`);
    const componentOf = components(rows);
    return rows.map(({ a, b, same }) => ({
      a,
      b,
      same,
      set,
      component: componentOf(a),
      // Of medical pairs there are too few to part them.
      part: set === 'questions' ? taught(componentOf(a), heldOut(componentOf(a))) : heldOut(componentOf(a)),
    }));
  };
  const ownTraps = (['fit', 'test'] as const).flatMap((name) =>
    readRows<{ a: string; b: string; same: boolean; class: string }>(traps(name)).map(
      ({ a, b, same, class: kind }): LabelledPair => ({
        a,
        b,
        same,
        set: 'traps',
        component: a,
        part: name === 'fit' ? 'fit' : 'report',
        class: kind,
      }),
    ),
  );
  return [
    ...read('question-pairs-dev.jsonl', 'questions'),
    ...read('medical-pairs-dev.jsonl', 'medical'),
    ...ownTraps,
  ];
}

/** The stream, every query on one side. */
export function readStream(folder: string): StreamRow[] {
  const rows = readRows<{ query: string; class: string }>(`${folder}/banking-stream-dev.jsonl`);
  return rows.map((row) => {
    const query = row.query.toLowerCase();
    return { ...row, part: taught(query, partOf(query, 0.5)) };
  });
}

/** Each query of one side with its nearest neighbours before it: what a cache would have to decide. */
export function streamPairs(
  rows: readonly StreamRow[],
  signals: Signals,
  neighbours: number,
): LabelledPair[] {
  const pairs: LabelledPair[] = [];
  for (const part of ['pair', 'fit', 'report'] as const) {
    const side = rows.filter((row) => row.part === part);
    for (const [i, asked] of side.entries()) {
      const before = side
        .slice(0, i)
        .map((stored) => ({ stored, cosine: signals.cosine(asked.query, stored.query) }))
        .sort((x, y) => y.cosine - x.cosine)
        .slice(0, neighbours);
      for (const { stored } of before)
        if (stored.query !== asked.query)
          pairs.push({
            a: asked.query,
            b: stored.query,
            same: stored.class === asked.class,
            set: 'banking',
            component: asked.query,
            part,
          });
    }
  }
  return pairs;
}

const paraphrases = (folder: string) =>
  readRows<{ cached: string; asked: string }>(`${folder}/paraphrases-dev.jsonl`);

/** What `paraphrasePairs` looks at. */
export function paraphraseTexts(folder: string): string[] {
  return paraphrases(folder).flatMap(({ cached, asked }) => [cached, asked]);
}

/** Rewritten sentences with their own original, and with the nearest other one. */
export function paraphrasePairs(folder: string, signals: Signals): LabelledPair[] {
  const rows = paraphrases(folder);
  return rows.flatMap(({ cached, asked }) => {
    const part = partOf(cached, 0.5);
    const own: LabelledPair = {
      a: asked,
      b: cached,
      same: true,
      set: 'paraphrases',
      component: cached,
      part,
    };
    const others = rows
      .filter((row) => row.cached !== cached && partOf(row.cached, 0.5) === part)
      .map((row) => ({ b: row.cached, cosine: signals.cosine(asked, row.cached) }))
      // Nearer ones are mostly the same sentence in other words: no label could say so.
      .filter(({ cosine }) => cosine < 0.8)
      .sort((x, y) => y.cosine - x.cosine);
    const other = others[0];
    return other === undefined
      ? [own]
      : [own, { a: asked, b: other.b, same: false, set: 'paraphrases', component: cached, part }];
  });
}

/** The texts that are joined by pairs share a name: the least of them. */
function components(rows: readonly { readonly a: string; readonly b: string }[]): (text: string) => string {
  const parent = new Map<string, string>();
  const find = (text: string): string => {
    let top = text;
    for (let up = parent.get(top); up !== undefined && up !== top; up = parent.get(top)) top = up;
    parent.set(text, top);
    return top;
  };
  for (const { a, b } of rows) {
    const [x, y] = [find(a), find(b)];
    if (x < y) parent.set(y, x);
    else if (y < x) parent.set(x, y);
  }
  return find;
}
