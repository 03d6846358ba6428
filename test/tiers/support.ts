// A Redis server of our own, a proxy in front of it, and entries; imported by the tests of tiers and cache.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Entry } from '#dist/core/entry.js';
import { queryKey } from '#dist/core/key.js';
import { Scope } from '#dist/core/scope.js';
import { randomUnitVector, seededRandom } from '#dist/testing/index.js';
import { temporaryDirectory, until } from '../disk/support.js';

/** Why tests that need Redis cannot run here; undefined when they can. */
export const noRedis: string | undefined =
  spawnSync('redis-server', ['--version']).error === undefined
    ? undefined
    : 'there is no redis-server program';

const servers = new Set<ChildProcess>();
process.on('exit', () => {
  for (const server of servers) server.kill('SIGKILL');
});

/** A port on 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface RedisServer {
  readonly port: number;
  readonly process: ChildProcess;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a server without persistence and waits until it answers. */
export async function startRedis(port?: number): Promise<RedisServer> {
  const at = port ?? (await freePort());
  const args = [
    '--port',
    String(at),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    temporaryDirectory(),
  ];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  servers.add(child);
  await until('redis-server answers', () => answers(at));
  return {
    port: at,
    process: child,
    async stop(signal = 'SIGKILL') {
      servers.delete(child);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGCONT');
      child.kill(signal);
      await ended;
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.on('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}

export interface Proxy {
  readonly port: number;
  /** Writes bytes to every client, as if the server had sent them. */
  inject(bytes: string | Buffer): void;
  close(): Promise<void>;
}

/** A TCP proxy to a port; `onReply` sees what the server sends and says what the client gets. */
export async function startProxy(
  target: number,
  onReply: (chunk: Buffer, client: Socket) => Buffer = (chunk) => chunk,
): Promise<Proxy> {
  const clients = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    clients.add(client);
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => client.write(onReply(chunk, client)));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => {
        clients.delete(client);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    inject(bytes) {
      for (const client of clients) client.write(bytes);
    },
    async close() {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const random = seededRandom(5);

/** A scope of tests. */
export function scopeOf(tenant: string, fingerprint = 'tests'): Scope {
  return new Scope({ tenant }, fingerprint);
}

/** An entry that lives for an hour of the machine's clock, unless told otherwise. */
export function entryOf(question: string, scope: Scope, changes: Partial<Entry> = {}): Entry {
  const now = Date.now();
  return {
    key: queryKey(question, scope),
    scope: scope.id,
    embedder: scope.embedder,
    question,
    vector: randomUnitVector(8, random),
    value: `answer to ${question}`,
    createdAtMs: now,
    expiresAtMs: now + 3_600_000,
    epoch: 0,
    ...changes,
  };
}
