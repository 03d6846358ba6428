// Finds what a message speaks of: names, noun phrases, quantities, dates, code and addresses. No model; for analyse.ts and facts.ts.

import { formOf, singular } from './names.js';
import { dateAt, quantityAt, timeForm } from './quantities.js';
import { beforeVerbs, breakers, determiners, nounsInIngOrEd, openers, pronouns } from './vocabulary.js';
import type { Token } from './words.js';

/** What an entity is. */
export type EntityKind = 'name' | 'phrase' | 'number' | 'date' | 'time' | 'code' | 'url';

/** An entity where it stands in a sentence. */
export interface Found {
  readonly kind: EntityKind;
  /** As written. */
  readonly surface: string;
  /** Equal for spellings of the same thing. */
  readonly form: string;
  /** First token. */
  readonly start: number;
  /** Behind the last token. */
  readonly end: number;
  /** A noun that stands for a longer phrase around it. */
  readonly head?: boolean;
}

const connectors = new Set(['of', 'de', 'da', 'del', 'van', 'von', 'the', '&']);
const mostPhraseWords = 4;
const mostNameWords = 6;

/** The entities of a sentence in the order in which they stand. */
export function entitiesOf(sentence: readonly Token[]): Found[] {
  const found: Found[] = [];
  const shouted = isShouted(sentence);
  let run: number[] = [];
  const finish = () => {
    if (run.length > 0) found.push(...entitiesOfRun(sentence, run, shouted));
    run = [];
  };
  for (let at = 0; at < sentence.length; at++) {
    const token = sentence[at] as Token;
    const special = specialAt(sentence, at);
    if (special !== undefined) {
      finish();
      found.push(special);
      at = special.end - 1;
      continue;
    }
    // `Gate 14`, `flight 447`: the number belongs to the noun before it.
    if (token.kind === 'number' && run.length > 0 && !sentence[run.at(-1) as number]?.owner) {
      run.push(at);
      finish();
      continue;
    }
    if (run.length > 0 && isLink(sentence, at, shouted)) {
      run.push(at);
      continue;
    }
    const named = token.kind === 'word' && token.capital && isNameWord(sentence, at, shouted);
    if (token.kind !== 'word' || !(named || isNoun(sentence, at))) {
      finish();
      continue;
    }
    // A number stays out of the phrase, and the owner of a thing is another thing than it.
    run.push(at);
    if (token.owner || run.length >= mostNameWords) finish();
  }
  finish();
  return found;
}

function specialAt(sentence: readonly Token[], at: number): Found | undefined {
  const token = sentence[at] as Token;
  const whole = (kind: EntityKind, form: string): Found => ({
    kind,
    surface: token.text,
    form: `${kind} ${form}`,
    start: at,
    end: at + 1,
  });
  if (token.kind === 'url')
    return whole('url', token.lower.replace(/^https?:\/\/(?:www\.)?|^www\./, '').replace(/\/$/, ''));
  if (token.kind === 'code') return whole('code', token.text.replace(/\(\)$/, ''));
  if (token.kind === 'time') return whole('time', timeForm(token.lower));
  return dateAt(sentence, at) ?? quantityAt(sentence, at);
}

function entitiesOfRun(sentence: readonly Token[], run: readonly number[], shouted: boolean): Found[] {
  const found: Found[] = [];
  const tokens = run.map((at) => sentence[at] as Token);
  const isName = tokens.map((token, i) => token.capital && isNameWord(sentence, run[i] as number, shouted));
  const make = (kind: EntityKind, from: number, to: number, head = false) => {
    const words = tokens.slice(from, to).map(({ text }) => text);
    const form = formOf(words);
    if (form.length < 2) return;
    found.push({
      kind,
      surface: words.join(' '),
      form,
      start: run[from] as number,
      end: (run[to - 1] as number) + 1,
      ...(head && { head }),
    });
  };
  for (let from = 0; from < tokens.length; from++) {
    if (!isName[from]) continue;
    if (from > 0 && !isName[from - 1]) make('phrase', Math.max(0, from - mostPhraseWords), from);
    let to = from + 1;
    while (
      to < tokens.length &&
      (isName[to] || tokens[to]?.kind === 'number' || isBridge(tokens, isName, to))
    )
      to++;
    make(isSureName(sentence, run[from] as number, to - from) ? 'name' : 'phrase', from, to);
    from = to - 1;
  }
  const last = tokens.length - 1;
  if (!isName[last] && tokens[last]?.kind === 'word') {
    const from = Math.max(0, tokens.length - mostPhraseWords);
    make('phrase', from, tokens.length);
    if (last > from) make('phrase', last, tokens.length, true);
  } else if (isName.includes(false) && tokens[last]?.kind === 'number') make('phrase', 0, tokens.length);
  return found;
}

/** A connector within a name: `Bank of America`. */
function isLink(sentence: readonly Token[], at: number, shouted: boolean): boolean {
  const [before, token, after] = [sentence[at - 1], sentence[at] as Token, sentence[at + 1]];
  if (
    !connectors.has(token.lower) ||
    !before?.capital ||
    before.owner ||
    !after?.capital ||
    after.kind !== 'word'
  )
    return false;
  return isNameWord(sentence, at - 1, shouted) && isNameWord(sentence, at + 1, shouted);
}

function isBridge(tokens: readonly Token[], isName: readonly boolean[], at: number): boolean {
  return connectors.has(tokens[at]?.lower ?? '') && isName[at + 1] === true;
}

/** A capital that means a name: not the first word of a sentence, or a first word that is nothing else. */
function isNameWord(sentence: readonly Token[], at: number, shouted: boolean): boolean {
  const token = sentence[at] as Token;
  if (!token.capital || shouted || pronouns.has(token.lower) || token.lower === 'i') return false;
  const acronym = token.text.length > 1 && token.text.length < 7 && token.text === token.text.toUpperCase();
  if (at > 0 || acronym)
    return !breakers.has(token.lower) || (at > 0 && !determiners.has(token.lower) && isTitle(sentence, at));
  return !breakers.has(token.lower) && !openers.has(token.lower) && !/(?:ing|ed|ly)$/.test(token.lower);
}

/** A common word within a name, such as `Second Street`. */
function isTitle(sentence: readonly Token[], at: number): boolean {
  const next = sentence[at + 1];
  return next?.kind === 'word' && next.capital && !breakers.has(next.lower);
}

/** At the head of a sentence one capital alone proves nothing; what follows must go with a name. */
function isSureName(sentence: readonly Token[], start: number, words: number): boolean {
  if (start > 0 || words > 1) return true;
  const first = sentence[0] as Token;
  if (first.owner || first.text === first.text.toUpperCase()) return true;
  const next = sentence[1];
  return next === undefined || next.text === ',' || breakers.has(next.lower) || /(?:ed|s)$/.test(next.lower);
}

function isNoun(sentence: readonly Token[], at: number): boolean {
  const { lower, text } = sentence[at] as Token;
  if (breakers.has(lower) || text.length < 2 || lower.includes("'") || lower.includes('’')) return false;
  const before = sentence[at - 1];
  const introduced = before !== undefined && (determiners.has(before.lower) || before.owner);
  if (nounsInIngOrEd.has(lower)) return true;
  if (lower.length > 4 && lower.endsWith('ly')) return false;
  if (!introduced && lower.length > 4 && (lower.endsWith('ed') || lower.endsWith('ing'))) return false;
  // "to gate 14": what bears a number is no verb.
  if (sentence[at + 1]?.kind === 'number') return true;
  // "I need", "to repair": a verb.
  if (before !== undefined && (pronouns.has(before.lower) || beforeVerbs.has(before.lower)))
    return introduced;
  return !isThirdPerson(sentence, at);
}

/** "Dana runs the bakery": a form in -s between a name and what only follows a verb. */
function isThirdPerson(sentence: readonly Token[], at: number): boolean {
  const { lower } = sentence[at] as Token;
  const before = sentence[at - 1];
  const after = sentence[at + 1];
  if (before === undefined || after === undefined || !before.capital || before.owner) return false;
  return singular(lower) !== lower && (determiners.has(after.lower) || breakers.has(after.lower));
}

function isShouted(sentence: readonly Token[]): boolean {
  const words = sentence.filter(({ kind }) => kind === 'word');
  const upper = words.filter(
    ({ text }) => text.length > 1 && text === text.toUpperCase() && text !== text.toLowerCase(),
  );
  return words.length > 3 && upper.length > words.length / 2;
}
