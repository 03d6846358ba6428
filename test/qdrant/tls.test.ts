// The Qdrant database over TLS: an authority of one's own is trusted when it is given, and only then.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openQdrantDatabase } from '#dist/vectordb/qdrant.js';
import { codeOf, temporaryDirectory } from '../disk/support.ts';
import { startDouble } from './double.ts';
import { dimension, documentOf, scopes } from './support.ts';

const test = suite('qdrant over TLS');

function certificate(): { key: Buffer; cert: Buffer } | undefined {
  const [key, cert] = ['key.pem', 'cert.pem'].map((file) => join(temporaryDirectory(), file)) as [
    string,
    string,
  ];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
  try {
    execFileSync('openssl', [...made, ...names], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

const made = certificate();
if (made === undefined) {
  console.log('skipped: openssl is not there to make a certificate');
  test.skip('skipped: no openssl');
} else {
  test('an authority of one’s own is trusted when it is given, and only then', async () => {
    const double = await startDouble({ apiKey: 'secret' });
    const server = createServer(made, (socket) => {
      const inner = connect(double.port, '127.0.0.1');
      socket.on('error', () => inner.destroy());
      inner.on('error', () => socket.destroy());
      socket.pipe(inner).pipe(socket);
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const options = {
      port,
      https: true,
      apiKey: 'secret',
      collection: 'c',
      dimension,
      embedder: 'e1',
      retries: 0,
    };

    const trusting = await openQdrantDatabase({ ...options, tls: { ca: made.cert } });
    await trusting.upsert([documentOf('x')]);
    assert.is((await trusting.get(scopes[0], ['x']))[0]?.id, 'x');
    await trusting.close();

    const asked = double.requests.length;
    for (const tls of [undefined, {}, { ca: made.cert, servername: 'elsewhere' }]) {
      const database = await openQdrantDatabase({ ...options, tls });
      assert.is(await codeOf(() => database.count()), 'ERR_LLM_CACHE_TIER', JSON.stringify(tls));
      await database.close();
    }
    assert.is(double.requests.length, asked, 'nobody who distrusts the server has told it anything');
    assert.is(
      await codeOf(() => openQdrantDatabase({ ...options, https: false, tls: {} })),
      'ERR_LLM_CACHE_CONFIG',
    );
    server.close();
    await double.stop();
  });
}

test.run();
