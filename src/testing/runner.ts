// What the contract suites are given instead of a test framework; for testing/ alone, its types are public.

/** Registers a test: `suite('…')` of uvu, `test` of node:test, `it` of others. */
export type TestRunner = (name: string, body: () => Promise<void>) => unknown;

/** The two assertions the suites use; `uvu/assert` fits as it is, for node:assert pass `{ ok, equal: deepStrictEqual }`. */
export interface Assertions {
  /** Throws unless the value is truthy. */
  ok(value: unknown, message?: string): void;
  /** Throws unless both are deeply equal, their classes included. */
  equal(actual: unknown, expected: unknown, message?: string): void;
}
