// What a conversation asks: which turns are matched by meaning, and that nothing an answer depends on is left out.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AdapterOptions, type ChatRequest, requestMaker, turnOf } from '#dist/adapters/request.js';
import { Scope, type ScopeFields } from '#dist/core/scope.js';

const test = suite('chat requests');
const cacheAt = (home: string) => ({ scope: (fields: ScopeFields) => new Scope(fields, 'test', home) });
const cache = cacheAt('here');
const user = (text: unknown) => turnOf('user', text, {});
const reply = (text: string) => turnOf('assistant', text, {});
const system = (text: string) => turnOf('system', text, {});
const request = (turns: ChatRequest['turns'], more: Partial<ChatRequest> = {}): ChatRequest => ({
  form: 'f',
  turns,
  provider: 'p',
  model: 'm',
  parameters: {},
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

test('the last user turn is the question, what is before it are turns, and the head is the scope', () => {
  const first = make([system('be brief'), user('Who founded Oslo?')]);
  assert.equal([first.prompt, first.turns, first.exact], ['Who founded Oslo?', [], false]);
  assert.is.not(first.scope.id, make([user('Who founded Oslo?')]).scope.id);
  const later = make([
    user('Tell me of Oslo.'),
    reply('It is a town.'),
    system('In French'),
    user('Who founded it?'),
  ]);
  const turn = (role: string, content: string) => ({ role, content, rest: undefined });
  assert.equal(later.turns, [
    turn('user', 'Tell me of Oslo.'),
    turn('assistant', 'It is a town.'),
    turn('system', 'In French'),
  ]);
  assert.equal(
    [later.prompt, later.exact, later.scope.id],
    ['Who founded it?', false, make([user('?')]).scope.id],
  );
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
    const made = make(all, { parameters: { temperature }, tools, model });
    return `${made.prompt} ${JSON.stringify(made.turns)} ${made.scope.id}`;
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

test('without a tenant answers stay with the cache directory, unless it is said; a tenant can be asked for at each call', () => {
  const id = (options: AdapterOptions, home = 'here') => {
    const made = requestMaker(cacheAt(home), options)(request([user('a')]));
    return made?.scope.id;
  };
  assert.is(id({}), id({}));
  assert.is.not(id({}), id({}, 'there'));
  assert.is(id({ shared: true }), id({ shared: true }, 'there'));
  assert.is.not(id({ shared: true }), id({ tenant: 't' }));
  assert.is(id({ tenant: 't' }), id({ tenant: 't' }, 'there'));
  let who: string | undefined = 'one';
  const asked = maker({ tenant: () => who as string });
  const before = asked([user('a')]).scope.id;
  who = 'two';
  assert.is.not(asked([user('a')]).scope.id, before);
  assert.is(asked([user('a')]).scope.id, id({ tenant: 'two' }));
  const isRefused = (error: { code: string }) => error.code === 'ERR_LLM_CACHE_ARGUMENT';
  who = undefined;
  assert.throws(() => asked([user('a')]), isRefused);
  for (const bad of [
    { tenant: '' },
    { tenant: 5 },
    { extra: () => 1 },
    { locale: 5 },
    { corpus: 5 },
    { tenant: 't', shared: true },
    { shared: 1 },
  ])
    assert.throws(() => requestMaker(cache, bad as never), isRefused);
});

test('each field of a request has its own place in the scope', () => {
  const [tools, choice, format] = [[{ name: 'x' }], 'auto', { type: 'json' }];
  const { scope } = make([user('a')], { tools, toolChoice: choice, responseFormat: format });
  const { extra: _, ...fields } = scope.fields;
  const given = { promptTemplate: 'v1', locale: 'nb', corpus: 'c1' };
  const of = maker({ tenant: 't', ...given })([user('a')]).scope.fields;
  assert.equal({ promptTemplate: of.promptTemplate, locale: of.locale, corpus: of.corpus }, given);
  const other = maker({ tenant: 't', extra: 1 })([user('a')]).scope.id;
  assert.is.not(other, maker({ tenant: 't', extra: 2 })([user('a')]).scope.id);
  assert.equal(fields, {
    tenant: 't',
    provider: 'p',
    model: 'm',
    system: undefined,
    tools,
    toolChoice: choice,
    responseFormat: format,
    parameters: {},
    promptTemplate: undefined,
    locale: undefined,
    corpus: undefined,
  });
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
