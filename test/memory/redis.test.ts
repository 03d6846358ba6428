// The log in Redis: two machines, each with a directory of its own, see one session; what one forgets, the other loses too.
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type OpenMemoryOptions, openChatMemory } from '#dist/index.js';
import { mockEmbedder } from '#dist/testing/index.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { noRedis, type RedisServer, startRedis } from '../tiers/support.js';
import { callOf, filesWith, optionsOf } from './support.ts';

const test = suite('chat memory in Redis');
if (noRedis !== undefined) console.log(`skipped: ${noRedis}`);
const redisTest = noRedis === undefined ? test : test.skip;
let server: RedisServer;
let client: Redis;
if (noRedis === undefined) {
  test.before(async () => {
    server = await startRedis();
    client = new Redis(server.port, '127.0.0.1');
  });
  test.after(async () => {
    client.disconnect();
    await server.stop();
  });
  test.before.each(() => client.flushall().then(() => {}));
}

function machine(directory = temporaryDirectory(), changes: Partial<OpenMemoryOptions> = {}) {
  const redis = { host: '127.0.0.1', port: server.port, ...changes.redis };
  return openChatMemory({ ...optionsOf({}, directory), log: 'redis', ...changes, redis });
}

/** All bytes that the server holds under our keys. */
async function held(): Promise<string> {
  const all: Buffer[] = [];
  for (const key of await client.keys('*')) {
    all.push(Buffer.from(key));
    const kind = await client.type(key);
    if (kind === 'hash') all.push(...Object.values(await client.hgetallBuffer(key)));
    if (kind === 'stream') all.push(Buffer.from(JSON.stringify(await client.xrange(key, '-', '+'))));
    if (kind === 'zset') all.push(Buffer.from((await client.zrange(key, 0, '-1')).join()));
  }
  return Buffer.concat(all).toString('latin1');
}

redisTest('two machines see one session: history, recall and contexts', async () => {
  await using one = await machine();
  await using two = await machine();
  const first = await one.addMessage('user', 'the violin stands behind the piano', { user: 'ada' });
  await one.addMessage('assistant', '', { tool_calls: [callOf('c')] });
  await two.addMessage('tool', 'dusted', { tool_call_id: 'c' });
  for (let i = 0; i < 12; i++) await (i % 2 ? one : two).addMessage('user', `bicycle ${i}`);
  const history = await one.history();
  assert.equal(await two.history(), history);
  assert.is(history.length, 15);
  assert.equal(await two.history({ limit: 2, before: history[4]?.id }), history.slice(2, 4));
  for (const memory of [one, two]) {
    assert.equal((await memory.search('where is the violin'))[0]?.message, first);
    const { messages } = await memory.getContext('violin piano', { recent: 2, topK: 1 });
    assert.equal(
      messages.map(({ content }) => content),
      [first.content, 'bicycle 10', 'bicycle 11'],
    );
  }
});

redisTest(
  'what one machine forgets is erased in Redis, and in the files of the other at its next call',
  async () => {
    const directories = [temporaryDirectory(), temporaryDirectory()] as const;
    await using one = await machine(directories[0]);
    await using two = await machine(directories[1]);
    const text = 'a secret about the lighthouse keeper';
    const { id } = await one.addMessage('user', text, { user: 'ada' });
    await one.addMessage('user', 'something else');
    assert.is((await two.search(text))[0]?.message.id, id);
    const { vector } = await mockEmbedder().embed(text);
    const bytes = Buffer.from(vector.buffer);
    for (const directory of directories) assert.ok(filesWith(directory, bytes).length > 0);
    assert.ok((await held()).includes('lighthouse'));
    assert.is(await one.forget({ user: 'ada' }), 1);
    assert.not.ok((await held()).includes('lighthouse'));
    assert.equal(filesWith(directories[0], bytes), []);
    assert.equal(
      (await two.search(text)).map(({ message }) => message.content),
      ['something else'],
    );
    assert.equal(filesWith(directories[1], bytes), []);
    for (const directory of directories) assert.equal(filesWith(directory, 'lighthouse'), []);
  },
);

redisTest('after a clear by one machine, the other starts anew, and both find what comes then', async () => {
  await using one = await machine();
  await using two = await machine();
  for (let i = 0; i < 5; i++) await one.addMessage('user', `old message ${i}`);
  await two.search('old message');
  assert.is(await two.clear(), 5);
  const fresh = await one.addMessage('user', 'a new message of the morning');
  for (const memory of [one, two]) {
    assert.equal(await memory.history(), [fresh]);
    assert.equal(
      (await memory.search('message')).map(({ message }) => message),
      [fresh],
    );
  }
  assert.not.ok((await held()).includes('old message'));
});

redisTest('a machine that was away catches up over a restart, and sessions stay apart', async () => {
  const directory = temporaryDirectory();
  const away = await machine(directory);
  await away.addMessage('user', 'before the break');
  await away.close();
  await using one = await machine();
  await using other = await machine(undefined, { tenant: 'other' });
  await other.addMessage('user', 'of somebody else');
  for (let i = 0; i < 30; i++) await one.addMessage('user', `during the break ${i}`);
  await using back = await machine(directory);
  assert.is(
    (await back.search('during the break 17', { topK: 1 }))[0]?.message.content,
    'during the break 17',
  );
  assert.is((await back.search('break', { topK: 100 })).length, 31);
  assert.equal(
    (await other.history()).map(({ content }) => content),
    ['of somebody else'],
  );
});

redisTest('with a seal nothing can be read in Redis, and what was forged is refused', async () => {
  const sealKeys = `k1:${'5a'.repeat(32)}`;
  const redis = { seal: 'aes-256-gcm' as const, sealKeys };
  await using one = await machine(undefined, { redis });
  const { id } = await one.addMessage('user', 'a secret about the lighthouse');
  assert.not.ok((await held()).includes('lighthouse'));
  assert.is((await one.history())[0]?.content, 'a secret about the lighthouse');
  const [key] = await client.keys('*:messages');
  const bytes = (await client.hgetBuffer(key as string, id)) as Buffer;
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
  await client.hset(key as string, id, bytes);
  assert.is(await codeOf(() => one.history()), 'ERR_LLM_CACHE_CODEC');
});

redisTest('while Redis is away, calls fail by name and nothing is half added', async () => {
  const own = await startRedis();
  const redis = { host: '127.0.0.1', port: own.port };
  await using memory = await machine(undefined, { redis });
  await memory.addMessage('user', 'before');
  await own.stop();
  assert.is(await codeOf(() => memory.addMessage('user', 'meanwhile')), 'ERR_LLM_CACHE_TIER');
  assert.is(await codeOf(() => memory.history()), 'ERR_LLM_CACHE_TIER');
});

test.run();
