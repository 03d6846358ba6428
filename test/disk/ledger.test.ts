// The ledger of a directory: two of them on one log against a plain list, and what they do when the log is cut, damaged or full.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Epoch } from '#dist/core/entry.js';
import { epochsPerMs, type Ledger, type Mark, marks, mostMarks } from '#dist/core/ledger.js';
import { Environment, type Operation } from '#dist/disk/environment.js';
import { diskLedger } from '#dist/disk/ledger.js';
import { manualClock, seededRandom } from '#dist/testing/index.js';
import { temporaryDirectory, until } from './support.js';

const test = suite('disk ledger');
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.log(`seed ${seed}`);

const entryOf = (key: string, epoch: Epoch, tags: string[] = []) => ({ key, scope: 's', epoch, tags });

async function two(clock = manualClock()) {
  const directory = temporaryDirectory();
  const environments = [new Environment(directory), new Environment(directory)] as const;
  const ledgers = environments.map((each) => diskLedger(each, { clock })) as [Ledger, Ledger];
  return {
    clock,
    environments,
    ledgers,
    async close() {
      for (const each of [...ledgers, ...environments]) await each.close();
    },
  };
}

test('two ledgers of one directory agree with the list of what was removed, at every step', async () => {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const names = ['a', 'b', 'c', 'd'];
  const { clock, ledgers, close } = await two();
  const list: Mark[] = [];
  const known = [0, 0];
  const entries: { entry: ReturnType<typeof entryOf>; stamped: number }[] = [];
  let alive = 0;
  for (let step = 0; step < 600; step++) {
    const who = below(2);
    const ledger = ledgers[who] as Ledger;
    if (random() < 0.3) clock.advance(below(40));
    if (random() < 0.05) clock.jump(below(4000) - 2000);
    const action = random();
    if (action < 0.25) {
      const name = names[below(4)] as string;
      const removed = random() < 0.05 ? marks.everything : random() < 0.5 ? marks.key(name) : marks.tag(name);
      const before = entries.filter(({ entry }) => names.includes(entry.key));
      const acknowledged = ledger.remove([removed]);
      for (const { entry } of before) {
        const hit =
          removed === '*' || removed === marks.key(entry.key) || entry.tags.map(marks.tag).includes(removed);
        if (hit) assert.is(ledger.isAlive(entry), false, `step ${step}: at once`);
      }
      assert.is(await acknowledged, true);
      list.push(removed);
      known[who] = list.length;
    } else if (action < 0.5) {
      clock.advance(25);
      ledger.refresh();
      known[who] = list.length;
    } else {
      const tags = names.filter(() => random() < 0.3);
      entries.push({
        entry: entryOf(names[below(4)] as string, ledger.epoch, tags),
        stamped: known[who] as number,
      });
    }
    for (const reader of [0, 1]) {
      for (const { entry, stamped } of entries.slice(-40)) {
        const later = list.slice(stamped, Math.max(stamped, known[reader] as number));
        const dead = later.some((mark) =>
          ['*', marks.key(entry.key), ...entry.tags.map(marks.tag)].includes(mark),
        );
        const says = (ledgers[reader] as Ledger).isAlive(entry);
        // A reader that has not refreshed may know of no removal before the entry's, but never of a later one that it forgot.
        assert.is(says, !dead, `step ${step}, reader ${reader}, ${JSON.stringify({ entry, later })}`);
        if (says) alive++;
      }
    }
  }
  assert.ok(alive > 1000, `${alive} alive`);
  await close();
});

test('removals at once by both are all acknowledged and known to both', async () => {
  const { clock, ledgers, close } = await two();
  const stamps = ledgers.map(({ epoch }) => epoch);
  const removals = Array.from({ length: 400 }, (_, i) =>
    (ledgers[i % 2] as Ledger).remove([marks.key(`k${i}`), marks.tag(`t${i}`)]),
  );
  assert.ok((await Promise.all(removals)).every((shared) => shared));
  clock.advance(25);
  for (const ledger of ledgers) {
    ledger.refresh();
    for (let i = 0; i < 400; i++) {
      for (const stamp of stamps) assert.is(ledger.isAlive(entryOf(`k${i}`, stamp)), false);
      assert.is(ledger.isAlive(entryOf('other', ledger.epoch, [`t${i}`])), true);
    }
    assert.is(ledger.health().queued, 0);
  }
  assert.is(ledgers[0].epoch, ledgers[1].epoch);
  await close();
});

test('a ledger opened later knows all that was removed, and its epochs go on from there although the clock went back', async () => {
  const { clock, environments, ledgers, close } = await two();
  const old = entryOf('k', ledgers[0].epoch);
  await ledgers[0].remove([marks.key('k')]);
  const stamp = ledgers[0].epoch;
  clock.jump(-3_600_000);
  const later = diskLedger(environments[1], { clock });
  assert.is(later.epoch, stamp);
  assert.is(later.isAlive(old), false);
  assert.is(later.isAlive(entryOf('k', stamp)), true);
  await later.remove([marks.key('k')]);
  assert.ok(later.epoch > stamp);
  assert.is(later.isAlive(entryOf('k', stamp)), false);
  await close();
});

test('what a removal was not told of yet because the log was cut is given up', async () => {
  const { clock, environments, ledgers, close } = await two();
  await ledgers[0].remove([marks.key('first')]);
  clock.advance(30);
  ledgers[1].refresh();
  const entry = entryOf('untouched', ledgers[1].epoch);
  const append: Operation = {
    kind: 'append',
    database: 'removals',
    value: new Uint8Array(3),
    least: 0,
    most: 2,
  };
  // Damaged records, too: each may have meant anything.
  await environments[0].write([append, append, append]);
  clock.advance(30);
  ledgers[1].refresh();
  assert.is(ledgers[1].health().gaps, 1);
  assert.is(ledgers[1].isAlive(entry), false);
  assert.is(ledgers[1].isAlive(entryOf('untouched', ledgers[1].epoch)), true);
  await close();
});

test('a full log is read at opening; what was dropped from it counts as removed', async () => {
  const { clock, environments, ledgers, close } = await two();
  const old = entryOf('untouched', (clock.wall() - 1) * epochsPerMs);
  for (let i = 0; i < mostMarks + 100; i += 1000) {
    const names = Array.from({ length: 1000 }, (_, j) => marks.tag(`${i + j}`));
    assert.is(await ledgers[0].remove(names), true);
  }
  const started = performance.now();
  const later = diskLedger(environments[1], { clock });
  console.log(`a full log is read in ${Math.round(performance.now() - started)} ms`);
  assert.is(later.isAlive(old), false);
  assert.is(later.isAlive(entryOf('untouched', later.epoch)), true);
  await close();
});

test('while the log cannot be written, removals hold here, are queued and reach the others later', async () => {
  const { clock, environments, ledgers, close } = await two();
  const failing = new Proxy(environments[0], {
    get(target, name) {
      if (name === 'write' && broken) return () => Promise.reject(new Error('the disk is full'));
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  let broken = true;
  const ledger = diskLedger(failing, { clock });
  const old = entryOf('k', ledger.epoch);
  // Another process may have stamped it later than anything known here.
  const foreign = entryOf('k', (clock.wall() - 1) * epochsPerMs);
  assert.is(await ledger.remove([marks.key('k')]), false);
  assert.is(await ledger.remove([marks.key('k'), marks.key('l')]), false);
  assert.is(ledger.health().queued, 2);
  assert.is(ledger.isAlive(old), false);
  assert.is(ledger.isAlive(foreign), false);
  const anew = entryOf('k', ledger.epoch);
  assert.is(ledger.isAlive(anew), true, 'caching goes on');
  broken = false;
  clock.advance(30);
  ledger.refresh();
  await until('the queue is empty', () => ledger.health().queued === 0);
  ledgers[1].refresh();
  for (const each of [ledger, ledgers[1]]) {
    assert.is(each.isAlive(old), false);
    assert.is(each.isAlive(anew), false, 'not told from older ones any more');
    assert.is(each.isAlive(entryOf('k', each.epoch)), true);
  }
  await ledger.close();
  await close();
});

test('a log that cannot be read makes what is held here unfit after maxStaleMs, and a lookup costs next to nothing', async () => {
  const clock = manualClock();
  const environment = new Environment(temporaryDirectory());
  const ledger = diskLedger(environment, { clock, maxStaleMs: 1000 });
  assert.is(ledger.isCurrent(), true);
  const count = 200_000;
  const started = performance.now();
  for (let i = 0; i < count; i++) ledger.refresh();
  console.log(`refresh: ${Math.round(((performance.now() - started) / count) * 1e6)} ns`);
  await environment.close();
  clock.advance(900);
  ledger.refresh();
  assert.is(ledger.isCurrent(), true);
  clock.advance(200);
  ledger.refresh();
  assert.is(ledger.isCurrent(), false);
  assert.is(await ledger.remove([marks.everything]), false);
  await ledger.close();
});

test.run();
