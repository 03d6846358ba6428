// Qdrant's filters over payloads, as the recorded exchanges show them; for the double in this folder.

type Json = Record<string, unknown>;

/** What a filter is refused with. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Judged {
  readonly id: number | string;
  readonly payload: Json;
}

const clauses = ['should', 'min_should', 'must', 'must_not'];
const format = (text: string) => new Refused(400, `Format error in JSON body: ${text}`);

const list = (value: unknown): Json[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value as Json];

/** Refuses what the server refuses, before any point is looked at. */
export function checkFilter(filter: Json | null | undefined): void {
  for (const name of Object.keys(filter ?? {})) {
    if (!clauses.includes(name)) throw format(`unknown field \`${name}\``);
  }
  const inner = (filter?.min_should as { conditions?: unknown } | undefined)?.conditions;
  for (const each of [
    ...list(filter?.must),
    ...list(filter?.should),
    ...list(filter?.must_not),
    ...list(inner),
  ]) {
    checkCondition(each);
  }
}

function checkCondition(condition: Json): void {
  if (clauses.some((name) => name in condition)) {
    checkFilter(condition);
    return;
  }
  if ('has_id' in condition) {
    if (!(condition.has_id as unknown[]).every(isId)) throw format('Expected some form of condition');
    return;
  }
  if ('nested' in condition) {
    checkFilter((condition.nested as { filter: Json }).filter);
    return;
  }
  if ('is_empty' in condition || 'is_null' in condition || 'has_vector' in condition) return;
  if ('key' in condition) pathOf(condition.key as string);
  const { match, range } = condition as { match?: Json; range?: Json };
  if (match === undefined && range === undefined && !('values_count' in condition)) {
    throw new Refused(422, 'Validation error in JSON body: At least one field condition must be specified');
  }
  if (match !== undefined && !isMatch(match)) throw format('untagged enum MatchInterface');
  for (const bound of Object.values(range ?? {})) {
    if (typeof bound === 'string' && Number.isNaN(Date.parse(bound))) throw format(`'${bound}' is no date`);
  }
}

function isMatch({ value, any, except, text, text_any, phrase }: Json): boolean {
  if (value !== undefined) return typeof value === 'string' || typeof value === 'boolean' || isWhole(value);
  const values = any ?? except;
  if (Array.isArray(values)) {
    return values.every((each) => typeof each === 'string') || values.every(isWhole);
  }
  return [text, text_any, phrase].some((each) => typeof each === 'string');
}

const isWhole = (value: unknown) => Number.isInteger(value);

export function isId(id: unknown): boolean {
  if (typeof id === 'number') return Number.isInteger(id) && id >= 0;
  return (
    typeof id === 'string' &&
    /^(urn:uuid:|\{)?[0-9a-f]{8}(-?)[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{12}\}?$/i.test(id)
  );
}

/** An id in the form in which it comes back. */
export function plainId(id: number | string): number | string {
  if (typeof id === 'number') return id;
  const hex = id.replace(/^urn:uuid:|[{}-]/gi, '').toLowerCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function passesFilter(filter: Json | null | undefined, point: Judged): boolean {
  if (!filter) return true;
  const holds = (each: Json) => holdsFor(each, point);
  const should = list(filter.should);
  const least = filter.min_should as { conditions: Json[]; min_count: number } | undefined;
  return (
    list(filter.must).every(holds) &&
    (should.length === 0 || should.some(holds)) &&
    !list(filter.must_not).some(holds) &&
    (!least || least.conditions.filter(holds).length >= least.min_count)
  );
}

function holdsFor(condition: Json, point: Judged): boolean {
  if (clauses.some((name) => name in condition)) return passesFilter(condition, point);
  if ('has_id' in condition)
    return (condition.has_id as (number | string)[]).some((id) => plainId(id) === point.id);
  if ('has_vector' in condition) return true;
  if ('is_empty' in condition) {
    const values = valuesAt(point.payload, (condition.is_empty as { key: string }).key);
    return values.every((value) => value === null || (Array.isArray(value) && value.length === 0));
  }
  if ('is_null' in condition) {
    return valuesAt(point.payload, (condition.is_null as { key: string }).key).includes(null);
  }
  if ('nested' in condition) {
    const { key, filter } = condition.nested as { key: string; filter: Json };
    const elements = valuesAt(point.payload, key).flatMap((value) => (Array.isArray(value) ? value : []));
    return elements.some((element) => passesFilter(filter, { id: point.id, payload: element as Json }));
  }
  const values = valuesAt(point.payload, condition.key as string);
  if ('values_count' in condition) {
    return values.some((value) =>
      isWithin(Array.isArray(value) ? value.length : 1, condition.values_count as Json),
    );
  }
  const flat = values.flatMap((value) => (Array.isArray(value) ? value : [value]));
  if (condition.match) return flat.some((value) => matches(value, condition.match as Json));
  return flat.some((value) => isWithin(value, condition.range as Json));
}

function matches(value: unknown, { value: wanted, any, except, text }: Json): boolean {
  if (wanted !== undefined) return value === wanted;
  if (Array.isArray(any)) return any.includes(value);
  if (Array.isArray(except))
    return ['string', 'number', 'boolean'].includes(typeof value) && !except.includes(value);
  return typeof value === 'string' && value.includes(text as string);
}

function isWithin(value: unknown, range: Json): boolean {
  const isDate = Object.values(range).some((bound) => typeof bound === 'string');
  if (typeof value !== (isDate ? 'string' : 'number')) return false;
  const number = (each: unknown) => (isDate ? Date.parse(each as string) : (each as number));
  const is = (name: string, holds: (bound: number) => boolean) =>
    range[name] === undefined || range[name] === null || holds(number(range[name]));
  const at = number(value);
  return (
    is('gt', (b) => at > b) &&
    is('gte', (b) => at >= b) &&
    is('lt', (b) => at < b) &&
    is('lte', (b) => at <= b)
  );
}

/** What stands at a path: `a.b`, `a[]`, `a[0]`, `"quoted.name"`. Names without quotes are of letters, digits, `_` and `-` alone. */
export function pathOf(path: string): string[] {
  const steps = [...path.matchAll(/(?:^|\.)(?:"([^"]+)"|([\p{L}\p{N}_-]+))|\[(\d*)\]/gu)];
  if (path === '' || steps.map(([whole]) => whole).join('') !== path)
    throw format(`Invalid json path: '${path}'`);
  return steps.map(
    ([, quoted, name, index]) => (index !== undefined ? `[${index}]` : (quoted ?? name)) as string,
  );
}

function valuesAt(payload: Json, path: string): unknown[] {
  let values: unknown[] = [payload];
  for (const step of pathOf(path)) {
    values = values.flatMap((value) => {
      if (step === '[]') return Array.isArray(value) ? value : [];
      if (step.startsWith('[')) return Array.isArray(value) ? [value[Number(step.slice(1, -1))]] : [];
      const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, step);
      return isObject ? [(value as Json)[step]] : [];
    });
  }
  return values.filter((value) => value !== undefined);
}
