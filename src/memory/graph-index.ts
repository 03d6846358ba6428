// What a graph of a conversation is to the chat memory; chat-memory.ts uses it, an implementation and the composition root import it.

/** A message as the graph sees it. */
export interface GraphMessage {
  readonly id: string;
  readonly role: string;
  readonly content: string;
  readonly createdAtMs: number;
  readonly replyTo?: string | undefined;
  readonly user?: string | undefined;
  readonly vector?: Float32Array | undefined;
}

/** Relations between the messages of one session. */
export interface GraphIndex {
  /** Adds a message; resolves when it is durable. */
  add(message: GraphMessage): Promise<void>;
  /** Messages that the graph relates to the seeds (id → weight > 0), most related first, seeds left out. */
  expand(
    seeds: ReadonlyMap<string, number>,
    options: { readonly limit: number; readonly query?: string },
  ): Promise<readonly { readonly id: string; readonly weight: number }[]>;
  forget(ids: readonly string[]): Promise<void>;
  clear(): Promise<void>;
  close(): Promise<void>;
}
