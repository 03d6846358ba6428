// Redis servers with options: TLS, ACL users, Sentinel, Cluster; imported by the tests of redis and tiers.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { temporaryDirectory, until } from '../disk/support.js';
import { freePort } from '../tiers/support.js';

/** Why a test that needs these programs cannot run here; undefined when it can. */
export function missing(...programs: string[]): string | undefined {
  const absent = programs.find((program) => spawnSync(program, ['--version']).error !== undefined);
  return absent === undefined ? undefined : `there is no ${absent} program`;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface Server {
  readonly port: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts redis-server with options on a free port of 127.0.0.1 and waits until its loop runs. */
export async function startServer(
  options: readonly string[] = [],
  { port, plain = true }: { port?: number; plain?: boolean } = {},
): Promise<Server> {
  const at = port ?? (await freePort());
  const ports = plain ? ['--port', String(at)] : ['--port', '0', '--tls-port', String(at)];
  const fixed = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', temporaryDirectory()];
  return start([...ports, ...fixed, ...options], at);
}

async function start(args: readonly string[], port: number): Promise<Server> {
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  running.add(child);
  await until('redis-server reacts', () => {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
    return reacts(port);
  });
  return {
    port,
    process: child,
    async stop() {
      running.delete(child);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/**
 * Whether its loop runs: it answers a command, or ends a connection that speaks no TLS. An accepted connection alone is not enough:
 * the port is open before the server has loaded its snapshot.
 */
function reacts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let accepted = false;
    const socket = connect(port, '127.0.0.1', () => {
      accepted = true;
      socket.write('PING\r\n');
    });
    socket.on('data', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(accepted));
  });
}

/** A sentinel of quorum 1 that watches a master under the name `main`. */
export async function startSentinel(
  masterPort: number,
  password?: string,
  encrypted?: Certificates,
): Promise<Server> {
  const port = await freePort();
  const file = join(temporaryDirectory(), 'sentinel.conf');
  const ports =
    encrypted === undefined
      ? [`port ${port}`]
      : ['port 0', `tls-port ${port}`, 'tls-replication yes', ...tlsFiles(encrypted, encrypted.cert)];
  const lines = [
    ...ports,
    'bind 127.0.0.1',
    `dir ${temporaryDirectory()}`,
    `sentinel monitor main 127.0.0.1 ${masterPort} 1`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 3000',
    ...(password === undefined ? [] : [`requirepass ${password}`]),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return start([file, '--sentinel'], port);
}

/** A cluster of three masters that covers all slots. */
export async function startCluster(): Promise<{ servers: Server[]; stop(): Promise<void> }> {
  // Each port needs its bus port, 10,000 above, free too.
  const servers: Server[] = [];
  while (servers.length < 3) {
    const port = await freePort();
    if (port > 55_000 || !(await isFree(port + 10_000))) continue;
    servers.push(await startServer(['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'], { port }));
  }
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], {
    stdio: 'ignore',
    timeout: 30_000,
  });
  const clients = servers.map(({ port }) => new Redis({ port }));
  await until('every node knows every slot', async () => {
    const infos = await Promise.all(clients.map((client) => client.cluster('INFO')));
    return infos.every((info) => `${info}`.includes('cluster_state:ok'));
  });
  for (const client of clients) client.disconnect();
  return {
    servers,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return (server.address() as AddressInfo).port === port;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** An authority of our own and certificates of it for 127.0.0.1: paths. */
export interface Certificates {
  readonly ca: string;
  readonly otherCa: string;
  readonly cert: string;
  readonly key: string;
  readonly expiredCert: string;
}

export function makeCertificates(): Certificates {
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: directory });
  const authority = (name: string) =>
    openssl(
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`],
    );
  authority('ca');
  authority('other');
  openssl(
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=redis'],
    ...['-keyout', 'server.key', '-out', 'server.csr'],
  );
  writeFileSync(path('san'), 'subjectAltName=IP:127.0.0.1');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-days', '2', '-out', 'server.pem');
  // Of zero days: it ended in the second in which it was made.
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-days', '0', '-out', 'expired.pem');
  return {
    ca: path('ca.pem'),
    otherCa: path('other.pem'),
    cert: path('server.pem'),
    key: path('server.key'),
    expiredCert: path('expired.pem'),
  };
}

/** Lines of a configuration. */
function tlsFiles({ ca, key }: Certificates, cert: string): string[] {
  return [`tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${ca}`, 'tls-auth-clients no'];
}

/** Starts a server that speaks TLS only. */
export function startTlsServer(certificates: Certificates, cert: string): Promise<Server> {
  const options = tlsFiles(certificates, cert).flatMap((line) => `--${line}`.split(' '));
  return startServer(options, { plain: false });
}
