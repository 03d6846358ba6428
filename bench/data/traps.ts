// Reads the trap set beside it: near-identical questions with other answers, paraphrases, and last turns. Imported by pairs.ts and tests.
import { readFileSync } from 'node:fs';

/** Classes of the controls: the same question in other words, or in nearly the same ones. */
export const controlClasses = ['paraphrase', 'rewording'] as const;

/** What makes the two questions of a trap differ, then the controls; traps/README.md says what each means. */
export const trapClasses = [
  'negation', 'antonym', 'number', 'unit', 'date', 'version', 'currency', 'entity', 'person', 'direction', 'comparator',
  'quantifier', 'question', 'tense', 'language', 'code', 'polarity', ...controlClasses,
] as const; // biome-ignore format: a list

export type TrapClass = (typeof trapClasses)[number];

/** Two questions; `same` when one answer serves both. `class` is one of the controls' if and only if they are the same. */
export interface TrapPair {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  readonly class: TrapClass;
  /** What the questions are about; no subject is in both halves. */
  readonly subject: string;
}

/** The end of a conversation: the user speaks first and last, the assistant between. */
export interface LastTurn {
  readonly turns: readonly string[];
  /** Whether the last turn can be answered without the earlier ones. */
  readonly standsAlone: boolean;
  readonly why: string;
}

/** The half to fit on, or the half that only tests. */
export const readTraps = (half: 'fit' | 'test'): TrapPair[] => readLines(`${half}.jsonl`);

export const readLastTurns = (): LastTurn[] => readLines('turns.jsonl');

function readLines<T>(name: string): T[] {
  const lines = readFileSync(new URL(`traps/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}
