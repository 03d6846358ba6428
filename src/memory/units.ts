// What is kept or dropped together: an assistant's calls of tools with their results. For memory/ alone.
import type { StoredMessage } from './types.js';

/** Messages that belong together, in the order in which a model must be given them. */
export interface Unit {
  /** The first one's id. */
  readonly id: string;
  readonly messages: readonly StoredMessage[];
  /** Each call has its result, and each result its call. */
  readonly isWhole: boolean;
}

interface Open {
  readonly id: string;
  readonly messages: StoredMessage[];
  readonly waiting: Set<string>;
  readonly isOrphan: boolean;
}

/**
 * Groups messages that are in the order of time. A result belongs to the latest call of its id before it that has no result yet, also
 * when other messages came between; it then stands right after its call.
 */
export function unitsOf(messages: readonly StoredMessage[]): Unit[] {
  const units: Open[] = [];
  const callers = new Map<string, Open>();
  for (const message of messages) {
    const { id, role, metadata } = message;
    const answers = metadata.tool_call_id;
    const caller = answers === undefined ? undefined : callers.get(answers);
    if (answers !== undefined && caller?.waiting.delete(answers)) {
      caller.messages.push(message);
      continue;
    }
    const waiting = new Set(metadata.tool_calls?.map((call) => call.id));
    const unit: Open = { id, messages: [message], waiting, isOrphan: role === 'tool' };
    units.push(unit);
    for (const call of waiting) callers.set(call, unit);
  }
  return units.map(({ id, messages, waiting, isOrphan }) => ({
    id,
    messages,
    isWhole: waiting.size === 0 && !isOrphan,
  }));
}

/** True for a message that is a unit by itself, whatever stands around it. */
export function standsAlone({ role, metadata }: StoredMessage): boolean {
  return role !== 'tool' && metadata.tool_calls === undefined;
}

/** What makes two messages say the same; undefined for calls and results, whose place matters more than their words. */
export function wordsOf({ messages }: Unit): string | undefined {
  const [first] = messages;
  if (first === undefined || messages.length > 1 || !standsAlone(first)) return undefined;
  return JSON.stringify([first.role, first.metadata.name ?? null, first.content]);
}
