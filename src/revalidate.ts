// Makes answers anew in the background, while the old ones are served. resolve.ts uses it.
import type { Cascade } from './cascade.js';
import type { Embedding } from './core/embedder.js';
import { Labels } from './core/labels.js';
import type { Call, Generator, GeneratorParts } from './generate.js';
import type { Recorder } from './recorder.js';

// Each may be a call of a model that costs money and takes minutes.
const mostAtOnce = 64;

/** Revalidations of this process: one a question, and at most 64, at a time; the question is looked after again at its next hit. */
export class Revalidations {
  readonly #parts: GeneratorParts;
  readonly #cascade: Cascade;
  readonly #generator: Generator;
  readonly #recorder: Recorder;
  readonly #running = new Set<string>();
  readonly #closing = new AbortController();

  constructor(parts: GeneratorParts, cascade: Cascade, generator: Generator, recorder: Recorder) {
    this.#parts = parts;
    this.#cascade = cascade;
    this.#generator = generator;
    this.#recorder = recorder;
  }

  /** Begins one, unless it runs here or in another process. Its failure leaves what is stored. */
  start(call: Call, embedding: Embedding | undefined): void {
    const { key } = call.query;
    if (this.#running.has(key) || this.#running.size >= mostAtOnce || this.#closing.signal.aborted) return;
    this.#running.add(key);
    this.#recorder.count('revalidations');
    this.#renew(call, embedding)
      .catch(() => {})
      .finally(() => this.#running.delete(key));
  }

  /** Aborts what runs. */
  close(): void {
    this.#closing.abort(new DOMException('the cache is closed', 'AbortError'));
  }

  async #renew(call: Call, known: Embedding | undefined): Promise<void> {
    const { query, options } = call;
    const { ledger, leases, semantic } = this.#parts;
    const { signal } = this.#closing;
    const { epoch } = ledger;
    const lease = await leases?.acquire(query.key, query.scope);
    if (lease === 'taken') return;
    const isWanted = known === undefined && semantic() && !query.exact;
    const embedding = isWanted ? await this.#cascade.embed(query.text, signal) : known;
    const own = { ...call, labels: new Labels(options, query.scope) };
    const made = await this.#generator.run(own, embedding, epoch, { lease, replace: false }, signal);
    if (!('live' in made)) return;
    await made.live.drain(signal);
  }
}
