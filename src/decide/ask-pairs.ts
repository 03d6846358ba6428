// Asks the pair model about the candidates that the verifier leaves in doubt. Only decide.ts imports it.
import type { Judged } from './decide.js';
import type { Asked } from './decision.js';
import type { PairStage, Policy } from './policy.js';

/**
 * The candidates, with what a score made of the most probable ones inside the band; undefined, and nothing awaited, when none is in
 * doubt. Never rejects: a model that fails or is late has said nothing.
 */
export function askPairs(
  asked: Asked,
  judged: readonly Judged[],
  policy: Policy,
  stage: PairStage,
): Promise<readonly Judged[]> | undefined {
  const [low, high] = stage.band;
  const known = asked.logits ?? new Map<string, number | undefined>();
  const isSure = judged.some(({ probability = 0 }) => probability > high);
  if (isSure || policy.verifier === undefined || asked.vector === undefined) return undefined;
  const doubtful = judged
    .filter(
      ({ probability = 0, candidate }) => probability >= low && candidate.similarity >= stage.minSimilarity,
    )
    .sort((a, b) => (b.probability as number) - (a.probability as number));
  const isAsked = (one: Judged) => known.has(one.candidate.entry.question);
  const left = Math.max(0, stage.most - known.size);
  const fresh = doubtful.filter((one) => !isAsked(one)).slice(0, left);
  if (fresh.length === 0 && !doubtful.some(isAsked)) return undefined;
  return score(asked, fresh, known, stage).then(() =>
    judged.map((one) => (doubtful.includes(one) ? withLogit(asked, one, known, policy) : one)),
  );
}

function withLogit(
  { vector }: Asked,
  one: Judged,
  logits: ReadonlyMap<string, number | undefined>,
  { verifier }: Policy,
): Judged {
  const { entry, similarity: cosine } = one.candidate;
  const logit = logits.get(entry.question);
  const { features } = one;
  if (logit === undefined || !vector || !entry.vector || !features || !verifier) return one;
  const probability = verifier.withLogit({ asked: vector, stored: entry.vector, features, cosine }, logit);
  return { ...one, logit, probability };
}

/** Fills `known`; what did not come in time stays undefined there. */
async function score(
  { text, signal }: Asked,
  fresh: readonly Judged[],
  known: Map<string, number | undefined>,
  { model, timeoutMs, clock, onAsked }: PairStage,
): Promise<void> {
  if (fresh.length === 0) return;
  const abort = new AbortController();
  const leave = () => abort.abort(signal?.reason);
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  const late = new Promise<'late'>((resolve) => {
    abort.signal.addEventListener('abort', () => resolve('late'), { once: true });
    if (abort.signal.aborted) resolve('late');
  });
  const cancel = clock.after(timeoutMs, () => abort.abort(new Error(`no score within ${timeoutMs} ms`)));
  const asking = fresh.map(async ({ candidate: { entry } }) => {
    known.set(entry.question, undefined);
    try {
      const given = model.score(text, entry.question, { signal: abort.signal });
      // A model that does not listen to the signal must not hold the question up, nor fail when nobody waits any more.
      given.catch(() => {});
      const logit = await Promise.race([given, late]);
      if (logit === 'late') throw abort.signal.reason;
      if (!Number.isFinite(logit)) throw new TypeError(`${model.name} gave ${logit} for a logit`);
      known.set(entry.question, logit);
      onAsked?.(undefined);
    } catch (error) {
      onAsked?.(error ?? new Error('no score'));
    }
  });
  await Promise.all(asking);
  cancel();
  signal?.removeEventListener('abort', leave);
}
