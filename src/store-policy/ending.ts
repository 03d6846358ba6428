// How a generation ended, as the answers of the usual APIs tell. store-policy/ imports it.

/** Why an answer should not be kept; undefined for one that ended well, or does not say. */
export type BadEnding = 'error' | 'refusal' | 'length' | 'content-filter' | 'tool-calls';

type Fields = Readonly<Record<string, unknown>>;

const reasons: Readonly<Record<string, BadEnding>> = {
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  incomplete: 'length',
  model_context_window_exceeded: 'length',
  'content-filter': 'content-filter',
  content_filter: 'content-filter',
  safety: 'content-filter',
  'tool-calls': 'tool-calls',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  tool_use: 'tool-calls',
  refusal: 'refusal',
  error: 'error',
  failed: 'error',
};
// Types of parts, output items and events.
const kinds: Readonly<Record<string, BadEnding>> = {
  error: 'error',
  refusal: 'refusal',
  'tool-call': 'tool-calls',
  'tool-input-start': 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  'response.failed': 'error',
  'response.incomplete': 'length',
  'response.refusal.delta': 'refusal',
};

/** Reads Chat Completions, Responses, Messages, results and stream parts of the AI SDK, generations of LangChain, whole or as a list. */
export function badEndingOf(value: unknown): BadEnding | undefined {
  return Array.isArray(value) ? first(value, ofFields) : ofFields(value);
}

function ofFields(value: unknown): BadEnding | undefined {
  if (value instanceof Error) return 'error';
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Fields;
  return (
    named(kinds, fields.type) ??
    ofReasons(fields) ??
    first(fields.choices, ofChoice) ??
    first(fields.content, ofItem) ??
    first(fields.output, ofItem) ??
    ofReasons(fields.delta) ??
    ofReasons(fields.response) ??
    ofGeneration(fields)
  );
}

/** As LangChain writes it down: the message's fields are its `data`. */
function ofGeneration({ message, generationInfo }: Fields): BadEnding | undefined {
  const data = (message as Fields | null | undefined)?.data as Fields | null | undefined;
  return (
    ofReasons(generationInfo) ??
    ofMessage(data) ??
    ofMessage(data?.additional_kwargs) ??
    ofReasons(data?.response_metadata) ??
    first(data?.content, ofItem)
  );
}

function ofReasons(value: unknown): BadEnding | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { finishReason, finish_reason, stop_reason, status, incomplete_details } = value as Fields;
  const unified = (finishReason as Fields | undefined)?.unified ?? finishReason;
  return (
    named(reasons, (incomplete_details as Fields | undefined)?.reason) ??
    named(reasons, unified) ??
    named(reasons, finish_reason) ??
    named(reasons, stop_reason) ??
    named(reasons, status)
  );
}

function ofChoice(value: unknown): BadEnding | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { message, delta } = value as Fields;
  return ofReasons(value) ?? ofMessage(message) ?? ofMessage(delta);
}

function ofMessage(value: unknown): BadEnding | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { refusal, tool_calls, invalid_tool_calls, function_call } = value as Fields;
  if (typeof refusal === 'string' && refusal !== '') return 'refusal';
  const isCall = [tool_calls, invalid_tool_calls].some((calls) => Array.isArray(calls) && calls.length > 0);
  return isCall || function_call ? 'tool-calls' : undefined;
}

function ofItem(value: unknown): BadEnding | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, content } = value as Fields;
  return named(kinds, type) ?? first(content, (part) => named(kinds, (part as Fields | null)?.type));
}

function first(list: unknown, read: (item: unknown) => BadEnding | undefined): BadEnding | undefined {
  if (!Array.isArray(list)) return undefined;
  for (const item of list) {
    const found = read(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function named(table: Readonly<Record<string, BadEnding>>, name: unknown): BadEnding | undefined {
  return typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined;
}
