// An embedding within its time. cascade.ts imports it.
import type { Clock } from './core/clock.js';
import type { Embedder, Embedding } from './core/embedder.js';
import { EmbedError } from './core/errors.js';

/** What it takes. */
export interface EmbedParts {
  readonly embedder: Embedder;
  readonly clock: Clock;
  readonly embedTimeoutMs: number;
}

/** The text's embedding. Rejects with the signal's reason as soon as it aborts, with `EmbedError` when the time is over, or as the embedder. */
export function embedInTime(
  { embedder, clock, embedTimeoutMs }: EmbedParts,
  text: string,
  signal: AbortSignal | undefined,
): Promise<Embedding> {
  const abort = new AbortController();
  return new Promise((resolve, reject) => {
    const leave = (reason: unknown) => {
      reject(reason);
      abort.abort(reason);
    };
    const cancel = clock.after(embedTimeoutMs, () =>
      leave(new EmbedError(embedder.name, `no vector within ${embedTimeoutMs} ms`)),
    );
    const onAbort = () => leave(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const settled = () => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    embedder.embed(text, { signal: abort.signal }).then(resolve, reject).finally(settled);
  });
}
