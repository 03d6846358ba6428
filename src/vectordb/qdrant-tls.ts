// TLS towards Qdrant with certificates of one's own; the only importer of undici, which comes with Qdrant's client. stores.ts imports it.
import { MissingPackageError } from '../core/errors.js';

/**
 * A `dispatcher` for `openQdrantDatabase` that connects with these options of `tls.connect`.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE
 */
export async function tlsDispatcher(options: object): Promise<object> {
  try {
    const { Agent } = await import('undici');
    return new Agent({ connect: options });
  } catch (error) {
    throw new MissingPackageError('undici', 'TLS towards Qdrant', { cause: error });
  }
}
