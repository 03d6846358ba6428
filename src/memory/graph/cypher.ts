// The graph as Cypher statements that nothing in a conversation can break out of. For graph.ts and neo4j.ts.
import type { GraphData, GraphEdge, GraphNode } from './network.js';

/** Labels by the kind of a node. */
export const labels = { message: 'Message', entity: 'Entity', topic: 'Topic' } as const;
/** Types of relationships by the kind of an edge. */
export const relationships = {
  repliesTo: 'REPLIES_TO',
  mentions: 'MENTIONS',
  follows: 'FOLLOWS',
  similarTo: 'SIMILAR_TO',
  updates: 'UPDATES',
  contradicts: 'CONTRADICTS',
  about: 'ABOUT',
} as const;

type Property = string | number | readonly string[];

/** The properties of a node by name; absent ones left out. */
export function nodeProperties({ kind: _, ...node }: GraphNode): Record<string, Property> {
  return Object.fromEntries(Object.entries(node).filter(([, value]) => value !== undefined)) as Record<
    string,
    Property
  >;
}

/** The properties of an edge by name; absent ones left out. */
export function edgeProperties({ weight, validFromMs, validToMs }: GraphEdge): Record<string, number> {
  return { weight, validFromMs, ...(validToMs !== null && { validToMs }) };
}

/** Statements that create the graph, one a line. Names are ours alone; all text of the conversation is in string literals. */
export function cypherOf({ nodes, edges }: GraphData): string {
  const lines = nodes.map((node) => `CREATE (:${labels[node.kind]} ${map(nodeProperties(node))});`);
  const labelOf = new Map(nodes.map(({ id, kind }) => [id, labels[kind]]));
  for (const edge of edges) {
    const [source, target] = [edge.source, edge.target].map(
      (id, i) => `(${'ab'[i]}:${labelOf.get(id)} {id: ${literal(id)}})`,
    );
    lines.push(
      `MATCH ${source}, ${target} CREATE (a)-[:${relationships[edge.kind]} ${map(edgeProperties(edge))}]->(b);`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}

function map(properties: Readonly<Record<string, Property>>): string {
  return `{${Object.entries(properties)
    .map(([name, value]) => `${name}: ${literal(value)}`)
    .join(', ')}}`;
}

/** A literal of a string, number or list of strings. */
export function literal(value: Property): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value !== 'string') return `[${value.map(literal).join(', ')}]`;
  const escaped = value
    .toWellFormed()
    .replace(
      /[\\'\n\r\t]|[\p{Cc}\u2028\u2029]/gu,
      (character) => escapes.get(character) ?? unicode(character),
    )
    // Servers before version 5 read `\uXXXX` before they read strings, even behind a backslash: the two never stand together.
    .replace(/\\\\(?=[uU])/g, "\\\\' + '");
  return `'${escaped}'`;
}

const escapes = new Map([
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function unicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
