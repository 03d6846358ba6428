// Documents, and what is in a collection of the double; imported by the tests of service.
import type { ConfigInput } from '#dist/index.js';
import type { Double } from '../qdrant/double.ts';

/** The configuration of a corpus on the double. */
export function onQdrant(port: number, collection = 'c') {
  return {
    vectorDb: { backend: 'qdrant' },
    qdrant: { host: '127.0.0.1', port, collection },
  } as const satisfies ConfigInput;
}

const topics = ['eggs', 'boats', 'bread'] as const;

/** Documents of one chunk each, all different. */
export function documents(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    source: `document-${i}`,
    text: `The ${i}th text, about ${topics[i % 3]} and the number ${i * 7919}.`,
    metadata: { year: 2000 + (i % 20), topic: topics[i % 3] as string },
  }));
}

interface Point {
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly vector: unknown;
}

/** The points of a collection that are documents, by id. */
export function pointsOf({ collections }: Double, name: string): Map<string, string> {
  const selection = { limit: 100_000, with_payload: true, with_vector: true };
  const points = (collections.get(name)?.scroll(selection).points ?? []) as unknown as Point[];
  const documents = points.filter(({ payload }) => payload._version === undefined);
  return new Map(documents.map(({ id, payload, vector }) => [id, JSON.stringify({ payload, vector })]));
}

/** Their ids, in order. */
export function idsOf(double: Double, name: string): string[] {
  return [...pointsOf(double, name).keys()].sort();
}
