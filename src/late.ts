// Exact answers of slow tiers: waited for a moment, and taken when they come beside the work that went on. cascade.ts imports it.
import type { Finding } from './cascade.js';
import type { Clock } from './core/clock.js';
import type { Entry } from './core/entry.js';
import type { Ledger } from './core/ledger.js';

/** What a slow tier will have found. */
type Late = Promise<Finding | undefined>;

// A shared exact tier on the same network answers within this; only then does embedding start beside it.
const headStartMs = 1;

/** The answer, or 'late' when the head start is over before it. */
export function headStart(
  answer: Promise<Entry | undefined>,
  clock: Clock,
): Promise<Entry | undefined | 'late'> {
  const end = clock.mono() + headStartMs;
  return new Promise((resolve, reject) => {
    let cancel = () => {};
    const wait = (delayMs: number) => {
      cancel = clock.after(delayMs, () => {
        // Node counts from the beginning of the loop's turn, so a timer may come early by the length of a busy turn.
        const left = end - clock.mono();
        if (left > 0) wait(left);
        else resolve('late');
      });
    };
    wait(headStartMs);
    answer.then(resolve, reject).finally(() => cancel());
  });
}

/** The finding, if the late answer is an entry. */
export function whenFound(answer: Promise<Entry | undefined>, findingOf: (entry: Entry) => Finding): Late {
  const found = answer.then((entry) => (entry === undefined ? undefined : findingOf(entry)));
  // A strict tier may fail after another one has answered, when nobody listens any more.
  found.catch(() => {});
  return found;
}

/** The first tier's late exact answer, once each has answered; one may have come a while ago, and been removed since. */
export async function anyOf(late: readonly Late[], ledger: Ledger): Promise<Finding | undefined> {
  for (const answer of late) {
    const finding = await answer;
    if (finding?.hit !== undefined && ledger.isAlive(finding.hit.entry)) return finding;
  }
  return undefined;
}

/** Whatever comes first: a late exact answer, or the work that goes on meanwhile. */
export function firstOf<T>(late: readonly Late[], work: Promise<T>): Promise<T | Finding> {
  if (late.length === 0) return work;
  const hits = late.map(
    (answer) =>
      new Promise<Finding>((resolve, reject) => {
        answer.then((finding) => finding && resolve(finding), reject);
      }),
  );
  return Promise.race([...hits, work]);
}
