// The fault-injecting proxy does what it says: without that, no fault test proves anything.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '#dist/testing/index.js';
import { codeOf, until } from '../disk/support.js';
import { FaultProxy, type Faults } from './proxy.js';
import { ReplySplitter } from './resp.js';

const test = suite('fault proxy');

/** A server that answers each line with the reply it names. */
async function startServer(reply: (line: string) => string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) socket.write(reply(line));
    });
    socket.on('close', () => sockets.delete(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Client {
  readonly socket: Socket;
  readonly chunks: Buffer[];
  text(): string;
  ended: string | undefined;
}

async function dial(port: number): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  const client: Client = {
    socket,
    chunks: [],
    text: () => Buffer.concat(client.chunks).toString(),
    ended: undefined,
  };
  socket.on('data', (chunk) => client.chunks.push(chunk));
  socket.on('error', (error) => {
    client.ended = (error as NodeJS.ErrnoException).code;
  });
  socket.on('close', () => {
    client.ended ??= 'closed';
  });
  await once(socket, 'connect');
  return client;
}

const bulk = (line: string) => `$${Buffer.byteLength(line)}\r\n${line}\r\n`;
const server = await startServer(bulk);
test.after(() => server.close());

/** A proxy with faults, and a client of it that has said something. */
async function ask(
  faults: Partial<Faults>,
  line: string,
  use: (client: Client, proxy: FaultProxy) => unknown,
) {
  const proxy = await FaultProxy.start(server.port);
  proxy.set(faults);
  const client = await dial(proxy.port);
  client.socket.write(`${line}\n`);
  await use(client, proxy);
  client.socket.destroy();
  await proxy.close();
  await until('nothing is left open', () => proxy.open === 0 && server.sockets.size === 0);
}

test('without faults it hands everything through and counts it', () =>
  ask({}, 'hello', async (client, proxy) => {
    await until('the answer', () => client.text() === bulk('hello'));
    assert.is(proxy.open, 1);
    assert.equal(proxy.counts, { connections: 1, bytesUp: 6, bytesDown: 11, duplicated: 0, killed: 0 });
  }));

test('latency holds a reply, and keeps the order', async () => {
  const started = performance.now();
  await ask({ latencyMs: 40, jitterMs: 40 }, 'a\nb\nc', async (client) => {
    await until('the answers', () => client.text() === bulk('a') + bulk('b') + bulk('c'));
    assert.ok(performance.now() - started >= 39);
  });
});

test('bandwidth and slices deliver the same bytes in pieces', async () => {
  const line = 'ä'.repeat(20);
  await ask({ sliceBytes: 1 }, line, async (client) => {
    await until('the answer', () => client.text() === bulk(line));
    assert.ok(client.chunks.length > 1, `${client.chunks.length} pieces`);
  });
  const started = performance.now();
  await ask({ bytesPerSecond: 500 }, line, async (client) => {
    await until('the answer', () => client.text() === bulk(line));
    assert.ok(performance.now() - started > 60, 'takes its time');
  });
});

test('a reset comes in the midst of a reply', () =>
  ask({ resetAfterBytes: 7 }, 'hello', async (client) => {
    await until('the end', () => client.ended !== undefined);
    assert.is(client.text(), bulk('hello').slice(0, 7));
  }));

test('a black hole takes everything and gives nothing, on standing connections too', () =>
  ask({}, 'one', async (client, proxy) => {
    await until('the answer', () => client.text() === bulk('one'));
    proxy.set({ blackHole: true });
    client.socket.write('two\n');
    const other = await dial(proxy.port);
    other.socket.write('three\n');
    await until('both are taken', () => proxy.counts.bytesUp === 14);
    const standing = await dial(proxy.port);
    proxy.set();
    client.socket.write('four\n');
    standing.socket.write('five\n');
    await until('a connection that lost nothing goes on', () => standing.text() === bulk('five'));
    assert.equal([client.text(), other.text()], [bulk('one'), ''], 'one that did stays dead');
    standing.socket.destroy();
    other.socket.destroy();
  }));

test('half open: the server is gone, the client is not told', () =>
  ask({}, 'one', async (client, proxy) => {
    await until('the answer', () => client.text() === bulk('one'));
    proxy.halfOpen();
    await until('the server has seen the end', () => server.sockets.size === 0);
    client.socket.write('two\n');
    await until('it is taken', () => proxy.counts.bytesUp === 8);
    assert.is(client.ended, undefined);
    assert.is(proxy.open, 1);
  }));

test('garbage stands for each reply', () =>
  ask({ garbage: 'HTTP/1.1 400' }, 'one', (client) =>
    until('the garbage', () => client.text() === 'HTTP/1.1 400'),
  ));

test('one reply is sent twice, whole, and no other', () =>
  ask({}, 'one', async (client, proxy) => {
    await until('the answer', () => client.text() === bulk('one'));
    proxy.duplicate(1, (reply) => reply.includes('b'));
    client.socket.write('a\nb\nbb\n');
    const expected = ['one', 'a', 'b', 'b', 'bb'].map(bulk).join('');
    await until('the answers', () => client.text().length >= expected.length);
    assert.is(client.text(), expected);
    assert.is(proxy.counts.duplicated, 1);
  }));

test('connections are killed at random; refused, and accepted again on the same port', async () => {
  const proxy = await FaultProxy.start(server.port);
  const clients = await Promise.all(Array.from({ length: 40 }, () => dial(proxy.port)));
  await until('all stand', () => proxy.open === 40);
  proxy.kill(0.5, seededRandom(3));
  await until(
    'some are gone',
    () => clients.filter(({ ended }) => ended !== undefined).length === proxy.counts.killed,
  );
  assert.ok(proxy.counts.killed > 5 && proxy.counts.killed < 35);
  const { port } = proxy;
  await proxy.refuse();
  await until('all are gone', () => clients.every(({ ended }) => ended !== undefined));
  assert.is(await codeOf(() => dial(port)), 'ECONNREFUSED');
  await proxy.reopen();
  const again = await dial(port);
  again.socket.write('x\n');
  await until('the answer', () => again.text() === bulk('x'));
  again.socket.destroy();
  await proxy.close();
});

test('replies are cut where they end, however they arrive', () => {
  const replies = [
    '+OK\r\n',
    '-ERR no\r\n',
    ':12\r\n',
    '$-1\r\n',
    '$0\r\n\r\n',
    '$6\r\na\r\n$1b\r\n',
    '*-1\r\n',
    '*0\r\n',
    '*3\r\n$1\r\na\r\n*2\r\n:1\r\n$2\r\nbb\r\n+x\r\n',
    '%1\r\n+k\r\n$3\r\nabc\r\n',
    '_\r\n',
  ];
  const bytes = Buffer.from(replies.join(''));
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new ReplySplitter();
    const found: string[] = [];
    for (let begin = 0; begin < bytes.length; begin += size)
      found.push(...splitter.push(bytes.subarray(begin, begin + size)).map(String));
    assert.equal(found, replies, `in pieces of ${size}`);
  }
  assert.equal(new ReplySplitter().push(Buffer.from('+OK\r\nHTTP/1.1 200\r\n')).map(String), [
    '+OK\r\n',
    'HTTP/1.1 200\r\n',
  ]);
});

test.run();
