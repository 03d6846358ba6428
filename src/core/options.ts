// Checks the options of public calls. Any folder may import it.
import { InvalidArgumentError } from './errors.js';

/**
 * Refuses options that are no object, or have a name that is not known: a mistyped `scope` would otherwise share answers that
 * must not be shared.
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 */
export function checkOptions(options: object, known: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgumentError('options', 'an object', options);
  for (const name in options) {
    if (!known.has(name))
      throw new InvalidArgumentError(`options.${name}`, `one of ${[...known].join(', ')}`, name);
  }
  const { signal } = options as { signal?: AbortSignal | undefined };
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw new InvalidArgumentError('options.signal', 'an AbortSignal', signal);
  }
}
