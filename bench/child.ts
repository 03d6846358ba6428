// One contender of one case in a process of its own; started by harness/children.ts, imported by nobody.
import { subjects } from './contenders/registry.js';
import type { FromChild, Subject, ToChild } from './types.js';

const say = (message: FromChild) => process.send?.(message);
let subject: Subject | undefined;

async function answer(message: ToChild): Promise<void> {
  if (message.kind === 'setup') {
    const make = await subjects[message.job.subject]?.();
    if (make === undefined) throw new Error(`no contender ${message.job.subject}`);
    subject = await make(message.job, message.ground);
    say({ kind: 'ready', variants: subject.variants });
  } else if (message.kind === 'run') {
    if (subject === undefined) throw new Error('not set up');
    globalThis.gc?.();
    say({ kind: 'figures', figures: await subject.run(message.variant, message.round) });
  } else {
    await subject?.close();
    process.disconnect();
  }
}

process.on('message', (message: ToChild) => {
  answer(message).catch((error: unknown) => {
    say({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  });
});
say({ kind: 'started' });
// The parent is gone: nobody waits for the figures.
process.on('disconnect', () => process.exit());
