// The filter language of all vector databases: what it says and how it is checked and judged. vectordb, the public face and ./testing import it.
import { InvalidArgumentError } from '../core/errors.js';

/** A value a filter can compare. */
export type MetadataValue = string | number | boolean | null;

/** What a field must be: several operators in one condition must all hold. */
export interface Comparison {
  /** One of these values. */
  readonly $in?: readonly MetadataValue[];
  /** A number greater than, … */
  readonly $gt?: number;
  readonly $gte?: number;
  readonly $lt?: number;
  readonly $lte?: number;
  /** The field is there (`null` counts as being there), or is not. */
  readonly $exists?: boolean;
}

/** A value the field must equal, several of which it must equal one, or a comparison. */
export type Condition = MetadataValue | readonly MetadataValue[] | Comparison;

/**
 * Conditions on metadata, all of which must hold: `{ lang: 'en', year: { $gte: 2020 }, $not: { kind: ['draft', 'note'] } }`. Equality
 * is strict: `2` is not `'2'`, and a missing field equals nothing, not even `null`. Ranges hold for numbers only.
 */
export type Filter = { readonly [field: string]: Condition | Filter | readonly Filter[] | undefined } & {
  readonly $and?: readonly Filter[] | undefined;
  readonly $or?: readonly Filter[] | undefined;
  readonly $not?: Filter | undefined;
};

export type Metadata = Readonly<Record<string, MetadataValue>>;

/** A filter taken apart: what a database translates into its own language. */
export type Clause =
  | { readonly kind: 'in'; readonly field: string; readonly values: readonly MetadataValue[] }
  | {
      readonly kind: 'range';
      readonly field: string;
      readonly gt?: number;
      readonly gte?: number;
      readonly lt?: number;
      readonly lte?: number;
    }
  | { readonly kind: 'exists'; readonly field: string; readonly present: boolean }
  | { readonly kind: 'and' | 'or'; readonly clauses: readonly Clause[] }
  | { readonly kind: 'not'; readonly clause: Clause };

const deepest = 16;
const mostConditions = 1000;
// Each document of a scope may be compared with each of them.
const mostValues = 10_000;
const ranges = ['$gt', '$gte', '$lt', '$lte'] as const;

/**
 * Checks a filter and takes it apart. An empty filter is `and` of nothing, which everything passes; an empty `$or` or `$in` nothing.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for an unknown operator, a wrong operand, or more than 1,000 conditions, 10,000 values or 16 levels.
 */
export function parseFilter(filter: Filter | undefined): Clause {
  const left: Left = { conditions: mostConditions, values: mostValues };
  return filter === undefined ? everything : parseAll(filter, 'filter', 1, left);
}

/** What a filter may still have. */
interface Left {
  conditions: number;
  values: number;
}

const everything: Clause = { kind: 'and', clauses: [] };

/** True when the metadata passes. */
export function passes(clause: Clause, metadata: Metadata): boolean {
  switch (clause.kind) {
    case 'and':
      return clause.clauses.every((each) => passes(each, metadata));
    case 'or':
      return clause.clauses.some((each) => passes(each, metadata));
    case 'not':
      return !passes(clause.clause, metadata);
    case 'exists':
      return Object.hasOwn(metadata, clause.field) === clause.present;
    case 'in':
      return (
        Object.hasOwn(metadata, clause.field) &&
        clause.values.includes(metadata[clause.field] as MetadataValue)
      );
    case 'range':
      return Object.hasOwn(metadata, clause.field) && isWithin(metadata[clause.field], clause);
  }
}

function isWithin(
  value: MetadataValue | undefined,
  { gt, gte, lt, lte }: Clause & { kind: 'range' },
): boolean {
  if (typeof value !== 'number') return false;
  return (
    (gt === undefined || value > gt) &&
    (gte === undefined || value >= gte) &&
    (lt === undefined || value < lt) &&
    (lte === undefined || value <= lte)
  );
}

/** Refuses metadata that no database could give back. @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT */
export function checkMetadata(metadata: Metadata): void {
  if (!isRecord(metadata)) throw new InvalidArgumentError('metadata', 'an object', metadata);
  for (const [field, value] of Object.entries(metadata)) {
    checkField(field, 'metadata');
    checkValue(value, `metadata.${field}`);
  }
}

function parseAll(filter: Filter, at: string, depth: number, left: Left): Clause {
  if (!isRecord(filter)) throw new InvalidArgumentError(at, 'an object', filter);
  if (depth > deepest) throw new InvalidArgumentError(at, `nested at most ${deepest} deep`, filter);
  const clauses: Clause[] = [];
  for (const [name, operand] of Object.entries(filter)) {
    if (operand === undefined) continue;
    if (--left.conditions < 0) {
      throw new InvalidArgumentError('filter', `at most ${mostConditions} conditions`, filter);
    }
    clauses.push(parseOne(name, operand, `${at}.${name}`, depth, left));
  }
  return clauses.length === 1 ? (clauses[0] as Clause) : { kind: 'and', clauses };
}

function parseOne(name: string, operand: unknown, at: string, depth: number, left: Left): Clause {
  const deeper = (each: unknown, where: string) => parseAll(each as Filter, where, depth + 1, left);
  if (name === '$not') return { kind: 'not', clause: deeper(operand, at) };
  if (name === '$and' || name === '$or') {
    if (!Array.isArray(operand) || operand.length > mostConditions) {
      throw new InvalidArgumentError(at, `a list of at most ${mostConditions} filters`, operand);
    }
    const clauses = operand.map((each, index) => deeper(each, `${at}[${index}]`));
    return { kind: name === '$and' ? 'and' : 'or', clauses };
  }
  checkField(name, at);
  if (Array.isArray(operand)) return anyOf(name, operand, at, left);
  if (!isRecord(operand)) return anyOf(name, [operand], at, left);
  return compare(name, operand, at, left);
}

function compare(field: string, comparison: Record<string, unknown>, at: string, left: Left): Clause {
  const clauses: Clause[] = [];
  const range: Record<string, number> = {};
  for (const [operator, operand] of Object.entries(comparison)) {
    if (operand === undefined) continue;
    const where = `${at}.${operator}`;
    if (operator === '$in') {
      if (!Array.isArray(operand)) throw new InvalidArgumentError(where, 'a list of values', operand);
      clauses.push(anyOf(field, operand, where, left));
    } else if (operator === '$exists') {
      if (typeof operand !== 'boolean') throw new InvalidArgumentError(where, 'true or false', operand);
      clauses.push({ kind: 'exists', field, present: operand });
    } else if ((ranges as readonly string[]).includes(operator)) {
      if (typeof operand !== 'number' || !Number.isFinite(operand)) {
        throw new InvalidArgumentError(where, 'a finite number', operand);
      }
      range[operator.slice(1)] = operand;
    } else {
      throw new InvalidArgumentError(where, `one of $in, ${ranges.join(', ')}, $exists`, operator);
    }
  }
  if (Object.keys(range).length > 0) clauses.push({ kind: 'range', field, ...range });
  if (clauses.length === 0)
    throw new InvalidArgumentError(at, 'a value or at least one operator', comparison);
  return clauses.length === 1 ? (clauses[0] as Clause) : { kind: 'and', clauses };
}

function anyOf(field: string, values: readonly unknown[], at: string, left: Left): Clause {
  left.values -= values.length;
  if (values.length > mostConditions || left.values < 0) {
    throw new InvalidArgumentError(
      at,
      `at most ${mostConditions} values, ${mostValues} in the filter`,
      values,
    );
  }
  for (const value of values) checkValue(value, at);
  return { kind: 'in', field, values: [...values] as MetadataValue[] };
}

function checkField(field: string, at: string): void {
  if (field.startsWith('$')) {
    throw new InvalidArgumentError(at, 'a field, $and, $or or $not (no field begins with $)', field);
  }
  if (field === '' || field.length > 256 || !field.isWellFormed()) {
    throw new InvalidArgumentError(at, 'named with 1 to 256 characters', field);
  }
}

function checkValue(value: unknown, at: string): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string' && value.isWellFormed()) return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new InvalidArgumentError(at, 'a string, a finite number, a boolean or null', value);
}

/** A plain object, also one of another realm: a `Date` or a `Map` as filter would silently pass everything. */
function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
