// Every entry point of the addon under hostile arguments: it returns or throws an Error with a code, and goes on working. SEED and CALLS from the environment.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '#dist/core/native.js';
import { seededRandom } from '#dist/testing/index.js';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('hostile calls of the addon');
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const calls = Number(process.env.CALLS ?? 10_000);
console.log(`seed ${seed}`);
const random = seededRandom(seed);
const below = (limit: number) => Math.floor(random() * limit);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
const directory = temporaryDirectory();

type Callable = (...values: unknown[]) => unknown;
const kinds = [Float32Array, Uint32Array, Uint8Array, Int8Array, Float64Array, BigInt64Array, DataView];
const numbers = [
  0,
  1,
  2,
  4,
  8,
  16,
  17,
  255,
  65_536,
  65_537,
  2 ** 31,
  2 ** 32 - 2,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
];
const odd = [Number.NaN, Number.POSITIVE_INFINITY, -1, -0, 0.5, 1e308, Number.MIN_VALUE];

class Sub extends Float32Array {
  override get length(): number {
    return 2 ** 30;
  }
  override get buffer(): ArrayBuffer {
    throw new Error('buffer was read');
  }
}

function array(length = pick([0, 1, 3, 4, 4, 4, 8, 12, 16, 64])): unknown {
  const kind = pick([...kinds, Float32Array, Float32Array, Uint32Array, Uint8Array]);
  const bytes = length * 8 + 16;
  const buffer = below(6) === 0 ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  const view = new (kind as typeof Float32Array)(buffer as ArrayBuffer, pick([0, 8]), length);
  if (view instanceof Float32Array) {
    for (let i = 0; i < length; i++) view[i] = below(40) === 0 ? pick([...odd, 3e38]) : random() - 0.5;
  }
  if (below(8) === 0 && buffer instanceof ArrayBuffer) structuredClone(buffer, { transfer: [buffer] });
  return view;
}

const trap = () => {
  throw new Error('a trap was run');
};
const thrower = { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap };

function value(): unknown {
  switch (below(16)) {
    case 0:
      return pick([undefined, null, true, '', 'text', 'x'.repeat(5000), 'a\0b', '\ud800', Symbol('s'), 10n]);
    case 1:
      return pick(odd);
    case 2:
      return new Proxy(below(2) ? new Float32Array(4) : {}, below(2) ? thrower : {});
    case 3:
      return {
        valueOf: trap,
        toString: trap,
        get length() {
          return trap();
        },
      };
    case 4:
      return pick([
        new Sub(4),
        Object.setPrototypeOf(new Float32Array(4), null),
        [1, 2, 3, 4],
        new ArrayBuffer(8),
      ]);
    case 5:
      // Calls back into the addon.
      return () => {
        for (const one of objects) attempt(pick(methodsOf(one)), one, []);
      };
    case 6:
    case 7:
    case 8:
      return pick(numbers);
    case 9:
    case 10:
      return below(6);
    default:
      return array();
  }
}

// Names of the files that writers make: anywhere else nothing may be written.
const path = () => join(directory, pick(['one', 'two', 'no/such']));
const objects: object[] = [];
let errors = 0;
let returned = 0;
const pending: Promise<unknown>[] = [];

function check(error: unknown): void {
  errors++;
  const { code, message } = error as { code?: unknown; message?: string };
  assert.instance(error, Error);
  // An argument's own trap may come through; nothing else without a code.
  if (/was (run|read)$/.test(message ?? '')) return;
  // Node's own refusals: of an object that is not of the class, of a call without new.
  if (error instanceof TypeError && /Illegal invocation|constructor|new/i.test(message ?? '')) return;
  assert.match(
    String(code),
    /^(ERR_LLM_CACHE_(ARGUMENT|DIMENSION|CAPACITY|SNAPSHOT|BUSY|NATIVE)|ABORT_ERR|ERR_NAPI_\w+)$/,
    message,
  );
}

function attempt(method: Callable, self: unknown, values: unknown[]): unknown {
  try {
    const result = Reflect.apply(method, self, values);
    returned++;
    const { promise = result } = (result ?? {}) as { promise?: unknown };
    if (promise instanceof Promise) pending.push(promise.catch(check));
    return result;
  } catch (error) {
    check(error);
    return undefined;
  }
}

function methodsOf(one: object): Callable[] {
  const prototype = typeof one === 'function' ? one : Object.getPrototypeOf(one);
  return Object.getOwnPropertyNames(prototype)
    .filter((name) => !['constructor', 'prototype', 'length', 'name', 'arguments', 'caller'].includes(name))
    .map((name): Callable => {
      const { value: method, get } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
      return (method ?? get) as Callable;
    })
    .filter((method) => typeof method === 'function');
}

const classes = Object.entries(native).filter(([name]) => /^[A-Z]/.test(name)) as [
  string,
  new (...a: never[]) => object,
][];
const functions = Object.entries(native).filter(
  ([name, it]) => /^[a-z]/.test(name) && typeof it === 'function',
);

function make(): void {
  const [name, one] = pick(classes);
  let values = Array.from({ length: below(9) }, value);
  if (name === 'StateWriter') values = [path(), pick([1, 4, 4, value()])];
  if (name === 'FlatIndex' && below(2)) values = [4, pick([undefined, 8, 16, 32, value()])];
  if (name === 'FrequencySketch')
    values = below(2) ? [64, 4, new Uint32Array(8)] : [pick([0, 1, 64, Number.NaN]), value(), value()];
  try {
    const made = Reflect.construct(one, values);
    objects.push(made);
    if (objects.length > 24) objects.splice(below(24), 1);
  } catch (error) {
    check(error);
  }
}

/** A small index of rows in lists. */
async function lists(): Promise<object> {
  const vectors = Float32Array.from({ length: 40 * 4 }, () => random() - 0.5);
  const ids = Uint32Array.from({ length: 40 }, (_, id) => id);
  return await native.IvfIndex.build(4, 3, 2, 4, below(3), below(2), 2, 100, 0, 1, 40, ids, vectors).promise;
}

/** A name within the directory or none, and mostly what belongs to it. */
function commitArguments(): unknown[] {
  const name = below(4) === 0 ? value() : path();
  if (typeof name === 'string' && !name.startsWith(directory)) return [];
  if (below(2)) return [name];
  const each = { get: () => pick(objects), has: () => true };
  return [
    name,
    pick([value(), Uint32Array.of(1), Uint32Array.of(1, 1, 2 ** 32 - 1)]),
    pick([value(), objects, [pick(objects)], new Proxy([], each)]),
    pick([value(), new Uint32Array(60), Uint32Array.from({ length: 60 }, () => below(9))]),
  ];
}

test(`${calls} hostile calls give results or errors with codes`, async () => {
  assert.ok(classes.length >= 4 && functions.length >= 8);
  for (let call = 0; call < calls; call++) {
    if (call % 200 === 0) objects.push(await lists());
    const values = Array.from({ length: below(7) }, value);
    const kind = below(10);
    if (kind === 0 || objects.length === 0) make();
    else if (kind < 4) attempt(pick(functions)[1] as Callable, undefined, values);
    else if (kind === 4) {
      const [, owner] = pick(classes);
      // Training has a number of threads and of rounds that a hostile caller may not choose without end here.
      const method = pick(methodsOf(owner as never));
      if (method !== undefined && method.name !== 'train') attempt(method, owner, values);
    } else {
      const one = pick(objects);
      const methods = methodsOf(below(12) === 0 ? pick(objects) : one);
      const method = pick(methods);
      if (method.name === 'commit') attempt(method, one, commitArguments());
      else if (method.name === 'addName' && below(2)) attempt(method, one, [Uint8Array.of(below(256))]);
      else attempt(method, one, values);
    }
    if (call % 500 === 499) await Promise.all(pending.splice(0));
  }
  await Promise.all(pending.splice(0));
  console.log(`${returned} returned, ${errors} refused`);
  assert.ok(returned > calls / 20 && errors > calls / 5);
  // The addon still works.
  const index = new native.FlatIndex(2);
  index.set(7, 1, Float32Array.of(1, 0));
  const ids = new Uint32Array(1);
  assert.is(index.search(Float32Array.of(1, 0), 1, 1, ids, new Float32Array(1)), 1);
  assert.is(ids[0], 7);
  rmSync(directory, { recursive: true, force: true });
});

test.run();
