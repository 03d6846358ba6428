// What ledgers that processes share have in common, over an order that answers when the test says so.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '#dist/core/clock.js';
import { type Mark, marks, mostMarks } from '#dist/core/ledger.js';
import { SharedLedger } from '#dist/core/shared-ledger.js';

const test = suite('shared ledger');

class TestLedger extends SharedLedger {
  readonly order: Mark[] = [];
  #next = Date.now() * 1024;
  #answer = () => {};

  constructor() {
    super(systemClock, Number.POSITIVE_INFINITY);
  }

  protected send(removed: readonly Mark[], above: number): Promise<void> {
    return new Promise((resolve) => {
      this.#answer = () => {
        this.#next = Math.max(this.#next, above);
        for (const mark of removed) this.known.note(mark, ++this.#next);
        this.order.push(...removed);
        resolve();
      };
    });
  }

  /** The order takes what is being sent. */
  async answer(): Promise<void> {
    this.#answer();
    await new Promise((resolve) => setImmediate(resolve));
  }

  get waiting(): number {
    return this.queued;
  }

  refresh(): void {}
  async close(): Promise<void> {}
}

const entry = (key: string, epoch: number) => ({ key, scope: 's', epoch });

test('what is generated after a removal lives although other removals always wait', async () => {
  const ledger = new TestLedger();
  const removed = ledger.remove([marks.everything]);
  const next = ledger.remove([marks.key('other')]);
  assert.is(ledger.isAlive(entry('k', ledger.epoch)), false, 'on the way to its epoch');
  await ledger.answer();
  assert.is(await removed, true);
  assert.is(ledger.waiting, 1);
  assert.is(ledger.isAlive(entry('k', ledger.epoch)), true);
  assert.is(ledger.isAlive(entry('other', ledger.epoch)), false);
  await ledger.answer();
  assert.is(await next, true);
  assert.is(ledger.isAlive(entry('other', ledger.epoch)), true);
});

test('a removal by time that waits names what was created in it, or is being generated; once sent, only what was', async () => {
  const ledger = new TestLedger();
  const range = { fromMs: 10, untilMs: 20 };
  const removed = ledger.remove([marks.created(range, [marks.tag('t')])]);
  const next = ledger.remove([marks.key('other')]);
  const of = (createdAtMs: number | undefined, epoch: number, tags = ['t']) =>
    ledger.isAlive({ ...entry('k', epoch), createdAtMs, tags });
  const before = ledger.epoch;
  const said = [of(9, before), of(10, before), of(19, before), of(20, before), of(undefined, before)];
  assert.equal(said, [true, false, false, true, false]);
  assert.is(of(15, before, ['u']), true);
  await ledger.answer();
  assert.is(await removed, true);
  assert.is(ledger.waiting, 1, 'another one waits still');
  assert.equal([of(15, before), of(9, before), of(15, ledger.epoch)], [false, true, true]);
  await ledger.answer();
  assert.is(await next, true);
  assert.equal([of(15, before), of(9, before), of(15, ledger.epoch)], [false, true, true]);
});

test('more removals than may wait, while the removal of everything is being sent, are in the order after it', async () => {
  const ledger = new TestLedger();
  const first = ledger.remove([marks.everything]);
  const many = ledger.remove(Array.from({ length: mostMarks + 1 }, (_, i) => marks.key(`k${i}`)));
  await ledger.answer();
  assert.equal(ledger.order, [marks.everything]);
  const between = entry('k7', ledger.epoch);
  assert.is(ledger.isAlive(between), false);
  await ledger.answer();
  assert.equal(ledger.order, [marks.everything, marks.everything]);
  assert.equal(await Promise.all([first, many]), [true, true]);
  assert.is(ledger.waiting, 0);
  assert.is(ledger.isAlive(between), false);
  assert.is(ledger.isAlive(entry('k7', ledger.epoch)), true);
});

test.run();
