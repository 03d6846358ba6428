// Engines whose index can lie in a file, as those see them who keep the file: vectordb may import it.
import type { NativeFlatIndex, NativeIvfIndex } from '../core/native.js';
import type { Engine } from './engine.js';

/** Names of the rows of a mapped index: ids ascend with them. */
export type MappedNames = Pick<NativeFlatIndex, 'nameCount' | 'nameAt' | 'findName'>;

/** What an index from a file brings along. */
export interface MappedIndex {
  readonly names: MappedNames;
  /** Names without a row, which were written or removed while the file was. */
  readonly vacant: Uint32Array;
}

/** An engine that can take its index from a file. */
export interface MappableEngine extends Engine {
  /** How rows are kept. A file that an engine of another kind wrote is not for this one. */
  readonly kind: string;
  /** How often partitions were put into lists so far. */
  readonly built: number;
  /** Whether that is under way. */
  readonly building: boolean;
  /** Partitions in lists, which a file takes over as they are; the rows of the others are written into it one by one. */
  inLists(): ReadonlyMap<number, NativeIvfIndex>;
  /**
   * Replaces everything by the index in a file, off the event loop: its memory is the file's own, shared with every process that maps
   * it, and only what is changed becomes a copy. Reads the file once, at the speed of memory when the system has it cached.
   * @throws {NativeError} ERR_LLM_CACHE_NATIVE when the file cannot be used; the engine is unchanged
   */
  map(path: string, checksum: string): Promise<MappedIndex>;
}

/** Whether an engine can take its index from a file. */
export function isMappable(engine: Engine): engine is MappableEngine {
  return 'map' in engine && 'inLists' in engine;
}
