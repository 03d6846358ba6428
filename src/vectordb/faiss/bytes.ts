// faiss' serialised form of indices without rows, of which faiss-node lets one set neither nprobe nor efSearch; worker.ts imports it.
import type { FaissMetric } from './protocol.js';

/** What an inverted-file index without rows is made of. */
export interface TrainedIvf {
  readonly dimension: number;
  readonly metric: FaissMetric;
  readonly nprobe: number;
  /** nlist x dimension. */
  readonly centres: Float32Array;
  /** Product quantiser of the residuals; rows are stored whole without one. */
  readonly quantiser?: ProductQuantiser | undefined;
}

export interface ProductQuantiser {
  /** Number of parts; it divides the dimension. */
  readonly m: number;
  /** Bits a part, 1 to 8. */
  readonly bits: number;
  /** m x 2^bits x (dimension / m). */
  readonly centres: Float32Array;
}

class Bytes {
  readonly #parts: Buffer[] = [];

  text(value: string): this {
    return this.#push(Buffer.from(value, 'latin1'));
  }

  byte(value: number): this {
    return this.#push(Buffer.from([value]));
  }

  int32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32LE(value);
    return this.#push(part);
  }

  int64(value: number): this {
    const part = Buffer.alloc(8);
    part.writeBigInt64LE(BigInt(value));
    return this.#push(part);
  }

  /** A vector: how many, then each. */
  floats(values: Float32Array): this {
    this.int64(values.length);
    return this.#push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  }

  header(kind: string, dimension: number, rows: number, metric: FaissMetric): this {
    // Two fields that faiss no longer uses, then "is trained".
    this.text(kind).int32(dimension).int64(rows).int64(unused).int64(unused).byte(1);
    return this.int32(metric === 'IP' ? 0 : 1);
  }

  joined(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #push(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}

const unused = 1 << 20;
const flatKinds = { L2: 'IxF2', IP: 'IxFI' } as const;

/**
 * The bytes of a trained index of kind `IwFl` or `IwPQ` that holds no rows. The same in faiss 1.7.3 and 1.7.4, which faiss-node brings;
 * little-endian.
 */
export function trainedIvf({ dimension, metric, nprobe, centres, quantiser }: TrainedIvf): Buffer {
  const nlist = centres.length / dimension;
  const bytes = new Bytes()
    .header(quantiser ? 'IwPQ' : 'IwFl', dimension, 0, metric)
    .int64(nlist)
    .int64(nprobe)
    .header(flatKinds[metric], dimension, nlist, metric)
    .floats(centres)
    // No map from ids to places.
    .byte(0)
    .int64(0);
  let codeSize = dimension * 4;
  if (quantiser) {
    codeSize = Math.ceil((quantiser.m * quantiser.bits) / 8);
    bytes.byte(1).int64(codeSize).int64(dimension).int64(quantiser.m).int64(quantiser.bits);
    bytes.floats(quantiser.centres);
  }
  // Inverted lists in an array; of those that hold rows, of which there are none, the sizes.
  return bytes.text('ilar').int64(nlist).int64(codeSize).text('sprs').int64(0).joined();
}

// At the end stand efConstruction, efSearch, a field no longer used, and the storage without rows: a header and a length.
const emptyStorage = 37 + 8;
const efSearchAt = emptyStorage + 8;
const defaults = { efConstruction: 40, efSearch: 16 };

/**
 * Sets the widths of the searches in the bytes of an HNSW graph without rows.
 * @throws {Error} when faiss' default widths are not where they are expected, as in a version with another form
 */
export function withWidths(graph: Buffer, efConstruction: number, efSearch: number): Buffer {
  const bytes = Buffer.from(graph);
  const at = bytes.length - efSearchAt;
  const known =
    bytes.toString('latin1', 0, 4) === 'IHNf' &&
    bytes.readInt32LE(at - 4) === defaults.efConstruction &&
    bytes.readInt32LE(at) === defaults.efSearch;
  if (!known) throw new Error('this version of faiss writes HNSW graphs in a form that is not known');
  bytes.writeInt32LE(efConstruction, at - 4);
  bytes.writeInt32LE(efSearch, at);
  return bytes;
}
