// In how many questions a word stands: a shipped table in bands, learnt further from traffic. Only decide/ and the root import it.
import { stemOf } from './stem.js';

/*
 * The shipped bands are estimates written by hand for this project: words that stand in about one of so many English questions.
 * They only have to order words from common to rare until traffic has been seen; no corpus was counted for them.
 */
const bands: readonly (readonly [oneIn: number, words: string])[] = [
  [
    8,
    'what how is the a an to in of do does i can for and are my you it on with best if be or not have get there why which when use make good way',
  ],
  [
    25,
    'should who will where much many would from by at as your this that one was did about than has find know work need between mean people ' +
      'difference time year learn start could want like help new some any most more after before without',
  ],
  [
    90,
    'day week month money buy pay job life person thing name long cost price number school company business become happen change create add take ' +
      'give see think feel look tell write read play go come keep put set run turn open close book movie phone computer computer account ' +
      'app website internet online free easy hard better difference example problem reason possible important true real first last old ' +
      'world country city home house family friend child woman man girl boy love language english india student university college ' +
      'course exam science engineering program programming code software data file system service project question answer word',
  ],
  [
    350,
    'food water eat drink cook weight health doctor disease pain cause treat treatment symptom medicine body hair skin sleep exercise ' +
      'bank card credit loan tax market stock rate interest salary income insurance law legal government president state war history ' +
      'car drive travel trip visit train flight hotel place street map weather temperature summer winter morning night hour minute ' +
      'email password message video music song game picture photo camera screen window button page link search google facebook ' +
      'instagram youtube android iphone laptop windows install download update delete remove server database table query function ' +
      'python java javascript test error type list string class method api machine network model design build develop company ' +
      'team manager interview resume experience skill career degree study teacher class math physics chemistry biology energy power ' +
      'light color size speed weight height large small big short high low white black red blue green dog cat animal plant tree ' +
      'garden kitchen oil milk egg bread rice meat chicken fish sugar salt tea coffee wine',
  ],
];
const rareOneIn = 6_000;

/** Weight of the shipped table against traffic, in questions: after so many the counts say as much as the table. */
const weightOfTable = 2_000;
const maxWords = 8_192;
/** Counts are halved when this many questions were learnt, so that the table follows what is asked now. */
const halveAt = 1_000_000;
/** Words learnt of one question at most. */
const maxLearnt = 32;

/** Of the questions, those that a word of a band stands in, and its rarity as long as no traffic was seen. */
interface Band {
  readonly share: number;
  readonly idf: number;
}

const bandOf = (oneIn: number): Band => ({
  share: 1 / oneIn,
  idf: rarity(0, 0, 1 / oneIn),
});
const rare = bandOf(rareOneIn);
const shipped = new Map<string, Band>();
for (const [oneIn, words] of bands) {
  const band = bandOf(oneIn);
  for (const word of words.split(' ')) if (!shipped.has(stemOf(word))) shipped.set(stemOf(word), band);
}

/** Natural logarithm of "one in so many questions", never below 0, from what was counted and the share in the table. */
function rarity(questions: number, counted: number, share: number): number {
  return Math.max(Math.log((questions + weightOfTable) / (counted + share * weightOfTable)), 0);
}

/**
 * Document frequencies of stems. Starts from the shipped table; `learn` moves it towards what is asked. Bounded: at most 8,192
 * stems are counted besides the table. Not shared between processes.
 */
export class Frequencies {
  #counts = new Map<string, number>();
  #old = new Map<string, number>();
  #questions = 0;

  /** Questions learnt, halved from time to time. */
  get questions(): number {
    return this.#questions;
  }

  /** Stems counted besides the table; never more than 8,192. */
  get size(): number {
    return this.#counts.size + this.#old.size;
  }

  /** Counts the stems of one question, each once. Cost: O(1), at most 32 stems a question. */
  learn(stems: Iterable<string>): void {
    this.#questions++;
    let left = maxLearnt;
    for (const stem of stems) {
      if (left-- === 0) break;
      this.#counts.set(stem, this.#count(stem) + 1);
      // The generation before keeps what has been asked lately; what has not is forgotten.
      if (this.#counts.size >= maxWords / 2) {
        this.#old = this.#counts;
        this.#counts = new Map();
      }
    }
    if (this.#questions >= halveAt) this.#halve();
  }

  /** Rarity of a stem: natural logarithm of "one in so many questions", from 0 (in every one) to about 9 and never below 0. */
  idf(stem: string): number {
    const { share, idf } = shipped.get(stem) ?? rare;
    return this.#questions === 0 ? idf : rarity(this.#questions, this.#count(stem), share);
  }

  #count(stem: string): number {
    return this.#counts.get(stem) ?? this.#old.get(stem) ?? 0;
  }

  #halve(): void {
    this.#questions /= 2;
    for (const counts of [this.#counts, this.#old])
      for (const [stem, count] of counts) counts.set(stem, count / 2);
  }
}

/** The shipped table alone, for whoever has no traffic to learn from. */
export const shippedFrequencies: Pick<Frequencies, 'idf'> = new Frequencies();
