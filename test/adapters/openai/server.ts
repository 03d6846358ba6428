// A loopback server that speaks the interfaces of OpenAI: chat completions, responses and embeddings, whole and streamed. Imported by the tests.
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// biome-ignore lint/suspicious/noExplicitAny: bodies as they come.
type Json = any;

/** What the server says. */
export interface Reply {
  readonly text?: string;
  /** Of chat completions. Default `stop`. */
  readonly finish?: string;
  readonly message?: object;
  /** Of responses. Default the text, as a message. */
  readonly output?: readonly object[];
  readonly status?: number;
  /** How a stream ends. Default as it should. */
  readonly end?: 'silent' | 'reset' | 'error';
  /** Held back until it resolves, after the first event of a stream. */
  readonly wait?: Promise<void>;
}

export const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
const responsesUsage = { input_tokens: 7, output_tokens: 5, total_tokens: 12 };

/** Starts one on a free port; `reply` is asked for each request. */
export async function startServer(reply: (body: Json) => Reply = () => ({})) {
  const seen: { path: string; body: Json }[] = [];
  // Paths of requests whose caller went away.
  const left: string[] = [];
  const changes = new EventEmitter();
  let refusesUsage = false;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const body: Json = text === '' ? {} : JSON.parse(text);
    const path = (request.url ?? '').replace('/v1', '');
    seen.push({ path, body });
    changes.emit('change');
    response.on('close', () => {
      if (response.writableFinished) return;
      left.push(path);
      changes.emit('change');
    });
    const said = reply(body);
    response.setHeader('x-request-id', `req_${seen.length}`);
    if (said.status !== undefined || (refusesUsage && body.stream_options !== undefined)) {
      const error = { message: 'no', type: 'test', code: 'c', param: null };
      return send(response, { error }, said.status ?? 400);
    }
    if (path === '/models') return send(response, { object: 'list', data: [{ id: 'm' }] });
    if (path.startsWith('/embeddings')) return send(response, embeddings(body));
    const whole = path.startsWith('/responses') ? responseTo(body, said) : completionTo(body, said);
    if (!body.stream) {
      await said.wait;
      return send(response, whole);
    }
    response.setHeader('content-type', 'text/event-stream');
    const events = path.startsWith('/responses') ? eventsOf(whole) : [...chunksOf(whole, body), '[DONE]'];
    const most = said.end === undefined ? events.length : 2;
    for (const [at, event] of events.slice(0, most).entries()) {
      const name = typeof event === 'string' || event.type === undefined ? '' : `event: ${event.type}\r\n`;
      response.write(
        `: ping\n\n${name}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\r\n\r\n`,
      );
      if (at === 0) await said.wait;
    }
    if (said.end === 'reset') return response.destroy();
    if (said.end === 'error')
      response.write('data: {"error":{"message":"broken","type":"server_error"}}\n\n');
    response.end();
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    seen,
    /** Resolves when it has seen so many requests, and so many of their callers have gone. */
    until: async (requests: number, gone: number) => {
      while (seen.length < requests || left.length < gone) await once(changes, 'change');
    },
    /** From now on `stream_options` are no parameter that it knows. */
    refuseUsage: () => {
      refusesUsage = true;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function lastText(list: Json): string {
  const content = typeof list === 'string' ? list : list?.at(-1)?.content;
  return typeof content === 'string' ? content : JSON.stringify(content);
}

function completionTo(body: Json, { text, finish = 'stop', message }: Reply): Json {
  const content = text ?? `answer to ${lastText(body.messages)}`;
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: `${body.model}-2026`,
    choices: Array.from({ length: body.n ?? 1 }, (_, index) => ({
      index,
      message: { role: 'assistant', content, refusal: null, ...message },
      logprobs: null,
      finish_reason: finish,
    })),
    usage,
    system_fingerprint: 'fp',
  };
}

/** As the server streams it: a first chunk without text, a word a chunk, the reason, the usage. */
function chunksOf({ choices, usage, ...about }: Json, body: Json): Json[] {
  const tells = body.stream_options?.include_usage === true;
  const chunk = (index: number, delta: object, finish_reason: string | null = null) => ({
    ...about,
    object: 'chat.completion.chunk',
    choices: [{ index, delta, logprobs: null, finish_reason }],
    ...(tells ? { usage: null } : {}),
  });
  const chunks: Json[] = [];
  for (const { index, message, finish_reason } of choices) {
    const { content, tool_calls, ...rest } = message;
    chunks.push(chunk(index, { ...rest, content: '' }));
    for (const word of (content ?? '').match(/\S+\s*/g) ?? []) chunks.push(chunk(index, { content: word }));
    for (const [at, call] of (tool_calls ?? []).entries()) {
      const { arguments: given, name } = call.function;
      chunks.push(chunk(index, { tool_calls: [{ index: at, ...call, function: { name, arguments: '' } }] }));
      chunks.push(chunk(index, { tool_calls: [{ index: at, function: { arguments: given } }] }));
    }
    chunks.push(chunk(index, {}, finish_reason));
  }
  if (tells) chunks.push({ ...about, object: 'chat.completion.chunk', choices: [], usage });
  return chunks;
}

function responseTo(body: Json, { text, output, finish }: Reply): Json {
  const said = text ?? `answer to ${lastText(body.input)}`;
  const message = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: said, annotations: [], logprobs: [] }],
  };
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1_700_000_000,
    status: finish ?? 'completed',
    error: null,
    incomplete_details: finish === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    model: `${body.model}-2026`,
    output: output ?? [message],
    parallel_tool_calls: true,
    tools: body.tools ?? [],
    usage: responsesUsage,
  };
}

function eventsOf(response: Json): Json[] {
  const [item] = response.output;
  const part = item.content?.[0];
  const at = { item_id: item.id, output_index: 0, content_index: 0 };
  const words: string[] = part?.text?.match(/\S+\s*/g) ?? [];
  const begun = { ...response, status: 'in_progress', output: [], usage: null };
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
    ...words.map((delta) => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...at, text: part?.text, logprobs: [] },
    { type: 'response.content_part.done', ...at, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: `response.${response.status}`, response },
  ];
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

/** Vectors that tell their text: its length, and a half. */
function embeddings({ input, model, encoding_format }: Json): Json {
  const list = typeof input === 'string' || typeof input[0] === 'number' ? [input] : input;
  const data = list.map((text: { length: number }, index: number) => {
    const vector = [text.length, 0.5];
    const embedding =
      encoding_format === 'base64'
        ? Buffer.from(Float32Array.from(vector).buffer).toString('base64')
        : vector;
    return { object: 'embedding', index, embedding };
  });
  return {
    object: 'list',
    data: data.reverse(),
    model,
    usage: { prompt_tokens: list.length, total_tokens: list.length },
  };
}
