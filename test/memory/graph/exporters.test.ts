// Cypher, GraphML and the page under texts that try to break out of them.
import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cypherOf, literal } from '#dist/memory/graph/cypher.js';
import { graphmlOf } from '#dist/memory/graph/graphml.js';
import type { GraphData } from '#dist/memory/graph/network.js';
import { graphHtml, mostNodesShown } from '#dist/memory/graph-html.js';
import { ground, said, tell } from './support.ts';

const test = suite('exporters');

const hostile = [
  "'}) DETACH DELETE n //",
  "\\'}) MATCH (n) DETACH DELETE n //",
  '\\u0027}) MATCH (n) DETACH DELETE n //',
  '\\\\u0027}) RETURN 1; //',
  'line\none\r\ttwo\u0000\u0085\u2028three',
  '</script><script>alert(1)</script><!--',
  ']]><data key="x"/>&amp;<!DOCTYPE a [<!ENTITY b "c">]>',
  '\ud800 half \udfff',
  '`backtick` "quote" $rows {id: 1}',
  '\uffff\ufffe\u0008',
];

function graphOf(texts: readonly string[]): GraphData {
  return {
    nodes: texts.flatMap((text, i) => [
      {
        id: `m${i}`,
        kind: 'message',
        label: text,
        messageId: text,
        role: text,
        user: text,
        createdAtMs: i,
      } as const,
      { id: `e${i}`, kind: 'entity', label: text, entityKind: 'name', aliases: [text, text] } as const,
    ]),
    edges: texts.map((_, i) => ({
      id: `mentions:m${i}>e${i}`,
      kind: 'mentions',
      source: `m${i}`,
      target: `e${i}`,
      weight: 0.5,
      validFromMs: i,
      validToMs: i % 2 ? 7 : null,
    })),
  };
}

/** Splits a statement into string literals and the rest, as a Cypher parser does; throws when a literal does not end. */
function split(statement: string): { readonly rest: string; readonly values: string[] } {
  let rest = '';
  const values: string[] = [];
  for (let i = 0; i < statement.length; i++) {
    if (statement[i] !== "'") {
      rest += statement[i];
      continue;
    }
    let value = '';
    for (i++; statement[i] !== "'"; i++) {
      assert.ok(i < statement.length, `a literal does not end: ${statement}`);
      if (statement[i] !== '\\') {
        value += statement[i];
        continue;
      }
      const next = statement[++i] as string;
      if (next === 'u') {
        value += String.fromCharCode(Number.parseInt(statement.slice(i + 1, i + 5), 16));
        i += 4;
      } else
        value += { n: '\n', r: '\r', t: '\t', "'": "'", '\\': '\\' }[next] ?? assert.unreachable(`\\${next}`);
    }
    values.push(value);
    rest += '§';
  }
  // Two literals that are added together are one value.
  return { rest: rest.replace(/§(?: \+ §)+/g, '§'), values };
}

/** What a server does that reads `\uXXXX` anywhere before it parses. */
const early = (statement: string) =>
  statement.replace(/\\u([0-9a-fA-F]{4})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

test('a Cypher statement has the same structure whatever was said', () => {
  const plain = cypherOf(graphOf(hostile.map(() => 'plain'))).split('\n');
  const lines = cypherOf(graphOf(hostile)).split('\n');
  assert.is(lines.length, plain.length);
  for (const [i, line] of lines.entries()) {
    assert.is(split(line).rest, split(plain[i] as string).rest);
    assert.is(split(early(line)).rest, split(plain[i] as string).rest, 'with early unicode escapes');
  }
});

test('a Cypher literal reads back as the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(...hostile),
        fc.stringMatching(/^[\\'uU0027n]*$/),
      ),
      (text) => {
        const { rest, values } = split(literal(text));
        assert.is(rest, '§');
        assert.is(values.join(''), text.toWellFormed());
        assert.not.match(literal(text), /[\n\r\u2028\u2029]/);
      },
    ),
    { numRuns: 500 },
  );
});

/** A strict reader of the XML that is written here: elements, quoted attributes, text, the five entities. */
function readXml(xml: string): { readonly tags: number; readonly texts: string[] } {
  const open: string[] = [];
  const texts: string[] = [];
  let tags = 0;
  const body = xml.replace('<?xml version="1.0" encoding="UTF-8"?>', '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what XML forbids
  assert.not.match(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
  assert.ok(xml.isWellFormed());
  for (const [part, close, name, attributes, empty, text] of body.matchAll(
    /<(\/?)([\w.]+)((?: [\w.:-]+="[^"<&]*(?:&[a-z#0-9]+;[^"<&]*)*")*)(\/?)>|([^<]+)|</g,
  )) {
    assert.is.not(part, '<', `no tag at "${body.slice(body.indexOf(part), 40)}"`);
    if (text !== undefined) {
      assert.not.match(text.replace(/&(?:amp|lt|gt|quot|apos|#13);/g, ''), /[&]/);
      if (text.trim() !== '') texts.push(text);
      continue;
    }
    tags++;
    if (close === '/') assert.is(open.pop(), name);
    else if (empty !== '/') open.push(name as string);
    assert.ok(attributes !== undefined);
  }
  assert.equal(open, []);
  return { tags, texts };
}

test('GraphML is well-formed, and has the same elements whatever was said', () => {
  const { tags, texts } = readXml(graphmlOf(graphOf(hostile)));
  assert.is(tags, readXml(graphmlOf(graphOf(hostile.map(() => 'plain')))).tags);
  const back = texts.map((text) =>
    text
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&apos;', "'")
      .replaceAll('&amp;', '&'),
  );
  assert.ok(back.includes(hostile[6] as string) && back.includes(hostile[5] as string));
});

test('the page is one document that loads nothing, and text cannot end its data', () => {
  const page = graphHtml(graphOf(hostile), { title: '</title><script>alert(1)</script>' });
  assert.is(page.match(/<script/g)?.length, 2);
  assert.is(page.match(/<\/script/g)?.length, 2);
  assert.not.match(
    page,
    /\b(?:src|href)=|url\(|@import|fetch\(|innerHTML|insertAdjacent|document\.write|eval\(/,
  );
  const data = JSON.parse(
    (
      /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page) as RegExpExecArray
    )[1] as string,
  );
  assert.is(data.nodes[10].label, hostile[5]);
  assert.is(data.left, 0);
  const script = (/<script>(.*?)<\/script>/s.exec(page) as RegExpExecArray)[1] as string;
  new Script(script);
  assert.ok(page.includes(`'sha256-${createHash('sha256').update(script).digest('base64')}'`));
});

test('a page of a large graph shows the latest and says how much it leaves out', () => {
  const page = graphHtml(graphOf(Array.from({ length: 1_000 }, (_, i) => `text ${i}`)));
  const data = JSON.parse((/id="data">(.*?)<\/script>/s.exec(page) as RegExpExecArray)[1] as string);
  assert.is(data.nodes.length, mostNodesShown);
  assert.is(data.left, 2_000 - mostNodesShown);
  assert.ok(data.nodes.some(({ id }: { id: string }) => id === 'm999'));
});

test('a conversation full of hostile texts goes through the whole graph', async () => {
  const { environment, open } = ground();
  const graph = await open();
  await tell(
    graph,
    ...hostile,
    ...hostile.map((text) => `Ask Dana about \`${text}\` and https://example.org/${text}`),
  );
  await graph.add(
    said(99, hostile.join(' '), {
      id: hostile[0] as string,
      role: hostile[1] as string,
      user: hostile[7] as string,
    }),
  );
  readXml(graph.graphml());
  for (const line of graph.cypher().trimEnd().split('\n'))
    assert.match(split(line).rest, /^(?:CREATE|MATCH) [\w\s(){}:,.§[\]>-]+;$/);
  await environment.close();
});

test.run();
