// The part `graph` of the verb `memory`: shows or writes the graph of a conversation. For memory-verbs.ts and memory.ts.
import { writeFileSync } from 'node:fs';
import { cypherOf, type GraphData, graphHtml, graphmlOf } from '../index.js';
import type { Command } from './commander.js';
import type { CommonFlags, Context } from './context.js';
import { UsageError } from './failure.js';
import { tableLines } from './table.js';
import { count, oneLine } from './text.js';
import { examples } from './values.js';

/** Options of `memory graph`. */
export interface GraphFlags extends CommonFlags {
  readonly session: string;
  readonly tenant?: string;
  readonly html?: string;
  readonly cypher?: boolean;
  readonly graphml?: boolean;
}

/** Adds `graph` to the verb `memory`. */
export function registerGraph(memory: Command, run: (...given: unknown[]) => Promise<void>): void {
  memory
    .command('graph')
    .description('show what the conversation speaks of and how its messages hang together')
    .requiredOption('-s, --session <name>', 'the conversation')
    .option('-t, --tenant <name>', 'whose it is')
    .option('--html <file>', 'draw it on one page that needs no network; - writes to standard output')
    .option('--cypher', 'print statements for a Cypher database such as Neo4j')
    .option('--graphml', 'print GraphML, for Gephi, yEd or Cytoscape')
    .addHelpText(
      'after',
      examples(
        'memory graph --session trip --html trip.html',
        'memory graph --session trip --cypher | cypher-shell',
        'memory graph --session trip --json',
      ),
    )
    .action(run);
}

/** Writes the graph as the flags say; without any, how large it is and its topics. @throws {UsageError} for two formats at once. */
export function showGraph(graph: GraphData, { output }: Pick<Context, 'output'>, flags: GraphFlags): void {
  const { html, cypher, graphml, json, session } = flags;
  if ([html !== undefined, cypher, graphml].filter(Boolean).length > 1 || (json && (cypher || graphml))) {
    throw new UsageError('choose one of --html, --cypher, --graphml and --json');
  }
  if (html !== undefined) {
    const page = graphHtml(graph, { title: oneLine(session) });
    if (html === '-') return void process.stdout.write(page);
    writeFileSync(html, page);
    output.data({ file: html, nodes: graph.nodes.length, edges: graph.edges.length });
    output.line(`${html}  ${output.style.dim(sizeOf(graph))}`);
  } else if (cypher) output.line(cypherOf(graph).trimEnd());
  else if (graphml) output.line(graphmlOf(graph).trimEnd());
  else {
    output.data(graph);
    if (!output.json) summary(graph, output);
  }
}

function summary(graph: GraphData, output: Context['output']): void {
  const counts = new Map<string, number>();
  for (const { kind } of [...graph.nodes, ...graph.edges]) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  output.line(sizeOf(graph));
  const head = [{ title: 'kind' }, { title: 'count', align: 'right' }] as const;
  const rows = [...counts].map(([kind, number]) => [kind, count(number)]);
  for (const line of tableLines(output, head, rows)) output.line(line);
  for (const { kind, label } of graph.nodes) if (kind === 'topic') output.line(`topic: ${oneLine(label)}`);
}

function sizeOf({ nodes, edges }: GraphData): string {
  return `${count(nodes.length)} nodes, ${count(edges.length)} edges`;
}
