// Keeps a database and its manifest in step, one document at a time, whatever moment the process dies at. For pipeline.ts.
import { documentId } from '../core/key.js';
import type { StoredDocument, VectorDatabase } from '../vectordb/database.js';
import type { MetadataValue } from '../vectordb/filter.js';
import type { Piece } from './embed-chunks.js';
import type { Manifest, ManifestRecord } from './manifest.js';

/** Told of sources whose passages are about to change or go, and once more when they have. */
export type OnChange = (sources: readonly string[]) => Promise<void>;

/** A document that is embedded completely. */
export interface Embedded {
  readonly source: string;
  readonly identity: Identity;
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly pieces: readonly Piece[];
}

/** All that decides whether a source has to be written anew. */
export type Identity = Omit<ManifestRecord, 'chunkIds'>;

const batch = 256;

/**
 * The chunks of a scope. Every chunk in the database is named by a manifest record before it is written, and its record goes
 * only after it, so an interrupted replacement is finished, or undone by the next content, whenever the source is seen again.
 */
export class Corpus {
  readonly #database: VectorDatabase;
  readonly #scope: string;
  readonly #manifest: Manifest;
  readonly #onChange: OnChange;
  #sharers: Map<string, Set<string>> | undefined;

  constructor(
    database: VectorDatabase,
    scope: string,
    manifest: Manifest,
    onChange: OnChange = async () => {},
  ) {
    this.#database = database;
    this.#scope = scope;
    this.#manifest = manifest;
    this.#onChange = onChange;
  }

  /** The record of a source. */
  async record(source: string): Promise<ManifestRecord | undefined> {
    return this.#manifest.get(source);
  }

  /** True when, by the manifest, the source's chunks need not be touched. */
  async holds(source: string, identity: Identity): Promise<boolean> {
    const record = await this.#manifest.get(source);
    return (
      record !== undefined &&
      record.fingerprint === identity.fingerprint &&
      record.chunkingHash === identity.chunkingHash &&
      record.contextHash === identity.contextHash
    );
  }

  /** Adds documents that the manifest does not know, some at the cost of one. Resolves to the number of chunks. */
  async add(documents: readonly Embedded[]): Promise<number> {
    const records = documents.map(({ source, identity, pieces }): [string, ManifestRecord] => {
      const chunkIds = pieces.map((_, index) => documentId(identity.fingerprint, index));
      return [source, { ...identity, chunkIds }];
    });
    await this.#set(...records.map(([source, record]) => [source, { ...record, chunkingHash: '' }] as const));
    const stored = documents.flatMap((document) => this.#stored(document, 0));
    await this.#database.upsert(stored);
    await this.#set(...records);
    return stored.length;
  }

  /**
   * True when the database has the first and the last chunk that the manifest names: a collection may have been dropped, or put back to
   * an older state. Cost: one call of the database.
   */
  async isThere(source: string): Promise<boolean> {
    const { chunkIds = [] } = (await this.#manifest.get(source)) ?? {};
    const ends = new Set([...chunkIds.slice(0, 1), ...chunkIds.slice(-1)]);
    const found = await this.#database.vectors(this.#scope, [...ends]);
    return !found.includes(undefined);
  }

  /**
   * Makes the pieces the chunks of the source: the new ones are written first, then those of before go, then the manifest
   * says so. Resolves to the number of chunks.
   */
  async replace(
    source: string,
    identity: Identity,
    metadata: Readonly<Record<string, MetadataValue>>,
    groups: AsyncIterable<readonly Piece[]>,
  ): Promise<number> {
    const before = await this.#manifest.get(source);
    const chunkIds: string[] = [];
    for await (const pieces of groups) {
      const documents = this.#stored({ source, identity, metadata, pieces }, chunkIds.length);
      // Killed from here on, what was drawn from it must be gone; nothing has changed as long as its embedding fails.
      if (before !== undefined && chunkIds.length === 0) await this.#onChange([source]);
      for (const { id } of documents) chunkIds.push(id);
      const known = { ...(before ?? identity), chunkingHash: '' };
      await this.#set([
        source,
        { ...known, chunkIds: [...new Set([...(before?.chunkIds ?? []), ...chunkIds])] },
      ]);
      await this.#database.upsert(documents);
    }
    const record = { ...identity, chunkIds };
    if (before !== undefined) {
      await this.#release(source, before, record);
      // What was drawn from it meanwhile, as long as the old passages could be found.
      await this.#onChange([source]);
    }
    await this.#set([source, record]);
    return chunkIds.length;
  }

  /** Removes a source and those of its chunks that no other source has. */
  async remove(source: string): Promise<void> {
    const before = await this.#manifest.get(source);
    if (before === undefined) return;
    // Marked first: killed between the chunks and the record, the source must not pass for complete.
    await this.#set([source, { ...before, chunkingHash: '' }]);
    await this.#onChange([source]);
    await this.#release(source, before, undefined);
    await this.#onChange([source]);
    await this.#manifest.delete(source);
  }

  // Sources of equal content have the same chunks: what one gives up, another may keep.
  async #release(source: string, before: ManifestRecord, after: ManifestRecord | undefined): Promise<void> {
    const kept = new Set(after?.chunkIds);
    const contents = byContent(before.chunkIds);
    const doomed: string[] = [];
    for (const [content, all] of contents) {
      const ids = all.filter((id) => !kept.has(id));
      const others = await this.#others(source, content);
      const heir = others[0];
      const held = new Set(others.flatMap(([, record]) => record.chunkIds));
      const stays = after?.chunkIds.some((id) => contentOf(id) === content) ?? false;
      if (heir === undefined || stays) {
        doomed.push(...ids.filter((id) => !held.has(id)));
        continue;
      }
      // Cut in another way, the heir's own chunks may have been overwritten by these: it takes them all and is cut anew when next seen.
      const alike = others.every(([, record]) => record.chunkingHash === before.chunkingHash);
      await this.#inherit(source, ids, heir[0], {
        ...heir[1],
        ...(alike ? {} : { chunkingHash: '', chunkIds: [...new Set([...heir[1].chunkIds, ...ids])] }),
      });
      if (alike) doomed.push(...ids.filter((id) => !held.has(id)));
    }
    for (let at = 0; at < doomed.length; at += batch) {
      await this.#database.delete(this.#scope, doomed.slice(at, at + batch));
    }
  }

  // Puts the heir's name on the chunks at once; its title and metadata follow when it is next seen.
  async #inherit(
    source: string,
    ids: readonly string[],
    heir: string,
    record: ManifestRecord,
  ): Promise<void> {
    let marked = record.chunkingHash === '';
    if (marked) await this.#set([heir, { ...record, contextHash: '' }]);
    for (let at = 0; at < ids.length; at += batch) {
      const found = await this.#database.get(this.#scope, ids.slice(at, at + batch));
      const renamed = found
        .filter((document) => document?.metadata.source === source)
        .map((document) => document as StoredDocument)
        .map((document) => ({ ...document, metadata: { ...document.metadata, source: heir } }));
      if (renamed.length === 0) continue;
      if (!marked) await this.#set([heir, { ...record, contextHash: '' }]);
      marked = true;
      await this.#database.upsert(renamed);
    }
  }

  async #others(source: string, content: string): Promise<[string, ManifestRecord][]> {
    if (this.#sharers === undefined) {
      this.#sharers = new Map();
      for (const [name, record] of this.#manifest.entries()) this.#share(name, record);
    }
    const others: [string, ManifestRecord][] = [];
    for (const name of [...(this.#sharers.get(content) ?? [])].sort()) {
      const record = name === source ? undefined : await this.#manifest.get(name);
      if (record?.chunkIds.some((id) => contentOf(id) === content)) others.push([name, record]);
    }
    return others;
  }

  #stored({ identity, metadata, pieces }: Embedded, firstIndex: number): StoredDocument[] {
    return pieces.map(({ text, vector, place }, offset) => {
      const chunkIndex = firstIndex + offset;
      const id = documentId(identity.fingerprint, chunkIndex);
      return { id, scope: this.#scope, text, vector, metadata: { ...metadata, ...place, chunkIndex } };
    });
  }

  async #set(...records: readonly (readonly [string, ManifestRecord])[]): Promise<void> {
    await this.#manifest.set(records);
    if (this.#sharers === undefined) return;
    for (const [source, record] of records) this.#share(source, record);
  }

  #share(source: string, record: ManifestRecord): void {
    for (const content of new Set(record.chunkIds.map(contentOf))) {
      const names = this.#sharers?.get(content);
      if (names === undefined) this.#sharers?.set(content, new Set([source]));
      else names.add(source);
    }
  }
}

function byContent(chunkIds: readonly string[]): Map<string, string[]> {
  const contents = new Map<string, string[]>();
  for (const id of chunkIds) {
    const ids = contents.get(contentOf(id));
    if (ids === undefined) contents.set(contentOf(id), [id]);
    else ids.push(id);
  }
  return contents;
}

function contentOf(chunkId: string): string {
  return chunkId.slice(0, chunkId.lastIndexOf(':'));
}
