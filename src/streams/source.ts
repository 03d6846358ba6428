// Reads an async iterable or a web stream by one interface, and copies parts. streams/ imports it.
import { InvalidArgumentError } from '../core/errors.js';

const deepest = 200;

/** What can be read as a stream. */
export type StreamSource<P> = AsyncIterable<P> | ReadableStream<P>;

/** The iterator of a source. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function iteratorOf(source: unknown): AsyncIterator<unknown> {
  const given = source as Partial<AsyncIterable<unknown>> & Partial<ReadableStream<unknown>>;
  const iterate = given?.[Symbol.asyncIterator];
  if (typeof iterate === 'function') return iterate.call(given);
  if (typeof given?.getReader !== 'function') {
    throw new InvalidArgumentError(
      'generate',
      'a function that gives an async iterable or a ReadableStream',
      source,
    );
  }
  // Streams of other makes, in browsers and polyfills, are not always iterable.
  const reader = given.getReader() as ReadableStreamDefaultReader<unknown>;
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? { done, value: undefined } : { done, value };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/** A copy that its receiver may change; undefined where a copy would not be the same: functions, instances of classes, cycles. */
export function copyOf(part: unknown): { readonly copy: unknown } | undefined {
  try {
    return { copy: copyTree(part, 0) };
  } catch {
    return undefined;
  }
}

const cloned = new Set<unknown>([Map, Set, Date, ArrayBuffer, RegExp].map((kind) => kind.prototype));

function copyTree(node: unknown, depth: number): unknown {
  if (typeof node === 'function' || typeof node === 'symbol' || depth > deepest) throw new TypeError();
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.map((item) => copyTree(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(node);
  if (prototype !== Object.prototype && prototype !== null) {
    if (cloned.has(prototype) || ArrayBuffer.isView(node)) return structuredClone(node);
    throw new TypeError();
  }
  const copy: Record<string, unknown> = {};
  // Assigning `__proto__` would not make a property of that name.
  for (const name of Object.keys(node)) {
    const value = copyTree((node as Record<string, unknown>)[name], depth + 1);
    if (name === '__proto__') Object.defineProperty(copy, name, { value, enumerable: true, writable: true });
    else copy[name] = value;
  }
  return copy;
}

const bytesANode = 16;

/** About how many bytes of memory a part takes: texts, buffers, and a little for each node. O(nodes). */
export function roughBytes(part: unknown, depth = 0): number {
  if (typeof part === 'string') return bytesANode + 2 * part.length;
  if (typeof part !== 'object' || part === null || depth > deepest) return bytesANode;
  if (ArrayBuffer.isView(part) || part instanceof ArrayBuffer) return bytesANode + part.byteLength;
  let bytes = bytesANode;
  for (const name in part) {
    bytes += 2 * name.length + roughBytes((part as Record<string, unknown>)[name], depth + 1);
  }
  return bytes;
}
