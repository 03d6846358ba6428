// The part of the vector-database contract that is about nearness; for testing/ alone.
import type { SearchOptions } from '../vectordb/database.js';
import type { Filter } from '../vectordb/filter.js';
import { searchEach } from '../vectordb/search-each.js';
import { cosine, randomUnitVector } from './random.js';
import { type Check, codeOf, dimension, scopes, searchAll, tolerance } from './vector-database-context.js';

const [a, b] = scopes;

/** Registers the tests of search. */
export function searchContract(check: Check): void {
  check('search finds what brute force finds', async (context) => {
    const documents = [
      ...Array.from({ length: 150 }, (_, i) => context.document(`d${i}`, a)),
      ...Array.from({ length: 70 }, (_, i) => context.document(`d${i}`, b)),
    ];
    await context.database.upsert(documents);
    await searchAll(context, documents);
  });

  check('of the ten nearest, all are found, or nine of ten where search is approximate', async (context) => {
    const { database, document, random, assert, exact } = context;
    const documents = Array.from({ length: 300 }, (_, i) => document(`d${i}`, a));
    for (let at = 0; at < 300; at += 60) await database.upsert(documents.slice(at, at + 60));
    let hits = 0;
    for (let query = 0; query < 30; query++) {
      const wanted = randomUnitVector(dimension, random);
      const similarities = documents.map(({ vector }) => cosine(wanted, vector)).sort((x, y) => y - x);
      const tenth = (similarities[9] as number) - tolerance;
      const found = await database.search(wanted, { scope: a, topK: 10 });
      hits += found.filter(({ similarity }) => similarity >= tenth).length;
    }
    assert.ok(hits >= (exact ? 300 : 270), `recall ${hits / 300}`);
  });

  check('documents of equal vectors are all found', async ({ database, document, assert }) => {
    const { vector } = document('x', a);
    await database.upsert(['x', 'y', 'z'].map((id) => document(id, a, { vector })));
    const found = await database.search(vector, { scope: a, topK: 3 });
    assert.equal(found.map((each) => each.document.id).sort(), ['x', 'y', 'z']);
    for (const { similarity } of found) {
      assert.ok(similarity <= 1 && similarity > 1 - tolerance, `similarity ${similarity}`);
    }
  });

  check('the opposite of a document has similarity -1', async ({ database, document, assert }) => {
    const stored = document('x', a);
    await database.upsert([stored]);
    const opposite = stored.vector.map((each) => -each);
    const [found] = await database.search(opposite, { scope: a, topK: 1 });
    const similarity = found?.similarity ?? 0;
    assert.ok(similarity >= -1 && similarity < -1 + tolerance, `similarity ${similarity}`);
  });

  check('several vectors at once find what each of them finds', async (context) => {
    const { database, document, random, assert } = context;
    const documents = Array.from({ length: 200 }, (_, i) =>
      document(`d${i}`, scopes[i % 2] as string, { metadata: { third: i % 3 } }),
    );
    await database.upsert(documents);
    const wanted = Array.from({ length: 9 }, () => randomUnitVector(dimension, random));
    for (const filter of [undefined, { third: 1 }]) {
      for (const topK of [1, 7, 500]) {
        const options = { scope: a, topK, filter };
        const together = await searchEach(database, wanted, options);
        assert.equal(together.length, wanted.length);
        for (const [at, vector] of wanted.entries()) {
          assert.equal(together[at], await database.search(vector, options), `topK ${topK}, vector ${at}`);
        }
      }
    }
    assert.equal(await searchEach(database, [], { scope: a, topK: 3 }), []);
    assert.equal(await searchEach(database, wanted.slice(0, 2), { scope: 'e'.repeat(64), topK: 3 }), [
      [],
      [],
    ]);
    const spoilt = [...wanted, new Float32Array(dimension).fill(Number.NaN)];
    assert.equal(
      await codeOf(() => searchEach(database, spoilt, { scope: a, topK: 3 })),
      'ERR_LLM_CACHE_ARGUMENT',
    );
    assert.equal(
      await codeOf(() => searchEach(database, wanted, { scope: a, topK: 0 })),
      'ERR_LLM_CACHE_ARGUMENT',
    );
    const unknown = { $nor: [] } as unknown as Filter;
    assert.equal(
      await codeOf(() => searchEach(database, wanted, { scope: 'e'.repeat(64), topK: 3, filter: unknown })),
      'ERR_LLM_CACHE_ARGUMENT',
    );
    const signal = AbortSignal.abort('enough');
    assert.equal(await codeOf(() => searchEach(database, wanted, { scope: a, topK: 3, signal })), 'enough');
  });

  check('several vectors beside writes find whole documents of their scope only', async (context) => {
    const { database, document, random, assert } = context;
    const text = (id: string, scope: string) => `${id} in ${scope}`;
    for (let round = 0; round < 12; round++) {
      const scope = scopes[round % 2] as string;
      const other = scopes[(round + 1) % 2] as string;
      const wanted = Array.from({ length: 5 }, () => randomUnitVector(dimension, random));
      const pending = searchEach(database, wanted, { scope, topK: 8 });
      // What is removed makes room for documents of the other scope.
      await database.delete(scope, [`d${round}`, `d${round + 1}`]);
      const ids = [`d${round}`, `e${round}`, `f${round}`];
      await database.upsert(
        scopes.flatMap((each) => ids.map((id) => document(id, each, { text: text(id, each) }))),
      );
      await database.delete(other, [`e${round}`]);
      for (const [at, found] of (await pending).entries()) {
        for (const { document: each, similarity } of found) {
          assert.equal([each.scope, each.text], [scope, text(each.id, scope)]);
          const own = cosine(wanted[at] as Float32Array, each.vector);
          assert.ok(Math.abs(similarity - own) < tolerance, `similarity ${similarity}, not ${own}`);
        }
      }
    }
  });

  check('in an empty database and a scope that never was, nothing is found', async (context) => {
    const { database, document, assert } = context;
    const nothing = async (scope: string) => {
      const { vector } = document('x', scope);
      assert.equal(await database.search(vector, { scope, topK: 3 }), []);
      assert.equal(await database.search(vector, { scope, topK: 3, filter: { x: 1 } }), []);
      assert.equal(await database.get(scope, ['x']), [undefined]);
      assert.equal(await database.count(scope), 0);
      assert.equal(await database.count(scope, { x: 1 }), 0);
      assert.equal(await database.delete(scope, { x: 1 }), 0);
      assert.ok(typeof (await database.version(scope)) === 'string', 'a version');
      await database.clear(scope);
    };
    await nothing(a);
    await database.upsert([document('x', a)]);
    await nothing('e'.repeat(64));
    assert.equal(await database.count(), 1);
  });

  check('a search that cannot be is refused', async ({ database, document, assert }) => {
    const { vector } = document('x', a);
    await database.upsert([document('x', a)]);
    const codes = async (wanted: unknown, options: object) =>
      codeOf(() =>
        database.search(wanted as Float32Array, { scope: a, topK: 1, ...options } as SearchOptions),
      );
    const bad: readonly unknown[] = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', null, undefined];
    for (const topK of bad)
      assert.equal(await codes(vector, { topK }), 'ERR_LLM_CACHE_ARGUMENT', `topK ${topK}`);
    for (const scope of ['', 'a', undefined, 'A'.repeat(64)])
      assert.equal(await codes(vector, { scope }), 'ERR_LLM_CACHE_ARGUMENT', `scope ${scope}`);
    for (const filter of [null, [], 'x', { $nor: [] }, { x: { $near: 1 } }, { x: { $gt: 'a' } }])
      assert.equal(await codes(vector, { filter }), 'ERR_LLM_CACHE_ARGUMENT', JSON.stringify(filter));
    for (const length of [0, dimension - 1, dimension + 1]) {
      const code = await codes(new Float32Array(length).fill(1 / Math.sqrt(length || 1)), {});
      assert.ok(
        code === 'ERR_LLM_CACHE_ARGUMENT' || code === 'ERR_LLM_CACHE_DIMENSION',
        `${length}: ${code}`,
      );
    }
    for (const value of [0, Number.NaN, Number.POSITIVE_INFINITY])
      assert.equal(
        await codes(new Float32Array(dimension).fill(value), {}),
        'ERR_LLM_CACHE_ARGUMENT',
        `${value}`,
      );
    for (const wanted of [[...vector], undefined, 'x'])
      assert.equal(await codes(wanted, {}), 'ERR_LLM_CACHE_ARGUMENT', String(wanted));
  });

  check('an aborted search rejects with the reason', async ({ database, document, assert }) => {
    const { vector } = document('x', a);
    await database.upsert([document('x', a)]);
    for (const filter of [undefined, { yes: true }]) {
      let reason: unknown;
      try {
        await database.search(vector, { scope: a, topK: 1, filter, signal: AbortSignal.abort('enough') });
      } catch (error) {
        reason = error;
      }
      assert.equal(reason, 'enough');
    }
  });

  check('searches beside writes find whole documents of their scope only', async (context) => {
    const { database, document, random, assert } = context;
    const text = (id: string, scope: string) => `${id} in ${scope}`;
    const writes: Promise<unknown>[] = [];
    for (let i = 0; i < 60; i++) {
      const scope = scopes[i % 2] as string;
      const id = `d${i % 20}`;
      writes.push(
        i % 5 === 4
          ? database.delete(scope, [id])
          : database.upsert([document(id, scope, { text: text(id, scope) })]),
      );
      const found = await database.search(randomUnitVector(dimension, random), { scope, topK: 5 });
      for (const { document: each } of found) {
        assert.equal([each.scope, each.text], [scope, text(each.id, scope)]);
      }
    }
    await Promise.all(writes);
  });
}
