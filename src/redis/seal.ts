// Seals values that lie in a Redis others can write to, so that what was forged, damaged or moved is refused; tiers import it.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { CodecError, InvalidArgumentError } from '../core/errors.js';

/** A key to seal with. */
export interface SealKey {
  /** Stands in clear in each value: 1 to 32 letters, digits and _ . - */
  readonly id: string;
  /** 32 random bytes, or 64 hexadecimal digits. */
  readonly secret: Uint8Array | string;
}

/** How values are sealed. */
export interface SealOptions {
  /** `hmac-sha256` makes values unforgeable, `aes-256-gcm` unreadable too. A value of the other mode is refused. */
  readonly mode: 'hmac-sha256' | 'aes-256-gcm';
  /** The first writes, all read: put a new key first, and drop the old one when its values have expired. */
  readonly keys: readonly SealKey[];
}

// Sealed value: magic (4) · mode (1) · length of the key's id (1) · id · digest of the name (16) · nonce (12, AES only) · tag · value.
// The tag covers all the rest and the whole name.
const magic = Buffer.from('LTS1');
const modes = {
  'hmac-sha256': { code: 1, nonceLength: 0, tagLength: 32 },
  'aes-256-gcm': { code: 2, nonceLength: 12, tagLength: 16 },
} as const;
const digestLength = 16;
const fixedLength = magic.length + 2;

/** Seals and opens values, each bound to the Redis name under which it lies. */
export class Seal {
  readonly #mode: SealOptions['mode'];
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #first: string;

  /** @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for a mode, id or secret that cannot be used; no secret is in it. */
  constructor({ mode, keys }: SealOptions) {
    if (!Object.hasOwn(modes, mode))
      throw new InvalidArgumentError('seal.mode', Object.keys(modes).join(' or '), mode);
    if (!Array.isArray(keys) || keys.length === 0) {
      throw new InvalidArgumentError('seal.keys', 'at least one { id, secret }', keys);
    }
    const byId = new Map<string, Buffer>();
    for (const { id, secret } of keys as readonly SealKey[]) {
      if (typeof id !== 'string' || !/^[\w.-]{1,32}$/.test(id) || byId.has(id)) {
        throw new InvalidArgumentError('seal.keys.id', '1 to 32 letters, digits and _ . -, each once', id);
      }
      // A key of its own for each mode, so that one secret may serve both.
      byId.set(id, Buffer.from(hkdfSync('sha256', secretBytes(secret), '', `llm-tiered-cache/${mode}`, 32)));
    }
    this.#mode = mode;
    this.#keys = byId;
    this.#first = keys[0].id;
  }

  /** The value as it may lie under `name`. Cost: one pass over it, one copy. */
  seal(value: Uint8Array, name: string): Buffer {
    const { code, nonceLength, tagLength } = modes[this.#mode];
    const id = Buffer.from(this.#first);
    const head = Buffer.concat([
      magic,
      Buffer.from([code, id.length]),
      id,
      digestOf(name),
      randomBytes(nonceLength),
    ]);
    const key = this.#keys.get(this.#first) as Buffer;
    if (this.#mode === 'hmac-sha256') return Buffer.concat([head, hmac(key, head, name, value), value]);
    const cipher = createCipheriv('aes-256-gcm', key, head.subarray(-nonceLength), {
      authTagLength: tagLength,
    });
    cipher.setAAD(bound(head, name));
    const text = cipher.update(value);
    cipher.final();
    return Buffer.concat([head, cipher.getAuthTag(), text]);
  }

  /**
   * The value that was sealed under `name`.
   * @throws {CodecError} ERR_LLM_CACHE_CODEC for anything else; `foreign` when it was sealed under another name.
   */
  open(bytes: Buffer, name: string): Buffer {
    const { code, nonceLength, tagLength } = modes[this.#mode];
    if (bytes.length < fixedLength || !bytes.subarray(0, magic.length).equals(magic)) {
      throw new CodecError('the value is not sealed');
    }
    if (bytes[4] !== code) throw new CodecError(`the value is sealed otherwise than by ${this.#mode}`);
    const digestStart = fixedLength + (bytes[5] as number);
    const nonceStart = digestStart + digestLength;
    const tagStart = nonceStart + nonceLength;
    const start = tagStart + tagLength;
    if (bytes.length < start) throw new CodecError('a sealed value is cut off');
    const key = this.#keys.get(bytes.toString('latin1', fixedLength, digestStart));
    if (key === undefined) throw new CodecError('the value is sealed by a key that is not known here');
    if (!bytes.subarray(digestStart, nonceStart).equals(digestOf(name))) {
      throw new CodecError('the value is sealed under another name', { foreign: true });
    }
    const head = bytes.subarray(0, tagStart);
    const tag = bytes.subarray(tagStart, start);
    const value = bytes.subarray(start);
    if (this.#mode === 'hmac-sha256') {
      if (!timingSafeEqual(tag, hmac(key, head, name, value)))
        throw new CodecError('the seal of a value is broken');
      return value;
    }
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(nonceStart, tagStart), {
      authTagLength: tagLength,
    });
    decipher.setAAD(bound(head, name));
    decipher.setAuthTag(tag);
    const text = decipher.update(value);
    try {
      decipher.final();
    } catch (error) {
      throw new CodecError('the seal of a value is broken', { cause: error });
    }
    return text;
  }
}

function secretBytes(secret: unknown): Uint8Array {
  if (typeof secret === 'string' && /^[0-9a-fA-F]{64}$/.test(secret)) return Buffer.from(secret, 'hex');
  if (secret instanceof Uint8Array && secret.length === 32) return secret;
  throw new InvalidArgumentError('seal.keys.secret', '32 bytes, or 64 hexadecimal digits', typeof secret);
}

function digestOf(name: string): Buffer {
  return createHash('sha256').update(name).digest().subarray(0, digestLength);
}

function hmac(key: Buffer, head: Uint8Array, name: string, value: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bound(head, name)).update(value).digest();
}

/** What the tag covers besides the value; the length keeps name and value apart. */
function bound(head: Uint8Array, name: string): Buffer {
  const text = Buffer.from(name);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([head, length, text]);
}
