// Filters in Qdrant's language, and how fields are named in its payloads; for qdrant.ts and its parts alone.
import type { Clause, MetadataValue } from '../filter.js';

/** What a payload index of Qdrant holds. */
export type IndexKind = 'keyword' | 'integer' | 'float' | 'bool';

/** A condition of Qdrant's; a filter may stand where a condition may. */
export type Condition = Record<string, unknown>;

const escaped = /[^A-Za-z0-9_]/gu;
const escapes = /-([0-9a-f]+)-/g;

/**
 * The name of a metadata field within a payload. Qdrant's paths give dots, brackets and quotes a meaning and cannot express every
 * name, so whatever is not a letter, a digit or `_` is written as `-hexadecimal code point-`: `a.b` is `a-2e-b`.
 */
export function encodeField(field: string): string {
  return field.replace(escaped, (character) => `-${(character.codePointAt(0) as number).toString(16)}-`);
}

/** The field that `encodeField` made the name of. */
export function decodeField(name: string): string {
  return name.replace(escapes, (whole, code: string) => {
    const point = Number.parseInt(code, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

/** The path of a metadata field in conditions and payload indexes. */
export function pathOf(field: string): string {
  return `meta.${encodeField(field)}`;
}

/**
 * A clause as a condition; true when everything passes it, false when nothing does. `indexed` are the fields with a payload index: one
 * of integers cuts the fractions of a bound off, one of floats serves ranges alone.
 */
export function translateClause(
  clause: Clause,
  indexed: ReadonlyMap<string, IndexKind>,
): Condition | boolean {
  const deeper = (each: Clause) => translateClause(each, indexed);
  switch (clause.kind) {
    case 'and':
      return all(clause.clauses.map(deeper));
    case 'or':
      return any(clause.clauses.map(deeper));
    case 'not': {
      const inner = deeper(clause.clause);
      return typeof inner === 'boolean' ? !inner : { must_not: [inner] };
    }
    case 'exists':
      return exists(pathOf(clause.field), clause.present);
    case 'in':
      return isIn(pathOf(clause.field), clause.values, indexed.get(clause.field));
    case 'range': {
      const { field, gt, gte, lt, lte } = clause;
      const round = indexed.get(field) === 'integer' ? wholeBounds : (bounds: Bounds) => bounds;
      return { key: pathOf(field), range: round({ gt, gte, lt, lte }) };
    }
  }
}

interface Bounds {
  readonly gt: number | undefined;
  readonly gte: number | undefined;
  readonly lt: number | undefined;
  readonly lte: number | undefined;
}

function wholeBounds({ gt, gte, lt, lte }: Bounds): Bounds {
  const up = (bound: number | undefined) => (bound === undefined ? bound : Math.ceil(bound));
  const down = (bound: number | undefined) => (bound === undefined ? bound : Math.floor(bound));
  return { gt: down(gt), gte: up(gte), lt: up(lt), lte: down(lte) };
}

/** All of the conditions. */
export function all(conditions: readonly (Condition | boolean)[]): Condition | boolean {
  if (conditions.includes(false)) return false;
  const must = conditions.filter((each) => typeof each === 'object');
  if (must.length === 0) return true;
  return must.length === 1 ? (must[0] as Condition) : { must };
}

function any(conditions: readonly (Condition | boolean)[]): Condition | boolean {
  if (conditions.includes(true)) return true;
  const should = conditions.filter((each) => typeof each === 'object');
  if (should.length === 0) return false;
  return should.length === 1 ? (should[0] as Condition) : { should };
}

// To Qdrant a field that is null is as empty as one that is missing.
function exists(key: string, present: boolean): Condition {
  return present
    ? { should: [{ must_not: [{ is_empty: { key } }] }, { is_null: { key } }] }
    : { must: [{ is_empty: { key } }], must_not: [{ is_null: { key } }] };
}

// One match holds values of one type, never fractions and never null.
function isIn(
  key: string,
  values: readonly MetadataValue[],
  index: IndexKind | undefined,
): Condition | boolean {
  const strings = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const whole = index === 'float' ? [] : numbers.filter(Number.isSafeInteger);
  const others = index === 'integer' ? [] : numbers.filter((value) => !whole.includes(value));
  return any([
    ...matches(key, strings),
    ...matches(key, whole),
    ...others.map((value) => ({ key, range: { gte: value, lte: value } })),
    ...values.filter((value) => typeof value === 'boolean').map((value) => ({ key, match: { value } })),
    ...(values.includes(null) ? [{ is_null: { key } }] : []),
  ]);
}

function matches(key: string, values: readonly (string | number)[]): Condition[] {
  if (values.length === 0) return [];
  return [{ key, match: values.length === 1 ? { value: values[0] } : { any: values } }];
}
