// A verifier in a file: weights with the fingerprint of their embedder and a digest. The root and the trainer import it.
import { createHash } from 'node:crypto';
import { InvalidArgumentError } from '../core/errors.js';
import { sigmoid } from './calibration.js';
import { featureNames, featureVersion } from './pair-features.js';
import type { PairSignals, Verifier } from './verifier.js';
import { type Net, readerOf, type Trees, treesLogit } from './verifier-model.js';

/** Probability of a logit: sigmoid(slope × logit + offset). Source: Platt, Advances in Large Margin Classifiers (1999). */
export interface Platt {
  readonly slope: number;
  readonly offset: number;
}

/** Trees with what makes their logit a probability. */
export interface Stage {
  readonly trees: Trees;
  readonly platt: Platt;
}

/** Everything a verifier file holds. */
export interface VerifierModel {
  /** Fingerprint of the embedder. */
  readonly embedder: string;
  readonly net: Net;
  /** Reads `firstRow`. */
  readonly alone: Stage;
  /** Reads `secondRow`. */
  readonly paired: Stage;
}

const format = 'llm-cache verifier/2';
// What the search saw says nothing of a pair, and labelled pairs have no neighbours.
const unread = ['margin', 'agreement', 'rank'];
const read = featureNames.flatMap((name, at) => (unread.includes(name) ? [] : [at]));

/** What the first stage reads: the features of the pair, then what is read of its vectors. */
export function firstRow(features: Float64Array, vectors: ArrayLike<number>): Float64Array {
  const row = new Float64Array(read.length + vectors.length);
  for (let i = 0; i < read.length; i++) row[i] = features[read[i] as number] as number;
  row.set(vectors, read.length);
  return row;
}

/** What the second stage reads: the same, then the logits of the first stage and of the pair model. */
export function secondRow(first: Float64Array, alone: number, logit: number): Float64Array {
  const row = new Float64Array(first.length + 2);
  row.set(first);
  row[first.length] = alone;
  row[first.length + 1] = logit;
  return row;
}

/** The text of a verifier file: a line that names the format and the digest of the second line, which holds the weights. */
export function writeVerifier({ embedder, net, alone, paired }: VerifierModel): string {
  const stage = ({ trees, platt }: Stage) => ({
    platt,
    depth: trees.depth,
    base: trees.base,
    columns: base64(trees.columns),
    thresholds: base64(trees.thresholds),
    leaves: base64(trees.leaves),
  });
  const body = JSON.stringify({
    embedder,
    features: featureVersion,
    dimension: net.dimension,
    net: {
      projection: base64(net.projection),
      weights: base64(net.weights),
      biases: base64(net.biases),
      out: base64(net.out),
      topics: base64(net.topics),
    },
    alone: stage(alone),
    paired: stage(paired),
  });
  return `${JSON.stringify({ format, sha256: sha256(body) })}\n${body}\n`;
}

/**
 * The verifier in the text of a file. Cost of a probability: some 12 µs, of which the projections are most; 8 µs more for
 * the first candidate of a question. Synchronous.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT for another format, a damaged file, weights of another length, or features
 * of another version.
 */
export function readVerifier(text: string): Verifier {
  const [head = '', body = ''] = text.split('\n');
  const { format: named, sha256: digest } = parse(head) as { format?: unknown; sha256?: unknown };
  if (named !== format) throw new InvalidArgumentError('verifier.format', JSON.stringify(format), named);
  const found = sha256(body);
  if (digest !== found) throw new InvalidArgumentError('verifier.sha256', found, digest);
  return verifierOf(modelOf(parse(body) as Body), found);
}

/** The verifier of a model; `fingerprint`: of its weights. */
export function verifierOf({ embedder, net, alone, paired }: VerifierModel, fingerprint: string): Verifier {
  const readVectors = readerOf(net);
  const rowOf = ({ asked, stored, features, cosine }: PairSignals): Float64Array =>
    firstRow(features, readVectors(asked, stored, cosine));
  const of = ({ slope, offset }: Platt, logit: number) => sigmoid(slope * logit + offset);
  return {
    embedder,
    fingerprint,
    probability: (pair) => of(alone.platt, treesLogit(alone.trees, rowOf(pair))),
    withLogit(pair, logit) {
      const first = rowOf(pair);
      const row = secondRow(first, treesLogit(alone.trees, first), logit);
      return of(paired.platt, treesLogit(paired.trees, row));
    },
  };
}

interface StageBody {
  readonly platt: Platt;
  readonly depth: number;
  readonly base: number;
  readonly columns: string;
  readonly thresholds: string;
  readonly leaves: string;
}

interface Body {
  readonly embedder: string;
  readonly features: number;
  readonly dimension: number;
  readonly net: Readonly<Record<'projection' | 'weights' | 'biases' | 'out' | 'topics', string>>;
  readonly alone: StageBody;
  readonly paired: StageBody;
}

function modelOf({ embedder, features, dimension, net, alone, paired }: Body): VerifierModel {
  if (features !== featureVersion)
    throw new InvalidArgumentError('verifier.features', String(featureVersion), features);
  const biases = new Float32Array(bytesOf(net.biases));
  const hidden = biases.length;
  const rowsOf = (name: 'projection' | 'topics'): [Float32Array, number] => {
    const numbers = new Float32Array(bytesOf(net[name]));
    const rows = Math.floor(numbers.length / dimension);
    return [checked(`net.${name}`, numbers, rows * dimension), rows];
  };
  const [projection, directions] = rowsOf('projection');
  const [topics, topicCount] = rowsOf('topics');
  const weights = checked('net.weights', new Float32Array(bytesOf(net.weights)), hidden * 2 * directions);
  const out = checked('net.out', new Float32Array(bytesOf(net.out)), hidden + 2);
  return {
    embedder,
    net: { dimension, projection, weights, biases, out, topics },
    alone: stageOf('alone', alone, read.length + 1 + topicCount),
    paired: stageOf('paired', paired, read.length + 3 + topicCount),
  };
}

function stageOf(name: string, { platt, depth, base, ...body }: StageBody, width: number): Stage {
  const inner = 2 ** depth - 1;
  const columns = new Uint16Array(bytesOf(body.columns));
  const trees = columns.length / inner;
  const thresholds = checked(
    `${name}.thresholds`,
    new Float32Array(bytesOf(body.thresholds)),
    columns.length,
  );
  const leaves = checked(`${name}.leaves`, new Float32Array(bytesOf(body.leaves)), trees * (inner + 1));
  const beyond = columns.find((column) => column >= width);
  if (beyond !== undefined)
    throw new InvalidArgumentError(`verifier.${name}.columns`, `columns below ${width}`, beyond);
  return { platt, trees: { depth, base, columns, thresholds, leaves } };
}

function checked(name: string, numbers: Float32Array, length: number): Float32Array {
  if (numbers.length !== length)
    throw new InvalidArgumentError(`verifier.${name}`, `${length} numbers`, numbers.length);
  return numbers;
}

function parse(line: string): object {
  try {
    return Object(JSON.parse(line));
  } catch (error) {
    throw new InvalidArgumentError('verifier', 'two lines of JSON', 'other text', { cause: error });
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const base64 = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');

/** A buffer of its own, so that it is aligned. */
function bytesOf(text: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(text, 'base64')).buffer;
}
