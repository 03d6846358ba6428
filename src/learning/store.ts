// What was learnt, in the cache directory: it survives restarts, and processes of one machine share it. open.ts imports it.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import { CodecError } from '../core/errors.js';
import { decodeRecord, encodeRecord } from '../disk/codec.js';
import type { Environment, Operation } from '../disk/environment.js';
import type { BudgetState } from './budget.js';
import { mostPairs, mostPlaces, type WrongPair } from './unlearned.js';

/** Where learning is kept. */
export interface LearningStore {
  /** Pairs that were added, here or by others, since the last call; oldest first. Cost: proportional to their number. */
  fresh(): WrongPair[];
  /** Resolves when it is on stable storage. */
  add(pair: WrongPair): Promise<void>;
  state(): BudgetState | undefined;
  save(state: BudgetState): Promise<void>;
}

const pairDatabase = 'wrong-pairs';
const placeDatabase = 'wrong-places';
const metaDatabase = 'meta';
const stateKey = new TextEncoder().encode('error budget');
/** Others may commit a little later than the time they write. */
const overlapMs = 10_000;
/** Removed beyond the bound at once, so that it is not done with every pair. */
const slack = 64;

interface StoredPlace {
  readonly asked: Uint8Array;
  readonly stored: Uint8Array;
}

/** A store over the cache directory. Pairs are kept in the order of the clock. */
export function learningStore(environment: Environment, clock: Clock): LearningStore {
  return new DiskLearning(environment, clock);
}

class DiskLearning implements LearningStore {
  readonly #environment: Environment;
  readonly #clock: Clock;
  #seen = new Set<string>();
  #lastMs = 0;

  constructor(environment: Environment, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
    environment.reader(pairDatabase);
    environment.reader(placeDatabase);
  }

  fresh(): WrongPair[] {
    const after = nameOf(Math.max(0, this.#lastMs - overlapMs), new Uint8Array(8));
    const found: WrongPair[] = [];
    const recent = new Set<string>();
    const places = this.#environment.reader(placeDatabase);
    for (const [key, bytes] of this.#environment.reader(pairDatabase).entries(undefined, after)) {
      const name = key.toString('hex');
      const atMs = key.readUIntBE(0, 6);
      if (atMs > this.#lastMs) this.#lastMs = atMs;
      recent.add(name);
      if (this.#seen.has(name)) continue;
      const pair = read<Pick<WrongPair, 'asked' | 'stored'>>(bytes);
      if (pair === undefined) continue;
      const held = places.get(key);
      const place = held && read<StoredPlace>(held);
      found.push({
        ...pair,
        place: place && { asked: toFloats(place.asked), stored: toFloats(place.stored) },
      });
    }
    this.#seen = recent;
    return found;
  }

  async add({ asked, stored, place }: WrongPair): Promise<void> {
    const key = nameOf(this.#clock.wall(), randomBytes(8));
    const operations: Operation[] = [
      { kind: 'put', database: pairDatabase, key, value: encodeRecord({ asked, stored }) },
    ];
    if (place !== undefined) {
      const value = encodeRecord({ asked: toBytes(place.asked), stored: toBytes(place.stored) });
      operations.push({ kind: 'put', database: placeDatabase, key, value });
    }
    operations.push(...this.#surplus(pairDatabase, mostPairs), ...this.#surplus(placeDatabase, mostPlaces));
    await this.#environment.write(operations);
  }

  state(): BudgetState | undefined {
    const bytes = this.#environment.reader(metaDatabase).get(stateKey);
    const state = bytes && read<BudgetState>(bytes);
    const names = ['checked', 'wrong', 'served', 'reported', 'steps', 'bias', 'atMs'] as const;
    return state && names.every((name) => Number.isFinite(state[name])) ? state : undefined;
  }

  async save(state: BudgetState): Promise<void> {
    const value = encodeRecord(state);
    await this.#environment.write([{ kind: 'put', database: metaDatabase, key: stateKey, value }]);
  }

  #surplus(database: string, most: number): Operation[] {
    const reader = this.#environment.reader(database);
    const over = reader.count() - most;
    const operations: Operation[] = [];
    if (over < slack) return operations;
    for (const [key] of reader.entries()) {
      operations.push({ kind: 'remove', database, key: Uint8Array.from(key) });
      if (operations.length === over) break;
    }
    return operations;
  }
}

function nameOf(atMs: number, random: Uint8Array): Uint8Array<ArrayBuffer> {
  const name = Buffer.alloc(14);
  name.writeUIntBE(Math.max(0, Math.min(2 ** 48 - 1, Math.floor(atMs))), 0, 6);
  name.set(random, 6);
  return Uint8Array.from(name);
}

const toBytes = (vector: Float32Array) =>
  Uint8Array.from(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));

/** A copy, because the bytes may begin anywhere. */
const toFloats = (bytes: Uint8Array) => new Float32Array(Uint8Array.from(bytes).buffer);

/** The record; undefined when it is damaged, which costs what it taught and no more. */
function read<T extends object>(bytes: Buffer): T | undefined {
  try {
    return decodeRecord<T>(bytes);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
