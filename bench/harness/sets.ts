// Has the sets of vectors made that a group of jobs runs on; imported by run.ts.
import { join } from 'node:path';
import type { Ground, Job } from '../types.js';
import { Contestant } from './children.js';

/** Whether a job runs on a set in a file. */
function needsSet({ data, vectors }: Job): boolean {
  return vectors === undefined && (data === 'real' || data === 'fitted');
}

/** The jobs with the files of their sets, made in the directory of the run where they are not there yet. */
export async function withSets(jobs: readonly Job[], ground: Ground): Promise<Job[]> {
  const ready: Job[] = [];
  const made = new Set<string>();
  for (const job of jobs) {
    if (!needsSet(job)) {
      ready.push(job);
      continue;
    }
    const vectors = join(
      ground.sets ?? ground.directory,
      `${job.data}-${job.n}-${job.d}-${job.seed}${job.rowless ? '-rowless' : ''}.f32`,
    );
    if (!made.has(vectors)) {
      // The first real vectors of a machine are embedded, which takes half a minute: no limit of a quick run.
      const maker = new Contestant({ ...job, vectors, subject: 'vector-set', quick: false });
      await maker.setup(ground);
      await maker.close();
      made.add(vectors);
    }
    ready.push({ ...job, vectors });
  }
  return ready;
}
