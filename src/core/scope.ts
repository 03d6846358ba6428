// Scope: the hard partition a hit never crosses. Any folder may import it.
import { canonicalJson } from './canonical.js';
import { InvalidArgumentError } from './errors.js';
import { native } from './native.js';

/** What, besides the question, an answer depends on. Two calls share answers only if all of these are equal. */
export interface ScopeFields {
  /** Who asks: customer, user or role. */
  readonly tenant?: string | undefined;
  /** Model that generates the answer. */
  readonly model?: string | undefined;
  /** System prompt. */
  readonly system?: string | undefined;
  /** Tools offered to the model: any JSON value. */
  readonly tools?: unknown;
  /** Sampling and other parameters: any JSON value. */
  readonly parameters?: unknown;
  /** Version of the documents the answer was drawn from. */
  readonly corpus?: string | undefined;
  /** Anything else the answer depends on: any JSON value. */
  readonly extra?: unknown;
}

const fieldNames = ['tenant', 'model', 'system', 'tools', 'parameters', 'corpus', 'extra'] as const;
const textFields = new Set<string>(['tenant', 'model', 'system', 'corpus']);

/** A scope with its digest worked out. Make it once and reuse it: `cache.scope({ tenant: 'a' })`. */
export class Scope {
  /** SHA-256 of the fields and the embedder's fingerprint: 32 bytes. */
  readonly digest: Uint8Array;
  /** The digest as 64 lower-case hexadecimal digits. */
  readonly id: string;
  /** Fingerprint of the embedder: 64 hexadecimal digits. */
  readonly embedder: string;
  /** The fields it was made of. */
  readonly fields: ScopeFields;

  /**
   * Cost: one hash, about 2 microseconds.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for an unknown field or a value that is no JSON.
   */
  constructor(fields: ScopeFields, embedderFingerprint: string) {
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      throw new InvalidArgumentError('scope', 'an object', fields);
    }
    for (const name of Object.keys(fields)) {
      if (!(fieldNames as readonly string[]).includes(name)) {
        throw new InvalidArgumentError(`scope.${name}`, `one of ${fieldNames.join(', ')}`, name);
      }
    }
    this.embedder = /^[0-9a-f]{64}$/.test(embedderFingerprint)
      ? embedderFingerprint
      : native.sha256Fields(['embedder/1', embedderFingerprint]);
    this.fields = { ...fields };
    const parts: string[] = ['scope/1', embedderFingerprint];
    for (const name of fieldNames) {
      const value = fields[name];
      if (value === undefined) continue;
      if (textFields.has(name) && typeof value !== 'string') {
        throw new InvalidArgumentError(`scope.${name}`, 'a string', value);
      }
      parts.push(name, canonicalJson(value, `scope.${name}`));
    }
    this.id = native.sha256Fields(parts);
    this.digest = new Uint8Array(Buffer.from(this.id, 'hex'));
  }
}
