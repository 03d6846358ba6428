// Responses: what a request asks, and its answer whole and as events. fetch.ts imports it.
import { type Turn, turnOf, without } from '../request.js';
import { answerFields, type Form, isObject, type Json, objectsOf, type Part } from './form.js';

/** What is named apart in the scope. */
const namedApart = ['input', 'instructions', 'model', 'tools', 'tool_choice', 'text'];
const textTypes = ['input_text', 'output_text', 'text'];
/** The last events of a stream; each holds the response. */
const endings = new Set(['response.completed', 'response.incomplete', 'response.failed']);

export const responses: Form = {
  request(body) {
    const { input = [], instructions, model, tools, tool_choice, text } = body;
    // The server goes on working, or writes the answer into a conversation that it keeps: neither can be played back.
    if (body.background || body.conversation) return undefined;
    const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
    if (!Array.isArray(items) || !items.every(isObject)) return undefined;
    const orders =
      instructions === undefined || instructions === null ? [] : [{ role: 'system', content: instructions }];
    return {
      turns: [...orders, ...items].map(turn),
      model: typeof model === 'string' ? model : undefined,
      tools,
      toolChoice: tool_choice,
      responseFormat: text,
      // `previous_response_id` with them: the turns that the server knows.
      parameters: without(answerFields(body), ...namedApart),
    };
  },
  withUsage: () => undefined,
  join(parts) {
    const last = parts.findLast((part) => isObject(part) && endings.has(part.type as string)) as
      | Json
      | undefined;
    return isObject(last?.response) ? last.response : {};
  },
  split,
  isWhole: ({ status, output }) =>
    status === 'completed' && Array.isArray(output) && output.length > 0 && output.every(isText),
  ends: (part) => isObject(part) && endings.has(part.type as string),
  shown: (part) => part,
};

function turn(item: Json): Turn {
  const { type = 'message', role, content } = item;
  const others = without(item, 'type', 'role', 'content', 'id', 'status');
  if (type === 'message') {
    if (role === 'system' || role === 'developer') return turnOf('system', content, others, textTypes);
    if (role === 'user' || role === 'assistant') return turnOf(role, content, others, textTypes);
  }
  return { role: 'other', text: undefined, rest: item };
}

/** Answers that tools of the server had a part in (searches, code) are not of the question alone. */
function isText(item: unknown): boolean {
  if (!isObject(item)) return false;
  return (
    item.type === 'reasoning' || (item.type === 'message' && objectsOf(item.content).every(isOutputText))
  );
}

function isOutputText({ type }: Json): boolean {
  return type === 'output_text';
}

function* split(response: Json): Generator<Part> {
  let sequence_number = 0;
  const event = (type: string, fields: Json): Json => ({
    type,
    ...fields,
    sequence_number: sequence_number++,
  });
  const begun = { ...response, status: 'in_progress', output: [], usage: null };
  yield event('response.created', { response: begun });
  yield event('response.in_progress', { response: begun });
  for (const [output_index, item] of objectsOf(response.output).entries()) {
    const isMessage = item.type === 'message';
    const empty = isMessage ? { ...item, status: 'in_progress', content: [] } : item;
    yield event('response.output_item.added', { output_index, item: empty });
    for (const [content_index, part] of objectsOf(isMessage ? item.content : []).entries()) {
      const at = { item_id: item.id, output_index, content_index };
      yield event('response.content_part.added', { ...at, part: { ...part, text: '', annotations: [] } });
      const logprobs = part.logprobs ?? [];
      yield event('response.output_text.delta', { ...at, delta: part.text, logprobs });
      for (const [annotation_index, annotation] of objectsOf(part.annotations).entries())
        yield event('response.output_text.annotation.added', { ...at, annotation_index, annotation });
      yield event('response.output_text.done', { ...at, text: part.text, logprobs });
      yield event('response.content_part.done', { ...at, part });
    }
    yield event('response.output_item.done', { output_index, item });
  }
  yield event('response.completed', { response });
}
