// Starts, asks and ends the child processes; imported by run.ts and harness/group.ts.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Figures, FromChild, Ground, Job, ToChild, Variant } from '../types.js';

const entry = fileURLToPath(new URL('../child.ts', import.meta.url));
const setupTimeoutMs = { quick: 40_000, full: 600_000 };
const runTimeoutMs = { quick: 30_000, full: 300_000 };
const closeTimeoutMs = 5_000;
const living = new Set<ChildProcess>();

/** Ends every child at once: for Ctrl-C and for a failure of the harness. */
export function killChildren(): void {
  for (const child of living) child.kill('SIGKILL');
}

/** A contender in its own process. Every method rejects with the reason when it fails or takes too long; the child is dead then. */
export class Contestant {
  readonly job: Job;
  readonly #child: ChildProcess;
  readonly #started: Promise<void>;
  readonly #ended: Promise<void>;
  #stderr = '';

  constructor(job: Job) {
    this.job = job;
    this.#child = fork(entry, {
      execArgv: ['--import', 'tsx', '--expose-gc'],
      env: { ...process.env, ...(job.kernel === undefined ? {} : { LLM_CACHE_KERNEL: job.kernel }) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    living.add(this.#child);
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk).slice(-2_000);
    });
    this.#child.on('error', () => {});
    this.#started = new Promise((resolve) => this.#child.once('message', () => resolve()));
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => {
        living.delete(this.#child);
        resolve();
      });
    });
  }

  /** Settles when the process has loaded, or has ended. */
  get started(): Promise<unknown> {
    return Promise.race([this.#started, this.#ended]);
  }

  async setup(ground: Ground): Promise<readonly Variant[]> {
    await this.started;
    const { quick, setupMinutes } = this.job;
    const usual = quick ? setupTimeoutMs.quick : setupTimeoutMs.full;
    const limit = quick || setupMinutes === undefined ? usual : setupMinutes * 60_000;
    const reply = await this.#ask({ kind: 'setup', job: this.job, ground }, limit);
    if (reply.kind !== 'ready') throw new Error(`expected ready, got ${reply.kind}`);
    return reply.variants;
  }

  async run(variant: number, round: number): Promise<Figures> {
    const limit = this.job.quick ? runTimeoutMs.quick : runTimeoutMs.full;
    const reply = await this.#ask({ kind: 'run', variant, round }, limit);
    if (reply.kind !== 'figures') throw new Error(`expected figures, got ${reply.kind}`);
    return reply.figures;
  }

  /** Lets the child end by itself, or ends it. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.send({ kind: 'close' } satisfies ToChild);
    const timer = setTimeout(() => this.kill(), closeTimeoutMs);
    await this.#ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ask(message: ToChild, limitMs: number): Promise<FromChild> {
    return new Promise((resolve, reject) => {
      const done = (act: () => void) => {
        clearTimeout(timer);
        this.#child.off('message', onMessage);
        this.#child.off('exit', onExit);
        act();
      };
      const fail = (reason: string) => {
        this.kill();
        done(() => reject(new Error(reason)));
      };
      const onMessage = (reply: unknown) => {
        const told = reply as FromChild;
        if (told.kind === 'failed') fail(told.reason);
        else done(() => resolve(told));
      };
      const onExit = (code: number | null, signal: string | null) => {
        const last =
          this.#stderr
            .trim()
            .split('\n')
            .findLast((line) => /error/i.test(line)) ?? '';
        done(() => reject(new Error(`the process ended (${signal ?? code}) ${last}`.trim())));
      };
      const timer = setTimeout(() => fail(`no answer within ${limitMs / 1000} s`), limitMs);
      this.#child.on('message', onMessage);
      this.#child.on('exit', onExit);
      if (!this.#child.connected) fail('the process has ended');
      else this.#child.send(message);
    });
  }
}
