// The graph on one page that loads nothing from anywhere. For index.ts.
import { createHash } from 'node:crypto';
import type { GraphData } from './graph/network.js';
import { pageScript } from './graph/page-script.js';
import { pageStyle } from './graph/page-style.js';

/** Nodes that a page shows at most; of a larger graph the latest messages and what they are tied to. */
export const mostNodesShown = 1_500;

/**
 * A whole HTML document with a picture of the graph: hover, search, filters by the kind of edge, light and dark. Text of the
 * conversation is data in it and never markup; the page's own rules forbid any script but its own and any request.
 */
export function graphHtml(
  graph: GraphData,
  { title = 'Conversation' }: { readonly title?: string } = {},
): string {
  const shown = latest(graph);
  const data = json({ title, ...shown, left: graph.nodes.length - shown.nodes.length });
  const hash = createHash('sha256').update(pageScript).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} – conversation graph</title>
<style>${pageStyle}</style>
</head>
<body>
<canvas id="canvas" tabindex="0" aria-label="Graph of the conversation"></canvas>
<aside id="panel">
<header><h1 id="title"></h1><button id="theme" title="Light or dark" aria-label="Light or dark">◐</button></header>
<p id="counts"></p>
<input id="search" type="search" placeholder="Search  ( / )" aria-label="Search" autocomplete="off">
<p id="found"></p>
<h2>Nodes</h2><div id="nodes"></div>
<h2>Edges</h2><div id="edges"></div>
<p class="hint">Drag to move, wheel to zoom, click to keep a node in view, Esc to let go. Dashed edges hold no longer.</p>
</aside>
<section id="detail" hidden></section>
<script type="application/json" id="data">${data}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

function latest({ nodes, edges }: GraphData): GraphData {
  if (nodes.length <= mostNodesShown) return { nodes, edges };
  const around = new Map<string, string[]>();
  for (const { source, target } of edges) around.set(source, [...(around.get(source) ?? []), target]);
  const kept = new Set<string>();
  for (const { id } of nodes.filter(({ kind }) => kind === 'message').reverse()) {
    const more = [id, ...(around.get(id) ?? []).filter((other) => !other.startsWith('m'))];
    if (kept.size + more.length > mostNodesShown) break;
    for (const one of more) kept.add(one);
  }
  return {
    nodes: nodes.filter(({ id }) => kept.has(id)),
    edges: edges.filter(({ source, target }) => kept.has(source) && kept.has(target)),
  };
}

/** JSON that cannot end the element around it. */
function json(value: object): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
