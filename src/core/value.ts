// Keeps a cached value from being changed by those who received it. Any folder may import it.

/** A value at rest: reading it never lets a caller change what the next caller gets. */
export interface SealedValue {
  read(): unknown;
}

/**
 * Copies a value once so that it can be handed out many times. Primitives and plain JSON trees are handed out as one frozen
 * copy, which costs nothing per read; anything else (`Map`, `Date`, typed arrays) is cloned at each read.
 */
export function seal(value: unknown): SealedValue {
  if (typeof value !== 'object' || value === null) return { read: () => value };
  const copy = structuredClone(value);
  return freezeTree(copy) ? { read: () => copy } : { read: () => structuredClone(copy) };
}

/** Freezes a tree of plain objects and arrays; false when a node is of another kind, which freezing would not protect. */
function freezeTree(node: unknown): boolean {
  if (typeof node !== 'object' || node === null || Object.isFrozen(node)) return true;
  const plain = Array.isArray(node) || Object.getPrototypeOf(node) === Object.prototype;
  if (!plain) return false;
  Object.freeze(node);
  return Object.values(node).every(freezeTree);
}
