// The verb `memory` and what it can do. For program.ts alone.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChatMemory,
  type MessageMetadata,
  openChatMemory,
  type Role,
  type StoredMessage,
} from '../index.js';
import { type Context, load, openOptions } from './context.js';
import { UsageError } from './failure.js';
import { type GraphFlags, showGraph } from './memory-graph.js';
import { counted, oneLine } from './text.js';

/** Options of `memory` and all that it can do. */
export interface MemoryFlags extends GraphFlags {
  readonly log?: 'disk' | 'redis';
  readonly role?: Role;
  readonly metadata?: string;
  readonly maxTokens?: number;
  readonly topK?: number;
  readonly recent?: number;
  readonly pinned?: readonly string[];
  readonly truncate?: boolean;
  readonly model?: string;
  readonly limit?: number;
  readonly before?: string;
  readonly user?: string;
  readonly yes?: boolean;
}

/** What a part of the verb does with an open memory. */
type Action = (
  memory: ChatMemory,
  context: Context,
  flags: MemoryFlags,
  argument: string | undefined,
) => Promise<void>;

const graph: Action = async (memory, context, flags) => showGraph(memory.graph(), context, flags);
const actions = { add, context: showContext, history, search, forget, clear, graph } satisfies Record<
  string,
  Action
>;

/** A part of the verb `memory`. */
export type MemoryVerb = keyof typeof actions;

/** Opens the memory of the session, does what was asked, and closes it. @throws as `ChatMemory` */
export async function memory(
  verb: MemoryVerb,
  context: Context,
  flags: MemoryFlags,
  argument: string | undefined,
): Promise<void> {
  const options = openOptions(flags);
  const { config } = load(context, options);
  // A directory that a mistyped option names must not come into being by asking.
  if (verb !== 'add' && flags.log !== 'redis' && !existsSync(join(config.cache.directory, 'memory'))) {
    throw new UsageError(
      `${config.cache.directory} holds no memory; add a message first, as in "llm-cache memory add --session ${flags.session} 'My name is Ada.'"`,
    );
  }
  const { session, tenant, log, model } = flags;
  const opened = await openChatMemory({ ...options, session, tenant, log, model, graph: true });
  try {
    await actions[verb](opened, context, flags, argument);
  } finally {
    await opened.close();
  }
}

async function add(memory: ChatMemory, { output }: Context, flags: MemoryFlags, text = ''): Promise<void> {
  const content = text === '-' ? await standardInput() : text;
  const message = await memory.addMessage(flags.role ?? 'user', content, metadataOf(flags));
  output.data(message);
  output.line(`${message.id}  ${output.style.dim('added')}`);
}

async function showContext(
  memory: ChatMemory,
  { output, signal }: Context,
  { maxTokens, topK, recent, pinned, truncate }: MemoryFlags,
  query = '',
): Promise<void> {
  const context = await memory.getContext(query, { maxTokens, topK, recent, pinned, truncate, signal });
  output.data(context);
  const { dim, bold } = output.style;
  for (const [index, { role, content, tool_calls: calls }] of context.messages.entries()) {
    const detail = context.details[index];
    const cut = detail?.truncated ? ', cut' : '';
    const note = `${detail?.reason}${cut} ${detail?.relevance.toFixed(2)}, ${counted(detail?.tokens ?? 0, 'token')}`;
    output.line(`${bold(role)} ${dim(`· ${note}`)}`);
    output.paragraph(content === '' && calls ? JSON.stringify(calls) : content, 2);
  }
  const { length } = context.leftOut;
  const rest = length === 0 ? '' : `, ${counted(length, 'message')} left out`;
  output.line(
    dim(`${counted(context.tokens, 'token')} in ${counted(context.messages.length, 'message')}${rest}`),
  );
}

async function history(
  memory: ChatMemory,
  { output }: Context,
  { limit, before }: MemoryFlags,
): Promise<void> {
  for (const message of await memory.history({ limit, before })) {
    output.data(message);
    output.line(lineOf(message));
  }
}

async function search(
  memory: ChatMemory,
  { output, signal }: Context,
  { topK }: MemoryFlags,
  query = '',
): Promise<void> {
  for (const match of await memory.search(query, { topK, signal })) {
    output.data(match);
    output.line(`${match.similarity.toFixed(3)}  ${lineOf(match.message)}`);
  }
}

async function forget(
  memory: ChatMemory,
  { output }: Context,
  { user }: MemoryFlags,
  id: string | undefined,
): Promise<void> {
  if ((id === undefined) === (user === undefined))
    throw new UsageError('name one message by its id, or --user');
  const forgotten = await memory.forget(id ?? { user: user as string });
  output.data({ forgotten });
  output.line(`${counted(forgotten, 'message')} forgotten`);
}

async function clear(memory: ChatMemory, { output }: Context, { yes, session }: MemoryFlags): Promise<void> {
  if (yes !== true)
    throw new UsageError(`this erases all of the session ${session}; say --yes if that is wanted`);
  const forgotten = await memory.clear();
  output.data({ forgotten });
  output.line(`${counted(forgotten, 'message')} forgotten`);
}

function lineOf({ id, role, content, createdAtMs, metadata }: StoredMessage): string {
  const at = new Date(createdAtMs).toISOString().slice(0, 19).replace('T', ' ');
  const said = content === '' && metadata.tool_calls ? JSON.stringify(metadata.tool_calls) : content;
  return `${id}  ${at}  ${role}: ${oneLine(said)}`;
}

function metadataOf({ metadata, user }: MemoryFlags): MessageMetadata {
  const own = user === undefined ? {} : { user };
  if (metadata === undefined) return own;
  try {
    return { ...(JSON.parse(metadata) as MessageMetadata), ...own };
  } catch (error) {
    throw new UsageError(`--metadata must be JSON: ${(error as Error).message}`);
  }
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8').trimEnd();
}
