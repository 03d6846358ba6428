// A Redis server for the length of a run, when the program is installed; imported by run.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';

/** A running server. */
export interface RedisServer {
  readonly port: number;
  stop(): void;
}

const attempts = 50;
const pauseMs = 40;

/** Starts `redis-server` on a free port of the loopback interface, without files. Undefined when the program is not there. */
export async function startRedis(directory: string): Promise<RedisServer | undefined> {
  const port = await freePort();
  const options = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    directory,
  ];
  const server = spawn('redis-server', options, { stdio: 'ignore' });
  let gone = false;
  server.once('error', () => {
    gone = true;
  });
  server.once('exit', () => {
    gone = true;
  });
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (gone) return undefined;
    if (await answers(port)) return { port, stop: () => stop(server) };
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  stop(server);
  return undefined;
}

function stop(server: ChildProcess): void {
  server.kill('SIGKILL');
}

/** A port of the loopback interface that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('error', () => end(false));
    socket.once('data', (data) => end(data.toString().startsWith('+PONG')));
    socket.once('connect', () => socket.write('PING\r\n'));
  });
}
