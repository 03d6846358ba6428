// The dialogues of the case `graph-recall`: read, checked and counted. Imported by its contender.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { countTokens } from 'gpt-tokenizer';

/** A message of a dialogue. */
export interface Spoken {
  readonly id: string;
  readonly speaker: string;
  readonly text: string;
  readonly createdAtMs: number;
  /** Tokens of the text (o200k_base), and four for the frame of a message. */
  readonly tokens: number;
}

/** A dialogue and questions that take two of its messages to answer. */
export interface Dialogue {
  readonly id: number;
  readonly messages: readonly Spoken[];
  readonly questions: readonly { readonly text: string; readonly gold: readonly string[] }[];
}

interface Written {
  readonly id: number;
  readonly messages: readonly (readonly [speaker: string, text: string])[];
  readonly questions: readonly { readonly text: string; readonly gold: readonly number[] }[];
}

const frameTokens = 4;
const firstDayMs = Date.UTC(2026, 0, 5, 9);
const dayMs = 86_400_000;
const minuteMs = 60_000;

/** All dialogues: one a day, a message a minute. Gold messages are counted from 1 in the file. */
export function dialogues(): Dialogue[] {
  const file = fileURLToPath(new URL('./dialogues.json', import.meta.url));
  return (JSON.parse(readFileSync(file, 'utf8')) as Written[]).map(({ id, messages, questions }) => ({
    id,
    messages: messages.map(([speaker, text], i) => ({
      id: `${id}-${i + 1}`,
      speaker,
      text,
      createdAtMs: firstDayMs + id * dayMs + i * minuteMs,
      tokens: countTokens(text) + frameTokens,
    })),
    questions: questions.map(({ text, gold }) => {
      if (gold.length !== 2 || gold.some((at) => !(at >= 1 && at <= messages.length))) {
        throw new Error(`dialogue ${id}: "${text}" names messages ${gold}`);
      }
      return { text, gold: gold.map((at) => `${id}-${at}`) };
    }),
  }));
}
