// Tests of the worker pool: what happens when workers die, hang, are too busy or are closed.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, ClosedError, InvalidArgumentError } from '#dist/core/errors.js';
import { WorkerPool, type WorkerPoolOptions } from '#dist/workers/pool.js';
import { manualClock } from './fixtures/clock.js';

class PoolFailure extends Error {}

interface Command {
  readonly op: string;
  readonly [field: string]: unknown;
}

const test = suite('worker pool');
const open: WorkerPool<Command, unknown>[] = [];

function poolOf(options: Partial<WorkerPoolOptions> = {}): WorkerPool<Command, unknown> {
  const pool = new WorkerPool<Command, unknown>({
    name: 'test pool',
    worker: new URL('./fixtures/commanded-worker.mjs', import.meta.url),
    workers: 1,
    failure: (reason, cause) => new PoolFailure(reason, { cause }),
    ...options,
  });
  open.push(pool);
  return pool;
}

/** A task that runs until it is let go. */
function gate(): { command: Command; began: () => Promise<void>; open: () => void } {
  const cells = new Int32Array(new SharedArrayBuffer(8));
  return {
    command: { op: 'gate', gate: cells },
    began: async () => {
      while (Atomics.load(cells, 0) === 0) await new Promise((resolve) => setImmediate(resolve));
    },
    open: () => {
      Atomics.store(cells, 1, 1);
      Atomics.notify(cells, 1);
    },
  };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

async function failureOf(promise: Promise<unknown>, pattern: RegExp): Promise<void> {
  const error = await rejection(promise);
  assert.instance(error, PoolFailure);
  assert.match((error as Error).message, pattern);
}

test.after.each(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.close()));
});

test('gives back what the worker computed, and starts no thread before the first task', async () => {
  const before = threads();
  const pool = poolOf({ workers: 2 });
  assert.is(threads(), before);
  assert.equal(await Promise.all([1, 2, 3].map((value) => pool.run({ op: 'echo', value }))), [1, 2, 3]);
  assert.is(pool.stats().completed, 3);
});

test('an error in a worker is a failure of that task only', async () => {
  const pool = poolOf();
  await failureOf(pool.run({ op: 'throw', message: 'no such thing' }), /no such thing/);
  assert.is(await pool.run({ op: 'echo', value: 1 }), 1);
  assert.is(pool.stats().deaths, 0);
});

test('a task whose worker dies is run again', async () => {
  const pool = poolOf();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  assert.is(await pool.run({ op: 'dieOnce', flag }), 'second try');
  assert.is(pool.stats().deaths, 1);
});

test('an input that ended two workers is refused without a worker being asked', async () => {
  const pool = poolOf({ workers: 2 });
  const digest = () => 'the killer';
  await failureOf(pool.run({ op: 'exit' }, { digest }), /its worker died: .*3/);
  for (let i = 0; i < 1000; i++) await failureOf(pool.run({ op: 'exit' }, { digest }), /input refused/);
  assert.is(pool.stats().deaths, 2);
  assert.is(await pool.run({ op: 'echo', value: 1 }, { digest: () => 'another' }), 1);
});

for (const op of ['exit', 'uncaught', 'oom']) {
  test(`the pool is back at its size after workers ended by ${op}`, async () => {
    const pool = poolOf({ workers: 2, maxHeapMb: 32 });
    await pool.runOnEach({ op: 'thread' });
    await failureOf(pool.run({ op }), /its worker died/);
    const gates = [gate(), gate()];
    const runs = gates.map(({ command }) => pool.run(command));
    // Both can only have begun when two workers live.
    await Promise.all(gates.map(({ began }) => began()));
    for (const { open: letGo } of gates) letGo();
    assert.equal(await Promise.all(runs), ['let go', 'let go']);
    assert.is(pool.stats().deaths, 2);
  });
}

test('a killer in a batch does not take its neighbours along', async () => {
  const pool = poolOf({ maxBatch: 4 });
  const held = gate();
  const first = pool.run(held.command);
  await held.began();
  const runs = [
    pool.run({ op: 'echo', value: 'a' }),
    pool.run({ op: 'exit' }, { digest: () => 'killer' }).catch((error: Error) => error.message),
    pool.run({ op: 'echo', value: 'b' }),
    pool.run({ op: 'echo', value: 'c' }),
  ];
  held.open();
  await first;
  const [a, killer, b, c] = await Promise.all(runs);
  assert.equal([a, b, c], ['a', 'b', 'c']);
  assert.match(String(killer), /its worker died/);
});

test('a missed deadline rejects the caller, and a worker that hangs is replaced', async () => {
  const clock = manualClock();
  const pool = poolOf({ timeoutMs: 100, stuckMs: 1000, clock });
  const thread = await pool.run({ op: 'thread' });
  const hanging = pool.run({ op: 'loop' });
  const waiting = pool.run({ op: 'echo', value: 1 });
  clock.advance(100);
  await failureOf(hanging, /within 100 ms/);
  await failureOf(waiting, /within 100 ms/);
  assert.is(pool.stats().deaths, 0);
  clock.advance(900);
  assert.is.not(await pool.run({ op: 'thread' }), thread);
  assert.is(pool.stats().deaths, 1);
});

test('a hanging task whose caller still waits fails and counts for the quarantine', async () => {
  const clock = manualClock();
  const pool = poolOf({ timeoutMs: 9000, stuckMs: 1000, clock });
  for (let i = 0; i < 2; i++) {
    const hanging = pool.run({ op: 'loop' }, { digest: () => 'loop' });
    clock.advance(1000);
    await failureOf(hanging, /hung for 1000 ms/);
  }
  await failureOf(pool.run({ op: 'loop' }, { digest: () => 'loop' }), /input refused/);
});

test('one task more than may wait is refused at once', async () => {
  const pool = poolOf({ maxQueue: 2 });
  const held = gate();
  const first = pool.run(held.command);
  const queued = [1, 2].map((value) => pool.run({ op: 'echo', value }));
  const error = await rejection(pool.run({ op: 'echo', value: 3 }));
  assert.instance(error, BusyError);
  assert.is((error as BusyError).limit, 2);
  assert.is(pool.stats().refused, 1);
  held.open();
  assert.equal(await Promise.all([first, ...queued]), ['let go', 1, 2]);
  assert.is(await pool.run({ op: 'echo', value: 3 }), 3);
});

test('an aborted waiting task never runs, and its caller gets the reason', async () => {
  const pool = poolOf();
  const held = gate();
  const first = pool.run(held.command);
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const abort = new AbortController();
  const aborted = pool.run({ op: 'count', counter }, { signal: abort.signal });
  const kept = pool.run({ op: 'echo', value: 1 }, { signal: new AbortController().signal });
  const reason = new Error('the caller left');
  abort.abort(reason);
  assert.is(await rejection(aborted), reason);
  assert.is(pool.stats().waiting, 1);
  held.open();
  await first;
  assert.is(await kept, 1);
  assert.is(Atomics.load(counter, 0), 0);
});

test('an aborted running task rejects at once and leaves its worker alive', async () => {
  const pool = poolOf();
  const thread = await pool.run({ op: 'thread' });
  const held = gate();
  const abort = new AbortController();
  const running = pool.run(held.command, { signal: abort.signal });
  await held.began();
  abort.abort(new Error('too late'));
  assert.is(((await rejection(running)) as Error).message, 'too late');
  held.open();
  assert.is(await pool.run({ op: 'thread' }), thread);
  assert.is(pool.stats().deaths, 0);
});

test('a signal that is aborted already stops a task before any work', async () => {
  const pool = poolOf();
  const reason = new Error('before');
  assert.is(await rejection(pool.run({ op: 'echo' }, { signal: AbortSignal.abort(reason) })), reason);
  assert.is(pool.stats().failed + pool.stats().completed, 0);
});

test('half of many callers leave and the other half gets answers', async () => {
  const pool = poolOf({ workers: 2, maxQueue: 2000, maxBatch: 4 });
  const runs = Array.from({ length: 1000 }, (_, value) => {
    const abort = new AbortController();
    const run = pool.run({ op: 'echo', value }, { signal: abort.signal });
    if (value % 2 === 0) abort.abort(new Error('left'));
    return run.catch((error: Error) => error.message);
  });
  const answers = await Promise.all(runs);
  assert.equal(
    answers,
    Array.from({ length: 1000 }, (_, value) => (value % 2 === 0 ? 'left' : value)),
  );
});

test('close lets running tasks finish, rejects waiting ones, and can be called twice', async () => {
  const pool = poolOf();
  const held = gate();
  const running = pool.run(held.command);
  const waiting = pool.run({ op: 'echo', value: 1 });
  await held.began();
  const closing = pool.close();
  assert.is(pool.close(), closing);
  assert.instance(await rejection(waiting), ClosedError);
  held.open();
  assert.is(await running, 'let go');
  await closing;
  assert.instance(await rejection(pool.run({ op: 'echo' })), ClosedError);
  assert.instance(await rejection(pool.runOnEach({ op: 'echo' })), ClosedError);
});

test('an input that cannot be sent is a failure and no death', async () => {
  const pool = poolOf();
  await failureOf(pool.run({ op: 'echo', value: () => 1 }), /cannot be sent/);
  assert.is(await pool.run({ op: 'echo', value: 1 }), 1);
  assert.is(pool.stats().deaths, 0);
});

test('a worker file that does not exist is a failure, not a hang', async () => {
  const pool = poolOf({ worker: new URL('./fixtures/absent.mjs', import.meta.url) });
  await failureOf(pool.run({ op: 'echo' }), /its worker died: .*absent\.mjs/);
});

test('runOnEach reaches every worker once', async () => {
  const pool = poolOf({ workers: 3 });
  assert.is(new Set(await pool.runOnEach({ op: 'thread' })).size, 3);
});

test('workers do not inherit the loader of the main program', async () => {
  assert.ok(process.execArgv.length > 0, 'this test itself runs with a loader');
  assert.equal(await poolOf().run({ op: 'execArgv' }), []);
});

test('sizes and times that are no positive integers are refused', () => {
  for (const name of ['workers', 'maxQueue', 'timeoutMs', 'stuckMs', 'maxBatch']) {
    for (const value of [0, -1, 1.5, Number.NaN]) {
      assert.throws(
        () => poolOf({ [name]: value }),
        (error: unknown) => error instanceof InvalidArgumentError && error.argument === name,
      );
    }
  }
});

for (const way of ['close', 'idle', 'running']) {
  test(`a program that uses a pool ends by itself (${way})`, async () => {
    const program = fileURLToPath(new URL('./fixtures/exits.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program, way], { timeout: 20_000 });
    assert.is(stdout, 'answered');
  });
}

test('a hundred pools opened and closed leave no thread behind', async () => {
  const before = threads();
  for (let i = 0; i < 100; i++) {
    const pool = poolOf();
    assert.is(await pool.run({ op: 'echo', value: i }), i);
    await pool.close();
  }
  assert.ok(threads() <= before + 2, `${before} threads before, ${threads()} after`);
});

/** Threads of this process where the system tells, 0 elsewhere. */
function threads(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
}

test.run();
