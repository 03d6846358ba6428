// Brings this machine's vectors up to a log that other machines write to. For chat-memory.ts and open-memory.ts.
import type { Environment } from '../disk/environment.js';
import type { GraphIndex } from './graph-index.js';
import type { LogChange, MessageLog } from './log.js';
import { sessionKey } from './log.js';
import { toGraph } from './message.js';
import type { Recall } from './recall.js';

const database = 'memory-cursors';
const fromTheBeginning = '0-0';

/** What a follower connects. */
export interface FollowerParts {
  readonly environment: Environment;
  readonly scope: string;
  readonly log: MessageLog;
  readonly recall: Recall;
  readonly graph?: GraphIndex | undefined;
}

/** Follows the changes of a shared log: embeds what others added, erases here what they forgot. */
export class Follower {
  readonly #parts: FollowerParts;
  #following: Promise<void> | undefined;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /** Resolves when all that the log held at the call is known here. Cost: one command when nothing is new. */
  async follow(): Promise<void> {
    // One that runs already may have read the log before the call.
    await this.#following?.catch(() => {});
    this.#following ??= this.#followNow().finally(() => {
      this.#following = undefined;
    });
    return this.#following;
  }

  async #followNow(): Promise<void> {
    const { environment, scope, log } = this.#parts;
    const key = sessionKey(scope);
    const held = environment.reader(database).get(key)?.toString() ?? fromTheBeginning;
    for (let cursor = held; ; ) {
      const news = await log.changes(cursor);
      if (news.changes.length === 0) break;
      for (const change of news.changes) await this.#take(change);
      // Before the cursor moves: a process that dies meanwhile erases anew.
      if (news.changes.some(({ kind }) => kind !== 'add')) await environment.scrub();
      cursor = news.cursor;
      const value = new TextEncoder().encode(cursor);
      await environment.write([{ kind: 'put', database, key, value }]);
    }
  }

  async #take(change: LogChange): Promise<void> {
    const { log, recall, graph } = this.#parts;
    if (change.kind === 'clear') {
      await recall.clear();
      await graph?.clear();
    } else if (change.kind === 'forget') {
      await recall.remove([change]);
      await graph?.forget([change.id]);
    } else if (!(await recall.has(change.id))) {
      const [message] = await log.get([change.id]);
      if (message === undefined) return;
      const { vector } = await recall.index(message.id, message.content);
      await graph?.add(toGraph(message, vector));
    }
  }
}
