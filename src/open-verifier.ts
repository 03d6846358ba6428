// What the package knows of the embedder it brings along: the verifier, its calibration and the pair model. open.ts and explain.ts import it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from './config/types.js';
import type { Clock } from './core/clock.js';
import { ClosedError, ConfigError } from './core/errors.js';
import type { PairModel } from './core/pair-model.js';
import { readCalibration } from './decide/calibration.js';
import { readVerifier } from './decide/verifier-file.js';
import { onnxPairModel } from './embed/pair-onnx.js';
import type { DecisionHooks } from './open-decision.js';

const folder = new URL('../models/verifier/', import.meta.url);

/**
 * The hooks, with what the package ships where they give no verifier of their own and the embedder is the one that the weights belong
 * to. A millisecond; the pair model is loaded when it is first asked. Unchanged for every other embedder.
 * @throws {ConfigError} ERR_LLM_CACHE_CONFIG when a file of the package is damaged.
 */
export function withShipped(
  { decide }: Config,
  fingerprint: string,
  hooks: DecisionHooks,
  clock: Clock,
): DecisionHooks {
  if (hooks.verifier !== undefined) return hooks;
  const verifier = shipped('weights.jsonl', readVerifier);
  if (verifier.embedder !== fingerprint) return hooks;
  const calibration = hooks.calibration ?? shipped('calibration.json', readCalibration);
  const { pairModel: own } = hooks;
  const isOn = decide.pairModel && own === undefined && calibration.pairModel !== null;
  const pairModel = isOn ? lazyPairModel(calibration.pairModel as string, clock) : own;
  return { ...hooks, verifier, calibration, pairModel };
}

/** The shipped pair model, whose files are read and whose threads are started by the first pair. */
function lazyPairModel(fingerprint: string, clock: Clock): PairModel {
  const name = 'same-question-MiniLM';
  let opening: ReturnType<typeof open> | undefined;
  let isClosed = false;
  const open = async () => {
    const model = await onnxPairModel({ clock });
    if (model.fingerprint === fingerprint) return model;
    await model.close();
    throw new ConfigError(
      'models/same-question-MiniLM is not the pair model that the verifier was fitted with',
    );
  };
  return {
    name,
    fingerprint,
    async score(a, b, options) {
      if (isClosed) throw new ClosedError(`pair model ${name}`);
      opening ??= open();
      return (await opening).score(a, b, options);
    },
    async close() {
      isClosed = true;
      await opening?.then(
        (model) => model.close(),
        () => {},
      );
    },
  };
}

function shipped<T>(name: string, read: (text: string) => T): T {
  const path = fileURLToPath(new URL(name, folder));
  try {
    return read(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
