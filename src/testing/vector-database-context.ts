// What the tests of the vector-database contract share; for testing/ alone.
import type { StoredDocument, VectorDatabase } from '../vectordb/database.js';
import { type Filter, parseFilter, passes } from '../vectordb/filter.js';
import { cosine, randomUnitVector } from './random.js';
import type { Assertions } from './runner.js';

export const dimension = 24;
/** Greatest error of a similarity. */
export const tolerance = 1e-5;
export const scopes = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];

/** What a test is given. */
export interface Context {
  database: VectorDatabase;
  readonly reopen: (() => Promise<VectorDatabase>) | undefined;
  readonly random: () => number;
  readonly assert: Assertions;
  readonly exact: boolean;
  document(id: string, scope: string, changes?: Partial<StoredDocument>): StoredDocument;
}

/** Registers a test over a database of its own. */
export type Check = (name: string, body: (context: Context) => Promise<void>) => unknown;

/** Searches both scopes for random vectors and few to all documents, and compares with brute force over `documents`. */
export async function searchAll(
  context: Context,
  documents: readonly StoredDocument[],
  filter?: Filter,
): Promise<void> {
  const clause = parseFilter(filter);
  for (const scope of scopes) {
    const passing = documents.filter((each) => each.scope === scope && passes(clause, each.metadata));
    for (const topK of [1, 3, 10, 50, 10_000]) await searchOne(context, passing, scope, topK, filter);
  }
}

/** One random search, compared with brute force over the documents that may be found. */
export async function searchOne(
  { database, random, assert, exact }: Context,
  passing: readonly StoredDocument[],
  scope: string,
  topK: number,
  filter?: Filter,
): Promise<void> {
  const wanted = randomUnitVector(dimension, random);
  const expected = passing
    .map(({ id, vector }) => ({ id, similarity: cosine(wanted, vector) }))
    .sort((x, y) => y.similarity - x.similarity)
    .slice(0, topK);
  const found = await database.search(wanted, { scope, topK, filter });
  const what = `topK = ${topK}, filter ${JSON.stringify(filter)}`;
  const similarities = new Map(passing.map(({ id, vector }) => [id, cosine(wanted, vector)]));
  assert.equal(new Set(found.map(({ document }) => document.id)).size, found.length, `${what}: each once`);
  for (const [i, { document, similarity }] of found.entries()) {
    const own = similarities.get(document.id);
    assert.ok(own !== undefined, `${what}: ${document.id} may be found`);
    assert.ok(Math.abs(similarity - (own as number)) < tolerance, `${what}: similarity`);
    assert.ok(i === 0 || similarity <= (found[i - 1]?.similarity as number), `${what}: best first`);
  }
  if (exact) {
    assert.equal(found.length, expected.length, `${what}: how many`);
    // Equals may come in any order: the rank's similarity counts, not its id.
    for (const [i, { similarity }] of found.entries()) {
      assert.ok(Math.abs(similarity - (expected[i]?.similarity as number)) < tolerance, `${what}: rank ${i}`);
    }
  } else {
    assert.ok(found.length >= Math.floor(expected.length * 0.9), `${what}: ${found.length} found`);
  }
}

/** The code of the error that a call throws or rejects with; undefined when it succeeds. */
export async function codeOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code ?? String(error);
  }
}

/** Documents as plain data: bytes compare by content, a database may hand out any view of them. */
export function plain(documents: readonly (StoredDocument | undefined)[]): unknown[] {
  return documents.map(
    (each) => each && { ...each, vector: [...each.vector], ...(each.data && { data: [...each.data] }) },
  );
}
