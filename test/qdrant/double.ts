// A stand-in for a Qdrant server on 127.0.0.1: the routes the database uses, in memory, with faults on demand. Imported by the tests of Qdrant.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Collection } from './collection.ts';
import { Refused } from './conditions.ts';

type Json = Record<string, unknown>;

/** What a fault may do to a request: answer it itself, leave it hanging, or nothing. */
export type Fault = (
  request: { method: string; route: string; body: Json; query: URLSearchParams },
  response: ServerResponse,
) => boolean | undefined;

export interface DoubleOptions {
  readonly port?: number;
  readonly apiKey?: string | undefined;
  readonly readOnlyKey?: string | undefined;
  /** Largest body in bytes. Default 32 MiB. */
  readonly maxBytes?: number;
}

export interface Double {
  readonly url: string;
  readonly port: number;
  readonly collections: Map<string, Collection>;
  /** Requests so far, `METHOD route` with the collection's name left out. */
  readonly requests: string[];
  /** Looked at before each request. */
  fault: Fault | undefined;
  /** Changes the result of a request before it is sent. */
  bend: ((route: string, result: unknown, body: Json) => unknown) | undefined;
  stop(): Promise<void>;
}

/** Routes that the double does not know are answered with 501, which Qdrant never sends. */
export async function startDouble({
  port = 0,
  apiKey,
  readOnlyKey,
  maxBytes = 32 << 20,
}: DoubleOptions = {}): Promise<Double> {
  const collections = new Map<string, Collection>();
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      const status = error instanceof Refused ? error.status : 500;
      send(response, status, { status: { error: String(error.message) }, time: 0 });
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '/', 'http://double');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const open = ['/', '/healthz', '/readyz', '/livez'].includes(url.pathname);
    const isRead =
      /\/(search|query|scroll|count)(\/batch)?$|\/points$/.test(url.pathname) && method === 'POST';
    if (apiKey !== undefined && !open) {
      const bearer = headers.authorization?.match(/^Bearer (.*)$/)?.[1];
      const key = (headers['api-key'] as string | undefined)?.trim() ?? bearer;
      if (key === undefined)
        return text(response, 401, 'Must provide an API key or an Authorization bearer token');
      if (key !== apiKey && key !== readOnlyKey) return text(response, 401, 'Invalid API key or JWT');
      if (key === readOnlyKey && method !== 'GET' && !isRead)
        throw new Refused(403, 'Forbidden: Global manage access is required');
    }
    if (method === 'GET' && probes[url.pathname]) return text(response, 200, probes[url.pathname] as string);
    if (url.pathname === '/') {
      return send(response, 200, {
        title: 'qdrant - vector search engine',
        version: '1.18.3',
        commit: 'double',
      });
    }
    const bytes = Buffer.concat(chunks);
    if (bytes.length > maxBytes) {
      throw new Refused(
        400,
        `JSON payload (${bytes.length} bytes) is larger than allowed (limit: ${maxBytes} bytes).`,
      );
    }
    const [, first, encoded, ...rest] = url.pathname.split('/');
    const route = `${method} ${rest.join('/')}`;
    if (first !== 'collections' || encoded === '') return text(response, 404, '');
    const body = method === 'GET' || method === 'DELETE' ? {} : parse(bytes);
    double.requests.push(route);
    if (double.fault?.({ method, route, body, query: url.searchParams }, response)) return;
    let result = answer(route, encoded === undefined ? undefined : decodeURIComponent(encoded), body, url);
    if (result === unknown) return send(response, 501, { status: { error: `the double has no ${route}` } });
    if (double.bend) result = double.bend(route, result, body);
    send(response, 200, { result, status: 'ok', time: 0 });
  }

  function answer(route: string, name: string | undefined, body: Json, url: URL): unknown {
    if (name === undefined) {
      const names = [...collections.keys()].sort().map((each) => ({ name: each }));
      return route === 'GET ' ? { collections: names } : unknown;
    }
    if (route === 'PUT ') return create(name, body);
    if (route === 'DELETE ') return collections.delete(name);
    if (route === 'GET exists') return { exists: collections.has(name) };
    if (!known.test(route)) return unknown;
    const collection = collections.get(name);
    if (collection === undefined) throw new Refused(404, `Not found: Collection \`${name}\` doesn't exist!`);
    const done = (operation_id: number) => ({
      operation_id,
      status: waits(url) ? 'completed' : 'acknowledged',
    });
    switch (route) {
      case 'GET ':
        return collection.info();
      case 'PUT index':
        if (body.field_schema === undefined)
          throw new Refused(
            400,
            "Bad request: Can't auto-detect field type, please specify `field_schema` in the request",
          );
        return done(collection.index(body.field_name as string, body.field_schema));
      case 'PUT points':
        if ('batch' in body || 'update_filter' in body || 'update_mode' in body) return unknown;
        return done(collection.upsert(body));
      case 'POST points':
        if (!Array.isArray(body.ids))
          throw new Refused(400, 'Format error in JSON body: missing field `ids`');
        return collection.retrieve(body);
      case 'POST points/delete':
        return done(collection.remove(collection.select(body)));
      case 'POST points/batch':
        return (body.operations as Json[]).map((operation) => done(change(collection, operation)));
      case 'POST points/scroll':
        return 'order_by' in body ? unknown : collection.scroll(body);
      case 'POST points/count':
        return body.exact === false && body.filter ? unknown : { count: collection.count(body) };
      case 'POST points/search':
        checkLimit('search_request.limit', body, true);
        return collection.near(body, body.vector);
      default:
        return query(collection, body);
    }
  }

  function create(name: string, body: Json): boolean {
    const bad = name.match(/[<>:"/\\|?*]/)?.[0];
    if (bad)
      throw new Refused(
        422,
        `Validation error in path parameters: [collection_name: collection name cannot contain "${bad}" char]`,
      );
    const limit = `value "${name}" invalid, must be from 1 to 255 characters`;
    if (name.length > 255)
      throw new Refused(422, `Validation error in path parameters: [collection_name: ${limit}]`);
    const collection = new Collection(body);
    if (collections.has(name)) throw new Refused(409, `Wrong input: Collection \`${name}\` already exists!`);
    collections.set(name, collection);
    return true;
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // A failed test that leaves it running must not keep the process.
  server.unref();
  const { port: bound } = server.address() as AddressInfo;
  const double: Double = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    collections,
    requests: [],
    fault: undefined,
    bend: undefined,
    async stop() {
      // Connections that came meanwhile would keep it open.
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return double;
}

const probes: Record<string, string> = {
  '/healthz': 'healthz check passed',
  '/livez': 'healthz check passed',
  '/readyz': 'all shards are ready',
};
const unknown = Symbol('unknown');
const known = /^(GET |PUT index|PUT points|POST points(\/(delete|batch|scroll|count|search|query))?)$/;

function query(collection: Collection, body: Json): unknown {
  checkLimit('internal.limit', body, false);
  const wanted = (body.query as { nearest?: unknown } | undefined)?.nearest ?? body.query;
  if ('prefetch' in body || 'using' in body || !Array.isArray(wanted)) return unknown;
  return { points: collection.near(body, wanted) };
}

function change(collection: Collection, operation: Json): number {
  const { upsert, delete: removal, set_payload } = operation as Record<string, Json | undefined>;
  if (upsert) return collection.upsert(upsert);
  if (removal) return collection.remove(collection.select(removal));
  if (set_payload) return collection.setPayload(collection.select(set_payload), set_payload.payload as Json);
  throw new Refused(
    400,
    'Format error in JSON body: data did not match any variant of untagged enum UpdateOperation',
  );
}

function checkLimit(path: string, { limit }: Json, needed: boolean): void {
  if (limit === 0)
    throw new Refused(422, `Validation error in JSON body: [${path}: value 0 invalid, must be 1 or larger]`);
  if (limit === undefined && !needed) return;
  if (!Number.isInteger(limit) || (limit as number) < 0)
    throw new Refused(400, 'Format error in JSON body: limit');
}

function waits(url: URL): boolean {
  const wait = url.searchParams.get('wait') ?? 'false';
  const ordering = url.searchParams.get('ordering') ?? 'weak';
  const problem =
    wait !== 'true' && wait !== 'false'
      ? 'provided string was not `true` or `false`'
      : ['weak', 'medium', 'strong'].includes(ordering)
        ? undefined
        : `unknown variant \`${ordering}\`, expected one of \`weak\`, \`medium\`, \`strong\``;
  if (problem) throw new Refused(400, `Deserialize error in query parameters: ${problem}`);
  return wait === 'true';
}

function parse(bytes: Buffer): Json {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Refused(400, 'Format error in JSON body: no JSON');
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Json;
  throw new Refused(400, 'Format error in JSON body: invalid type');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status).end(body);
}
