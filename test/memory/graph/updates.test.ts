// A newer value of the same thing ends the older one; what speaks against what, and until when it held.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { edgesIn, ground, said, tell } from './support.ts';

const test = suite('updates');

test('a deadline that moves ends the old date and keeps both', async () => {
  const { environment, open } = ground();
  const graph = await open();
  await tell(
    graph,
    'The deadline is Friday.',
    'Thanks a lot.',
    'The deadline moved to Monday.',
    'The deadline moved to Tuesday.',
  );
  const [first, second] = edgesIn(graph, 'updates');
  assert.equal([first?.from, first?.to], ['The deadline moved to Monday.', 'The deadline is Friday.']);
  assert.equal(
    [second?.from, second?.to],
    ['The deadline moved to Tuesday.', 'The deadline moved to Monday.'],
  );
  const at = (n: number) => said(n, '').createdAtMs;
  const dates = edgesIn(graph, 'mentions').filter(({ to }) => /day$/.test(to ?? ''));
  assert.equal(
    dates.map(({ to, validFromMs, validToMs }) => [to, validFromMs, validToMs]),
    [
      ['Friday', at(0), at(2)],
      ['Monday', at(2), at(3)],
      ['Tuesday', at(3), null],
    ],
  );
  assert.is(first?.validToMs, at(3), 'the first update is history too');
  assert.is(second?.validToMs, null);
  assert.ok(
    edgesIn(graph, 'mentions')
      .filter(({ to }) => to === 'deadline')
      .every(({ validToMs }) => validToMs === null),
  );
  await environment.close();
});

const against: readonly (readonly [
  contents: readonly [string, string],
  kind: 'updates' | 'contradicts' | 'none',
  otherSpeaker?: true,
])[] = [
  [['I live in Porto.', 'I moved to Lisbon.'], 'updates'],
  [['Dana works at Acme.', 'Dana works for Globex.'], 'updates'],
  [["Dana's birthday is 3 May.", "Dana's birthday is 4 May."], 'updates'],
  [["Dana's birthday is 3 May.", "Dana's birthday is 4 May."], 'contradicts', true],
  [["Dana's birthday is 3 May.", "Omar's birthday is 4 May."], 'none'],
  [['The meeting is at 9:00.', 'They pushed it to 10:00.'], 'updates', true],
  [['The meeting is at 9:00.', 'The meeting is on Monday.'], 'none'],
  [['The tent costs 249 euros.', 'The tent costs 249 euros.'], 'none'],
  [['The tent costs 249 euros.', 'The price of the tent is 259 euros.'], 'updates'],
  [['The tent costs 249 euros.', 'The tent costs 3 kg.'], 'none'],
  [['The deadline is Friday.', 'The deadline is not Friday.'], 'none'],
  [['The deadline for the Orion report is Friday.', 'The deadline for the Lyra report is Monday.'], 'none'],
];
for (const [[older, newer], kind, otherSpeaker] of against) {
  test(`${kind}: ${older} ${newer}`, async () => {
    const { environment, open } = ground();
    const graph = await open();
    await graph.add(said(1, older, { user: 'ann' }));
    await graph.add(said(2, newer, { user: otherSpeaker ? 'bob' : 'ann' }));
    assert.is(edgesIn(graph, 'updates').length, kind === 'updates' ? 1 : 0);
    const contradictions = edgesIn(graph, 'contradicts');
    assert.is(contradictions.length, kind === 'contradicts' ? 1 : 0);
    const ended = edgesIn(graph, 'mentions').filter(({ validToMs }) => validToMs !== null);
    if (kind === 'updates') assert.ok(ended.length <= 1);
    else assert.is(ended.length, 0, 'who contradicts does not end what another said');
    await environment.close();
  });
}

test('what was updated is found from what updated it, and the other way round', async () => {
  const { environment, open } = ground();
  const graph = await open();
  await tell(
    graph,
    'The deadline is Friday.',
    'I like soup.',
    'My cat sleeps.',
    'The weather is odd.',
    'The deadline moved to Monday.',
  );
  const [best] = await graph.expand(new Map([['id-4', 1]]), { limit: 1 });
  assert.is(best?.id, 'id-0');
  const [back] = await graph.expand(new Map([['id-0', 1]]), { limit: 1 });
  assert.is(back?.id, 'id-4');
  await environment.close();
});

test.run();
