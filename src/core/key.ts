// Keys and fingerprints: exact identity of questions and documents. Any folder may import it.
import type { Key } from './entry.js';
import { InvalidArgumentError } from './errors.js';
import { native } from './native.js';
import type { Scope } from './scope.js';

/** Longest question taken, in UTF-16 code units: 1 Mi. Longer text is refused before any work on it. */
export const maxQuestionLength = 1 << 20;

/** Refuses what cannot be a question. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT: no string, blank, ill-formed or too long. */
export function checkQuestion(text: unknown, argument = 'prompt'): asserts text is string {
  if (typeof text !== 'string') throw new InvalidArgumentError(argument, 'a string', text);
  if (text.length > maxQuestionLength) {
    throw new InvalidArgumentError(argument, `at most ${maxQuestionLength} characters`, text);
  }
  if (text.length === 0 || !/\S/.test(text)) {
    throw new InvalidArgumentError(argument, 'a text that is not blank', text);
  }
  if (!text.isWellFormed()) throw new InvalidArgumentError(argument, 'well-formed Unicode', text);
}

/**
 * The form of a question that its key is made of: NFC, trimmed, Unicode lower case, each run of white space one space. Nothing
 * is dropped, so `C`, `C++` and `C#` stay three questions.
 */
export function normalise(text: string): string {
  // Composing costs the square of the length of a run of marks; no writing system needs more than 30 (UAX #15, Stream-Safe).
  const compose = (form: string) => (/\p{M}{31}/u.test(text) ? form : form.normalize('NFC'));
  // Twice: U+004A U+030C has no composed form, its lower case U+01F0 has.
  return compose(compose(text).trim().toLowerCase()).replace(/\s+/gu, ' ');
}

/**
 * Exact identity of a question within a scope. Cost: under a microsecond for ASCII.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT as `checkQuestion`.
 */
export function queryKey(text: string, scope: Scope): Key {
  checkQuestion(text);
  return native.queryKey(text, scope.digest) ?? native.queryKeyNormalised(normalise(text), scope.digest);
}

/** SHA-256 (64 hexadecimal digits) of a document's raw text; case and white space count. */
export function contentFingerprint(text: string): string {
  return native.sha256Fields(['content/1', text]);
}

/** `contentFingerprint` of each text, in their order. */
export function contentFingerprints(texts: readonly string[]): string[] {
  return texts.map(contentFingerprint);
}

/** Whether a text has the form of a key or a fingerprint: 64 lower-case hexadecimal digits. */
export function isKey(text: unknown): text is Key {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
}

/** Id of a chunk: the first 16 digits of its document's fingerprint, a colon, and its index in at least 4 digits. */
export function documentId(fingerprint: string, index: number): string {
  return `${fingerprint.slice(0, 16)}:${String(index).padStart(4, '0')}`;
}

/**
 * Key that the Python package `llm-semantic-cache` 0.1.1 gives to a query, bit for bit, for reading a Redis that it filled. It
 * merges different questions (it drops everything outside `[a-z0-9 ]`): never key new data with it.
 */
export function seedQueryKey(prompt: string, topK: number, embedModel: string, chunkingHash?: string): Key {
  const parts = [seedNormalise(prompt), String(topK), trimLikePython(embedModel.toLowerCase())];
  if (chunkingHash) parts.push(chunkingHash);
  return Buffer.from(native.sha256(Buffer.from(parts.join('|'), 'utf8'))).toString('hex');
}

function seedNormalise(text: string): string {
  const lowered = trimLikePython(text).toLowerCase().replace(pythonSpaces, ' ');
  return lowered.replace(/[^a-z0-9 ]/g, '').trim();
}

// White space as `str.strip` and `\s` of Python 3 see it: with the separators U+001C to U+001F and U+0085, without U+FEFF.
const pythonSpace = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const pythonSpaces = new RegExp(`${pythonSpace}+`, 'g');

// Not one pattern anchored at the end: that takes time square in the length of inner white space.
function trimLikePython(text: string): string {
  const isSpace = new RegExp(pythonSpace);
  let start = 0;
  let end = text.length;
  while (start < end && isSpace.test(text[start] as string)) start++;
  while (end > start && isSpace.test(text[end - 1] as string)) end--;
  return text.slice(start, end);
}
