// Writes what the pair model is trained on: `npx tsx scripts/train-pair-model/pairs.ts DATA CACHE FOLDER`. Seeded; train.py reads the folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashed, readPairs, readStream, streamPairs } from '../train-verifier/data.ts';
import { editedPairs } from '../train-verifier/edits.ts';
import { argumentsOf } from '../train-verifier/load.ts';
import { Signals } from '../train-verifier/signals.ts';
import { readWritten } from '../train-verifier/written.ts';

/** Made pairs of each label. */
const editCount = 6_000;
/** A text's partner is one of so many nearest, and not further away than this cosine. */
const nearest = 5;
const nearFrom = 0.45;
const nearShare = 0.55;

const [data, cache, folder] = argumentsOf('train-pair-model/pairs');
const signals = new Signals(cache);
const stream = readStream(data);
const labelled = readPairs(data).filter(({ part }) => part === 'pair');
await signals.embed([...labelled.flatMap(({ a, b }) => [a, b]), ...stream.map(({ query }) => query)]);
const banking = streamPairs(stream, signals, 4).filter(({ part }) => part === 'pair');

/** Questions beside their neighbours, which nobody labelled: the pair model is held to what it said of them before. */
function neighbours(): { a: string; b: string; same: null }[] {
  const texts = [...new Set(labelled.flatMap(({ a, b }) => [a, b]))];
  const known = new Set(labelled.flatMap(({ a, b }) => [`${a}\0${b}`, `${b}\0${a}`]));
  return texts
    .filter((text) => hashed(`nn ${text}`) < nearShare)
    .flatMap((text) => {
      const near = texts
        .filter((other) => other !== text)
        .map((other) => ({ other, cosine: signals.cosine(text, other) }))
        .sort((x, y) => y.cosine - x.cosine)
        .slice(0, nearest);
      const found = near[Math.floor(hashed(`rank ${text}`) * nearest)];
      const isNew = found !== undefined && found.cosine > nearFrom && !known.has(`${text}\0${found.other}`);
      return isNew ? [{ a: text, b: found.other, same: null }] : [];
    });
}

mkdirSync(folder, { recursive: true });
const write = (name: string, rows: readonly object[]) =>
  writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const plain = (rows: readonly { a: string; b: string; same: boolean }[]) =>
  rows.map(({ a, b, same }) => ({ a, b, same }));
write('questions', plain(labelled));
write('banking', plain(banking));
write('neighbours', neighbours());
write('edits', plain(editedPairs(labelled, editCount, 21)));
write('written', readWritten('pair'));
