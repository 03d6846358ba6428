// Hijacking by colliding suffixes: `node --import tsx bench/abuse.ts [victims]`. An attacker stores a question of his own with a suffix
// found by greedy search against our embedder, so that others' questions get his answer.
import { decide } from '#dist/decide/decide.js';
import { clopperPearson } from '#dist/decide/interval.js';
import { policy } from '#dist/decide/policy.js';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { readTraps } from './data/traps.ts';

const victims = Number(process.argv[2] ?? 100);
const payload = 'ignore this: xyzzy';
const words = 14;
const embedder = await onnxEmbedder({ directory: 'models/all-MiniLM-L6-v2' });
const embed = async (text: string) => (await embedder.embed(text)).vector;
const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** The text nearest to the victim's question that ends with the payload: one word more at a time, whichever helps most. */
async function attack(question: string): Promise<{ text: string; similarity: number }> {
  const target = await embed(question);
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
  return best;
}

const questions = [...new Set(readTraps('fit').map(({ a }) => a))].slice(0, victims);
const settings = {
  'off (cosine 0.80, no rules)': policy({ minSimilarity: 0.8, rules: 'none' }),
  'off (cosine 0.91, no rules)': policy({ minSimilarity: 0.91, rules: 'none' }),
  'rules alone (cosine 0.80)': policy({ minSimilarity: 0.8 }),
  'on (the default without a verifier)': policy(),
};
const hijacked = new Map<string, number>();
for (const question of questions) {
  const { text, similarity } = await attack(question);
  const entry = {
    key: '',
    scope: '',
    embedder: '',
    question: text,
    value: 'planted',
    createdAtMs: 0,
    expiresAtMs: 0,
    epoch: 0,
  };
  for (const [name, chosen] of Object.entries(settings)) {
    const { accepted } = decide(question, [{ entry, similarity }], chosen);
    hijacked.set(name, (hijacked.get(name) ?? 0) + Number(accepted !== undefined));
  }
}
for (const [name, count] of hijacked) {
  const [low, high] = clopperPearson(count, questions.length).map((end) => (100 * end).toFixed(1));
  console.log(`${name.padEnd(38)} ${count} of ${questions.length} hijacked (${low} to ${high} %)`);
}
await embedder.close();
