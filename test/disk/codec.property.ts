// Entries come back as what they were, and no damaged one is ever taken for whole. SEED and RUNS come from the environment.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '#dist/core/entry.js';
import { CodecError } from '#dist/core/errors.js';
import {
  decodeEntry,
  decodeRecord,
  encodeEntry,
  encodeRecord,
  encodeValue,
  expiryOf,
} from '#dist/disk/codec.js';
import { codeOf } from './support.js';

const test = suite('codec');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.RUNS ?? 400);
console.log(`seed ${seed}`);
const settings = { seed, numRuns };

const hex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const safeKey = text.filter((name) => name !== '__proto__');
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      // MessagePack has one zero.
      fc.double().map((number) => (number === 0 ? 0 : number)),
      fc.integer(),
      text,
      fc.bigInt(),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array(),
      // The comparison takes no NaN within arrays for equal to itself.
      fc.float32Array({ noNaN: true }),
      fc.int32Array(),
    ),
    fc.array(tie('any'), { maxLength: 6 }),
    fc.dictionary(safeKey, tie('any'), { maxKeys: 6, noNullPrototype: true }),
    fc
      .array(fc.tuple(fc.oneof(text, fc.integer()), tie('any')), { maxLength: 4 })
      .map((pairs) => new Map(pairs)),
    fc.array(fc.oneof(text, fc.integer()), { maxLength: 4 }).map((members) => new Set(members)),
  ),
})).any;
const entries: fc.Arbitrary<Entry> = fc
  .record({
    key: hex,
    scope: hex,
    embedder: hex,
    question: fc.string({ unit: 'grapheme', maxLength: 300 }),
    value,
    createdAtMs: fc.double({ noNaN: true }),
    expiresAtMs: fc.oneof(fc.double({ noNaN: true }), fc.constant(Number.POSITIVE_INFINITY)),
    epoch: fc.nat(),
    vector: fc.option(fc.float32Array({ minLength: 1, maxLength: 40 }), { nil: undefined }),
    tags: fc.option(fc.array(text, { minLength: 1, maxLength: 4 }), { nil: undefined }),
    sources: fc.option(fc.array(text, { minLength: 1, maxLength: 4 }), { nil: undefined }),
    costMs: fc.option(fc.double({ min: 0, noNaN: true }), { nil: undefined }),
    usage: fc.option(
      fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat() }, { noNullPrototype: true }),
      { nil: undefined },
    ),
  })
  .map((entry) => {
    const held = Object.entries(entry).filter(([, value]) => value !== undefined);
    return Object.fromEntries(held) as unknown as Entry;
  });

const asked = ({ scope, embedder }: Entry) => ({ id: scope, embedder });
const open = (bytes: Uint8Array, entry: Entry) => decodeEntry(Buffer.from(bytes), entry.key, asked(entry));
const small: Entry = {
  key: 'ab'.repeat(32),
  scope: 'cd'.repeat(32),
  embedder: '01'.repeat(32),
  epoch: 3,
  tags: ['t'],
  question: 'Is it é?',
  vector: new Float32Array([0.6, -0.8]),
  value: { answer: 42, list: ['x'] },
  createdAtMs: 1,
  expiresAtMs: 2,
};

test('any entry comes back equal, vectors bit by bit', () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const back = open(encodeEntry(entry), entry);
      const { vector, ...rest } = back;
      const { vector: given, ...wanted } = entry;
      assert.equal(rest, wanted);
      assert.equal(
        vector && [...new Uint32Array(vector.slice().buffer)],
        given && [...new Uint32Array(given.slice().buffer)],
      );
    }),
    settings,
  );
});

test('entries are read at any alignment and in any order, each by itself', () => {
  fc.assert(
    fc.property(fc.array(entries, { minLength: 2, maxLength: 6 }), fc.nat(7), (list, shift) => {
      const encoded = list.map(encodeEntry);
      for (const [i, bytes] of [...encoded.entries()].reverse()) {
        const shifted = Buffer.alloc(bytes.length + shift);
        shifted.set(bytes, shift);
        const back = decodeEntry(shifted.subarray(shift), (list[i] as Entry).key, asked(list[i] as Entry));
        assert.equal(back.value, list[i]?.value);
      }
    }),
    { ...settings, numRuns: numRuns / 4 },
  );
});

test('every single flipped bit is refused', () => {
  const bytes = encodeEntry(small);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(
      () => open(damaged, small),
      (error: Error) => error instanceof CodecError,
      `bit ${bit}`,
    );
  }
});

test('every truncation and every extension is refused', () => {
  const bytes = encodeEntry(small);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(
      () => open(bytes.subarray(0, length), small),
      (error: Error) => error instanceof CodecError,
      `${length} bytes`,
    );
  }
  assert.throws(
    () => open(Buffer.concat([bytes, Buffer.alloc(1)]), small),
    (error: Error) => error instanceof CodecError,
  );
});

test('bytes of whatever kind are refused with a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, begun) => {
      const bytes = begun ? Buffer.concat([encodeEntry(small).subarray(0, 8), noise]) : Buffer.from(noise);
      assert.throws(
        () => open(bytes, small),
        (error: Error) => error instanceof CodecError,
      );
      assert.type(expiryOf(bytes), 'number');
    }),
    settings,
  );
});

test('a whole entry of another key, scope or embedder is told from a damaged one', () => {
  const bytes = encodeEntry(small);
  const other = 'ef'.repeat(32);
  const { id, embedder } = asked(small);
  for (const [key, scope, foreign] of [
    [other, { id, embedder }, true],
    [small.key, { id: other, embedder }, true],
    [small.key, { id, embedder: other }, true],
  ] as const) {
    assert.throws(
      () => decodeEntry(bytes as Buffer, key, scope),
      (error: CodecError) => error.foreign === foreign,
    );
  }
  assert.throws(
    () => open(bytes.subarray(1), small),
    (error: CodecError) => error.foreign === false,
  );
});

test('only entries with a stale time or a recording carry the format that older versions refuse', () => {
  const formatOf = (entry: typeof small) => (encodeEntry(entry) as Buffer).readUInt32LE(4);
  const recording = { lengths: [1, 2], gapsMs: [0, 5] };
  for (const more of [{ staleAtMs: 5 }, { recording }, { staleAtMs: 5, recording, costMs: 7 }]) {
    const entry = { ...small, ...more };
    assert.is(formatOf(entry), 3);
    assert.equal(open(encodeEntry(entry) as Buffer, entry), entry);
  }
  assert.is(formatOf(small), 2);
  const counted = { ...small, usage: { inputTokens: 1, outputTokens: 2 } };
  assert.is(formatOf(counted), 2, 'older versions read all but the tokens');
  assert.equal(open(encodeEntry(counted) as Buffer, counted), counted);
});

test('a newer format is refused by its number', () => {
  const bytes = encodeEntry(small) as Buffer;
  bytes.writeUInt32LE(4, 4);
  assert.throws(() => open(bytes, small), /format 4/);
});

test('what cannot be stored is refused with a typed error', async () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = [deep];
  const bad = [
    undefined,
    () => 1,
    Symbol('s'),
    { f() {} },
    [() => 1],
    cycle,
    deep,
    new Map([['f', () => 1]]),
  ];
  for (const [i, each] of bad.entries()) {
    assert.is(await codeOf(() => encodeValue(each)), 'ERR_LLM_CACHE_ARGUMENT', `case ${i}`);
  }
});

test('a list of twice the same list, forty times over, takes no time', () => {
  let twice: unknown = ['x'];
  for (let i = 0; i < 40; i++) twice = [twice, twice];
  assert.ok(encodeValue(twice).length < 10_000);
});

test('a value that names a prototype changes none', () => {
  const hostile = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
  const back = open(encodeEntry({ ...small, value: hostile }), small).value as object;
  assert.is(({} as { polluted?: number }).polluted, undefined);
  assert.is(Object.getPrototypeOf(back), Object.prototype);
});

test('records come back equal and refuse every flipped bit', () => {
  const record = { source: 'a.md', chunkIds: ['x:0000'], n: 1.5 };
  const bytes = encodeRecord(record);
  assert.equal(decodeRecord(Buffer.from(bytes)), record);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(
      () => decodeRecord(damaged),
      (error: Error) => error instanceof CodecError,
    );
  }
  assert.throws(
    () => decodeRecord(Buffer.alloc(0)),
    (error: Error) => error instanceof CodecError,
  );
});

test.run();
