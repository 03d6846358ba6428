// Opens the embedder that the configuration names, and checks it. The composition roots import it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config/types.js';
import { type Clock, systemClock } from './core/clock.js';
import type { Embedder } from './core/embedder.js';
import { ConfigError } from './core/errors.js';
import { embedderIsSane } from './embed/canary.js';
import { mockEmbedder } from './embed/mock.js';
import { onnxEmbedder } from './embed/onnx.js';

const bundledModels = fileURLToPath(new URL('../models/', import.meta.url));

/** Warms the embedder and checks it in the background: one that maps everything to one place must not match by meaning. */
export function startCanary(embedder: Embedder): { sane: boolean } {
  const watch = { sane: true };
  embedder
    .warm()
    .then(() => embedderIsSane(embedder))
    .then(
      ({ sane }) => {
        watch.sane = sane;
      },
      // It could not be asked: embedding fails by itself then, and each failure is counted.
      () => {},
    );
  return watch;
}

/**
 * Opens the embedder that the configuration names, for instance to share it between two products; whoever opened it closes it.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG when it is neither a model of this package nor a folder with one.
 */
export async function openEmbedder({ embedding }: Config, clock: Clock = systemClock): Promise<Embedder> {
  const { model, dim, useMock, workers, maxQueue, timeoutMs } = embedding;
  if (useMock) return mockEmbedder(dim === undefined ? {} : { dimension: dim });
  const named = join(bundledModels, model);
  const directory = /^[\w.-]+$/.test(model) && existsSync(named) ? named : model;
  if (!existsSync(directory)) {
    throw new ConfigError(`embedding.model: ${model} is neither a model of this package nor a folder`);
  }
  return onnxEmbedder({ directory, workers, maxQueue, timeoutMs, clock });
}

/** Refuses an embedder whose vectors have another length than the configuration says. @throws {ConfigError} ERR_LLM_CACHE_CONFIG */
export function checkDimension({ embedding }: Config, embedder: Embedder): void {
  if (embedding.dim === undefined || embedding.dim === embedder.dimension) return;
  throw new ConfigError(
    `embedding.dim is ${embedding.dim}, but ${embedder.name} gives ${embedder.dimension} numbers`,
  );
}
