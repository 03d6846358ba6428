// Contexts of random conversations: the budget holds by the real tokenizer, order, no duplicates, calls with their results, the least relevant out.
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { encodeChat } from 'gpt-tokenizer/model/gpt-4o';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChatMessage, Context, StoredMessage } from '#dist/index.js';
import { callOf, openMemory, seed } from './support.ts';

const test = suite('contexts of random conversations');
console.log(`seed ${seed}`);
const noSpecials = { disallowedSpecial: new Set<string>() };
const memory = await openMemory();
test.after(() => memory.close());

/** Tokens of a chat by the tokenizer's own encoding of chats; calls, which it does not know, as their JSON. */
function tokensOf(messages: readonly ChatMessage[]): number {
  const extra = messages.map(({ tool_calls, tool_call_id }) => {
    const fields = [tool_calls && JSON.stringify(tool_calls), tool_call_id].filter(
      (field) => field !== undefined,
    );
    return fields.reduce((sum, field) => sum + 1 + countTokens(field, noSpecials), 0);
  });
  const plain = messages.map(({ role, content }) => ({ role, content }));
  return encodeChat(plain as never, 'gpt-4o', noSpecials).length + extra.reduce((sum, each) => sum + each, 0);
}

const topics = [
  'the cats of Ada',
  'a trip to Porto',
  'peanut allergy',
  'rust on a bicycle',
  'the budget of June',
  'ok',
];
const said = fc
  .tuple(
    fc.constantFrom(...topics),
    fc.array(
      fc.oneof(
        fc.constantFrom('is', 'was', 'why', '東京', '<|endoftext|>', '👩‍👧', '\n\n'),
        fc.string({ maxLength: 9 }),
      ),
      { maxLength: 40 },
    ),
  )
  .map(([topic, words]) => `${topic} ${words.join(' ')}`.trim().toWellFormed());
const turn = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('user' as const, 'assistant' as const), content: said }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('tools' as const),
      content: said,
      calls: fc.integer({ min: 1, max: 3 }),
      missing: fc.boolean(),
    }),
  },
);
const asked = fc.record({
  query: said,
  pinned: fc.option(fc.constantFrom('Be brief.', 'You are a patient assistant of a bicycle shop.'), {
    nil: undefined,
  }),
  maxTokens: fc.integer({ min: 40, max: 900 }),
  topK: fc.integer({ min: 0, max: 12 }),
  recent: fc.integer({ min: 0, max: 12 }),
  truncate: fc.boolean(),
});

test('every promise of a context holds', async () => {
  let session = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { maxLength: 24 }), asked, async (turns, { query, ...options }) => {
      const talk = await memory.session({ session: `talk ${session++}` });
      const stored: StoredMessage[] = [];
      for (const [index, each] of turns.entries()) {
        if (each.kind !== 'tools') {
          stored.push(await talk.addMessage(each.kind, each.content));
          continue;
        }
        const ids = Array.from({ length: each.calls }, (_, call) => `call_${index}_${call}`);
        stored.push(await talk.addMessage('assistant', '', { tool_calls: ids.map((id) => callOf(id)) }));
        for (const id of each.missing ? ids.slice(1) : ids) {
          stored.push(await talk.addMessage('tool', each.content, { tool_call_id: id }));
        }
      }
      check(await talk.getContext(query, options), stored, options);
      await talk.close();
    }),
    { seed, numRuns: Number(process.env.LLM_CACHE_RUNS ?? 60) },
  );
});

interface Asked {
  readonly pinned: string | undefined;
  readonly maxTokens: number;
  readonly topK: number;
  readonly recent: number;
  readonly truncate: boolean;
}

function check(context: Context, stored: readonly StoredMessage[], options: Asked): void {
  const { messages, details, tokens, leftOut } = context;
  assert.is(tokens, tokensOf(messages), 'the tokens are those of the tokenizer');
  assert.ok(tokens <= options.maxTokens, 'the budget holds');
  assert.is(details.length, messages.length);
  const places = details.flatMap(({ id }) => (id === undefined ? [] : [id]));
  assert.is(new Set(places).size, places.length, 'no message twice');
  if (options.pinned !== undefined) assert.equal(messages[0], { role: 'system', content: options.pinned });
  assert.ok(details.filter(({ reason }) => reason === 'recent').length <= options.recent * 4);

  const byId = new Map(stored.map((message) => [message.id, message]));
  let cuts = 0;
  for (const [index, { id, truncated }] of details.entries()) {
    if (id === undefined) continue;
    const { content } = byId.get(id) as StoredMessage;
    const shown = (messages[index] as ChatMessage).content;
    if (truncated) {
      cuts++;
      assert.ok(
        options.truncate &&
          content.startsWith(shown) &&
          shown.length < content.length &&
          shown.isWellFormed(),
      );
    } else assert.is(shown, content, 'never half a message');
  }
  assert.ok(cuts <= 1);

  // A model refuses a call without all its results right behind it, and a result without its call.
  let waiting: string[] = [];
  let last = '';
  for (const [index, { role, tool_calls, tool_call_id }] of messages.entries()) {
    if (role === 'tool') {
      assert.ok(waiting.includes(tool_call_id as string), 'a result follows its call');
      waiting = waiting.filter((each) => each !== tool_call_id);
      continue;
    }
    assert.equal(waiting, [], 'all results of a call are there');
    waiting = tool_calls?.map(({ id }) => id) ?? [];
    const { id } = details[index] as { id: string | undefined };
    if (id === undefined) continue;
    assert.ok(id > last, 'in the order of time');
    last = id;
  }
  assert.equal(waiting, []);

  for (const out of leftOut) assert.not.ok(places.includes(out.id), 'what is left out is not in');
  // What was left out for want of room would not have fitted beside all that is more relevant.
  const plain = leftOut.filter(
    ({ why, id }) =>
      why === 'budget' && byId.get(id)?.metadata.tool_calls === undefined && byId.get(id)?.role !== 'tool',
  );
  for (const out of plain) {
    const better = details.filter(
      ({ id, relevance }) =>
        id === undefined || relevance > out.relevance || (relevance === out.relevance && id > out.id),
    );
    const sum = better.reduce((all, each) => all + each.tokens, 3);
    const { role, content } = byId.get(out.id) as StoredMessage;
    assert.ok(sum + tokensOf([{ role, content }]) - 3 > options.maxTokens, 'it did not fit');
  }
  const ranks = leftOut.map(({ relevance }) => relevance);
  assert.equal(
    ranks,
    [...ranks].sort((a, b) => b - a),
  );
}

test.run();
