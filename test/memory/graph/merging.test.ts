// Which mentions become one entity: forms, abbreviations, parts of names, vectors of the real model.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { edgesIn, entitiesIn, ground, tell } from './support.ts';

const test = suite('merging');

async function entitiesOf(...contents: string[]): Promise<string[]> {
  const { environment, open } = ground();
  const graph = await open();
  await tell(graph, ...contents);
  const entities = entitiesIn(graph);
  await environment.close();
  return entities;
}

const one: readonly (readonly [what: string, contents: readonly string[], label: string])[] = [
  ['case and plural', ['The server is down.', 'Both Servers are down.'], 'Servers'],
  ['company endings', ['I called Acme Corporation.', 'They say Acme is closed.'], 'Acme Corporation'],
  ['initials after the name', ['I called Acme Corporation.', 'They say AC is closed.'], 'Acme Corporation'],
  ['initials before the name', ['They say AC is closed.', 'I called Acme Corporation.'], 'Acme Corporation'],
  ['the family name', ['I met Dana Whitfield.', 'I asked Whitfield.'], 'Dana Whitfield'],
  ['the first name before the whole', ['I met Dana.', 'Then came Dana Whitfield.'], 'Dana Whitfield'],
  ['hyphens', ['I saw the solar-panel roof.', 'The solar panel roof is new.'], 'solar-panel roof'],
  ['spellings of a date', ['We leave on 3 May.', 'We leave on May 3rd.'], 'May 3rd'],
  ['spellings of a price', ['I paid €1,200 there.', 'I paid 1200 euros there.'], '1200 euros'],
  [
    'spellings of an address',
    ['See https://www.example.org/a/', 'See http://example.org/a'],
    'https://www.example.org/a/',
  ],
];
for (const [what, contents, label] of one) {
  test(`one entity: ${what}`, async () => {
    const { environment, open } = ground();
    const graph = await open();
    await tell(graph, ...contents);
    const mentions = edgesIn(graph, 'mentions').filter(({ to }) => to === label);
    assert.is(mentions.length, 2, entitiesIn(graph).join(', '));
    await environment.close();
  });
}

test('a short form that could be two things stays a thing of its own', async () => {
  const entities = await entitiesOf('I met Dana Whitfield.', 'I met Dana Lopez.', 'I asked Dana.');
  assert.equal(
    entities.filter((label) => label.startsWith('Dana')),
    ['Dana', 'Dana Lopez', 'Dana Whitfield'],
  );
});

test('two initials of the same letters are not guessed between', async () => {
  const entities = await entitiesOf(
    'I called Acme Corporation.',
    'I called Alpine Club.',
    'They say AC is closed.',
  );
  assert.ok(entities.includes('AC'));
});

test('numbers of things tell them apart', async () => {
  const entities = await entitiesOf('Go to gate 14.', 'Go to gate 15.');
  assert.equal(entities, ['gate 14', 'gate 15']);
});

test('phrases that mean the same merge by the vectors of the model, others do not', async () => {
  const embedder = await onnxEmbedder({ workers: 1 });
  const { environment, open } = ground();
  const graph = await open({ embed: async (text) => (await embedder.embed(text)).vector });
  await tell(
    graph,
    'We hired a frontend developer.',
    'She met the front-end developers.',
    'I need a sleeping bag.',
    'I need a paper bag.',
  );
  const of = (label: RegExp) =>
    graph.graph().nodes.filter((node) => node.kind === 'entity' && label.test(node.label));
  assert.is(of(/^front-?end developers?$/).length, 1, entitiesIn(graph).join(', '));
  assert.is(of(/^(sleeping|paper) bag$/).length + of(/^bag$/).length, 3, entitiesIn(graph).join(', '));
  await embedder.close();
  await environment.close();
});

test.run();
