// The whole decision: what it adds to a lookup, how often and how long the pair model is asked, what it lets pass. Imported by registry.ts.
import { fileURLToPath } from 'node:url';
import { systemClock } from '#dist/core/clock.js';
import { policyFor } from '#dist/decide/acceptance.js';
import { decide } from '#dist/decide/decide.js';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { onnxPairModel } from '#dist/embed/pair-onnx.js';
import { candidateOf } from '#dist/evaluate/judge.js';
import { cosine, Texts } from '#dist/evaluate/texts.js';
import { evaluateDecision } from '#dist/evaluation.js';
import { configOf } from '#dist/open.js';
import { meansOf } from '#dist/open-decision.js';
import { withShipped } from '#dist/open-verifier.js';
import { readTraps } from '../data/traps.ts';
import { figuresOf, percentile, timeAwaited, timeBatches } from '../harness/measure.js';
import type { SubjectFactory } from '../types.js';

const nearest = 4;
/** The promise that is decided by. */
const maxErrorRate = 0.15;
const none = { file: null, env: {} };
const traps = fileURLToPath(new URL('../data/traps/test.jsonl', import.meta.url));

/** Spaces behind a text, at most; with more rounds than that, the first texts have long been forgotten. */
const mostSpaces = 64;

/** Questions of the trap set, each new at every call, against the four nearest stored ones, which are new too or judged before. */
export const oursDecision: SubjectFactory = async (job) => {
  // A busy machine makes figures bad, and should not make them fail.
  const embedder = await onnxEmbedder({ timeoutMs: 600_000 });
  const pairModel = await onnxPairModel({ timeoutMs: 600_000 });
  const config = configOf(none);
  const hooks = withShipped(config, embedder.fingerprint, { pairModel }, systemClock);
  const policy = policyFor({ maxErrorRate }, meansOf(config, embedder.fingerprint, hooks));
  const pairs = readTraps('test');
  const texts = new Texts(embedder, 32);
  await texts.embed(pairs.flatMap(({ a, b }) => [a, b]));
  const stored = [...new Set(pairs.map(({ b }) => b))];
  const lookups = [...new Set(pairs.map(({ a }) => a))].map((question) => {
    const { vector } = texts.get(question);
    const candidates = stored
      .map((other) => candidateOf(other, texts.get(other).vector, cosine(vector, texts.get(other).vector)))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, nearest);
    return { question, vector, candidates };
  });
  /** Latencies of decisions; what is `anew` was never seen, neither the question nor, of all it is compared with, any. */
  function decisions(calls: number, isStoredNew: boolean): Float64Array {
    // Spaces mean nothing, and make a text another one.
    const anew = (text: string, call: number) =>
      `${text}${' '.repeat(1 + (Math.floor(call / lookups.length) % mostSpaces))}`;
    const made = Array.from({ length: calls }, (_, call) => {
      const { question, vector, candidates } = lookups[call % lookups.length] as (typeof lookups)[number];
      const stored = candidates.map(({ entry, similarity }, rank) => ({
        similarity,
        // One question is near to several; each meets a text of its own.
        entry: isStoredNew
          ? { ...entry, question: `${'\t'.repeat(rank)}${anew(entry.question, call)}` }
          : entry,
      }));
      return { asked: { text: anew(question, call), vector }, stored };
    });
    return timeBatches(calls, 1, (call) => {
      const { asked, stored } = made[call] as (typeof made)[number];
      decide(asked, stored, policy as typeof policy & { pairs?: undefined });
    });
  }

  /** Medians of a pair and of one text as long as both, taking turns. */
  async function pairAgainstText(calls: number): Promise<number> {
    const of = (i: number) => pairs[i % pairs.length] as (typeof pairs)[number];
    await pairModel.warm();
    const both = { pair: new Float64Array(calls), text: new Float64Array(calls) };
    for (let i = 0; i < calls; i++) {
      const { a, b } = of(i);
      const pair = await timeAwaited(1, async () => ({
        right: Number.isFinite(await pairModel.score(a, b)),
      }));
      const text = await timeAwaited(1, async () => ({
        right: (await embedder.embed(`${a} ${b}`)).tokens > 0,
      }));
      both.pair[i] = pair.latenciesUs[0] as number;
      both.text[i] = text.latenciesUs[0] as number;
    }
    return percentile(both.pair.sort(), 50) / percentile(both.text.sort(), 50);
  }

  // No time is taken of this, so it belongs to the preparations.
  const { wrongAtRecall, greatestRecall, promises } = await evaluateDecision({ pairs: traps }, none);
  const asked = promises?.find((one) => one.maxErrorRate === maxErrorRate)?.pairModelShare;
  const accepted = wrongAtRecall?.['0.85'];
  return {
    variants: [
      {
        note: 'at most 15 % wrong; four candidates of the trap set, nothing of them or of the question remembered',
      },
    ],
    async run() {
      const calls = job.quick ? 4_000 : 10_000;
      decisions(3_000, true);
      const latencies = decisions(calls, true);
      decisions(3_000, false);
      const again = decisions(calls, false).sort();
      const ratio = await pairAgainstText(job.quick ? 50 : 400);
      return figuresOf(latencies, {
        facts: {
          'stored questions judged before, p50 µs': percentile(again, 50),
          'stored questions judged before, p99 µs': percentile(again, 99),
          'pair model, x of one embedding': ratio,
          'pairs of the trap set asked about, %': 100 * (asked ?? Number.NaN),
          'controls kept at most, %': 100 * (greatestRecall ?? Number.NaN),
          ...(typeof accepted === 'number' ? { 'traps accepted at 85 % kept, %': 100 * accepted } : {}),
        },
      });
    },
    async close() {
      await pairModel.close();
      await embedder.close();
    },
  };
};
