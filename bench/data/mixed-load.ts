// Requests as a service gets them: known questions, the same in other words, and new ones, each at its time. Imported by contenders/answers-load.ts.

import { strangeQuestion } from './questions.js';
import { readTraps } from './traps.js';
import { randomFrom } from './vectors.js';

/** What a request is: asked before, asked before in other words, or never asked. */
export type Kind = 'exact' | 'paraphrase' | 'new';

/** One request. */
export interface LoadRequest {
  readonly kind: Kind;
  readonly question: string;
  /** Name of the answer that is right. */
  readonly answer: string;
  /** Milliseconds from the beginning at which it arrives. */
  readonly atMs: number;
}

const pairs = [...readTraps('fit'), ...readTraps('test')].filter(({ same }) => same);
const frames: readonly ((question: string) => string)[] = [
  (question) => question,
  (question) => `Please: ${question}`,
  (question) => `Hi, ${question}`,
  (question) => `So ${question}`,
  (question) => `Tell me: ${question}`,
  (question) => `Well, ${question}`,
  (question) => `${question} Thanks!`,
  (question) => `Hi, ${question} Thanks!`,
  (question) => `Please: ${question} Thanks!`,
  (question) => `So ${question} Thanks!`,
  (question) => `Hello! ${question}`,
  (question) => `Hello! ${question} Thank you.`,
  (question) => `${question} Thank you.`,
  (question) => `Well, ${question} Thank you.`,
  (question) => `Tell me: ${question} Thank you.`,
  (question) => `Quick question: ${question}`,
];

/** The questions that are stored before, with the names of their answers. */
export const knownQuestions: readonly Pick<LoadRequest, 'question' | 'answer'>[] = pairs.map(
  ({ a: question }, index) => ({ question, answer: `pair ${index}` }),
);

/** `count` requests, `perSecond` on average with exponential gaps: 60 % exact, 25 % paraphrases, none asked twice while they last, 15 % new. */
export function mixedLoad(count: number, perSecond: number, seed: number): LoadRequest[] {
  const random = randomFrom(seed);
  let atMs = 0;
  let paraphrases = 0;
  let strange = 0;
  return Array.from({ length: count }, (): LoadRequest => {
    atMs += (-Math.log(1 - random()) * 1_000) / perSecond;
    const share = random();
    if (share < 0.6) {
      const known = knownQuestions[Math.floor(random() * pairs.length)] as LoadRequest;
      return { ...known, kind: 'exact', atMs };
    }
    if (share < 0.85) {
      const at = paraphrases++;
      const frame = frames[Math.floor(at / pairs.length) % frames.length] as (question: string) => string;
      const pair = pairs[at % pairs.length] as (typeof pairs)[number];
      return { kind: 'paraphrase', question: frame(pair.b), answer: `pair ${at % pairs.length}`, atMs };
    }
    const question = strangeQuestion(strange++);
    return { kind: 'new', question, answer: question, atMs };
  });
}
