// Nearness by meaning and by the graph in one score.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blendedScores } from '#dist/memory/graph-blend.js';
import { ground, tell } from './support.ts';

const test = suite('blend');

test('a message that only the graph relates comes before one that resembles the question a little', async () => {
  const { environment, open } = ground();
  const graph = await open();
  await tell(
    graph,
    'Dana recommended the Kestrel to me.',
    'How is the weather?',
    'Rainy.',
    'What do you recommend for dinner?',
    'Soup.',
    'Fine.',
    'The Kestrel is 389 euros in town.',
  );
  const similarities = new Map([
    ['id-0', 0.8],
    ['id-3', 0.3],
    ['id-1', 0.1],
    ['id-6', 0.05],
    ['id-2', -0.2],
  ]);
  const scores = await blendedScores(graph, similarities, 'What costs what Dana recommended?', { seeds: 1 });
  const order = [...scores].sort((a, b) => b[1] - a[1]).map(([id]) => id);
  assert.is(order[0], 'id-0');
  assert.ok(order.indexOf('id-6') < order.indexOf('id-3'), order.join(' '));
  for (const score of scores.values()) assert.ok(score >= 0 && score <= 1);
  const alone = await blendedScores(graph, similarities, '', { share: 0 });
  assert.is([...alone].sort((a, b) => b[1] - a[1])[1]?.[0], 'id-3');
  assert.is(
    (await blendedScores(graph, new Map(), 'Dana')).get('id-0'),
    0.5,
    'the query alone is enough to begin',
  );
  await environment.close();
});

test.run();
