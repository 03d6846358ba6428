// A collection of the double: points in memory with what Qdrant shows of them; for the double in this folder.
import { checkFilter, isId, passesFilter, pathOf, plainId, Refused } from './conditions.ts';

type Json = Record<string, unknown>;
export type Id = number | string;

interface Point {
  id: Id;
  vector: Float32Array | undefined;
  payload: Json;
  version: number;
}

const format = (text: string) => new Refused(400, `Format error in JSON body: ${text}`);

const indexTypes = ['keyword', 'integer', 'float', 'geo', 'text', 'bool', 'datetime', 'uuid'];

/** One unnamed vector a point, of any of the server's metrics. */
export class Collection {
  readonly config: Json & { vectors?: { size: number; distance: string } };
  readonly indexes = new Map<string, Json>();
  readonly #points = new Map<Id, Point>();
  #operation = 0;

  constructor(config: Json) {
    const { vectors } = config as { vectors?: { size?: unknown; distance?: unknown } };
    if (vectors === null || (vectors && 'size' in vectors && !isVectors(vectors))) {
      throw format('data did not match any variant of untagged enum VectorsConfig');
    }
    if (vectors && (vectors.size as number) > 65_536) {
      const text = `[vectors.size: value ${vectors.size} invalid, must be from 1 to 65536]`;
      throw new Refused(422, `Validation error in JSON body: ${text}`);
    }
    this.config = config as never;
  }

  get size(): number {
    return this.#points.size;
  }

  info(): Json {
    const { vectors, shard_number = 1, replication_factor = 1, write_consistency_factor = 1 } = this.config;
    const params = {
      vectors: vectors ?? {},
      shard_number,
      replication_factor,
      write_consistency_factor,
      on_disk_payload: this.config.on_disk_payload ?? true,
    };
    const payload_schema = Object.fromEntries(
      [...this.indexes].map(([name, { type, ...params }]) => [
        name,
        {
          data_type: type,
          ...(Object.keys(params).length > 0 && { params: { type, ...params } }),
          points: [...this.#points.values()].filter(
            (point) => !passesFilter({ must: [{ is_empty: { key: name } }] }, point),
          ).length,
        },
      ]),
    );
    return { status: 'green', points_count: this.size, config: { params }, payload_schema };
  }

  upsert(body: Json): number {
    const points = body.points as Json[] | undefined;
    if (!Array.isArray(points)) throw format('Invalid PointInsertOperations format');
    if (points.length === 0) throw new Refused(400, 'Bad request: Empty update request');
    const read = points.map((point) => this.#readPoint(point));
    const version = ++this.#operation;
    for (const point of read) this.#points.set(point.id, { ...point, version });
    return version;
  }

  #readPoint(point: Json): Omit<Point, 'version'> {
    for (const field of ['id', 'vector']) if (!(field in point)) throw format(`missing field \`${field}\``);
    if (!isId(point.id)) throw format(`value ${point.id} is not a valid point ID`);
    const { payload } = point;
    if (payload !== undefined && (typeof payload !== 'object' || Array.isArray(payload))) {
      throw format('expected a map');
    }
    if (/\\ud[89a-f]/i.test(JSON.stringify(payload ?? {}))) throw format('unexpected end of hex escape');
    return {
      id: plainId(point.id as Id),
      vector: this.#readVector(point.vector),
      payload: (payload ?? {}) as Json,
    };
  }

  #readVector(vector: unknown): Float32Array | undefined {
    if (Array.isArray(vector) && vector.length === 0) {
      throw new Refused(
        422,
        'Validation error in JSON body: [points[0].vector.vector: dense vector must not be empty]',
      );
    }
    if (Array.isArray(vector) && vector.every((number) => typeof number === 'number')) {
      return this.#normalised(this.#ofSize(vector));
    }
    const name =
      typeof vector === 'object' && vector !== null && !Array.isArray(vector) && Object.keys(vector)[0];
    if (name === undefined) return undefined;
    if (name === false) throw format('data did not match any variant of untagged enum VectorStruct');
    throw new Refused(400, `Wrong input: Not existing vector name error: ${name}`);
  }

  #ofSize(vector: readonly number[]): Float32Array {
    const size = this.config.vectors?.size ?? 0;
    if (vector.length === size) return Float32Array.from(vector);
    throw new Refused(
      400,
      `Wrong input: Vector dimension error: expected dim: ${size}, got ${vector.length}`,
    );
  }

  // What is of unit length to within 1e-6, and zero, stay as they are.
  #normalised(vector: Float32Array): Float32Array {
    if (this.config.vectors?.distance !== 'Cosine') return vector;
    const squared = vector.reduce((sum, x) => sum + x * x, 0);
    if (squared < 1e-7 || Math.abs(squared - 1) <= 1e-6 || !Number.isFinite(squared)) return vector;
    return vector.map((x) => x / Math.sqrt(squared));
  }

  select(body: Json): Point[] {
    if (Array.isArray(body.points)) {
      if (!body.points.every(isId))
        throw format('data did not match any variant of untagged enum PointsSelector');
      if (body.points.length === 0) throw new Refused(400, 'Bad request: Empty update request');
      return this.#at(body.points as Id[]);
    }
    if (!('filter' in body)) throw format('data did not match any variant of untagged enum PointsSelector');
    return this.#passing(body.filter as Json);
  }

  remove(points: readonly Point[]): number {
    for (const { id } of points) this.#points.delete(id);
    return ++this.#operation;
  }

  /** Merges top-level fields; null takes a field away. */
  setPayload(points: readonly Point[], payload: Json): number {
    for (const point of points) {
      const merged = Object.entries({ ...point.payload, ...payload });
      point.payload = Object.fromEntries(merged.filter(([name]) => payload[name] !== null));
    }
    return ++this.#operation;
  }

  index(field: string, schema: unknown): number {
    pathOf(field);
    const type = typeof schema === 'string' ? schema : (schema as { type?: unknown }).type;
    if (!indexTypes.includes(type as string))
      throw format('data did not match any variant of PayloadFieldSchema');
    this.indexes.set(field, (typeof schema === 'string' ? { type: schema } : schema) as Json);
    this.#operation += 2;
    return this.#operation;
  }

  retrieve(body: Json): Json[] {
    const ids = (body.ids ?? []) as Id[];
    const bad = ids.find((id) => !isId(id));
    if (bad !== undefined) throw format(`value ${bad} is not a valid point ID`);
    return this.#at(ids).map((point) => shown(point, body, false));
  }

  scroll(body: Json): Json {
    const { limit = 10, offset } = body as { limit?: number; offset?: Id };
    if (limit === 0) {
      throw new Refused(
        422,
        'Validation error in JSON body: [scroll_request.limit: value 0 invalid, must be 1 or larger]',
      );
    }
    if (offset !== undefined && offset !== null && !isId(offset)) throw format('not a valid point ID');
    const all = this.#passing(body.filter as Json).sort((a, b) => byId(a.id, b.id));
    const from =
      offset === undefined || offset === null ? 0 : all.findIndex(({ id }) => byId(id, offset) >= 0);
    const rest = from < 0 ? [] : all.slice(from);
    const points = rest.slice(0, limit).map((point) => shown(point, body, true));
    return { points, next_page_offset: rest[limit]?.id ?? null };
  }

  count(body: Json): number {
    return this.#passing(body.filter as Json).length;
  }

  /** Nearest first; `limit` of a search must be given, that of a query is 10. */
  near(body: Json, vector: unknown): Json[] {
    const { limit = 10, offset = 0, score_threshold: least } = body as Record<string, number>;
    if (!Array.isArray(vector) || vector.some((x) => typeof x !== 'number'))
      throw format('Expected some form of vector');
    const wanted = this.#normalised(this.#ofSize(vector));
    const falling = ['Cosine', 'Dot'].includes(this.config.vectors?.distance as string);
    return this.#passing(body.filter as Json)
      .filter((point) => point.vector !== undefined)
      .map((point) => ({ point, score: this.#score(wanted, point.vector as Float32Array) }))
      .filter(
        ({ score }) => least === undefined || least === null || (falling ? score > least : score < least),
      )
      .sort((a, b) => (falling ? b.score - a.score : a.score - b.score))
      .slice(offset, offset + limit)
      .map(({ point, score }) => {
        const { id, ...rest } = shown(point, body, false);
        return { id, version: point.version, score, ...rest };
      });
  }

  #score(a: Float32Array, b: Float32Array): number {
    const sum = (term: (x: number, y: number) => number) =>
      a.reduce((s, x, i) => s + term(x, b[i] as number), 0);
    const metrics: Record<string, () => number> = {
      Cosine: () => sum((x, y) => x * y),
      Dot: () => sum((x, y) => x * y),
      Euclid: () => Math.sqrt(sum((x, y) => (x - y) ** 2)),
      Manhattan: () => sum((x, y) => Math.abs(x - y)),
    };
    return Math.fround(metrics[this.config.vectors?.distance as string]?.() ?? 0);
  }

  #at(ids: readonly Id[]): Point[] {
    return [...new Set(ids.map(plainId))].flatMap((id) => this.#points.get(id) ?? []);
  }

  #passing(filter: Json | undefined): Point[] {
    checkFilter(filter);
    return [...this.#points.values()].filter((point) => passesFilter(filter, point));
  }
}

function isVectors({ size, distance }: { size?: unknown; distance?: unknown }): boolean {
  const metrics = ['Cosine', 'Dot', 'Euclid', 'Manhattan'];
  return Number.isInteger(size) && (size as number) >= 1 && metrics.includes(distance as string);
}

// Integers come before UUIDs.
function byId(a: Id, b: Id): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function shown(point: Point, body: Json, payloadByDefault: boolean): Json {
  const { with_payload = payloadByDefault, with_vector = false } = body;
  // The shortest decimal that gives the same float32, as the server writes it.
  const numbers = () => Array.from(point.vector as Float32Array, (x) => Number(x.toPrecision(9)));
  return {
    id: point.id,
    ...(with_payload !== false &&
      with_payload !== null && { payload: selected(point.payload, with_payload) }),
    ...(with_vector === true && { vector: point.vector === undefined ? {} : numbers() }),
  };
}

function selected(payload: Json, selector: unknown): Json {
  if (selector === true) return payload;
  const { include, exclude } = (Array.isArray(selector) ? { include: selector } : selector) as Record<
    string,
    string[]
  >;
  const picked = (value: Json, paths: readonly string[][], keeps: boolean): Json =>
    Object.fromEntries(
      Object.entries(value).flatMap(([name, each]) => {
        const below = paths.filter(([first]) => first === name).map((path) => path.slice(1));
        const whole = below.some((path) => path.length === 0);
        const isObject = typeof each === 'object' && each !== null && !Array.isArray(each);
        if (whole || below.length === 0) return whole === keeps ? [[name, each]] : [];
        return isObject ? [[name, picked(each as Json, below, keeps)]] : keeps ? [] : [[name, each]];
      }),
    );
  return picked(payload, (include ?? exclude ?? []).map(pathOf), include !== undefined);
}
