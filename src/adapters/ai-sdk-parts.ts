// What a language model of the AI SDK answers, whole and as the parts of a stream. ai-sdk.ts imports it.

/** A part of a stream, or of the content of a whole answer. */
export type Part = { readonly type: string; readonly [name: string]: unknown };

/** A whole answer as it is kept: without the bodies and headers of the exchange that made it. */
export interface GenerateResult {
  readonly content: readonly Part[];
  readonly finishReason: unknown;
  readonly usage: unknown;
  readonly warnings: readonly unknown[];
  readonly providerMetadata?: Record<string, unknown> | undefined;
  /** `id`, `modelId` and the date `timestamp`. */
  readonly response: Record<string, unknown>;
}

type Block = { type: string; text: string; [name: string]: unknown };

/** The answer that the model gave whole, or in parts. */
export function resultOf(
  given: readonly Part[] | (GenerateResult & Record<string, unknown>),
): GenerateResult {
  return Array.isArray(given) ? joined(given as readonly Part[]) : kept(given as GenerateResult);
}

function kept({
  content,
  finishReason,
  usage,
  warnings,
  providerMetadata,
  response,
}: GenerateResult): GenerateResult {
  const { id, timestamp, modelId } = response ?? {};
  return {
    content,
    finishReason,
    usage,
    warnings,
    providerMetadata,
    response: defined({ id, timestamp, modelId }),
  };
}

function joined(parts: readonly Part[]): GenerateResult {
  const content: Part[] = [];
  const open = new Map<string, Block>();
  let warnings: readonly unknown[] = [];
  let response: Record<string, unknown> = {};
  let finish: Part | undefined;
  for (const part of parts) {
    const { type, id, delta, ...about } = part;
    const [, kind, step] = /^(text|reasoning)-(start|delta|end)$/.exec(type) ?? [];
    if (type === 'stream-start') warnings = part.warnings as readonly unknown[];
    else if (type === 'response-metadata') {
      const { type: _, ...metadata } = part;
      response = { ...response, ...defined(metadata) };
    } else if (type === 'finish') finish = part;
    else if (kind !== undefined) {
      const name = `${kind} ${id}`;
      if (step === 'start') {
        const block: Block = { type: kind, text: '' };
        open.set(name, block);
        content.push(block);
      }
      const block = open.get(name);
      if (block === undefined) continue;
      if (step === 'delta') block.text += delta;
      // Metadata, and what later versions say of a block at its end, such as citations.
      Object.assign(block, defined(about));
    } else if (type !== 'raw' && type !== 'error' && !type.startsWith('tool-input-')) content.push(part);
  }
  return {
    content,
    finishReason: finish?.finishReason,
    usage: finish?.usage,
    warnings,
    providerMetadata: finish?.providerMetadata as Record<string, unknown> | undefined,
    response,
  };
}

/** The parts of an answer that came whole. */
export function* partsOf({
  content,
  finishReason,
  usage,
  warnings,
  providerMetadata,
  response,
}: GenerateResult): Generator<Part> {
  yield { type: 'stream-start', warnings };
  if (Object.keys(response).length > 0) yield { type: 'response-metadata', ...response };
  for (const [index, part] of content.entries()) {
    if (part.type !== 'text' && part.type !== 'reasoning') {
      yield part;
      continue;
    }
    const id = String(index);
    const { type, text, providerMetadata, ...ending } = part;
    const about = defined({ id, providerMetadata });
    yield { type: `${type}-start`, ...about };
    yield { type: `${type}-delta`, id, delta: text };
    yield { type: `${type}-end`, ...defined(ending), ...about };
  }
  yield { type: 'finish', finishReason, usage, ...defined({ providerMetadata }) };
}

/** Content of the caller's own: the SDK adds to lists that it is given. */
export function contentOf({ content }: GenerateResult): Part[] {
  return content.map((part) => ({ ...part }));
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
