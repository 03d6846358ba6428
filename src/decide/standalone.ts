// Says whether the last turn of a conversation can be understood without the earlier ones. Pure; the root and the adapters import it.
import { maxMemoLength } from './features.js';
import { languageOf } from './language.js';
import { type Token, tokenise } from './tokens.js';

/** Why a turn does not stand alone. */
export type Dependence =
  /** Nothing but white space, or no words. */
  | 'empty'
  /** Too long to be judged. */
  | 'length'
  /** In a language whose pronouns are not known here. */
  | 'language'
  /** A pronoun without a noun before it: `can I keep it in the fridge?` */
  | 'pronoun'
  /** `the other one`, `the same`, `instead`, `there`: points to something said earlier. */
  | 'anaphora'
  /** `and of Chile?`, `what about Bergen`: takes the question over from an earlier turn. */
  | 'continuation'
  /** No question and no command of its own: `Why?`, `for six, outside`. */
  | 'ellipsis'
  /** `Yes please do`, `shorter`: answers or changes what was said. */
  | 'reply';

/** Whether a turn stands alone, and why not. */
export interface Standing {
  readonly standsAlone: boolean;
  /** Empty when the turn stands alone. */
  readonly reasons: readonly { readonly kind: Dependence; readonly word: string }[];
}

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));
const politeness = set(
  'thanks thank you hi hello hey ok okay please actually now then well lol great cool sorry so and',
);
const persons = set('he him his she her hers they them their theirs');
const things = set('it its this that these those');
const pointers = set('instead earlier previously former latter above aforementioned likewise');
const comparatives = set(
  'cheaper faster better shorter longer bigger smaller larger gentler easier simpler stronger higher lower more less',
);
const replies = set('yes no yeah yep nope sure right exactly correct agreed none neither nothing');
const openers = set(
  'what when where who why which how is are was were am do does did can could will would should shall may must has have had whats ' +
    'write explain tell give show list convert translate summarise summarize describe compare create make find help calculate define generate ' +
    'recommend suggest name draft fix solve plan design add remove send check add draw count sort rewrite proofread build set turn i my we our if',
);
const linkers = set('and or but also');
/** `it` before these, with what follows, only fills the place of the subject: `is it safe to …`, `does it take to …`. */
const impersonal = set(
  'cost take mean possible safe legal true worth ok okay bad good normal better hard easy necessary',
);
const weather = set('rain snow hail freeze raining snowing');

/**
 * Judges a last user turn by its own words: pronouns, pointing words, ellipsis, and how it opens. Errs on the side of "does not stand alone",
 * because the price is only an origin call. English; a turn in another language is
 * not known to stand alone. Cost: linear in the length.
 */
export function standsAlone(turn: string): Standing {
  if (turn.length > maxMemoLength) return { standsAlone: false, reasons: [{ kind: 'length', word: '' }] };
  const tokens = withoutOpening(tokenise(turn.normalize('NFC')));
  if (tokens.length === 0) return { standsAlone: false, reasons: [{ kind: 'empty', word: '' }] };
  const language = languageOf(turn, tokens);
  if (language !== 'en' && language !== '')
    return { standsAlone: false, reasons: [{ kind: 'language', word: language }] };
  const reasons: { kind: Dependence; word: string }[] = [];
  const add = (kind: Dependence, word: string): void => {
    reasons.push({ kind, word });
  };
  opening(turn, tokens, add);
  for (let i = 0; i < tokens.length; i++) pointing(tokens, i, add);
  return { standsAlone: reasons.length === 0, reasons };
}

type Add = (kind: Dependence, word: string) => void;

/** Cuts `Thanks. Now`, `Hi,` and the like off the beginning. */
function withoutOpening(tokens: readonly Token[]): readonly Token[] {
  let at = 0;
  while (at < tokens.length - 1 && politeness.has(tokens[at]?.text ?? '') && tokens[at]?.text !== 'and') at++;
  return tokens.slice(at);
}

function opening(turn: string, tokens: readonly Token[], add: Add): void {
  const first = tokens[0]?.text ?? '';
  const subjects = tokens.filter((token) => token.kind === 'number' || isSubject(token));
  if (linkers.has(first)) add('continuation', first);
  else if (/^\W*(?:what|how) about\b/i.test(turn)) add('continuation', 'what about');
  else if (replies.has(first)) add('reply', first);
  else if (first === 'are' && tokens[1]?.text === 'you' && tokens[2]?.text === 'sure')
    add('reply', 'are you sure');
  if (subjects.length === 0) add('ellipsis', tokens.map((token) => token.raw).join(' '));
  // Key words may stand alone when there are some; a fragment opens with a preposition or has a word or two.
  else if (!openers.has(first)) {
    const isFragment = subjects.length < 2 || (tokens[0]?.info?.stop === true && first !== 'the');
    if (isFragment && !/["“`]/.test(turn)) add('ellipsis', first);
  }
}

const isSubject = (token: Token): boolean =>
  token.kind === 'word' &&
  token.text.length > 1 &&
  token.info?.stop !== true &&
  !comparatives.has(token.text);

function pointing(tokens: readonly Token[], at: number, add: Add): void {
  const { text, raw } = tokens[at] as Token;
  const previous = tokens[at - 1]?.text ?? '';
  const next = tokens[at + 1];
  if (persons.has(text) && !hasNounBefore(tokens, at, true)) add('pronoun', raw);
  else if (things.has(text)) {
    if (isPlaceholder(tokens, at) || hasNounBefore(tokens, at, false)) return;
    add(text === 'it' || text === 'its' ? 'pronoun' : 'anaphora', raw);
  } else if (pointers.has(text)) add('anaphora', raw);
  else if (
    text === 'there' &&
    previous !== 'is' &&
    previous !== 'are' &&
    !isVerb(next?.text) &&
    previous !== 'if'
  ) {
    if (!hasNounBefore(tokens, at, true) || next === undefined) add('anaphora', raw);
  } else if (text === 'same' && next?.text !== 'thing' && next?.text !== 'time' && tokens.length < 8)
    add('anaphora', raw);
  else if (
    text === 'one' &&
    (previous === 'other' || previous === 'second' || previous === 'first' || previous === 'that')
  )
    add('anaphora', `${previous} ${raw}`);
  else if (text === 'so' && (previous === 'think' || previous === 'do') && next === undefined)
    add('anaphora', raw);
  else if (
    text === 'step' &&
    (previous === 'first' || previous === 'second' || previous === 'last' || previous === 'next')
  )
    add('anaphora', `${previous} ${raw}`);
  else if (comparatives.has(text) && next === undefined) add('ellipsis', raw);
  else if (text === 'else' && tokens.length < 8) add('anaphora', raw);
}

const isVerb = (word: string | undefined): boolean =>
  word === 'is' ||
  word === 'are' ||
  word === 'was' ||
  word === 'were' ||
  word === 'any' ||
  word === 'a' ||
  word === 'be';

/** A noun or name within the turn that the pronoun may mean. */
function hasNounBefore(tokens: readonly Token[], at: number, person: boolean): boolean {
  for (let i = 0; i < at; i++) {
    const token = tokens[i] as Token;
    if (!isSubject(token)) continue;
    // `should I take them`: a verb is no noun; a name, a plural, or a noun with its article is.
    const before = tokens[i - 1]?.text ?? '';
    const determined = /^(?:a|an|the|my|our|your|his|her|their|one|two|every|of|some)$/.test(before);
    const named = token.capital && !token.initial;
    if (named || determined || (person && token.text.endsWith('s') && token.text.length > 4)) return true;
  }
  return false;
}

/** `it` and `that` that mean nothing earlier: weather, `is it safe to`, a conjunction, a noun right behind. */
function isPlaceholder(tokens: readonly Token[], at: number): boolean {
  const { text } = tokens[at] as Token;
  const next = tokens[at + 1];
  const previous = tokens[at - 1]?.text ?? '';
  if (text === 'it') {
    if (previous === 'make') return true;
    const skip = next?.text === 'is' || next?.text === 'to' ? 2 : 1;
    const [word, after] = [tokens[at + skip]?.text ?? '', tokens[at + skip + 1]?.text ?? ''];
    if (weather.has(word)) return /^(?:in|on|at|during)$/.test(after);
    return impersonal.has(word) && /^(?:to|that|if|when)$/.test(after);
  }
  if (
    text === 'this' &&
    next !== undefined &&
    /^(?:year|month|week|morning|evening|weekend|summer|winter|time)$/.test(next.text)
  )
    return true;
  // `a book that …`, `is it true that …`; `is that with …` and `do that on …` point back.
  if (text === 'that' || text === 'those')
    return (
      at > 1 &&
      next !== undefined &&
      !/^(?:on|with|for|in|work|mean|the|of)$/.test(next.text) &&
      previous !== 'is' &&
      previous !== 'do'
    );
  return false;
}
