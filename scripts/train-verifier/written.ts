// The questions that were written for the pair model, with a share of them that it does not see. pairs.ts and the trainer import it.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type LabelledPair, type Part, readRows } from './data.ts';
import { randomOf, shuffle } from './random.ts';

/** Two questions with their label, or ways to ask each of several things that are asked of one subject. */
type Written =
  | { readonly a: string; readonly b: string; readonly same: boolean }
  | { readonly intents: readonly (readonly string[])[] };

/** The pair model is trained on the first; the others as in data.ts. */
type WrittenPart = Exclude<Part, 'report'>;

const folder = fileURLToPath(new URL('../train-pair-model/written/', import.meta.url));

/** Pairs that ask something else for each that asks the same, of what is written in ways. */
const differentShare = 1.2;

/** In hundredths of what was written: 8 to fit on, 7 to calibrate on, the rest for the pair model. */
function partOf(row: Written): WrittenPart {
  const key = 'a' in row ? row.a : (row.intents[0]?.[0] as string);
  const digest = createHash('sha256').update(key).digest('hex');
  const at = Number.parseInt(digest.slice(0, 8), 16) % 100;
  if (at >= 15) return 'pair';
  return at < 8 ? 'fit' : 'calibrate';
}

/** What was written for one part. */
export function readWritten(part: WrittenPart): Written[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readRows<Written>(folder + name))
    .filter((row) => partOf(row) === part);
}

/** The pairs of what the pair model is not trained on. Seeded. */
export function writtenPairs(): LabelledPair[] {
  const random = randomOf(17);
  return (['fit', 'calibrate'] as const).flatMap((part) =>
    readWritten(part).flatMap((row): LabelledPair[] => {
      const pair = (a: string, b: string, same: boolean, component: string): LabelledPair => ({
        a,
        b,
        same,
        set: 'written',
        component,
        part,
      });
      if ('a' in row) return [pair(row.a, row.b, row.same, row.a)];
      const component = row.intents[0]?.[0] as string;
      const same = row.intents.flatMap((ways) =>
        ways.flatMap((a, i) => ways.slice(i + 1).map((b) => pair(a, b, true, component))),
      );
      const different = row.intents.flatMap((ways, i) =>
        ways.flatMap((a) =>
          row.intents.slice(i + 1).flatMap((others) => others.map((b) => pair(a, b, false, component))),
        ),
      );
      const order = Uint32Array.from(different, (_, i) => i);
      shuffle(order, random);
      const some = [...order.slice(0, Math.floor(differentShare * same.length))];
      return [...same, ...some.map((i) => different[i] as LabelledPair)];
    }),
  );
}
