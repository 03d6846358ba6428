// Secrets that cannot be printed by accident; config/ and the composition root import it.
import { inspect } from 'node:util';

/** What is shown in place of a secret. */
export const REDACTED = '[secret]';

/**
 * Holds a password or an API key. Printing, logging, `JSON.stringify` and string conversion all show `[secret]`;
 * `reveal()` is the only way to the text, so that every use can be found by its name.
 */
export class Secret {
  readonly #text: string;

  /** @param text any non-empty text */
  constructor(text: string) {
    this.#text = text;
    Object.freeze(this);
  }

  /** The text itself. Pass it straight to the client that needs it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/**
 * Replaces the user and password of every URL in the text by `[secret]`, for output.
 *
 * @example stripUserinfo('redis://app:hunter2@host:6379') // 'redis://[secret]@host:6379'
 */
export function stripUserinfo(text: string): string {
  // Up to the last @ before white space: a password may itself hold @ or /, and hiding too much costs nothing.
  return text.replace(/([a-z][a-z0-9+.-]{0,30}:\/\/)\S*@/gi, `$1${REDACTED}@`);
}
