// A batch comes out of its bytes as it went in, and its bytes are its own. SEED and RUNS come from the environment.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packBatch, unpackBatch } from '#dist/disk/packing.js';
import type { Operation } from '#dist/disk/writer.js';

const test = suite('packing');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.RUNS ?? 400);
console.log(`seed ${seed}`);

const database = fc.stringMatching(/^[a-z0-9-]{1,60}$/);
const bytes = fc.uint8Array({ maxLength: 200 });
const count = fc.nat();
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), database, key: bytes, value: bytes }),
  fc.record({ kind: fc.constant('remove' as const), database, key: bytes }),
  fc.record({ kind: fc.constant('clear' as const), database, prefix: bytes }),
  fc.record({ kind: fc.constant('append' as const), database, value: bytes, least: count, most: count }),
  fc.record({
    kind: fc.constant('sweep' as const),
    database,
    expiries: database,
    nowMs: fc.double({ min: 0, max: 2 ** 52, noNaN: true }),
    most: count,
    maxBytes: fc.maxSafeNat(),
  }),
);
const condition = fc.record({ database, key: bytes, value: bytes }, { requiredKeys: ['database', 'key'] });
const batch = fc.record({
  id: fc.maxSafeNat(),
  operations: fc.array(operation, { maxLength: 12 }),
  condition: fc.option(condition, { nil: undefined }),
});

/** With plain lists for bytes: a view and a buffer of the same bytes are the same. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, plain(held)]));
}

test('every batch comes back, also after its buffers were used for something else', () => {
  fc.assert(
    fc.property(batch, (given) => {
      const wanted = plain(given);
      const packed = packBatch(given);
      for (const one of given.operations) {
        for (const held of Object.values(one)) if (held instanceof Uint8Array) held.fill(0xee);
      }
      given.condition?.key.fill(0xee);
      assert.equal(plain(unpackBatch(packed)), wanted);
    }),
    { seed, numRuns },
  );
});

test('a view into a larger buffer brings its own bytes only', () => {
  const pool = Buffer.from('before key after');
  const operations = [{ kind: 'remove', database: 'd', key: pool.subarray(7, 10) } as const];
  const packed = packBatch({ id: 1, operations });
  assert.is(Buffer.from(packed).includes('before'), false);
  assert.equal(plain(unpackBatch(packed).operations), plain(operations));
});

test.run();
