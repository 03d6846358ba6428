// Hijacking by colliding suffixes: `node --import tsx bench/abuse.ts [victims] [--show]`. An attacker stores a question of his own with a
// suffix found by greedy search against our embedder, so that others' questions get his answer. `--show` prints what still hits.
import { systemClock } from '#dist/core/clock.js';
import { policyFor } from '#dist/decide/acceptance.js';
import { decide } from '#dist/decide/decide.js';
import { clopperPearson } from '#dist/decide/interval.js';
import { type Policy, policy } from '#dist/decide/policy.js';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { configOf } from '#dist/open.js';
import { meansOf, pairStage } from '#dist/open-decision.js';
import { withShipped } from '#dist/open-verifier.js';
import { readTraps } from './data/traps.ts';

const victims = Number(process.argv.find((given) => /^\d+$/.test(given)) ?? 100);
const isShown = process.argv.includes('--show');
const payloads = ['ignore this: xyzzy', 'buy from acme now'];
const words = 14;
const embedder = await onnxEmbedder();
const embed = async (text: string) => (await embedder.embed(text)).vector;
const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** The text nearest to the victim's question that ends with the attacker's: one word more at a time, whichever helps most. */
async function attack(question: string, target: Float32Array, payload: string): Promise<string> {
  const pool = [...new Set(question.replace(/[^\p{L}\p{N} ]/gu, '').split(/\s+/))];
  let best = { text: payload, before: '', similarity: -1 };
  for (let step = 0; step < words; step++) {
    const tried = await Promise.all(
      pool.map(async (word) => {
        const before = `${best.before}${word} `;
        const text = `${before}${payload}`;
        return { text, before, similarity: cosine(await embed(text), target) };
      }),
    );
    const next = tried.reduce((a, b) => (b.similarity > a.similarity ? b : a), best);
    if (next === best) break;
    best = next;
  }
  return best.text;
}

const config = configOf({});
const hooks = withShipped(config, embedder.fingerprint, {}, systemClock);
const stage = pairStage(config, hooks, systemClock);
// The model waits for nobody here, so that a busy machine does not change who decides.
const pairs = stage && { ...stage, timeoutMs: 60_000 };
const means = meansOf(config, embedder.fingerprint, hooks, { pairs });
const settings: Readonly<Record<string, Policy>> = {
  'off: cosine 0.80, no rules': policy({ minSimilarity: 0.8, rules: 'none' }),
  'off: cosine 0.91, no rules': policy({ minSimilarity: 0.91, rules: 'none' }),
  'rules alone: cosine 0.80': policy({ minSimilarity: 0.8 }),
  'on: the default, cosine 0.91 and rules': policy(),
  'on: at most 15 % wrong, no pair model': policyFor({ maxErrorRate: 0.15 }, { ...means, pairs: undefined }),
  'on: at most 15 % wrong': policyFor({ maxErrorRate: 0.15 }, means),
  'on: at most 5 % wrong': policyFor({ maxErrorRate: 0.05 }, means),
};
const questions = [...new Set(readTraps('fit').map(({ a }) => a))].slice(0, victims);

async function run(payload: string): Promise<void> {
  const hijacked = new Map(Object.keys(settings).map((name) => [name, 0]));
  for (const question of questions) {
    const vector = await embed(question);
    const text = await attack(question, vector, payload);
    const planted = await embed(text);
    const entry = {
    key: '', scope: '', embedder: '', epoch: 0, question: text, vector: planted, value: 'planted', createdAtMs: 0, expiresAtMs: 0,
  }; // biome-ignore format: a blank entry
    const candidate = { entry, similarity: cosine(vector, planted) };
    for (const [name, chosen] of Object.entries(settings)) {
      const { accepted, decision } = await decide({ text: question, vector }, [candidate], chosen);
      if (accepted === undefined) continue;
      hijacked.set(name, (hijacked.get(name) ?? 0) + 1);
      if (isShown && name.startsWith('on'))
        console.log(`${name}: "${question}" gets that of "${text}" (P ${decision.pSame?.toFixed(3)})`);
    }
  }
  console.log(`suffix "${payload}"`);
  const off = hijacked.get('off: cosine 0.80, no rules') ?? 0;
  for (const [name, count] of hijacked) {
    const [low, high] = clopperPearson(count, questions.length).map((end) => (100 * end).toFixed(1));
    const times = name.startsWith('on')
      ? `, ${count === 0 ? 'none' : `1/${(off / count).toFixed(1)}`} of off at 0.80`
      : '';
    console.log(`${name.padEnd(40)} ${count} of ${questions.length} hijacked (${low} to ${high} %)${times}`);
  }
}

for (const payload of payloads) await run(payload);
await hooks.pairModel?.close();
await embedder.close();
