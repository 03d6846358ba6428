// The text of a PDF file page by page; the only importer of unpdf, on first use. For parse-worker.ts.
import { IngestError, MissingPackageError } from '../core/errors.js';
import type { Part, Titled } from './document.js';

const maxTitleLength = 200;

/**
 * The pages' texts, a blank line between them; each page with text is a part.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when unpdf is not installed.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST for a file that is damaged, protected, without text or has more than `maxPages`.
 */
export async function readPdf(bytes: Uint8Array, maxPages: number): Promise<Titled> {
  const { getDocumentProxy } = await import('unpdf').catch((error: unknown) => {
    throw new MissingPackageError('unpdf', 'reading PDF files', { cause: error });
  });
  const pdf = await getDocumentProxy(bytes, { isEvalSupported: false, verbosity: 0 }).catch(
    (error: Error) => {
      if (error.name === 'PasswordException') throw new IngestError('it is protected by a password');
      throw new IngestError(`no PDF file that can be read: ${error.message.slice(0, 200)}`, { cause: error });
    },
  );
  const { numPages } = pdf;
  if (numPages > maxPages)
    throw new IngestError(`${numPages} pages are more than the ${maxPages} that a file may have`);
  const parts: Part[] = [];
  let text = '';
  for (let page = 1; page <= numPages; page++) {
    const proxy = await pdf.getPage(page);
    const { items } = await proxy.getTextContent();
    const lines = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''));
    proxy.cleanup();
    const own = lines.join('').replaceAll('\0', '').toWellFormed().trim();
    if (own === '') continue;
    if (text !== '') text += '\n\n';
    parts.push({ start: text.length, page });
    text += own;
  }
  if (text === '')
    throw new IngestError(`no text on its ${numPages} pages; a scan has to be recognised first`);
  const title = await titleOf(pdf);
  return { text, parts, ...(title ? { title } : {}) };
}

async function titleOf(pdf: { getMetadata(): Promise<{ info: object }> }): Promise<string | undefined> {
  try {
    const { Title: title } = (await pdf.getMetadata()).info as { Title?: unknown };
    return typeof title === 'string' ? title.toWellFormed().trim().slice(0, maxTitleLength) : undefined;
  } catch {
    return undefined;
  }
}
