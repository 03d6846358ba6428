// What a conversation asks: which turns are matched by meaning, and that nothing an answer depends on is left out.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AdapterOptions, type ChatRequest, requestMaker, turnOf } from '#dist/adapters/request.js';
import { Scope, type ScopeFields } from '#dist/core/scope.js';

const test = suite('chat requests');
const cache = { scope: (fields: ScopeFields) => new Scope(fields, 'test') };
const user = (text: unknown) => turnOf('user', text, {});
const reply = (text: string) => turnOf('other', text, { role: 'assistant' });
const system = (text: string) => turnOf('system', text, {});
const request = (turns: ChatRequest['turns'], more: Partial<ChatRequest> = {}): ChatRequest => ({
  turns,
  model: 'm',
  tools: undefined,
  parameters: {},
  provider: 'p',
  ...more,
});
const maker = (options: AdapterOptions = { tenant: 't' }) => {
  const make = requestMaker(cache, options);
  return (turns: ChatRequest['turns'], more?: Partial<ChatRequest>) => {
    const made = make(request(turns, more));
    assert.ok(made !== undefined);
    return made;
  };
};
const make = maker();

test('the first question is matched by meaning, a later one only if it stands alone', () => {
  const first = make([system('be brief'), user('Who founded Oslo?')]);
  assert.is(first.prompt, 'Who founded Oslo?');
  assert.is(first.exact, false);
  const before = [user('Tell me of Oslo.'), reply('It is a town.')];
  const dependent = make([...before, user('Who founded it?')]);
  assert.is(dependent.exact, true);
  assert.is(dependent.prompt, 'Who founded it?');
  assert.is(make([...before, user('Who founded the city of Bergen?')]).exact, false);
});

test('"Who founded it?" after two subjects, and after none, has three scopes, with earlier turns ignored too', () => {
  for (const ignoreEarlierTurns of [false, true]) {
    const make = maker({ tenant: 't', ignoreEarlierTurns });
    const after = (...subjects: string[]) =>
      make([...subjects.flatMap((subject) => [user(subject), reply('Well.')]), user('Who founded it?')]).scope
        .id;
    assert.is(new Set([after('Tell me of Oslo.'), after('Tell me of Rome.'), after()]).size, 3);
  }
});

test('a question that stands alone is shared between conversations only if that is asked for', () => {
  const ask = (ignoreEarlierTurns: boolean, before: string) =>
    maker({ tenant: 't', ignoreEarlierTurns })([
      user(before),
      reply('Well.'),
      user('Who founded the city of Bergen?'),
    ]).scope.id;
  assert.is.not(ask(false, 'Tell me of Oslo.'), ask(false, 'Answer in French.'));
  assert.is(ask(true, 'Tell me of Oslo.'), ask(true, 'Tell me of Rome.'));
});

test('turns on the server count as earlier ones', () => {
  assert.is(make([user('Who founded it?')], { continues: true }).exact, true);
  assert.is(make([user('Who founded it?')]).exact, false);
});

test('blank, endless and non-text turns, and conversations that end with another, are matched by all that they hold', () => {
  const image = (bytes: number[]) =>
    user([
      { type: 'text', text: 'What is this?' },
      { type: 'file', data: new Uint8Array(bytes), url: new URL('http://a/') },
    ]);
  const tool = (result: string) => turnOf('other', [{ type: 'tool-result', result }], { role: 'tool' });
  const conversations = [
    [user('')],
    [user(' \n')],
    [user('x'.repeat((1 << 20) + 1))],
    [image([1])],
    [image([2])],
    [user('Weather?'), tool('rain')],
    [user('Weather?'), tool('sun')],
    [user('Weather?'), reply('It')],
    [],
  ];
  const made = conversations.map((turns) => make(turns));
  for (const { exact, prompt } of made) {
    assert.is(exact, true);
    assert.match(prompt, /^[0-9a-f]{64}$/);
  }
  assert.is(new Set(made.map(({ prompt }) => prompt)).size, conversations.length);
});

test('whatever differs, scopes or questions differ; equal requests are equal, whatever the order of their keys', () => {
  const text = fc.constantFrom('a', 'b', 'ab', 'Who founded it?');
  const turn = fc.oneof(text.map(user), text.map(reply));
  const conversation = fc.record({
    head: fc.option(text.map(system), { nil: undefined }),
    turns: fc.array(turn, { maxLength: 3 }),
    last: text,
    temperature: fc.constantFrom(0, 1),
    tools: fc.constantFrom(undefined, [{ name: 'x', description: 'y' }]),
    model: fc.constantFrom('m', 'n'),
  });
  type Conversation = typeof conversation extends fc.Arbitrary<infer T> ? T : never;
  const identity = ({ head, turns, last, temperature, tools, model }: Conversation) => {
    const all = [...(head === undefined ? [] : [head]), ...turns, user(last)];
    const { prompt, scope } = make(all, { parameters: { temperature }, tools, model });
    return `${prompt} ${scope.id}`;
  };
  fc.assert(
    fc.property(conversation, conversation, (one, other) => {
      const equal = JSON.stringify(one) === JSON.stringify(other);
      assert.is(identity(one) === identity(other), equal);
    }),
    { numRuns: 3000 },
  );
  const shuffled = [[{ name: 'x', description: 'y' }], [{ description: 'y', name: 'x' }]].map(
    (tools) => make([user('a')], { tools }).scope.id,
  );
  assert.is(shuffled[0], shuffled[1]);
});

test('without a tenant nobody shares, unless it is said; a tenant can be asked for at each call', () => {
  const id = (options: AdapterOptions) => maker(options)([user('a')]).scope.id;
  assert.is.not(id({}), id({}));
  assert.is(id({ shared: true }), id({ shared: true }));
  assert.is.not(id({ shared: true }), id({ tenant: 't' }));
  let who = 'one';
  const asked = maker({ tenant: () => who });
  const before = asked([user('a')]).scope.id;
  who = 'two';
  assert.is.not(asked([user('a')]).scope.id, before);
  assert.is(asked([user('a')]).scope.id, id({ tenant: 'two' }));
  for (const bad of [{ tenant: '' }, { tenant: 5 }, { extra: () => 1 }]) {
    assert.throws(
      () => requestMaker(cache, bad as never),
      (error: { code: string }) => error.code === 'ERR_LLM_CACHE_ARGUMENT',
    );
  }
});

test('what has no canonical form is not cached', () => {
  const raw = requestMaker(cache, {});
  let deep: unknown = {};
  for (let level = 0; level < 100_000; level++) deep = { deep };
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  for (const tools of [() => 1, { f: () => 1 }, Number.NaN, deep, cycle, new Map()]) {
    assert.is(raw(request([user('a')], { tools })), undefined);
  }
});

test.run();
