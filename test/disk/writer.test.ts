// What is written in one turn of the event loop goes to the writer thread together: in order, each answered for itself, bounded, and finished by close.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, ClosedError, DirectoryError } from '#dist/core/errors.js';
import { Environment, type Operation } from '#dist/disk/environment.js';
import { Writer } from '#dist/disk/writer.js';
import { temporaryDirectory } from './support.js';

const test = suite('writer');
const bytes = (text: string) => new TextEncoder().encode(text);
const put = (key: string, value: string, database = 'd'): Operation => ({
  kind: 'put',
  database,
  key: bytes(key),
  value: bytes(value),
});

async function held(directory: string, key: string): Promise<string | undefined> {
  const environment = new Environment(directory);
  const value = environment.reader('d').get(bytes(key))?.toString();
  await environment.close();
  return value;
}

test('writes of one turn are applied in order, more than a commit takes too', async () => {
  const directory = temporaryDirectory();
  const writer = new Writer(directory);
  // Each depends on the one before: any other order leaves one of them out.
  const outcomes = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => {
      const before = i === 0 ? undefined : { database: 'd', key: bytes('k'), value: bytes(`${i - 1}`) };
      return writer.write([put('k', `${i}`)], before);
    }),
  );
  assert.is(outcomes.filter((applied) => !applied).length, 0);
  await writer.close();
  assert.is(await held(directory, 'k'), '999');
});

test('a write that fails or is skipped says so to its own caller; its neighbours stand', async () => {
  const directory = temporaryDirectory();
  const writer = new Writer(directory);
  const tooLong = 'k'.repeat(5_000);
  const [first, bad, skipped, last] = await Promise.allSettled([
    writer.write([put('a', '1')]),
    writer.write([put('lost', '1'), put(tooLong, '1')]),
    writer.write([put('a', '2')], { database: 'd', key: bytes('a') }),
    writer.write([put('b', '1')]),
  ]);
  assert.equal(first, { status: 'fulfilled', value: true });
  assert.is(bad.status, 'rejected');
  assert.ok((bad as PromiseRejectedResult).reason instanceof DirectoryError);
  assert.equal(skipped, { status: 'fulfilled', value: false });
  assert.equal(last, { status: 'fulfilled', value: true });
  await writer.close();
  assert.is(await held(directory, 'a'), '1');
  assert.is(await held(directory, 'b'), '1');
  assert.is(await held(directory, 'lost'), undefined);
});

test('a caller may use its buffers again at once', async () => {
  const directory = temporaryDirectory();
  const writer = new Writer(directory);
  const value = bytes('written');
  const written = writer.write([{ kind: 'put', database: 'd', key: bytes('k'), value }]);
  value.fill(0);
  await written;
  await writer.close();
  assert.is(await held(directory, 'k'), 'written');
});

test('close finishes what was written in the same turn, and refuses what comes after', async () => {
  const directory = temporaryDirectory();
  const writer = new Writer(directory);
  const written = Array.from({ length: 600 }, (_, i) => writer.write([put(`k${i}`, `${i}`)]));
  const closed = writer.close();
  const late = writer.write([put('late', '1')]).catch((error: unknown) => error);
  await closed;
  assert.is((await Promise.all(written)).every(Boolean), true);
  assert.ok((await late) instanceof ClosedError);
  assert.is(await held(directory, 'k599'), '599');
  assert.is(await held(directory, 'late'), undefined);
});

test('more than 8,192 that wait are refused, and taken again afterwards', async () => {
  const writer = new Writer(temporaryDirectory());
  const waiting = Array.from({ length: 8_192 }, () => writer.write([]));
  const refused = await writer.write([]).catch((error: unknown) => error);
  assert.ok(refused instanceof BusyError);
  await Promise.all(waiting);
  assert.is(await writer.write([put('k', '1')]), true);
  await writer.close();
});

test('scrubbing keeps its place among the writes of its turn', async () => {
  const directory = temporaryDirectory();
  const writer = new Writer(directory);
  const all = [
    writer.write([put('k', 'secret')]),
    writer.write([{ kind: 'remove', database: 'd', key: bytes('k') }]),
    writer.scrub(),
    writer.write([put('after', '1')]),
  ];
  assert.equal(await Promise.all(all), [true, true, true, true]);
  await writer.close();
  assert.is(await held(directory, 'after'), '1');
});

test.run();
