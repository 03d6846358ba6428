// Tells a text that was built to lie near others: their words heaped up, with matter of its own. Only rules.ts imports it.
import type { Features } from './features.js';

/** What was added needs room: a clause of this many words at least. */
const leastAdded = 3;
const mostInOrder = 0.6;
/** Who tells a long story repeats a word now and then; a heap has a repeated one among so many at least. */
const mostWordsARepeat = 8;

const dismissals = new Set(['ignore', 'disregard', 'forget', 'overlook', 'skip']);
const dismissed = new Set(
  'this that these those it the all any every everything anything previous prior above below rest what'.split(
    ' ',
  ),
);
// `How do I ignore this`: somebody asks how, nobody is told to.
const beforeVerb = new Set(
  (
    'to i you we they he she it who that which can could should would may might must will do does did dont not never and or why if when ' +
    'cant shouldnt wont people'
  ).split(' '),
);

/** Says what one of the texts has that a question asked by a person has not; `undefined` for ordinary questions. Symmetric. */
export function plantedIn(asked: Features, stored: Features): string | undefined {
  const order = orderIn(asked);
  const other = orderIn(stored);
  if ((order === undefined) !== (other === undefined))
    return `"${order ?? other}" tells the reader what to do`;
  if (asked.words.length >= stored.words.length + leastAdded) return heaped(asked, stored);
  if (stored.words.length >= asked.words.length + leastAdded) return heaped(stored, asked);
  return undefined;
}

/** `… ignore this`, said to whoever reads. */
function orderIn({ words }: Features): string | undefined {
  for (let i = 0; i + 1 < words.length; i++) {
    const [before, verb, object] = [words[i - 1], words[i], words[i + 1]].map((word) => word?.text ?? '');
    if (
      dismissals.has(verb as string) &&
      dismissed.has(object as string) &&
      !beforeVerb.has(before as string)
    )
      return `${verb} ${object}`;
  }
  return undefined;
}

/** `long` has every word of subject matter of `short` and others, and says them over and over, or in a quite different order. */
function heaped(long: Features, short: Features): string | undefined {
  if (short.content.size < 2) return undefined;
  for (const stem of short.content.keys()) if (!long.stems.has(stem)) return undefined;
  let added = 0;
  for (const stem of long.content.keys()) if (!short.stems.has(stem)) added++;
  if (added < 2) return undefined;
  const dense = (again: number) => again * mostWordsARepeat >= long.words.length;
  const again = repeatedContent(long) - repeatedContent(short);
  if (again >= 2 && dense(again)) return 'one question says its words over and over';
  if (dense(repeated(long) - repeated(short)) && inOrder(short, long) < mostInOrder)
    return 'one question is the words of the other in disorder';
  return undefined;
}

const repeated = ({ words, stems }: Features): number => words.length - stems.size;

function repeatedContent({ words, content }: Features): number {
  let count = 0;
  for (const { stem } of words) if (content.has(stem)) count++;
  return count - content.size;
}

/** Share of the words of both that stand in the same order in both: of the longest such run of first places. 1 for fewer than four. */
function inOrder(short: Features, long: Features): number {
  const places = new Map<string, number>();
  for (const [at, { stem }] of long.words.entries()) if (!places.has(stem)) places.set(stem, at);
  const shared = [...short.stems].map((stem) => places.get(stem)).filter((at) => at !== undefined);
  if (shared.length < 4) return 1;
  // Ends of the best runs of each length, rising; each place takes the first end that is not below it.
  const ends: number[] = [];
  for (const at of shared) {
    const better = ends.findIndex((end) => end >= at);
    if (better < 0) ends.push(at);
    else ends[better] = at;
  }
  return ends.length / shared.length;
}
