// Finds statements of the form "subject – attribute – value", so that a later one can take the place of an earlier. For analyse.ts.
import type { Found } from './entities.js';
import { breakers } from './vocabulary.js';
import type { Token } from './words.js';

/** What a sentence states. */
export interface Statement {
  /** Form of the thing; `@` for whoever speaks, `?` for an "it" whose antecedent the graph has to find. */
  readonly subject: string;
  /** Form of whose thing it is; empty when the sentence does not say. */
  readonly owner: string;
  /** What of it: the verb's, and the class of the value. */
  readonly attribute: string;
  readonly value: string;
  /** The sentence itself says that something changed. */
  readonly change: boolean;
}

interface Verb {
  readonly attribute: string;
  readonly change: boolean;
  /** Token behind the verb and its preposition. */
  readonly end: number;
  /** The subject, where it stands between verb and preposition: "moved the deadline to". */
  readonly object?: Found;
}

const copulas = new Set(['is', 'are', 'was', 'were', 'be', "it's"]);
const changeVerbs = new Set(
  `moved move moves pushed push postponed rescheduled changed change changes shifted switched raised bumped dropped increased
  reduced lowered delayed brought extended went slipped cut upgraded downgraded`.split(/\s+/),
);
const toward = new Set(['to', 'until', 'till', 'for']);
const functional: Readonly<Record<string, readonly [attribute: string, prepositions: readonly string[]]>> = {
  live: ['home', ['in', 'at', 'near']],
  lives: ['home', ['in', 'at', 'near']],
  work: ['work', ['at', 'for']],
  works: ['work', ['at', 'for']],
  joined: ['work', []],
  cost: ['is', []],
  costs: ['is', []],
  start: ['start', ['at', 'on', 'in']],
  starts: ['start', ['at', 'on', 'in']],
  begins: ['start', ['at', 'on', 'in']],
  ends: ['end', ['at', 'on', 'in']],
  opens: ['open', ['at', 'on']],
  closes: ['close', ['at', 'on']],
  leaves: ['leave', ['at', 'on', 'from']],
  arrives: ['arrive', ['at', 'on']],
  due: ['due', ['on', 'by', 'at']],
};
const changeMarks = new Set(['now', 'actually', 'instead', 'anymore', 'correction']);
const negations = new Set(['not', 'never', "isn't", "wasn't", "aren't", "don't", "doesn't"]);
const mostStatements = 6;

/** The statements of a sentence, at most six. Negated ones are left out. */
export function statementsOf(sentence: readonly Token[], entities: readonly Found[]): Statement[] {
  const within = (small: Found, large: Found) =>
    small !== large &&
    small.start >= large.start &&
    small.end <= large.end &&
    small.end - small.start < large.end - large.start;
  const whole = entities.filter((entity) => !entities.some((other) => within(entity, other)));
  const statements: Statement[] = [];
  const marked = sentence.some(({ lower }) => changeMarks.has(lower));
  for (let at = 0; at < sentence.length && statements.length < mostStatements; at++) {
    const verb = verbAt(sentence, whole, at);
    if (verb === undefined || isNegated(sentence, at)) continue;
    const value = valueAfter(sentence, whole, verb.end);
    const subject = value && subjectOf(sentence, whole, at, verb);
    if (value === undefined || subject === undefined) continue;
    const change = verb.change || marked;
    const person = subject.subject === '@' || subject.named;
    // "Ann moved to Porto" is where she lives; "the meeting moved to Monday" is when it is.
    const moved =
      verb.attribute === 'is' && verb.change && person && (value.kind === 'name' || value.kind === 'phrase');
    const attribute = moved ? 'home' : verb.attribute;
    if (value.kind === 'phrase' && !change && attribute === 'is') continue;
    statements.push({
      subject: subject.subject,
      owner: subject.owner,
      attribute: `${attribute} ${attribute === 'home' || attribute === 'work' ? 'name' : classOf(value)}`,
      value: value.form,
      change,
    });
  }
  return statements;
}

function verbAt(sentence: readonly Token[], entities: readonly Found[], at: number): Verb | undefined {
  const { lower } = sentence[at] as Token;
  if (copulas.has(lower)) {
    let end = at + 1;
    while (
      changeMarks.has(sentence[end]?.lower ?? '') ||
      ['on', 'at', 'in', 'due', 'set', 'for', 'going', 'to', 'be'].includes(sentence[end]?.lower ?? '')
    )
      end++;
    return { attribute: 'is', change: false, end };
  }
  const rule = Object.hasOwn(functional, lower) ? functional[lower] : undefined;
  if (rule !== undefined) {
    const [attribute, prepositions] = rule;
    if (prepositions.length === 0) return { attribute, change: false, end: at + 1 };
    return prepositions.includes(sentence[at + 1]?.lower ?? '')
      ? { attribute, change: false, end: at + 2 }
      : undefined;
  }
  if (!changeVerbs.has(lower)) return undefined;
  for (let end = at + 1; end < Math.min(sentence.length, at + 12); end++) {
    const word = sentence[end]?.lower ?? '';
    if (!toward.has(word) || (word === 'for' && lower !== 'rescheduled')) continue;
    const between = entities.filter((entity) => entity.start > at && entity.end <= end);
    const object = between.findLast(
      ({ start }) => !sentence.slice(at, start).some(({ lower: word }) => word === 'from'),
    );
    return { attribute: 'is', change: true, end: end + 1, ...(object && { object }) };
  }
  return undefined;
}

function valueAfter(sentence: readonly Token[], entities: readonly Found[], from: number): Found | undefined {
  for (const entity of entities) {
    if (entity.start < from) continue;
    const gap = sentence.slice(from, entity.start);
    return gap.length <= 3 && gap.every(({ kind, lower }) => kind !== 'mark' && !copulas.has(lower))
      ? entity
      : undefined;
  }
  return undefined;
}

interface Subject {
  readonly subject: string;
  readonly owner: string;
  readonly named: boolean;
}

const speakers = new Set(['i', 'we', "i'm", "we're", "i've", "we've"]);

function subjectOf(
  sentence: readonly Token[],
  entities: readonly Found[],
  at: number,
  { object, end }: Verb,
): Subject | undefined {
  if (object !== undefined) return owned(sentence, entities, object);
  const between = sentence.slice(at, end).some(({ lower }) => lower === 'it');
  const before = sentence.slice(Math.max(0, at - 3), at);
  const pronoun = before.findLast(
    ({ kind, lower }) => kind === 'word' && (speakers.has(lower) || lower === 'it'),
  );
  const last = entities.findLast((entity) => entity.end <= at);
  const near =
    last !== undefined &&
    at - last.end <= 3 &&
    sentence.slice(last.end, at).every(({ kind, lower }) => kind === 'word' && breakers.has(lower));
  if (between || (pronoun?.lower === 'it' && !near) || sentence[at]?.lower === "it's")
    return { subject: '?', owner: '', named: false };
  if (near && last.kind !== 'date' && last.kind !== 'time' && last.kind !== 'number')
    return owned(sentence, entities, last);
  return pronoun !== undefined && speakers.has(pronoun.lower)
    ? { subject: '@', owner: '', named: true }
    : undefined;
}

/** The thing and whose it is: "Dana's birthday", "the deadline for the Orion report", "the price of the tent". */
function owned(sentence: readonly Token[], entities: readonly Found[], entity: Found): Subject {
  const at = entities.indexOf(entity);
  const before = entities[at - 1];
  if (before !== undefined && before.end <= entity.start) {
    const link = sentence.slice(before.end, entity.start).map(({ lower }) => lower);
    if (link.length === 0 && sentence[before.end - 1]?.owner) return priceless(entity.form, before.form);
    if (link.length <= 2 && (link[0] === 'of' || link[0] === 'for'))
      return priceless(before.form, entity.form);
  }
  return { subject: entity.form, owner: '', named: entity.kind === 'name' };
}

function priceless(thing: string, owner: string): Subject {
  return thing === 'price' || thing === 'cost'
    ? { subject: owner, owner: '', named: false }
    : { subject: thing, owner, named: false };
}

function isNegated(sentence: readonly Token[], at: number): boolean {
  const around = sentence.slice(Math.max(0, at - 2), at + 3).map(({ lower }) => lower);
  return around.some((word) => negations.has(word)) || (around.includes('no') && around.includes('longer'));
}

function classOf({ kind, form }: Found): string {
  return kind === 'number' ? form.slice(form.lastIndexOf(' ') + 1) : kind;
}
