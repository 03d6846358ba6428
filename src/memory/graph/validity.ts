// Which statements hold: a newer value of the same subject and attribute closes the older one. For memory-graph.ts.

/** A statement as a message made it. */
export interface Fact {
  /** Sequence number of the message. */
  readonly message: number;
  readonly subject: string;
  readonly owner: string;
  readonly attribute: string;
  /** The value's entity, or its form where it is none. */
  readonly value: string;
  readonly change: boolean;
  readonly speaker: string;
  readonly fromMs: number;
  /** When a newer value took its place; undefined while it holds. */
  toMs?: number;
}

/** An older statement that a newer one speaks against. */
export interface Conflict {
  readonly older: Fact;
  /** `updates` when the newer says that something changed, or the same speaker says it; else two speakers disagree. */
  readonly kind: 'updates' | 'contradicts';
}

const mostPerSubject = 16;
const pronounReach = 6;

/** The statements of a conversation. */
export class Facts {
  readonly #bySubject = new Map<string, Fact[]>();
  readonly #recent: Fact[] = [];

  /** Takes a statement in and tells which ones it speaks against; those it updates hold until then and no longer. */
  add(stated: Fact): readonly Conflict[] {
    const fact = stated.subject === '?' ? this.#withAntecedent(stated) : stated;
    if (fact === undefined) return [];
    const key = `${fact.subject}\n${fact.attribute}`;
    const held = this.#bySubject.get(key) ?? [];
    const conflicts: Conflict[] = [];
    for (const older of held) {
      const sameThing = older.owner === fact.owner || older.owner === '' || fact.owner === '';
      if (
        !sameThing ||
        older.toMs !== undefined ||
        older.message === fact.message ||
        older.value === fact.value
      )
        continue;
      const kind = fact.change || older.speaker === fact.speaker ? 'updates' : 'contradicts';
      if (kind === 'updates') older.toMs = Math.max(older.fromMs, fact.fromMs);
      conflicts.push({ older, kind });
    }
    held.push(fact);
    this.#bySubject.set(key, held.slice(-mostPerSubject));
    this.#recent.push(fact);
    if (this.#recent.length > 64) this.#recent.shift();
    return conflicts;
  }

  /** "It moved to Monday": the latest thing that had a value of that kind. */
  #withAntecedent(fact: Fact): Fact | undefined {
    if (!fact.change) return undefined;
    const last = this.#recent.findLast(
      ({ attribute, message }) =>
        attribute === fact.attribute && fact.message - message <= pronounReach && message !== fact.message,
    );
    return last && { ...fact, subject: last.subject, owner: last.owner };
  }
}
