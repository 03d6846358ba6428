// Chat completions: what a request asks, and its answer whole and in chunks. fetch.ts imports it.
import { type Turn, turnOf, without } from '../request.js';
import { answerFields, type Form, isObject, type Json, objectsOf, type Part } from './form.js';

/** What is named apart in the scope. */
const namedApart = ['messages', 'model', 'tools', 'tool_choice', 'response_format'];
const done = '[DONE]';

export const chatCompletions: Form = {
  request(body) {
    const { messages, model, tools, tool_choice, response_format } = body;
    if (!Array.isArray(messages) || !messages.every(isObject)) return undefined;
    return {
      turns: messages.map(turn),
      model: typeof model === 'string' ? model : undefined,
      tools,
      toolChoice: tool_choice,
      responseFormat: response_format,
      parameters: without(answerFields(body), ...namedApart),
    };
  },
  withUsage(body) {
    if (asksForUsage(body)) return undefined;
    return {
      ...body,
      stream_options: { ...(body.stream_options as object | undefined), include_usage: true },
    };
  },
  join,
  split,
  isWhole({ choices }, parts) {
    const list = objectsOf(choices);
    // Between two choices a stream looks whole.
    return list.length > 0 && list.every(isWhole) && (parts?.includes(done) ?? true);
  },
  ends: (part) =>
    part === done ||
    (isObject(part) && objectsOf(part.choices).some(({ finish_reason }) => Boolean(finish_reason))),
  shown(part, body) {
    if (!isObject(part) || asksForUsage(body) || !('usage' in part)) return part;
    const { usage: _, ...chunk } = part;
    return objectsOf(chunk.choices).length > 0 ? chunk : undefined;
  },
};

function turn(message: Json): Turn {
  const { role, content } = message;
  if (role === 'system' || role === 'developer')
    return turnOf('system', content, without(message, 'role', 'content'));
  if (role === 'user' || role === 'assistant')
    return turnOf(role, content, without(message, 'role', 'content'));
  return turnOf('other', content, without(message, 'content'));
}

function asksForUsage({ stream_options }: Json): boolean {
  return (stream_options as { include_usage?: unknown } | null | undefined)?.include_usage === true;
}

function isWhole({ finish_reason, message }: Json): boolean {
  return typeof finish_reason === 'string' && isObject(message) && !message.audio;
}

type Choice = { index: number; message: Json; logprobs?: unknown; finish_reason?: unknown };

function join(parts: readonly Part[]): Json {
  let about: Json = {};
  let usage: unknown;
  const choices = new Map<number, Choice>();
  for (const { choices: list, usage: told, obfuscation: _, ...rest } of parts.filter(isObject)) {
    about = { ...about, ...rest };
    usage = told ?? usage;
    for (const { index = 0, delta, finish_reason, logprobs, ...more } of objectsOf(list)) {
      const at = index as number;
      const held = choices.get(at) ?? {
        index: at,
        message: { role: 'assistant', content: null, refusal: null },
        logprobs: null,
      };
      choices.set(at, {
        ...held,
        ...more,
        message: merged(held.message, isObject(delta) ? delta : {}) as Json,
        logprobs: merged(held.logprobs, logprobs),
        finish_reason: finish_reason ?? held.finish_reason ?? null,
      });
    }
  }
  return {
    ...about,
    object: 'chat.completion',
    choices: [...choices.values()].sort((one, other) => one.index - other.index).map(withoutPlaces),
    ...(usage === undefined ? {} : { usage }),
  };
}

/** The places of tool calls are for those who put them together. */
function withoutPlaces({ message, ...choice }: Choice): Json {
  if (!Array.isArray(message.tool_calls)) return { ...choice, message };
  const calls = objectsOf(message.tool_calls).map((call) => without(call, 'index'));
  return { ...choice, message: { ...message, tool_calls: calls } };
}

/** Texts are written on, lists too, but for the items that say by an index which one they write on. */
function merged(held: unknown, delta: unknown): unknown {
  if (held === null || held === undefined || delta === null || delta === undefined) return delta ?? held;
  if (typeof held === 'string' && typeof delta === 'string') return held + delta;
  if (Array.isArray(held) && Array.isArray(delta)) {
    const list: unknown[] = [...held];
    for (const item of delta) {
      const at = isObject(item) && typeof item.index === 'number' ? item.index : list.length;
      const before = list.findIndex((other) => isObject(other) && other.index === at);
      if (before < 0) list.push(item);
      else list[before] = merged(list[before], item);
    }
    return list;
  }
  if (!isObject(held) || !isObject(delta)) return delta;
  const result: Record<string, unknown> = { ...held };
  for (const [name, value] of Object.entries(delta)) {
    result[name] = names.has(name) ? (value ?? held[name]) : merged(held[name], value);
  }
  return result;
}

/** Said once, or said again as they are. */
const names = new Set(['role', 'id', 'type', 'index']);

function* split({ choices, usage, ...about }: Json): Generator<Part> {
  const chunk = { ...about, object: 'chat.completion.chunk' };
  const list = objectsOf(choices);
  for (const { index, message, logprobs = null, finish_reason } of list) {
    const { tool_calls, ...delta } = message as Json;
    const calls = objectsOf(tool_calls).map((call, at) => ({ index: at, ...call }));
    const whole = calls.length === 0 ? delta : { ...delta, tool_calls: calls };
    yield { ...chunk, choices: [{ index, delta: whole, logprobs, finish_reason: null }], usage: null };
    yield { ...chunk, choices: [{ index, delta: {}, logprobs: null, finish_reason }], usage: null };
  }
  if (isObject(usage)) yield { ...chunk, choices: [], usage };
  yield done;
}
