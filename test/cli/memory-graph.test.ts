// `memory graph`: what it prints and writes for a graph.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GraphFlags, registerGraph, showGraph } from '#dist/cli/memory-graph.js';
import { Output } from '#dist/cli/output.js';
import { ground, tell } from '../memory/graph/support.ts';
import { scratch } from './support.ts';

const test = suite('memory graph');
const { environment, open } = ground();
const graph = await open();
await tell(graph, 'Dana waits for the Orion report.', 'The Orion report is for Dana.');
const data = graph.graph();
test.after(() => environment.close());

/** What a call prints. */
function printed(flags: Partial<GraphFlags>): string {
  const output = new Output({ json: flags.json === true, colour: false, env: {} });
  const write = process.stdout.write;
  let text = '';
  process.stdout.write = ((part: string) => {
    text += part;
    return true;
  }) as typeof write;
  try {
    showGraph(data, { output }, { session: 'trip', color: false, ...flags });
  } finally {
    process.stdout.write = write;
  }
  return text;
}

test('the formats', () => {
  assert.match(printed({ cypher: true }), /^CREATE \(:Message \{id: 'm1'/);
  assert.match(printed({ graphml: true }), /^<\?xml[\s\S]*<\/graphml>\n$/);
  assert.equal(JSON.parse(printed({ json: true })), JSON.parse(JSON.stringify(data)));
  assert.match(printed({ html: '-' }), /^<!doctype html>[\s\S]*<title>trip – conversation graph/);
  const plain = printed({});
  assert.match(plain, new RegExp(`^${data.nodes.length} nodes, ${data.edges.length} edges\n`));
  assert.match(plain, /topic: .*Orion report/);
});

test('a page is written to its file', () => {
  const file = join(scratch(), 'trip.html');
  assert.match(printed({ html: file }), /trip\.html/);
  assert.match(readFileSync(file, 'utf8'), /<\/html>\n$/);
});

test('two formats at once are refused', () => {
  for (const flags of [
    { cypher: true, graphml: true },
    { json: true, cypher: true },
    { html: 'x', graphml: true },
  ]) {
    assert.throws(() => printed(flags), /choose one/);
  }
});

test('it hooks into a command of commander', async () => {
  const { Command } = await import('commander');
  const memory = new Command('memory');
  const calls: unknown[] = [];
  registerGraph(memory, async (...given) => void calls.push(given[0]));
  await memory.parseAsync(['graph', '--session', 'trip', '--html', 'x.html'], { from: 'user' });
  assert.equal(calls, [{ session: 'trip', html: 'x.html' }]);
});

test.run();
