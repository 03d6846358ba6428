// A sealed value opens whole under its own name and key, and in no other case.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Seal, type SealOptions } from '#dist/redis/seal.js';

const test = suite('seal');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.RUNS ?? 300);
console.log(`seed ${seed}, ${numRuns} runs`);

const one = { id: 'one', secret: '01'.repeat(32) };
const two = { id: 'two', secret: new Uint8Array(32).fill(2) };
const modes = ['hmac-sha256', 'aes-256-gcm'] as const;
const values = fc.uint8Array({ maxLength: 400 });
const names = fc.string({ maxLength: 60 });

function refusal(call: () => unknown): { code: string; foreign: boolean } | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return error as { code: string; foreign: boolean };
  }
}

for (const mode of modes) {
  const seal = new Seal({ mode, keys: [one] });
  const run = (property: fc.IPropertyWithHooks<never>) => fc.assert(property, { seed, numRuns });

  test(`${mode}: opens what it sealed, under the same name only`, () => {
    run(
      fc.property(values, names, names, (value, name, other) => {
        const sealed = seal.seal(value, name);
        assert.equal(new Uint8Array(seal.open(sealed, name)), new Uint8Array(value));
        if (other === name) return;
        const { code, foreign } = refusal(() => seal.open(sealed, other)) ?? {};
        assert.equal([code, foreign], ['ERR_LLM_CACHE_CODEC', true]);
      }) as never,
    );
  });

  test(`${mode}: any flipped bit, cut or addition is refused`, () => {
    run(
      fc.property(
        values,
        fc.nat(),
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 9 }),
        (value, at, cut, more) => {
          const sealed = seal.seal(value, 'name');
          const flipped = Buffer.from(sealed);
          const bit = at % (sealed.length * 8);
          flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
          const bad = [flipped, sealed.subarray(0, cut % sealed.length), Buffer.concat([sealed, more])];
          for (const bytes of bad)
            assert.is(refusal(() => seal.open(bytes, 'name'))?.code, 'ERR_LLM_CACHE_CODEC');
        },
      ) as never,
    );
  });

  test(`${mode}: every single bit of one value counts`, () => {
    const sealed = seal.seal(Buffer.from('the answer'), 'name');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.is(refusal(() => seal.open(flipped, 'name'))?.code, 'ERR_LLM_CACHE_CODEC', `bit ${bit}`);
    }
  });

  test(`${mode}: arbitrary bytes are refused`, () => {
    run(
      fc.property(values, (bytes) => {
        for (const given of [Buffer.from(bytes), Buffer.concat([Buffer.from('LTS1'), bytes])]) {
          assert.is(refusal(() => seal.open(given, 'name'))?.code, 'ERR_LLM_CACHE_CODEC');
        }
      }) as never,
    );
  });

  test(`${mode}: keys rotate: the first writes, all read, one that left is refused`, () => {
    const both = new Seal({ mode, keys: [two, one] });
    const later = new Seal({ mode, keys: [two] });
    const old = seal.seal(Buffer.from('v'), 'n');
    const fresh = both.seal(Buffer.from('w'), 'n');
    assert.is(both.open(old, 'n').toString(), 'v');
    assert.is(both.open(fresh, 'n').toString(), 'w');
    assert.is(later.open(fresh, 'n').toString(), 'w');
    assert.is(refusal(() => later.open(old, 'n'))?.code, 'ERR_LLM_CACHE_CODEC');
    assert.is(refusal(() => seal.open(fresh, 'n'))?.code, 'ERR_LLM_CACHE_CODEC');
    const impostor = new Seal({ mode, keys: [{ id: 'one', secret: '03'.repeat(32) }] });
    assert.is(refusal(() => impostor.open(old, 'n'))?.code, 'ERR_LLM_CACHE_CODEC');
  });
}

test('a value of one mode is refused by the other, and only AES hides it', () => {
  const [hmac, aes] = modes.map((mode) => new Seal({ mode, keys: [one] })) as [Seal, Seal];
  const plain = Buffer.from('a text that can be recognised');
  assert.is(refusal(() => hmac.open(aes.seal(plain, 'n'), 'n'))?.code, 'ERR_LLM_CACHE_CODEC');
  assert.is(refusal(() => aes.open(hmac.seal(plain, 'n'), 'n'))?.code, 'ERR_LLM_CACHE_CODEC');
  assert.ok(hmac.seal(plain, 'n').includes(plain));
  assert.not.ok(aes.seal(plain, 'n').includes(plain));
  assert.not.ok(aes.seal(plain, 'n').equals(aes.seal(plain, 'n')));
});

test('options that cannot seal are refused, and no secret is told', () => {
  const bad: unknown[] = [
    { mode: 'none', keys: [one] },
    { mode: 'toString', keys: [one] },
    { mode: 'hmac-sha256', keys: [] },
    { mode: 'hmac-sha256', keys: [one, one] },
    { mode: 'hmac-sha256', keys: [{ id: 'a b', secret: one.secret }] },
    { mode: 'hmac-sha256', keys: [{ id: '', secret: one.secret }] },
    { mode: 'hmac-sha256', keys: [{ id: 'short', secret: 'hunter2' }] },
    { mode: 'hmac-sha256', keys: [{ id: 'short', secret: new Uint8Array(31) }] },
  ];
  for (const options of bad) {
    const error = refusal(() => new Seal(options as SealOptions));
    assert.is(error?.code, 'ERR_LLM_CACHE_ARGUMENT');
    assert.not.match(String(error), 'hunter2');
  }
});

test.run();
