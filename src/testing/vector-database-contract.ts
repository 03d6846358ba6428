// What every vector database must do, as tests: the entry and what is written. Tests may import it; the subpath ./testing exports it.
import type { MaybePromise } from '../core/tier.js';
import type { StoredDocument, VectorDatabase } from '../vectordb/database.js';
import { randomUnitVector, seededRandom } from './random.js';
import type { Assertions, TestRunner } from './runner.js';
import {
  type Check,
  type Context,
  codeOf,
  dimension,
  plain,
  scopes,
  searchAll,
} from './vector-database-context.js';
import { filterContract } from './vector-database-filters.js';
import { searchContract } from './vector-database-search.js';

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

/** What a database promises. */
export interface DatabaseContractOptions {
  /** Default true: search is brute force's equal. False, for approximate indexes: 9 of the 10 nearest documents on average. */
  readonly exact?: boolean | undefined;
}

/**
 * Registers the tests that every vector database must pass, each against brute force. `makeDatabase` is called once a test; vectors
 * have 24 components and come in one or two scopes of up to 300 documents.
 * @example vectorDatabaseContract(test, async ({ dimension }) => ({ database: await mine(dimension) }), assert, { exact: true });
 */
export function vectorDatabaseContract(
  test: TestRunner,
  makeDatabase: MakeDatabase,
  assert: Assertions,
  { exact = true }: DatabaseContractOptions = {},
): void {
  const check: Check = (name, body) =>
    test(name, async () => {
      const subject = await makeDatabase({ dimension });
      const random = seededRandom(11);
      const context: Context = {
        database: subject.database,
        reopen: subject.reopen,
        random,
        assert,
        exact,
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
  writeContract(check);
  refusalContract(check);
  searchContract(check);
  filterContract(check);
}

const [a, b] = scopes;

function writeContract(check: Check): void {
  check('a document comes back whole, by id and by nearness', async ({ database, document, assert }) => {
    const stored = document('é 1:0000', a, { data: new Uint8Array([0, 255, 7]), text: 'Zürich 東京' });
    const bare = document('bare', a, { metadata: {}, text: '' });
    await database.upsert([stored, bare]);
    assert.equal(plain(await database.get(a, [stored.id, 'absent', 'bare', stored.id])), [
      ...plain([stored, undefined, bare, stored]),
    ]);
    assert.equal(await database.get(a, []), []);
    const [first] = await database.search(stored.vector, { scope: a, topK: 1 });
    assert.equal(plain([first?.document]), plain([stored]));
    assert.ok(Math.abs((first?.similarity ?? 0) - 1) < 1e-5, 'a document is nearest to itself');
  });

  check('vectors come alone, in the order of the ids', async ({ database, document, assert }) => {
    const [x, y] = [document('x', a), document('y', a)];
    await database.upsert([x, y, document('x', b)]);
    const vectors = await database.vectors(a, ['y', 'absent', 'x', 'y']);
    assert.equal(
      vectors.map((vector) => vector && [...vector]),
      [[...y.vector], undefined, [...x.vector], [...y.vector]],
    );
    assert.equal(await database.vectors(a, []), []);
    assert.equal(await database.vectors('e'.repeat(64), ['x']), [undefined]);
  });

  check('ids of up to 512 bytes, in any script, are told apart', async (context) => {
    const { database, document, assert } = context;
    const ids = [
      'é'.repeat(256),
      `${'é'.repeat(255)}é`,
      '東'.repeat(170),
      `${'x'.repeat(511)}y`,
      'É',
      'é',
      ' ',
    ];
    ids.push('../a', 'a/b?c#d', '0', '\u0000', 'constructor', '__proto__');
    const documents = ids.map((id) => document(id, a));
    await database.upsert(documents);
    const held = new Map(documents.map((each) => [each.id, each]));
    assert.equal(await database.count(a), held.size);
    assert.equal(plain(await database.get(a, ids)), plain(ids.map((id) => held.get(id))));
    await searchAll(context, [...held.values()]);
    assert.equal(await database.delete(a, ids), held.size);
    assert.equal(await database.count(), 0);
  });

  check('an upsert replaces by scope and id, and twice is once', async (context) => {
    const { database, document, assert } = context;
    const old = document('x', a, { text: 'old' });
    const inB = document('x', b);
    await database.upsert([old, inB]);
    const renewed = document('x', a, { text: 'new', metadata: {} });
    await database.upsert([renewed]);
    await database.upsert([renewed]);
    assert.equal(await database.count(), 2);
    assert.equal(await database.count(a), 1);
    assert.equal((await database.get(a, ['x']))[0]?.text, 'new');
    await searchAll(context, [renewed, inB]);
    const [first] = await database.search(old.vector, { scope: a, topK: 1 });
    assert.ok((first?.similarity ?? 1) < 0.99, 'the old vector is gone');
  });

  check('the last of equal ids in one call stands; no documents are no change', async (context) => {
    const { database, document, assert } = context;
    const first = document('x', a, { text: 'first' });
    const last = document('x', a, { text: 'last' });
    await database.upsert([first, last]);
    const version = await database.version(a);
    await database.upsert([]);
    assert.equal(await database.version(a), version);
    assert.equal((await database.get(a, ['x']))[0]?.text, 'last');
    assert.equal(await database.count(), 1);
    await searchAll(context, [last]);
  });

  check('what is written is what was given, whatever becomes of it afterwards', async (context) => {
    const { database, document, assert } = context;
    const given = document('x', a, { data: new Uint8Array([1, 2]) });
    const kept = { ...given, vector: given.vector.slice(), data: new Uint8Array([1, 2]) };
    const writing = database.upsert([given]);
    given.vector.fill(0.5);
    given.data?.fill(9);
    await writing;
    assert.equal(plain(await database.get(a, ['x'])), plain([kept]));
    await searchAll(context, [kept]);
  });

  check('delete removes what is named and says how many there were', async (context) => {
    const { database, document, assert } = context;
    const documents = ['x', 'y', 'z'].map((id) => document(id, a));
    const inB = document('x', b);
    await database.upsert([...documents, inB]);
    assert.equal(await database.delete(a, ['x', 'y', 'absent', 'x']), 2);
    assert.equal(await database.delete(a, ['x']), 0);
    assert.equal(await database.delete(a, []), 0);
    assert.equal(await database.delete('e'.repeat(64), ['z']), 0);
    await searchAll(context, [documents[2] as StoredDocument, inB]);
  });

  check('a delete that follows an upsert not yet awaited wins', async ({ database, document, assert }) => {
    const stored = document('x', a);
    await Promise.all([database.upsert([stored]), database.delete(a, ['x'])]);
    assert.equal(await database.get(a, ['x']), [undefined]);
    assert.equal(await database.search(stored.vector, { scope: a, topK: 1 }), []);
  });

  check('clear removes a scope, or everything', async (context) => {
    const { database, document, assert } = context;
    const inB = document('x', b);
    await database.upsert([document('x', a), document('y', a), inB]);
    await database.clear(a);
    assert.equal(await database.count(a), 0);
    await searchAll(context, [inB]);
    await database.clear();
    assert.equal(await database.count(), 0);
    await searchAll(context, []);
    await database.upsert([inB]);
    await searchAll(context, [inB]);
  });

  check('the version of a scope changes with each write to it and with no other', async (context) => {
    const { database, document, assert } = context;
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
    await changed('delete of nothing', () => database.delete(a, ['x']), false);
    await changed('another insert', () => database.upsert([document('y', a)]));
    await changed('delete by filter', () => database.delete(a, { yes: true }));
    await changed('a third insert', () => database.upsert([document('y', a)]));
    await changed('clear of another scope', () => database.clear(b), false);
    await changed('clear', () => database.clear(a));
    await changed('a fourth insert', () => database.upsert([document('y', a)]));
    await changed('clear of all', () => database.clear());
    await changed('an insert after all', () => database.upsert([document('y', a)]));
  });

  check('random changes leave what a map would hold, also after reopening', async (context) => {
    const { random, document, assert } = context;
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
        await context.database.flush();
        const version = await context.database.version(a);
        if (context.reopen) context.database = await context.reopen();
        assert.equal(await context.database.version(a), version, 'the version outlives a restart');
        await searchAll(context, [...held.values()]);
        assert.equal(await context.database.count(), held.size);
      }
    }
  });

  check('bytes are told and flush resolves', async ({ database, document, assert }) => {
    await database.upsert(Array.from({ length: 50 }, (_, i) => document(`d${i}`, a)));
    await database.flush();
    assert.ok((await database.bytes()) >= 50 * dimension * 4, 'bytes cover the vectors');
  });
}

function refusalContract(check: Check): void {
  check(
    'a document that cannot be stored is refused, and nothing of its call is written',
    async (context) => {
      const { database, document, assert } = context;
      const version = await database.version(a);
      const filled = (value: number, length = dimension) => new Float32Array(length).fill(value);
      const bad: Record<string, object> = {
        'vector of zeros': { vector: filled(0) },
        'vector with NaN': { vector: filled(Number.NaN) },
        'infinite vector': { vector: filled(Number.POSITIVE_INFINITY) },
        'vector of another length': { vector: filled(1) },
        'vector too short': { vector: filled(1 / Math.sqrt(dimension - 1), dimension - 1) },
        'vector too long': { vector: filled(1 / Math.sqrt(dimension + 1), dimension + 1) },
        'no vector': { vector: undefined },
        'list of numbers': { vector: [...filled(1 / Math.sqrt(dimension))] },
        'NaN in metadata': { metadata: { x: Number.NaN } },
        'infinity in metadata': { metadata: { x: Number.NEGATIVE_INFINITY } },
        'a list in metadata': { metadata: { x: ['y'] } },
        'an object in metadata': { metadata: { x: {} } },
        'undefined in metadata': { metadata: { x: undefined } },
        'a bigint in metadata': { metadata: { x: 1n } },
        'a field with $': { metadata: { $in: 1 } },
        'a field without name': { metadata: { '': 1 } },
        'half a character in metadata': { metadata: { x: '\ud800' } },
        'metadata that are a list': { metadata: [] },
        'no metadata': { metadata: null },
        'no text': { text: undefined },
        'no id': { id: '' },
        'an id that is a number': { id: 7 },
        'an id of 513 bytes': { id: 'x'.repeat(513) },
        'an id of 514 bytes in 257 characters': { id: 'é'.repeat(257) },
        'half a character as id': { id: '\ud800' },
        'a short scope': { scope: 'a' },
        'a scope that is no hexadecimal': { scope: 'g'.repeat(64) },
        'a scope too long': { scope: 'a'.repeat(65) },
        'data that are text': { data: 'x' },
      };
      for (const [what, changes] of Object.entries(bad)) {
        const code = await codeOf(() =>
          database.upsert([document('fine', a), document('bad', a, changes as Partial<StoredDocument>)]),
        );
        const refused = code === 'ERR_LLM_CACHE_ARGUMENT' || code === 'ERR_LLM_CACHE_DIMENSION';
        assert.ok(refused, `${what}: ${code}`);
      }
      assert.equal(await database.count(), 0);
      assert.equal(await database.version(a), version);
    },
  );

  check('scopes and ids that cannot be are refused in every call', async ({ database, assert }) => {
    const refused = async (what: string, call: () => unknown) =>
      assert.equal(await codeOf(call), 'ERR_LLM_CACHE_ARGUMENT', what);
    for (const scope of ['', 'short', 'G'.repeat(64), 'a'.repeat(63)]) {
      await refused('get', () => database.get(scope, ['x']));
      await refused('vectors', () => database.vectors(scope, ['x']));
      await refused('delete', () => database.delete(scope, ['x']));
      await refused('delete by filter', () => database.delete(scope, {}));
      await refused('count', () => database.count(scope));
      await refused('clear', () => database.clear(scope));
      await refused('version', () => database.version(scope));
    }
    for (const id of ['', 'x'.repeat(513)]) {
      await refused('get', () => database.get(a, [id]));
      await refused('delete', () => database.delete(a, [id]));
    }
    await refused('delete of nothing in particular', () => database.delete(a, undefined as never));
    await refused('count by filter without scope', () => database.count(undefined, { x: 1 }));
  });

  check('after close every call is refused and none answers as if nothing were there', async (context) => {
    const { database, document, assert } = context;
    const stored = document('x', a);
    await database.upsert([stored]);
    await database.close();
    await database.close();
    const calls: Record<string, () => unknown> = {
      upsert: () => database.upsert([stored]),
      search: () => database.search(stored.vector, { scope: a, topK: 1 }),
      get: () => database.get(a, ['x']),
      vectors: () => database.vectors(a, ['x']),
      delete: () => database.delete(a, ['x']),
      clear: () => database.clear(),
      count: () => database.count(),
    };
    for (const [name, call] of Object.entries(calls))
      assert.equal(await codeOf(call), 'ERR_LLM_CACHE_CLOSED', name);
  });
}
