// A TCP proxy that does to a connection what networks and dying servers do; imported by the fault tests and benches.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { ReplySplitter } from './resp.js';

/** What is done to replies, until it is told otherwise; standing connections included. */
export interface Faults {
  /** Milliseconds that each reply is held. */
  readonly latencyMs: number;
  /** Milliseconds added at random, up to this. */
  readonly jitterMs: number;
  /** Bytes a second of one connection's replies. */
  readonly bytesPerSecond: number;
  /** Bytes of one write: 1 sends every byte by itself. */
  readonly sliceBytes: number;
  /** Resets a connection after so many more bytes of replies, in the midst of one. */
  readonly resetAfterBytes: number;
  /** Takes what clients send, lets nothing through in either direction. A connection that lost something stays dead afterwards. */
  readonly blackHole: boolean;
  /** Sent instead of each reply. */
  readonly garbage: string | Buffer | undefined;
}

const none: Faults = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  sliceBytes: Number.POSITIVE_INFINITY,
  resetAfterBytes: Number.POSITIVE_INFINITY,
  blackHole: false,
  garbage: undefined,
};

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Stands before a port on 127.0.0.1, and is switched while connections run through it. */
export class FaultProxy {
  /** Counts since the start. */
  readonly counts = { connections: 0, bytesUp: 0, bytesDown: 0, duplicated: 0, killed: 0 };
  #faults = none;
  #duplicates = 0;
  #target: number;
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  #port = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await proxy.reopen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Connects new connections to another port: the address stays, the server behind it is another. */
  retarget(port: number): void {
    this.#target = port;
  }

  /** Connections that stand. */
  get open(): number {
    return this.#pipes.size;
  }

  get faults(): Faults {
    return this.#faults;
  }

  /** Replaces the faults by these; none without any. */
  set(faults: Partial<Faults> = {}): void {
    this.#faults = { ...none, ...faults };
    if (this.#faults.resetAfterBytes !== none.resetAfterBytes) for (const pipe of this.#pipes) pipe.sent = 0;
  }

  /** Sends each of the next `replies` that a chooser accepts twice; the next one of all by default. */
  duplicate(replies = 1, isChosen: (reply: Buffer) => boolean = () => true): void {
    this.#duplicates = replies;
    this.#isChosen = isChosen;
  }
  #isChosen: (reply: Buffer) => boolean = () => true;

  /** Called for each whole reply: how many times it is sent. */
  timesOf(reply: Buffer): number {
    if (this.#duplicates === 0 || !this.#isChosen(reply)) return 1;
    this.#duplicates--;
    this.counts.duplicated++;
    return 2;
  }

  /** Writes bytes to every client, as if the server had sent them. */
  inject(bytes: string | Buffer): void {
    for (const pipe of this.#pipes) pipe.client.write(bytes);
  }

  /** Ends connections, each with the given chance in [0, 1]: all by default. */
  kill(chance = 1, random: () => number = Math.random): void {
    for (const pipe of this.#pipes) {
      if (random() >= chance) continue;
      this.counts.killed++;
      pipe.destroy();
    }
  }

  /** The server's side of every connection goes away; clients are not told and get no answer. */
  halfOpen(): void {
    for (const pipe of this.#pipes) pipe.loseServer();
  }

  /** Ends all connections and refuses new ones. */
  async refuse(): Promise<void> {
    this.kill();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  /** Accepts connections again, on the same port. */
  async reopen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return this.refuse();
  }

  #accept(client: Socket): void {
    this.counts.connections++;
    const pipe = new Pipe(this, client, connect(this.#target, '127.0.0.1'));
    this.#pipes.add(pipe);
    client.once('close', () => this.#pipes.delete(pipe));
  }
}

/** One connection through the proxy. */
class Pipe {
  readonly client: Socket;
  /** Bytes of replies since a reset was ordered. */
  sent = 0;
  readonly #proxy: FaultProxy;
  readonly #upstream: Socket;
  readonly #splitter = new ReplySplitter();
  readonly #waiting: { readonly reply: Buffer; readonly atMs: number }[] = [];
  #isSending = false;
  /** Bytes were taken and not handed on, or there is nobody to hand them to: whatever came after would be another stream. */
  #lost = false;

  constructor(proxy: FaultProxy, client: Socket, upstream: Socket) {
    this.#proxy = proxy;
    this.client = client;
    this.#upstream = upstream;
    for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', () => {});
    client.on('data', (chunk) => {
      proxy.counts.bytesUp += chunk.length;
      if (!this.#isLost() && !upstream.destroyed) upstream.write(chunk);
    });
    upstream.on('data', (chunk) => this.#receive(chunk));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => {
      if (!this.#lost && !proxy.faults.blackHole) client.destroy();
    });
  }

  loseServer(): void {
    this.#lost = true;
    this.#upstream.destroy();
  }

  destroy(): void {
    this.client.destroy();
    this.#upstream.destroy();
  }

  /** Asked before bytes are handed on. */
  #isLost(): boolean {
    this.#lost ||= this.#proxy.faults.blackHole;
    return this.#lost;
  }

  #receive(chunk: Buffer): void {
    if (this.#isLost()) return;
    const { latencyMs, jitterMs, garbage } = this.#proxy.faults;
    for (const reply of this.#splitter.push(chunk)) {
      const atMs = performance.now() + latencyMs + jitterMs * Math.random();
      const sent = garbage === undefined ? reply : Buffer.from(garbage);
      for (let i = this.#proxy.timesOf(reply); i > 0; i--) this.#waiting.push({ reply: sent, atMs });
    }
    if (!this.#isSending) void this.#send();
  }

  /** Sends what waits, in order. */
  async #send(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const left = next.atMs - performance.now();
      if (left > 0) await pause(left);
      if (this.client.destroyed) break;
      if (!this.#isLost()) await this.#deliver(next.reply);
    }
    this.#waiting.length = 0;
    this.#isSending = false;
  }

  async #deliver(reply: Buffer): Promise<void> {
    for (let begin = 0; begin < reply.length && !this.client.destroyed; ) {
      const { sliceBytes, bytesPerSecond, resetAfterBytes } = this.#proxy.faults;
      const room = resetAfterBytes - this.sent;
      const size = Math.min(sliceBytes, room, bytesPerSecond / 50, reply.length - begin);
      const slice = reply.subarray(begin, begin + Math.max(1, Math.floor(size)));
      begin += slice.length;
      this.sent += slice.length;
      this.#proxy.counts.bytesDown += slice.length;
      this.client.write(slice);
      if (this.sent >= resetAfterBytes) {
        // What was written shall arrive before the reset does.
        await turn();
        this.client.resetAndDestroy();
        return;
      }
      if (bytesPerSecond !== none.bytesPerSecond) await pause((slice.length / bytesPerSecond) * 1e3);
      else if (sliceBytes !== none.sliceBytes) await turn();
    }
  }
}
