// Cases `streamed` and `churn`: lists of product codes that are filled in pieces, and whose rows come and go; imported by cases/all.ts.
import type { Job } from '../types.js';
import type { CaseDefinition } from './all.js';

const dimension = 384;
const setupMinutes = 150;

/** How many vectors each case is run with. */
const sizes = {
  quick: { streamed: 50_000, churn: 10_000 },
  default: { streamed: 1_000_000, churn: 100_000 },
  full: { streamed: 10_000_000, churn: 100_000 },
};

/** Codes alone over more vectors than are ever in memory, and rows that are replaced ten times. */
export const lists: CaseDefinition = {
  cases: ['streamed', 'churn'],
  groups(defaults, { sizes: asked }) {
    const { quick, full } = defaults;
    const size = sizes[quick ? 'quick' : full ? 'full' : 'default'];
    const job = (name: 'streamed' | 'churn', contender: string, subject: string, n: number): Job => ({
      ...defaults,
      case: name,
      contender,
      subject,
      n,
      d: dimension,
      data: 'fitted',
      rowless: true,
      quietSetup: true,
      setupMinutes,
    });
    const streamed = (asked ?? [size.streamed]).map((n) => [
      job('streamed', 'ours, 4 bits', 'streamed-nibbles', n),
    ]);
    return [...streamed, [job('churn', 'ours, ivfpq', 'churn', size.churn)]];
  },
};
