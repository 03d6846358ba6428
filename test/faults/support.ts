// Redis servers with settings of their own, caches over them and questions to these; imported by the fault tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import * as assert from 'uvu/assert';
import type { SemanticCache } from '#dist/cache.js';
import type { ConfigInput } from '#dist/config/types.js';
import type { TierHealth } from '#dist/tiers/guard.js';
import { openMock } from '../cache/support.js';
import { temporaryDirectory, until } from '../disk/support.js';
import { freePort } from '../tiers/support.js';
import { FaultProxy } from './proxy.js';

const open: { close(): Promise<void> }[] = [];

/** Closes what the tests of this process have opened, caches before proxies before servers. */
export async function closeAll(): Promise<void> {
  while (open.length > 0) await open.pop()?.close();
}

/** A proxy before a server, closed by `closeAll`. */
export async function proxyTo({ port }: Server): Promise<FaultProxy> {
  const proxy = await FaultProxy.start(port);
  open.push(proxy);
  return proxy;
}

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** A server that can be killed, stopped and started again with what it saved. */
export class Server {
  readonly port: number;
  readonly admin: Redis;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
    this.admin = new Redis({
      port,
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
      reconnectOnError: () => false,
    });
    this.admin.on('error', () => {});
  }

  /** Starts a server that listens once `start` has been called: a port that refuses until then. */
  static async reserve(args: readonly string[] = []): Promise<Server> {
    const server = new Server(await freePort(), args);
    open.push(server);
    return server;
  }

  static async start(args: readonly string[] = []): Promise<Server> {
    const server = await Server.reserve(['--dir', temporaryDirectory(), ...args]);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const fixed = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--enable-debug-command',
      'local',
    ];
    const child = spawn('redis-server', [...fixed, ...this.#args], { stdio: 'ignore' });
    this.#child = child;
    living.add(child);
    child.once('exit', () => living.delete(child));
    await until('the server answers', async () => (await this.admin.ping()) === 'PONG');
  }

  /** Sends a signal: SIGSTOP and SIGCONT take effect at once, SIGKILL is waited for. */
  async signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(name);
    if (name === 'SIGKILL') await ended;
  }

  /** The name under which an entry of this key lies. */
  async nameOf(key: string): Promise<string> {
    const names = (await this.admin.keys(`*:{${key}}`)).filter((name) => !name.includes(':lease:'));
    assert.is(names.length, 1, `one key of ${key}`);
    return names[0] as string;
  }

  async close(): Promise<void> {
    this.admin.disconnect();
    await this.signal('SIGKILL');
  }
}

/** A cache over a server, what it told of its tiers, and questions that check their answers. */
export class Subject {
  readonly cache: SemanticCache;
  /** State changes of tier B, in order. */
  readonly events: TierHealth[] = [];
  /** Milliseconds of the slowest question. */
  slowestMs = 0;
  /** Runs of the origin. */
  generated = 0;

  private constructor(cache: SemanticCache) {
    this.cache = cache;
    cache.on('tier', (health) => {
      if (health.tier === 'redis') this.events.push(health);
    });
  }

  static async open(
    port: number,
    {
      redis,
      cache: limits,
      ...options
    }: Parameters<typeof openMock>[0] & { redis?: ConfigInput['redis'] } = {},
  ): Promise<Subject> {
    // The questions of these tests look alike, and none means the same as another.
    const settings = { ...options, cache: { minSimilarity: 1, shared: true, ...limits } };
    const server = { enabled: true, host: '127.0.0.1', port, ...redis };
    const subject = new Subject(await openMock({ ...settings, redis: server }));
    open.push(subject);
    return subject;
  }

  /** Tier B's health. */
  get health(): TierHealth {
    return this.cache.health().tiers.find(({ tier }) => tier === 'redis') as TierHealth;
  }

  get states(): readonly string[] {
    return this.events.map(({ state }) => state);
  }

  /** Asks, and checks the answer. */
  async ask(question: string): Promise<void> {
    const started = performance.now();
    const answer = await this.cache.wrap(question, () => {
      this.generated++;
      return `answer to ${question}`;
    });
    this.slowestMs = Math.max(this.slowestMs, performance.now() - started);
    assert.is(answer, `answer to ${question}`);
  }

  /** Asks 500 new questions a second, old ones between them, until the condition holds; none may fail. */
  async askUntil(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const asked: Promise<void>[] = [];
    const prefix = `${what}, question`;
    await until(what, async () => {
      for (let i = 0; i < 3; i++) asked.push(this.ask(`${prefix} ${asked.length - (asked.length % 3)}`));
      return condition();
    });
    await Promise.all(asked);
  }

  /** Asks until tier B is in the state. */
  async becomes(state: TierHealth['state']): Promise<void> {
    await this.askUntil(`tier B becomes ${state}`, () => this.health.state === state);
  }

  close(): Promise<void> {
    return this.cache.close();
  }
}
