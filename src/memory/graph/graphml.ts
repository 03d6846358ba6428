// The graph as GraphML, for Gephi, yEd, Cytoscape and NetworkX. For graph.ts.
import { edgeProperties, nodeProperties } from './cypher.js';
import type { GraphData } from './network.js';

type Kind = 'string' | 'double';
const nodeKeys: Readonly<Record<string, Kind>> = {
  kind: 'string',
  label: 'string',
  messageId: 'string',
  role: 'string',
  user: 'string',
  createdAtMs: 'double',
  entityKind: 'string',
  aliases: 'string',
};
const edgeKeys: Readonly<Record<string, Kind>> = {
  kind: 'string',
  weight: 'double',
  validFromMs: 'double',
  validToMs: 'double',
};

/** A GraphML document. Characters that XML cannot carry become U+FFFD. */
export function graphmlOf({ nodes, edges }: GraphData): string {
  const keys = (of: string, names: Readonly<Record<string, Kind>>) =>
    Object.entries(names).map(
      ([name, kind]) => `  <key id="${of}.${name}" for="${of}" attr.name="${name}" attr.type="${kind}"/>`,
    );
  const data = (of: string, properties: Readonly<Record<string, unknown>>) =>
    Object.entries(properties).map(
      ([name, value]) =>
        `      <data key="${of}.${name}">${escaped(Array.isArray(value) ? value.join(' · ') : String(value))}</data>`,
    );
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ...keys('node', nodeKeys),
    ...keys('edge', edgeKeys),
    '  <graph id="memory" edgedefault="directed">',
  ];
  for (const node of nodes) {
    const { id, ...rest } = nodeProperties(node);
    lines.push(
      `    <node id="${escaped(String(id))}">`,
      ...data('node', { kind: node.kind, ...rest }),
      '    </node>',
    );
  }
  for (const edge of edges) {
    lines.push(
      `    <edge id="${escaped(edge.id)}" source="${escaped(edge.source)}" target="${escaped(edge.target)}">`,
      ...data('edge', { kind: edge.kind, ...edgeProperties(edge) }),
      '    </edge>',
    );
  }
  lines.push('  </graph>', '</graphml>', '');
  return lines.join('\n');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => entities[character] as string)
    .replaceAll('\r', '&#13;');
}
