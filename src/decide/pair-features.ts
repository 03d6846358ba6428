// The numbers that a model sees of two questions side by side. Only decide/ and the trainer import it.
import { facetKinds } from './facets.js';
import type { Features } from './features.js';
import { frameOf } from './frame.js';
import { type Frequencies, shippedFrequencies } from './frequencies.js';
import { ruleNames } from './policy.js';
import { residueOf } from './residue.js';
import { rules } from './rules.js';
import { smallKinds } from './small-words.js';

/** What is known of a candidate from the search that found it. */
export interface SearchSignals {
  /** Of the two embeddings, in [-1, 1]. */
  readonly cosine: number;
  /** Cosine ahead of the next candidate with another answer, in [0, 2]. */
  readonly margin: number;
  /** Share of the candidates that have the same answer, in [0, 1]. */
  readonly agreement: number;
  /** Place among the candidates, from 0. */
  readonly rank: number;
}

/** Version of the columns: whatever was trained on another version must not read them. */
export const featureVersion = 3;

const comparisons = ['same', 'different', 'oneSided'] as const;
const sets = [
  ...facetKinds,
  'numbers',
  'units',
  'listedNames',
  'capitalNames',
  'sides',
  ...smallKinds,
] as const;
/** Rules with a column; what came after the columns of this version were fixed has none. */
const ruleColumns = ruleNames.filter((name) => name !== 'planted');
const setColumns = sets.flatMap((kind) => comparisons.map((how) => `${kind}.${how}`));

/** Names of the columns, in their order. */
export const featureNames: readonly string[] = Object.freeze([
  'cosine',
  'margin',
  'agreement',
  'rank',
  'overlap.asked',
  'overlap.stored',
  'overlap.jaccard',
  'overlap.cosine',
  'rarest.askedOnly',
  'rarest.storedOnly',
  'trigrams',
  'bigrams',
  'length.ratio',
  'length.words',
  'question.same',
  'question.different',
  'question.oneSided',
  'negation.parity',
  'negation.count',
  'language.different',
  'frame.share',
  'frame.askedSlot',
  'frame.storedSlot',
  'frame.substitution',
  'residue.run',
  'residue.disorder',
  'residue.shared',
  'residue.askedContent',
  'residue.storedContent',
  'residue.askedRarest',
  'residue.storedRarest',
  'residue.leastRare',
  'residue.askedSmall',
  'residue.storedSmall',
  'residue.substitution',
  'residue.alike',
  'words.least',
  ...setColumns,
  ...ruleColumns.map((name) => `rule.${name}`),
]);

const idfScale = 1 / 10;

/**
 * The columns of a pair: every one finite and in [-1, 2], most in [0, 1]; 0 where a text says nothing of the kind.
 * `frequencies`: how common words are, the shipped table by default. Cost: synchronous, tens of microseconds at most for two
 * questions of 100 characters, linear in the lengths; no copies.
 */
export function pairFeatures(
  asked: Features,
  stored: Features,
  signals: SearchSignals,
  frequencies: Pick<Frequencies, 'idf'> = shippedFrequencies,
): Float64Array {
  const row = new Float64Array(featureNames.length);
  let at = 0;
  const put = (value: number): void => {
    row[at++] = Number.isFinite(value) ? Math.min(Math.max(value, -1), 2) : 0;
  };
  put(signals.cosine);
  put(signals.margin);
  put(signals.agreement);
  put(1 / (1 + signals.rank));

  const shared = weigh(asked, stored, frequencies);
  const back = weigh(stored, asked, frequencies);
  put(share(shared.both, shared.all));
  put(share(back.both, back.all));
  put(share(shared.both, shared.all + back.all - shared.both));
  put(share(shared.squaresBoth, Math.sqrt(shared.squares * back.squares)));
  put(shared.rarestAlone * idfScale);
  put(back.rarestAlone * idfScale);

  const [a, b] = [asked.facets, stored.facets];
  put(a.trigrams.jaccard(b.trigrams));
  put(a.bigrams.jaccard(b.bigrams));
  put(ratio(a.length, b.length));
  put(ratio(asked.words.length, stored.words.length));
  compareSets(asked.kinds, stored.kinds, put);
  put(Math.abs(asked.negations.length - stored.negations.length) % 2);
  put(Math.min(asked.negations.length + stored.negations.length, 4) / 4);
  put(a.language !== b.language && a.language !== '' && b.language !== '' ? 1 : 0);

  const frame = frameOf(asked, stored);
  put(frame.share);
  put(Math.min(asked.sequence.length - frame.start - frame.end, 8) / 8);
  put(Math.min(stored.sequence.length - frame.start - frame.end, 8) / 8);
  put(frame.isSubstitution ? 1 : 0);

  const residue = residueOf(asked, stored, frequencies);
  const [left, right] = [residue.asked, residue.stored];
  put(residue.run);
  put(residue.disorder);
  put(Math.min(residue.shared, 8) / 8);
  put(Math.min(left.content.length, 4) / 4);
  put(Math.min(right.content.length, 4) / 4);
  put(left.rarest * idfScale);
  put(right.rarest * idfScale);
  put(Math.min(left.rarest, right.rarest) * idfScale);
  put(Math.min(left.small, 8) / 8);
  put(Math.min(right.small, 8) / 8);
  put(left.content.length === 1 && right.content.length === 1 ? 1 : 0);
  put(residue.alike);
  put(Math.min(asked.words.length, stored.words.length, 40) / 20);

  for (const kind of facetKinds) compareSets(a[kind], b[kind], put);
  compareSets(asked.numberCounts, stored.numberCounts, put);
  compareSets(asked.units, stored.units, put);
  compareSets(asked.listedNames, stored.listedNames, put);
  compareSets(asked.capitalNames, stored.capitalNames, put);
  compareSides(asked, stored, put);
  for (const kind of smallKinds) compareSets(asked.smallWords[kind], stored.smallWords[kind], put);
  for (const name of ruleColumns) put(rules[name](asked, stored) === undefined ? 0 : 1);
  return row;
}

const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);
const ratio = (a: number, b: number): number => (a === b ? 1 : Math.min(a, b) / Math.max(a, b));

interface Weights {
  both: number;
  all: number;
  squaresBoth: number;
  squares: number;
  rarestAlone: number;
}

function weigh(from: Features, in_: Features, frequencies: Pick<Frequencies, 'idf'>): Weights {
  const weights: Weights = { both: 0, all: 0, squaresBoth: 0, squares: 0, rarestAlone: 0 };
  for (const stem of from.content.keys()) {
    const idf = frequencies.idf(stem);
    weights.all += idf;
    weights.squares += idf * idf;
    if (in_.stems.has(stem)) {
      weights.both += idf;
      weights.squaresBoth += idf * idf;
    } else if (idf > weights.rarestAlone) weights.rarestAlone = idf;
  }
  return weights;
}

interface Present {
  readonly size: number;
  has(key: string): boolean;
  keys(): Iterable<string>;
}

/** Three columns: equal sets, each has what the other lacks, one has what the other lacks. All 0 when both are empty. */
function compareSets(asked: Present, stored: Present, put: (value: number) => void): void {
  if (asked.size === 0 && stored.size === 0) {
    put(0);
    put(0);
    put(0);
    return;
  }
  const left = hasMore(asked, stored);
  const right = hasMore(stored, asked);
  put(asked.size > 0 && !left && !right ? 1 : 0);
  put(left && right ? 1 : 0);
  put(left !== right ? 1 : 0);
}

function hasMore(from: Present, in_: Present): boolean {
  if (from.size === 0) return false;
  if (in_.size < from.size) return true;
  for (const key of from.keys()) if (!in_.has(key)) return true;
  return false;
}

function hasCommon(one: Present, other: Present): boolean {
  for (const key of one.keys()) if (other.has(key)) return true;
  return false;
}

/** The same three columns for opposites: groups in which both stand on one side, on different sides, or that one alone has. */
function compareSides(asked: Features, stored: Features, put: (value: number) => void): void {
  let same = 0;
  let different = 0;
  let alone = 0;
  for (const [group, sides] of asked.sides) {
    const others = stored.sides.get(group);
    if (others === undefined) alone++;
    else {
      if (hasCommon(sides, others)) same++;
      else different++;
    }
  }
  for (const group of stored.sides.keys()) if (!asked.sides.has(group)) alone++;
  put(same > 0 ? 1 : 0);
  put(different > 0 ? 1 : 0);
  put(alone > 0 ? 1 : 0);
}
