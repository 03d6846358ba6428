// One text for equal JSON values, whatever the order of their keys; used wherever a structure becomes part of an identity.
import { InvalidArgumentError } from './errors.js';

const deepest = 200;

/** JSON with keys sorted by code unit. Refuses what JSON would silently drop or merge: undefined, functions, NaN, cycles. */
export function canonicalJson(value: unknown, argument: string): string {
  const open = new Set<object>();
  const write = (node: unknown, path: string): string => {
    if (node === null || typeof node === 'boolean') return String(node);
    if (typeof node === 'string') {
      if (!node.isWellFormed()) throw new InvalidArgumentError(path, 'well-formed Unicode', node);
      return JSON.stringify(node);
    }
    if (typeof node === 'number' && Number.isFinite(node)) return JSON.stringify(node);
    if (typeof node !== 'object') throw new InvalidArgumentError(path, 'a JSON value', node);
    if (open.has(node)) throw new InvalidArgumentError(path, 'a value without cycles', node);
    if (!Array.isArray(node) && ![Object.prototype, null].includes(Object.getPrototypeOf(node))) {
      throw new InvalidArgumentError(path, 'a plain object, an array or a primitive', node);
    }
    if (open.size >= deepest) throw new InvalidArgumentError(path, `nested at most ${deepest} deep`, node);
    open.add(node);
    const text = Array.isArray(node)
      ? `[${Array.from(node, (item, index) => write(item, `${path}[${index}]`)).join(',')}]`
      : `{${Object.entries(node)
          .filter(([, item]) => item !== undefined)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, item]) => `${JSON.stringify(name)}:${write(item, `${path}.${name}`)}`)
          .join(',')}}`;
    open.delete(node);
    return text;
  };
  return write(value, argument);
}
