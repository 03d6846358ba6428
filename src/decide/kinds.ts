// Tells what a question asks for: a time, a place, a person, a reason. Only decide/ imports it.
import type { Token } from './tokens.js';

/** What a question asks for. */
export type Kind =
  | 'when'
  | 'where'
  | 'who'
  | 'why'
  | 'how many'
  | 'how long'
  | 'how often'
  | 'how'
  | 'what'
  | 'which'
  | 'whether';

const auxiliaries = new Set(
  'is are was were am do does did can could will would should shall may might must has have had isnt arent cant dont doesnt didnt wont'.split(
    ' ',
  ),
);

const questionWords = new Map<string, Kind>([
  ['when', 'when'],
  ['whens', 'when'],
  ['where', 'where'],
  ['wheres', 'where'],
  ['who', 'who'],
  ['whos', 'who'],
  ['whom', 'who'],
  ['why', 'why'],
  ['which', 'which'],
  ['what', 'what'],
  ['whats', 'what'],
  ['how', 'how'],
  ['hows', 'how'],
]);
const howMuch = new Map<string, Kind>([
  ['many', 'how many'],
  ['much', 'how many'],
  ['long', 'how long'],
  ['often', 'how often'],
]);
const openingWords = 12;
// `Can you tell me why …` asks why.
const addressed = new Set(['you', 'u', 'someone', 'somebody', 'anyone', 'anybody']);
const asks = (word: string): boolean =>
  auxiliaries.has(word) ||
  questionWords.has(word) ||
  word === 'and' ||
  word === 'or' ||
  word === 'to' ||
  word === '';

/** What the question asks for: its first question word, those coordinated with it (`when and how`), and a closing `Why?`. */
export function kindsOf(words: readonly Token[]): ReadonlySet<Kind> {
  const kinds = new Set<Kind>();
  const at = (index: number): string => words[index]?.text ?? '';
  const kindAt = (index: number): Kind | undefined => {
    const kind = questionWords.get(at(index));
    return kind === 'how' ? (howMuch.get(at(index + 1)) ?? kind) : kind;
  };
  for (let i = 0; i < words.length && i < openingWords; i++) {
    if (words[i]?.initial && auxiliaries.has(at(i)) && !addressed.has(at(i + 1))) {
      kinds.add(at(i + 1) === 'there' && at(i + 3) === 'reason' ? 'why' : 'whether');
      break;
    }
    // `When I pay, …` opens a condition, not a question.
    const kind = kindAt(i);
    if (kind === undefined || ((kind === 'when' || kind === 'where') && !asks(at(i + 1)))) continue;
    let next = i;
    for (let more: Kind | undefined = kind; more !== undefined; more = kindAt(next)) {
      kinds.add(more);
      next += at(next + 1) === 'and' || at(next + 1) === 'or' ? 2 : 1;
    }
    break;
  }
  const last = questionWords.get(at(words.length - 1));
  if (last !== undefined) kinds.add(last);
  return kinds;
}
