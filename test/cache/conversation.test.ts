// Questions of a conversation: those that stand alone are anybody's, the others belong to the turns before them.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '#dist/testing/index.js';
import { codeOf, temporaryDirectory } from '../disk/support.js';
import { deferred, openMock, turns as wait } from './support.js';

const test = suite('conversations');
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const about = (subject: string) => [user(`Tell me about ${subject}.`), assistant(`${subject} is a company.`)];
const followUp = 'Who founded it?';

test('"Who founded it?" after two subjects is two questions, by its words and by meaning, after a restart too', async () => {
  const directory = temporaryDirectory();
  const open = () => openMock({ directory, cache: { rules: 'none', minSimilarity: 0.3 } });
  const [volvo, ikea] = [about('Volvo'), about('Ikea')];
  let cache = await open();
  const ask = (text: string, turns: unknown[] | undefined, answer: string) =>
    cache.ask(text, () => answer, { turns });
  assert.is((await ask(followUp, volvo, 'Gabrielsson and Larson')).match, 'none');
  const reworded = 'And by whom was it founded, who founded it?';
  for (let round = 0; round < 2; round++) {
    for (const text of [followUp, reworded])
      assert.is((await cache.get(text, { turns: ikea })).match, 'none', `round ${round}: ${text}`);
    const again = await cache.get(followUp, { turns: volvo });
    assert.equal([again.match, again.value], ['exact', 'Gabrielsson and Larson']);
    const other = await cache.get(reworded, { turns: volvo });
    assert.equal([other.match, other.value], ['semantic', 'Gabrielsson and Larson']);
    assert.is((await cache.get(followUp)).match, 'none', 'nor without a conversation');
    assert.is((await cache.get(followUp, { turns: [...volvo, ...ikea] })).match, 'none');
    await cache.close();
    cache = await open();
  }
  await ask(followUp, ikea, 'Kamprad');
  assert.is((await cache.get(followUp, { turns: ikea })).value, 'Kamprad');
  assert.is((await cache.get(followUp, { turns: volvo })).value, 'Gabrielsson and Larson');
  await cache.close();
});

test('a question that stands alone has one answer in every conversation and outside', async () => {
  const cache = await openMock();
  await cache.set('What is the capital of Norway?', 'Oslo', { turns: about('Volvo') });
  for (const turns of [undefined, [], about('Ikea')]) {
    const found = await cache.get('What is the capital of Norway?', { turns });
    assert.equal([found.match, found.value], ['exact', 'Oslo']);
    assert.is((await cache.get('Please: what is the capital of Norway?', { turns })).match, 'semantic');
  }
  await cache.close();
});

test('an order, a fact about the asker, or what a tool said keeps a question that stands alone to its conversation', async () => {
  const cache = await openMock();
  const question = 'What is the capital of Norway?';
  await cache.set(question, 'Oslo');
  for (const turn of [
    user('Answer in French.'),
    user('I am a geographer.'),
    { role: 'tool', content: 'x' },
    7,
  ]) {
    const turns = [...about('Volvo'), turn];
    assert.is((await cache.get(question, { turns })).match, 'none', JSON.stringify(turn));
    await cache.set(question, 'there', { turns });
    assert.is((await cache.get(question, { turns })).value, 'there');
  }
  assert.is((await cache.get(question, { turns: about('Ikea') })).value, 'Oslo');
  await cache.close();
});

const dependent = [
  'Who founded it?',
  'And in Chile?',
  'What about Bergen?',
  'Why?',
  'Yes please do.',
  'shorter',
  'Is that with or without tax?',
  'How old was she then?',
  '???',
  'ok',
  'instead of the other one',
];

test('no follow-up is ever answered from another conversation, plain, streamed or coalesced', async () => {
  const random = seededRandom(Number(process.env.SEED ?? 1));
  const cache = await openMock({ cache: { rules: 'none', minSimilarity: 0.2 } });
  const conversations = Array.from({ length: 12 }, (_, i) =>
    about(`company ${i} of ${Math.floor(random() * 1e9)}`),
  );
  const hold = deferred();
  let runs = 0;
  const asked = conversations.flatMap((turns, i) =>
    dependent.map(async (text) => {
      async function* parts() {
        runs++;
        await hold.promise;
        yield `${i}`;
      }
      const generate = async () => {
        runs++;
        await hold.promise;
        return `${i}`;
      };
      if (random() < 0.5) return assert.is(await cache.wrap(text, generate, { turns }), `${i}`, text);
      for await (const part of await cache.wrapStream(text, parts, { turns })) assert.is(part, `${i}`, text);
    }),
  );
  await wait(50);
  hold.resolve();
  await Promise.all(asked);
  await cache.idle();
  assert.ok(runs >= conversations.length, `${runs} runs`);
  for (const [i, turns] of conversations.entries()) {
    for (const text of dependent) {
      const { value } = await cache.get(text, { turns });
      assert.ok(value === undefined || value === `${i}`, text);
      assert.is((await cache.get(text, { turns: [...turns, user('Go on.')] })).match, 'none', text);
    }
  }
  await cache.close();
});

test('turns are compared as JSON, tool results and other parts included; what is no JSON is refused', async () => {
  const cache = await openMock();
  const turns = [
    user('weather in Bergen?'),
    { role: 'tool', content: [{ type: 'json', value: { c: 7, rain: true } }] },
  ];
  await cache.set(followUp, 'v', { turns });
  const reordered = [
    { content: 'weather in Bergen?', role: 'user' },
    { content: [{ value: { rain: true, c: 7 }, type: 'json' }], role: 'tool' },
  ];
  assert.is((await cache.get(followUp, { turns: reordered })).value, 'v');
  const other = [turns[0], { role: 'tool', content: [{ type: 'json', value: { c: 8, rain: true } }] }];
  assert.is((await cache.get(followUp, { turns: other })).match, 'none');
  assert.is(await cache.delete(followUp, { turns: other }), false);
  assert.is(await cache.delete(followUp, { turns }), true);
  for (const bad of ['turns', {}, 7, null, [() => 1], [Number.NaN], [new Map()]])
    assert.is(await codeOf(() => cache.get(followUp, { turns: bad as unknown[] })), 'ERR_LLM_CACHE_ARGUMENT');
  assert.is(await codeOf(() => cache.clear({ turns } as object)), 'ERR_LLM_CACHE_ARGUMENT');
  await cache.close();
});

test('a text without words is matched by its key alone', async () => {
  const cache = await openMock();
  const turns = about('Volvo');
  await cache.set('???', 'v', { turns });
  assert.is((await cache.get('???', { turns })).match, 'exact');
  assert.is((await cache.get('!!!', { turns })).match, 'none');
  await cache.close();
});

test('removing a scope removes its conversations, and no others; as many tags as ever may be given', async () => {
  const directory = temporaryDirectory();
  let cache = await openMock({ directory });
  const turns = about('Volvo');
  const [a, b] = [{ tenant: 'a' }, { tenant: 'b' }];
  const tags = Array.from({ length: 64 }, (_, i) => `t${i}`);
  const is = async (scope: object) => (await cache.get(followUp, { turns, scope })).match;
  for (const remove of [
    () => cache.clear({ scope: a }),
    () => cache.invalidate({ scope: a }),
    () => cache.invalidate({ tags: ['t63'] }),
  ]) {
    await cache.set(followUp, 'of a', { turns, scope: a, tags });
    await cache.wrap(followUp, () => 'of b', { turns, scope: b });
    assert.equal([await is(a), await is(b)], ['exact', 'exact']);
    await remove();
    assert.equal([await is(a), await is(b)], ['none', 'exact']);
    await cache.close();
    cache = await openMock({ directory });
    assert.equal([await is(a), await is(b)], ['none', 'exact'], 'nor after a restart');
  }
  await cache.close();
});

test.run();
