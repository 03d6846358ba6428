// The graph of one conversation in memory, built record by record; a record that goes means building anew. For graph.ts.
import type { GraphMessage } from '../graph-index.js';
import { analyse } from './analyse.js';
import { type GraphData, Network } from './network.js';
import { personalisedPageRank, type WalkOptions } from './page-rank.js';
import { entitiesPerMessage, type MessageRecord, previewOf, type Resolved } from './record.js';
import { Resolver } from './resolver.js';
import { type Topic, Topics } from './topics.js';
import { type Fact, Facts } from './validity.js';
import { dotOf, lengthOf, quantised } from './vectors.js';
import { neighbourWeights, rarity, type Weights, walkWeights } from './weights.js';

/** Vectors of phrases not seen before, by surface. */
export type PhraseVectors = ReadonlyMap<string, Int8Array>;

/** Nearest messages that a message is tied to. */
const mostSimilar = 4;
const leastSimilarity = 0.45;
/** Only among so many latest messages. */
const similarWindow = 4_096;
const topicLabels = 3;

interface Entity {
  readonly spellings: Map<string, number>;
  readonly kind: Resolved['kind'];
  messages: number;
}

/** A graph that grows. Every method is synchronous. */
export class MemoryGraph {
  readonly network = new Network();
  readonly #records = new Map<number, MessageRecord>();
  readonly #sequences = new Map<string, number>();
  readonly #entities = new Map<number, Entity>();
  readonly #resolver = new Resolver();
  readonly #topics = new Topics();
  readonly #facts = new Facts();
  /** Vectors of the latest messages. */
  #latest: { readonly sequence: number; readonly vector: Int8Array; readonly length: number }[] = [];
  #last: number | undefined;

  /** Messages held. */
  get size(): number {
    return this.#records.size;
  }

  /** Sequence numbers of the first messages. */
  oldest(most: number): number[] {
    return [...this.#records.keys()].slice(0, most);
  }

  /** The sequence number of a message. */
  sequenceOf(id: string): number | undefined {
    return this.#sequences.get(id);
  }

  /** Phrases of a text that no entity has by form: a vector could tell which they are. */
  unknownPhrases(text: string, most: number): string[] {
    return analyse(text)
      .mentions.filter(
        (mention) => mention.kind === 'phrase' && !mention.head && this.#resolver.find(mention) === undefined,
      )
      .slice(0, most)
      .map(({ surface }) => surface);
  }

  /** The record that the message would have under a sequence number; changes nothing. */
  prepare(message: GraphMessage, sequence: number, vectors: PhraseVectors = new Map()): MessageRecord {
    const { mentions, statements } = analyse(message.content);
    const own = new Resolver();
    const resolved = mentions.map((mention, i): Resolved => {
      const vector = vectors.get(mention.surface);
      const known = this.#resolver.find(mention, vector) ?? own.find(mention, vector);
      const entity = known ?? sequence * entitiesPerMessage + i;
      if (known === undefined) own.register(entity, mention, vector);
      return { ...mention, entity, ...(vector && { vector }) };
    });
    const vector = message.vector && quantised(message.vector);
    return {
      id: message.id,
      role: message.role,
      createdAtMs: message.createdAtMs,
      replyTo: message.replyTo,
      user: message.user,
      preview: previewOf(message),
      mentions: resolved,
      statements,
      vector,
      similar: vector === undefined ? [] : this.#similar(vector),
    };
  }

  /** Takes a record in. Sequence numbers must rise. */
  apply(sequence: number, record: MessageRecord): void {
    const node = messageNode(sequence);
    const validFromMs = record.createdAtMs;
    const { id: messageId, role, user, createdAtMs } = record;
    this.network.setNode({
      id: node,
      kind: 'message',
      label: record.preview,
      messageId,
      role,
      ...(user !== undefined && { user }),
      createdAtMs,
    });
    const link = (kind: 'repliesTo' | 'follows' | 'similarTo', to: number, weight: number) => {
      if (!this.#records.has(to)) return;
      this.network.setEdge({
        kind,
        source: node,
        target: messageNode(to),
        weight,
        validFromMs,
        validToMs: null,
      });
    };
    if (this.#last !== undefined) link('follows', this.#last, 1);
    const repliedTo = record.replyTo === undefined ? undefined : this.#sequences.get(record.replyTo);
    if (repliedTo !== undefined) link('repliesTo', repliedTo, 1);
    for (const [other, cosine] of record.similar) link('similarTo', other, cosine);
    this.#records.set(sequence, record);
    this.#sequences.set(record.id, sequence);
    this.#last = sequence;
    const { vector } = record;
    if (vector !== undefined) this.#latest.push({ sequence, vector, length: lengthOf(vector) });
    if (this.#latest.length > 2 * similarWindow) this.#latest = this.#latest.slice(-similarWindow);
    for (const mention of record.mentions) this.#mention(node, mention, validFromMs);
    for (const statement of record.statements) this.#state(sequence, record, statement);
    this.#toTopic(sequence, record);
  }

  /** What a message brought or changed; empty when it is not known. */
  around(id: string): GraphData {
    const sequence = this.#sequences.get(id);
    if (sequence === undefined) return { nodes: [], edges: [] };
    const own = messageNode(sequence);
    const touched = new Set([own]);
    this.network.eachEdgeAt(own, ({ kind }, source, target) => {
      const other = source === own ? target : source;
      // Its topic may have begun with it, which ties an earlier message to it; what it updates holds no longer.
      if (kind === 'updates' || (kind === 'about' && this.network.degree(other) <= 2)) touched.add(other);
    });
    return this.network.part(touched);
  }

  /**
   * Messages by their rank in a walk from the seeds and from the entities that the query names, best first, without the seeds. The
   * weight is the square root of a rank's share of the highest: ranks fall so steeply that few could be compared with a cosine.
   */
  related(
    seeds: ReadonlyMap<string, number>,
    { limit, query, weights = walkWeights, walk }: RelatedOptions,
  ): { readonly id: string; readonly weight: number }[] {
    const start = this.#start(seeds, query, weights);
    // Most nodes are pushed several times.
    const known = new Map<string, [string, number][]>();
    const neighbours = (node: string) => {
      const around = known.get(node) ?? neighbourWeights(this.network, node, this.size, weights);
      known.set(node, around);
      return around;
    };
    const { ranks } = personalisedPageRank(neighbours, start, walk);
    const found: { id: string; weight: number; sequence: number }[] = [];
    for (const [node, weight] of ranks) {
      if (!node.startsWith('m')) continue;
      const sequence = Number(node.slice(1));
      const { id } = this.#records.get(sequence) as MessageRecord;
      if (!seeds.has(id)) found.push({ id, weight, sequence });
    }
    found.sort((a, b) => b.weight - a.weight || b.sequence - a.sequence);
    const highest = found[0]?.weight ?? 1;
    return found.slice(0, limit).map(({ id, weight }) => ({ id, weight: Math.sqrt(weight / highest) }));
  }

  #start(
    seeds: ReadonlyMap<string, number>,
    query: string | undefined,
    weights: Weights,
  ): Map<string, number> {
    const start = new Map<string, number>();
    let total = 0;
    for (const [id, weight] of seeds) {
      const sequence = this.#sequences.get(id);
      if (sequence === undefined || !(weight > 0)) continue;
      const sharp = weight ** weights.seedPower;
      start.set(messageNode(sequence), sharp);
      total += sharp;
    }
    if (query === undefined) return start;
    const named = new Map<string, number>();
    let sum = 0;
    for (const mention of analyse(query).mentions) {
      const entity = this.#resolver.find(mention);
      const node = entity === undefined ? undefined : entityNode(entity);
      if (node === undefined || !this.network.hasNode(node)) continue;
      const weight =
        weights.entity[mention.kind] *
        rarity(this.network.degree(node), this.size) *
        (mention.head ? weights.head : 1);
      named.set(node, weight);
      sum += weight;
    }
    // All of the start is the query's where there are no seeds.
    const share = total === 0 ? 1 : (total * weights.queryShare) / (1 - weights.queryShare);
    for (const [node, weight] of named) if (sum > 0) start.set(node, (share * weight) / sum);
    return start;
  }

  #similar(vector: Int8Array): (readonly [number, number])[] {
    const near: [number, number][] = [];
    const length = lengthOf(vector);
    for (const other of this.#latest.slice(-similarWindow)) {
      const cosine = dotOf(vector, other.vector) / (length * other.length);
      if (cosine >= leastSimilarity) near.push([other.sequence, Math.round(cosine * 1e4) / 1e4]);
    }
    return near.sort((a, b) => b[1] - a[1]).slice(0, mostSimilar);
  }

  #mention(node: string, mention: Resolved, validFromMs: number): void {
    this.#resolver.register(mention.entity, mention, mention.vector);
    let entity = this.#entities.get(mention.entity);
    if (entity === undefined) {
      entity = { spellings: new Map(), kind: mention.kind, messages: 0 };
      this.#entities.set(mention.entity, entity);
    }
    entity.messages++;
    entity.spellings.set(mention.surface, (entity.spellings.get(mention.surface) ?? 0) + 1);
    const label = labelOf(entity);
    this.network.setNode({
      id: entityNode(mention.entity),
      kind: 'entity',
      label,
      entityKind: entity.kind,
      aliases: [...entity.spellings.keys()].filter((spelling) => spelling !== label),
    });
    const weight = mention.head ? 0.5 : 1;
    this.network.setEdge({
      kind: 'mentions',
      source: node,
      target: entityNode(mention.entity),
      weight,
      validFromMs,
      validToMs: null,
    });
  }

  #state(sequence: number, record: MessageRecord, statement: MessageRecord['statements'][number]): void {
    const entityOf = (form: string) => record.mentions.find((mention) => mention.form === form)?.entity;
    const named = (form: string) => String(entityOf(form) ?? form);
    const speaker = record.user ?? record.role;
    const fact: Fact = {
      message: sequence,
      subject: statement.subject === '@' ? `@${speaker}` : named(statement.subject),
      owner: statement.owner === '' ? '' : named(statement.owner),
      attribute: statement.attribute,
      value: named(statement.value),
      change: statement.change,
      speaker,
      fromMs: record.createdAtMs,
    };
    for (const { older, kind } of this.#facts.add(fact)) {
      const [source, target] = [messageNode(sequence), messageNode(older.message)];
      this.network.setEdge({ kind, source, target, weight: 1, validFromMs: fact.fromMs, validToMs: null });
      if (older.toMs === undefined) continue;
      this.network.end('mentions', target, `e${older.value}`, older.toMs);
      // What the older one had updated is history as well.
      const stale: [string, number][] = [];
      this.network.eachEdgeAt(target, (edge, from, to) => {
        if (edge.kind === 'updates' && from === target && edge.validToMs === null)
          stale.push([to, older.toMs as number]);
      });
      for (const [beyond, toMs] of stale) this.network.end('updates', target, beyond, toMs);
    }
  }

  #toTopic(sequence: number, record: MessageRecord): void {
    const weights = new Map<number, number>();
    for (const { entity, kind } of record.mentions) {
      const weight = walkWeights.entity[kind] * rarity(this.#entities.get(entity)?.messages ?? 1, this.size);
      weights.set(entity, Math.max(weight, weights.get(entity) ?? 0));
    }
    if (weights.size === 0 && record.vector === undefined) return;
    const topic = this.#topics.assign(sequence, weights, record.vector);
    if (topic === undefined || topic.members.length < 2) return;
    const node = `t${topic.id}`;
    this.network.setNode({ id: node, kind: 'topic', label: this.#topicLabel(topic) });
    for (const member of topic.members.length === 2 ? topic.members : [sequence]) {
      const validFromMs = (this.#records.get(member) as MessageRecord).createdAtMs;
      this.network.setEdge({
        kind: 'about',
        source: messageNode(member),
        target: node,
        weight: 1,
        validFromMs,
        validToMs: null,
      });
    }
  }

  #topicLabel(topic: Topic): string {
    const chosen: string[] = [];
    const common = [...topic.entities]
      .filter(([entity]) => ['name', 'phrase', 'code'].includes(this.#entities.get(entity)?.kind ?? ''))

      .map(([entity, members]) => [labelOf(this.#entities.get(entity) as Entity), members] as const)
      .sort((a, b) => b[1] - a[1] || b[0].length - a[0].length);
    for (const [label] of common) {
      // "Orion report" says what "Orion" and "report" would say again.
      const said = chosen.some((other) => other.includes(label) || label.includes(other));
      if (!said && chosen.push(label) === topicLabels) break;
    }
    return chosen.join(', ');
  }
}

/** How messages are related. */
export interface RelatedOptions {
  readonly limit: number;
  readonly query?: string | undefined;
  readonly weights?: Weights;
  readonly walk?: WalkOptions;
}

const messageNode = (sequence: number) => `m${sequence}`;
const entityNode = (entity: number) => `e${entity}`;

/** The longest spelling, which names most. */
function labelOf({ spellings }: Entity): string {
  let label = '';
  for (const spelling of spellings.keys()) if (spelling.length > label.length) label = spelling;
  return label;
}
