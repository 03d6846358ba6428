// Scope: the hard partition a hit never crosses. Any folder may import it.
import { canonicalJson } from './canonical.js';
import { InvalidArgumentError } from './errors.js';
import { native } from './native.js';

/** What, besides the question, an answer depends on. Two calls share answers only if all of these are equal. */
export interface ScopeFields {
  /** Who asks: customer, user or role. Default: nobody in particular, and the answers stay with this cache directory. */
  readonly tenant?: string | undefined;
  /** True: for everybody who uses the same stores, which only a call without a tenant can say. Default false. */
  readonly shared?: boolean | undefined;
  /** Who serves the model. */
  readonly provider?: string | undefined;
  /** Model that generates the answer. */
  readonly model?: string | undefined;
  /** System prompt. */
  readonly system?: string | undefined;
  /** Tools offered to the model: any JSON value. */
  readonly tools?: unknown;
  /** Which of them it may or must use: any JSON value. */
  readonly toolChoice?: unknown;
  /** Form that the answer must have, such as a JSON schema: any JSON value. */
  readonly responseFormat?: unknown;
  /** Sampling and other parameters that change the answer: any JSON value. */
  readonly parameters?: unknown;
  /** Version of the template that the prompt is made with. */
  readonly promptTemplate?: string | undefined;
  /** Language and region of the answer. */
  readonly locale?: string | undefined;
  /** Version of the documents the answer was drawn from. */
  readonly corpus?: string | undefined;
  /** Fingerprint of earlier turns, which `turns` of a call sets where the question does not stand alone. */
  readonly conversation?: string | undefined;
  /** Anything else the answer depends on: any JSON value. */
  readonly extra?: unknown;
}

// In the order in which they are hashed.
const hashedNames = [
  'tenant',
  'provider',
  'model',
  'system',
  'tools',
  'toolChoice',
  'responseFormat',
  'parameters',
  'promptTemplate',
  'locale',
  'corpus',
  'extra',
  'conversation',
] as const;
const fieldNames = [...hashedNames, 'shared'] as const;
const textFields = new Set<string>([
  'tenant',
  'provider',
  'model',
  'system',
  'promptTemplate',
  'locale',
  'corpus',
  'conversation',
]);

/** A scope with its digest worked out. Make it once and reuse it: `cache.scope({ tenant: 'a' })`. */
export class Scope {
  /** SHA-256 of the fields and the embedder's fingerprint: 32 bytes. */
  readonly digest: Uint8Array;
  /** The digest as 64 lower-case hexadecimal digits. */
  readonly id: string;
  /** The id of the scope that this one is a conversation's part of; its own where it is none. */
  readonly base: string;
  /** Fingerprint of the embedder: 64 hexadecimal digits. */
  readonly embedder: string;
  /** The fields it was made of. */
  readonly fields: ScopeFields;

  /**
   * `home` names the partition of calls without a tenant that are not shared; without it they are as if shared. Cost: one hash, about
   * 2 microseconds.
   * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for an unknown field or a value that is no JSON.
   */
  constructor(fields: ScopeFields, embedderFingerprint: string, home?: string) {
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      throw new InvalidArgumentError('scope', 'an object', fields);
    }
    for (const name of Object.keys(fields)) {
      if (!(fieldNames as readonly string[]).includes(name)) {
        throw new InvalidArgumentError(`scope.${name}`, `one of ${fieldNames.join(', ')}`, name);
      }
    }
    const { tenant, shared = false } = fields;
    if (typeof shared !== 'boolean') throw new InvalidArgumentError('scope.shared', 'true or false', shared);
    if (shared && tenant !== undefined) {
      throw new InvalidArgumentError('scope.shared', 'left out where there is a tenant', shared);
    }
    this.embedder = /^[0-9a-f]{64}$/.test(embedderFingerprint)
      ? embedderFingerprint
      : native.sha256Fields(['embedder/1', embedderFingerprint]);
    this.fields = { ...fields };
    const parts: string[] = ['scope/1', embedderFingerprint];
    if (tenant === undefined && !shared && home !== undefined) parts.push('home', home);
    let base: string | undefined;
    for (const name of hashedNames) {
      const value = fields[name];
      if (value === undefined) continue;
      if (textFields.has(name) && typeof value !== 'string') {
        throw new InvalidArgumentError(`scope.${name}`, 'a string', value);
      }
      if (name === 'conversation') base = native.sha256Fields(parts);
      parts.push(name, canonicalJson(value, `scope.${name}`));
    }
    this.id = native.sha256Fields(parts);
    this.base = base ?? this.id;
    this.digest = new Uint8Array(Buffer.from(this.id, 'hex'));
  }
}
