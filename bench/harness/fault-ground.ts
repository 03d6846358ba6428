// A Redis server that can be killed and stopped, and load at a fixed rate; imported by the fault contenders.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

// The shell ends the server when this process is gone, however it went; its first line is the server's process id.
const script = 'redis-server "$@" >/dev/null & echo $!; read _; kill -9 $!';

/** A server of a fault case, on a port of its own. */
export class BreakableRedis {
  readonly port: number;
  readonly #directory: string;
  #shell: ChildProcess | undefined;
  #pid = 0;

  constructor(port: number, directory: string) {
    this.port = port;
    this.#directory = directory;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const options = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--dir', this.#directory];
    const shell = spawn('sh', ['-c', script, 'sh', ...options], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#shell = shell;
    const [line] = await once(createInterface({ input: shell.stdout }), 'line');
    this.#pid = Number(line);
    while (!(await answers(this.port))) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async kill(): Promise<void> {
    const shell = this.#shell;
    this.#shell = undefined;
    if (shell === undefined) return;
    process.kill(this.#pid, 'SIGKILL');
    const ended = once(shell, 'exit');
    shell.stdin?.end();
    await ended;
  }

  stop(): void {
    process.kill(this.#pid, 'SIGSTOP');
  }

  goOn(): void {
    process.kill(this.#pid, 'SIGCONT');
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('data', (data) => end(data.toString().startsWith('+PONG')));
    socket.once('error', () => end(false));
  });
}

/**
 * Starts `work` at a fixed rate, whether earlier calls have returned or not, for `ms` milliseconds; `done` hears of each call's
 * latency from the moment at which it should have begun. Resolves when all have returned or `patienceMs` have passed since the last
 * began: the number that has not.
 */
export async function openLoop(
  { perSecond, ms, patienceMs }: { perSecond: number; ms: number; patienceMs: number },
  work: (index: number) => Promise<unknown>,
  done: (index: number, latencyMs: number, error: unknown) => void,
): Promise<number> {
  const began = performance.now();
  const count = Math.floor((ms * perSecond) / 1e3);
  let running = 0;
  for (let i = 0; i < count; ) {
    const due = began + (i * 1e3) / perSecond;
    if (performance.now() < due) {
      // A timer would come up to a millisecond late.
      await new Promise(setImmediate);
      continue;
    }
    const index = i++;
    running++;
    const settle = (error?: unknown) => {
      running--;
      done(index, performance.now() - due, error);
    };
    work(index).then(
      () => settle(),
      (error) => settle(error ?? new Error('rejected')),
    );
  }
  for (const end = performance.now() + patienceMs; running > 0 && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return running;
}
