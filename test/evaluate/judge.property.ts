// What an evaluation says of pairs and streams is what the cache's decision would have done.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '#dist/core/clock.js';
import type { PairModel } from '#dist/core/pair-model.js';
import { doubtBand, lookFrom, type Means, policyFor } from '#dist/decide/acceptance.js';
import { decide } from '#dist/decide/decide.js';
import { ruleNames } from '#dist/decide/policy.js';
import { mockEmbedder } from '#dist/embed/mock.js';
import { evaluationOf, waysOf } from '#dist/evaluate/evaluation.js';
import { candidateOf, isWithinReach, type JudgedPair, judgePair, scoreOf } from '#dist/evaluate/judge.js';
import { Stream } from '#dist/evaluate/stream.js';
import { cosine, Texts } from '#dist/evaluate/texts.js';

const test = suite('evaluate: judge');
const embedder = mockEmbedder({ dimension: 64 });
const words = 'how do I reset boil my password egg soft 3 5 not open close Berlin Paris the fast'.split(' ');
const text = fc.array(fc.constantFrom(...words), { minLength: 2, maxLength: 8 }).map((all) => all.join(' '));
// P(same) of its own for each pair of vectors, on both sides of the band of doubt.
const verifier = {
  embedder: embedder.fingerprint,
  fingerprint: 'f'.repeat(64),
  probability: ({ cosine: near }: { cosine: number }) => Math.max(0, Math.min(1, near * near)),
  withLogit: (_: unknown, logit: number) => 1 / (1 + Math.exp(-logit)),
};
const model: PairModel = {
  name: 'lengths',
  fingerprint: 'e'.repeat(64),
  score: async (a, b) => 3 - Math.abs(a.length - b.length),
  close: async () => {},
};
const pairs = {
  model,
  band: [0, 1] as const,
  minSimilarity: lookFrom,
  most: 2,
  timeoutMs: 60_000,
  clock: systemClock,
};
const means: Means = { rules: ruleNames, verifier, pairs };

test('a threshold on the score accepts what the decision accepts at that threshold', async () => {
  await fc.assert(
    fc.asyncProperty(
      text,
      text,
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      async (a, b, threshold) => {
        const texts = new Texts(embedder, 8);
        await texts.embed([a, b]);
        const [x, y] = [texts.get(a), texts.get(b)];
        const near = cosine(x.vector, y.vector);
        const judged = await judgePair({ a, b, same: true }, texts, means, []);
        for (const way of waysOf({ verifier: true, pairs: true, rules: true })) {
          const rules = way.rules ? ruleNames : [];
          const policy =
            way.by === 'cosine'
              ? { rules, minSimilarity: threshold }
              : {
                  rules,
                  verifier,
                  minSimilarity: lookFrom,
                  minProbability: { alone: threshold, paired: threshold },
                  rulesYield: true,
                  pairs: way.by === 'pair model' ? { ...pairs, band: doubtBand(threshold) } : undefined,
                };
          const { accepted } = await decide(
            { text: a, vector: x.vector },
            [candidateOf(b, y.vector, near)],
            policy,
          );
          const score = a === b ? 1 : (scoreOf(judged, way.by) as number);
          const said = isWithinReach(judged, way) && score >= threshold;
          assert.is(said, accepted !== undefined, `${way.by} ${way.rules}: ${a} / ${b} at ${threshold}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a stream hits as a cache would that stores each miss, or each question', async () => {
  const texts = new Texts(embedder, 8);
  const queries = fc.array(fc.record({ query: text, class: fc.constantFrom('x', 'y') }), {
    minLength: 1,
    maxLength: 25,
  });
  await fc.assert(
    fc.asyncProperty(
      queries,
      fc.double({ min: lookFrom, max: 1, noNaN: true }),
      fc.boolean(),
      async (rows, minSimilarity, storesHits) => {
        await texts.embed(rows.map(({ query }) => query));
        const policy = { rules: ruleNames, minSimilarity };
        const stream = new Stream(
          rows.map((row) => ({ ...row, isStored: false })),
          texts,
          4,
          storesHits,
        );
        const stored: { query: string; class: string }[] = [];
        let [hits, right] = [0, 0];
        for (const row of rows) {
          const asked = texts.get(row.query).vector;
          const found = stored
            .map((one) => ({ ...one, near: cosine(asked, texts.get(one.query).vector) }))
            .sort((a, b) => b.near - a.near)
            .slice(0, 4);
          const candidates = found.map((one) =>
            candidateOf(one.query, texts.get(one.query).vector, one.near),
          );
          const { accepted } = decide({ text: row.query, vector: asked }, candidates, policy);
          if (accepted === undefined || storesHits) stored.push(row);
          if (accepted !== undefined) {
            hits++;
            if (found.find((one) => one.query === accepted.entry.question)?.class === row.class) right++;
          }
        }
        const { points } = await stream.curve({ by: 'cosine', rules: true }, means);
        assert.equal(await stream.ask(policy), { hits, right });
        for (const point of points) assert.ok(point.right <= point.hits && point.hits < rows.length);
      },
    ),
    { numRuns: 60 },
  );
});

test('what is stored beforehand is found by its own rewording', async () => {
  const texts = new Texts(embedder, 8);
  const rows = [
    { query: 'how do I boil my egg', class: 'egg', isStored: true },
    { query: 'how do I boil my egg fast', class: 'egg', isStored: false },
    { query: 'how do I reset my password', class: 'password', isStored: true },
    { query: 'reset my password how do I', class: 'egg', isStored: false },
  ];
  await texts.embed(rows.map(({ query }) => query));
  const stream = new Stream(rows, texts, 4, false);
  assert.is(stream.size, 2);
  assert.equal(await stream.ask({ rules: [], minSimilarity: 0.7 }), { hits: 2, right: 1 });
});

test('where a verifier judges, a rule that yields to it refuses nothing, and the band says who is asked about', async () => {
  const texts = new Texts(embedder, 8);
  const rows = [
    { a: 'Where can I eat well in Rome tonight?', b: 'good places for dinner, Paris', same: false },
    { a: 'Where can I eat well in Rome tonight?', b: 'Where can I eat well in Rome?', same: true },
  ];
  await texts.embed(rows.flatMap(({ a, b }) => [a, b]));
  const policy = policyFor({ minSimilarity: 0.9 }, means);
  const promise = { ...policy, minProbability: { alone: 0.5, paired: 0.5 }, maxErrorRate: 0.5 };
  const judged = await Promise.all(rows.map((row) => judgePair(row, texts, means, [policy, policy])));
  assert.equal([judged[0]?.rule, judged[0]?.firmRule], ['names', undefined]);
  assert.is(
    isWithinReach({ ...(judged[0] as JudgedPair), similarity: 0.7 }, { by: 'verifier', rules: true }),
    true,
  );
  assert.is(
    isWithinReach({ ...(judged[0] as JudgedPair), similarity: 0.7 }, { by: 'cosine', rules: true }),
    false,
  );
  const placed = judged.map((pair, i) => ({ ...pair, similarity: 0.7, verifier: i === 0 ? 0.1 : 0.6 }));
  const asking = { ...promise, pairs: { ...pairs, band: [0.5, 0.9] as const } };
  const ways = waysOf({ verifier: true, pairs: true, rules: true });
  assert.is(evaluationOf(placed, ways, [policy, asking]).pairModelShare, 0.5);
  assert.is(evaluationOf(placed, ways, [policy, promise]).pairModelShare, null);
});

test('promises, causes and classes are counted', async () => {
  const texts = new Texts(embedder, 8);
  const rows = [
    { a: 'how do I boil my egg', b: 'how do I boil my egg fast', same: true, class: 'control' },
    { a: 'boil 3 eggs', b: 'boil 5 eggs', same: false, class: 'number' },
  ];
  await texts.embed(rows.flatMap(({ a, b }) => [a, b]));
  const policy = { rules: [], minSimilarity: 0, maxErrorRate: 0.5, promise: 'calibrated' } as const;
  const judged = await Promise.all(rows.map((row) => judgePair(row, texts, { rules: ruleNames }, [policy])));
  assert.is(judged[1]?.rule, 'numbers');
  assert.is(judged[1]?.cause, 'number');
  const made = evaluationOf(judged, waysOf({ verifier: false, pairs: false, rules: true }), [policy, policy]);
  assert.equal([made.by, made.rules, made.pairs, made.same], ['cosine', true, 2, 1]);
  assert.equal([made.auc, made.ways[1]?.auc], [made.ways[0]?.auc, 1]);
  assert.equal(made.recallAtPrecision['0.98'], 1);
  assert.equal([made.policy.accepted, made.policy.wrong, made.policy.errorRate], [2, 1, 0.5]);
  assert.is(made.promises.length, 1);
  assert.equal(made.classes, [
    { class: 'control', pairs: 1, accepted: 1 },
    { class: 'number', pairs: 1, accepted: 0 },
  ]);
});

test.run();
