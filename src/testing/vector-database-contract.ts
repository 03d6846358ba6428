// What every vector database must do, as tests. Tests may import it; the subpath ./testing exports it.
import type { MaybePromise } from '../core/tier.js';
import type { StoredDocument, VectorDatabase } from '../vectordb/database.js';
import { type Filter, parseFilter, passes } from '../vectordb/filter.js';
import { cosine, randomUnitVector, seededRandom } from './random.js';
import type { Assertions, TestRunner } from './runner.js';

/** A database under test. */
export interface DatabaseSubject {
  readonly database: VectorDatabase;
  /** Closes it and opens it again on the same storage; absent where the database keeps nothing. */
  readonly reopen?: (() => Promise<VectorDatabase>) | undefined;
  /** Releases what it stands on; called after its `close`. */
  readonly release?: (() => Promise<void>) | undefined;
}

/** Makes an empty database, anew for each test. */
export type MakeDatabase = (ground: { readonly dimension: number }) => MaybePromise<DatabaseSubject>;

const dimension = 24;
const tolerance = 1e-5;
const scopes = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];

interface Context {
  database: VectorDatabase;
  readonly reopen: (() => Promise<VectorDatabase>) | undefined;
  readonly random: () => number;
  document(id: string, scope: string, changes?: Partial<StoredDocument>): StoredDocument;
}

/**
 * Registers the tests that every vector database must pass, each against brute force. `makeDatabase` is called once a test.
 * @example vectorDatabaseContract(test, async ({ dimension }) => ({ database: await mine(dimension) }), assert);
 */
export function vectorDatabaseContract(
  test: TestRunner,
  makeDatabase: MakeDatabase,
  assert: Assertions,
): void {
  const check = (name: string, body: (context: Context) => Promise<void>) =>
    test(name, async () => {
      const subject = await makeDatabase({ dimension });
      const random = seededRandom(11);
      const context: Context = {
        database: subject.database,
        reopen: subject.reopen,
        random,
        document: (id, scope, changes) => ({
          id,
          scope,
          text: `text of ${id}`,
          vector: randomUnitVector(dimension, random),
          metadata: { number: id.length, kind: id.length % 2 === 0 ? 'even' : 'odd', none: null, yes: true },
          ...changes,
        }),
      };
      try {
        await body(context);
      } finally {
        await context.database.close();
        await subject.release?.();
      }
    });
  const [a, b] = scopes;

  const searches = async (context: Context, documents: readonly StoredDocument[], filter?: Filter) => {
    for (const scope of scopes) {
      for (const topK of [1, 3, 50, 10_000]) {
        const wanted = randomUnitVector(dimension, context.random);
        const expected = documents
          .filter((document) => document.scope === scope && passes(parseFilter(filter), document.metadata))
          .map(({ id, vector }) => ({ id, similarity: cosine(wanted, vector) }))
          .sort((x, y) => y.similarity - x.similarity)
          .slice(0, topK);
        const found = await context.database.search(wanted, { scope, topK, filter });
        const ids = found.map(({ document }) => document.id);
        assert.equal(
          ids,
          expected.map(({ id }) => id),
          `topK = ${topK}`,
        );
        for (const [i, { similarity }] of found.entries()) {
          assert.ok(Math.abs(similarity - (expected[i]?.similarity as number)) < tolerance, 'similarity');
        }
      }
    }
  };

  check('a document comes back whole, by id and by nearness', async ({ database, document }) => {
    const stored = document('é 1:0000', a, { data: new Uint8Array([0, 255, 7]), text: 'Zürich 東京' });
    const bare = document('bare', a, { metadata: {} });
    await database.upsert([stored, bare]);
    assert.equal(await plain(database.get(a, [stored.id, 'absent', 'bare'])), [
      bytesOf(stored),
      undefined,
      bytesOf(bare),
    ]);
    const [first] = await database.search(stored.vector, { scope: a, topK: 1 });
    assert.equal(first && bytesOf(first.document), bytesOf(stored));
    assert.ok(Math.abs((first?.similarity ?? 0) - 1) < tolerance, 'a document is nearest to itself');
  });

  check('search finds what brute force finds', async (context) => {
    const documents = [
      ...Array.from({ length: 150 }, (_, i) => context.document(`d${i}`, a)),
      ...Array.from({ length: 70 }, (_, i) => context.document(`d${i}`, b)),
    ];
    await context.database.upsert(documents);
    await searches(context, documents);
  });

  check('a filter is exact: enough documents pass or all were seen', async (context) => {
    const documents = Array.from({ length: 200 }, (_, i) =>
      context.document(`d${i}`, i % 3 === 0 ? b : a, {
        metadata: { part: i % 40, kind: i % 2 === 0 ? 'even' : 'odd', low: i < 5 },
      }),
    );
    await context.database.upsert(documents);
    await searches(context, documents, { kind: 'even' });
    await searches(context, documents, { part: 7 });
    await searches(context, documents, { part: [1, 2, 3], kind: 'odd' });
    await searches(context, documents, { low: true });
    await searches(context, documents, { absent: 'x' });
    await searches(context, documents, { toString: 'x' });
    await searches(context, documents, {});
  });

  check('an upsert replaces by scope and id, and twice is once', async (context) => {
    const { database, document } = context;
    const old = document('x', a, { text: 'old' });
    const inB = document('x', b);
    await database.upsert([old, inB]);
    const renewed = document('x', a, { text: 'new', metadata: {} });
    await database.upsert([renewed]);
    await database.upsert([renewed]);
    assert.equal(await database.count(), 2);
    assert.equal(await database.count(a), 1);
    assert.equal((await database.get(a, ['x']))[0]?.text, 'new');
    await searches(context, [renewed, inB]);
    const [first] = await database.search(old.vector, { scope: a, topK: 1 });
    assert.ok((first?.similarity ?? 1) < 0.99, 'the old vector is gone');
  });

  check('the last of equal ids in one call stands', async (context) => {
    const first = context.document('x', a, { text: 'first' });
    const last = context.document('x', a, { text: 'last' });
    await context.database.upsert([first, last]);
    assert.equal((await context.database.get(a, ['x']))[0]?.text, 'last');
    await searches(context, [last]);
  });

  check('delete removes what is named and says how many there were', async (context) => {
    const { database, document } = context;
    const documents = ['x', 'y', 'z'].map((id) => document(id, a));
    const inB = document('x', b);
    await database.upsert([...documents, inB]);
    assert.equal(await database.delete(a, ['x', 'y', 'absent']), 2);
    assert.equal(await database.delete(a, ['x']), 0);
    assert.equal(await database.delete(a, []), 0);
    await searches(context, [documents[2] as StoredDocument, inB]);
  });

  check('a delete that follows an upsert not yet awaited wins', async ({ database, document }) => {
    const stored = document('x', a);
    await Promise.all([database.upsert([stored]), database.delete(a, ['x'])]);
    assert.equal(await plain(database.get(a, ['x'])), [undefined]);
    assert.equal(await database.search(stored.vector, { scope: a, topK: 1 }), []);
  });

  check('clear removes a scope, or everything', async (context) => {
    const { database, document } = context;
    const inB = document('x', b);
    await database.upsert([document('x', a), document('y', a), inB]);
    await database.clear(a);
    assert.equal(await database.count(a), 0);
    await searches(context, [inB]);
    await database.clear();
    assert.equal(await database.count(), 0);
    await searches(context, []);
  });

  check(
    'the version of a scope changes with each write to it and with no other',
    async ({ database, document }) => {
      const seen = new Set([await database.version(a)]);
      const changed = async (what: string, write: () => Promise<unknown>, expected = true) => {
        await write();
        const version = await database.version(a);
        assert.equal(!seen.has(version), expected, what);
        seen.add(version);
      };
      await changed('insert', () => database.upsert([document('x', a)]));
      await changed('replace', () => database.upsert([document('x', a)]));
      await changed('another scope', () => database.upsert([document('x', b)]), false);
      await changed('delete', () => database.delete(a, ['x']));
      await changed('another insert', () => database.upsert([document('y', a)]));
      await changed('clear of another scope', () => database.clear(b), false);
      await changed('clear', () => database.clear(a));
      await changed('a third insert', () => database.upsert([document('y', a)]));
      await changed('clear of all', () => database.clear());
    },
  );

  check('a vector of another length is refused and nothing is written', async ({ database, document }) => {
    const version = await database.version(a);
    const wrong = document('wrong', a, { vector: new Float32Array(dimension - 1).fill(1) });
    let code: unknown;
    await database.upsert([document('fine', a), wrong]).catch((error) => {
      code = error.code;
    });
    assert.ok(code === 'ERR_LLM_CACHE_ARGUMENT' || code === 'ERR_LLM_CACHE_DIMENSION', `code ${code}`);
    assert.equal(await database.count(), 0);
    assert.equal(await database.version(a), version);
  });

  check(
    'vectors that are no directions are refused and nothing is written',
    async ({ database, document }) => {
      for (const bad of [0, Number.NaN, Number.POSITIVE_INFINITY, 1e38]) {
        let code: unknown;
        await database
          .upsert([document('bad', a, { vector: new Float32Array(dimension).fill(bad) })])
          .catch((error) => {
            code = error.code;
          });
        assert.equal(code, 'ERR_LLM_CACHE_ARGUMENT', `filled with ${bad}`);
      }
      assert.equal(await database.count(), 0);
    },
  );

  check('an aborted search rejects with the reason', async ({ database, document }) => {
    const { vector } = document('x', a);
    let reason: unknown;
    try {
      await database.search(vector, { scope: a, topK: 1, signal: AbortSignal.abort('enough') });
    } catch (error) {
      reason = error;
    }
    assert.equal(reason, 'enough');
  });

  check('random changes leave what a map would hold, also after reopening', async (context) => {
    const { random, document } = context;
    const held = new Map<string, StoredDocument>();
    for (let step = 0; step < 120; step++) {
      const scope = scopes[random() < 0.5 ? 0 : 1] as string;
      const id = `d${Math.floor(random() * 12)}`;
      if (random() < 0.65) {
        const stored = document(id, scope);
        await context.database.upsert([stored]);
        held.set(scope + id, stored);
      } else {
        assert.equal(await context.database.delete(scope, [id]), held.delete(scope + id) ? 1 : 0);
      }
      if (step % 30 === 29) {
        if (context.reopen) context.database = await context.reopen();
        await searches(context, [...held.values()]);
        assert.equal(await context.database.count(), held.size);
      }
    }
  });

  check('bytes are told and flush resolves', async ({ database, document }) => {
    await database.upsert(Array.from({ length: 50 }, (_, i) => document(`d${i}`, a)));
    await database.flush();
    assert.ok((await database.bytes()) >= 50 * dimension * 4, 'bytes cover the vectors');
  });
}

// Bytes compare by content here: a database may hand out any view of them.
function bytesOf(document: StoredDocument): object {
  return { ...document, vector: [...document.vector], data: document.data && [...document.data] };
}

async function plain(documents: MaybePromise<readonly (StoredDocument | undefined)[]>): Promise<unknown[]> {
  return (await documents).map((document) => document && bytesOf(document));
}
