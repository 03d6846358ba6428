// The text of a Word document (DOCX); the only importer of mammoth, on first use. For parse-worker.ts.
import { IngestError, MissingPackageError } from '../core/errors.js';
import type { Titled } from './document.js';
import { readHtml } from './html.js';

// What the records of an archive's directory begin with, and where they name the unpacked size.
const directoryRecord = 'PK\u0001\u0002';
const unpackedSizeAt = 24;

/**
 * Paragraphs, lists, tables and notes; each heading begins a part. Images are left out and nothing outside the file is read.
 * @throws {MissingPackageError} ERR_LLM_CACHE_MISSING_PACKAGE when mammoth is not installed.
 * @throws {IngestError} ERR_LLM_CACHE_INGEST for a file that is damaged, or unpacks to more than `maxBytes`.
 */
export async function readDocx(bytes: Uint8Array, maxBytes: number): Promise<Titled> {
  const { default: mammoth } = await import('mammoth').catch((error: unknown) => {
    throw new MissingPackageError('mammoth', 'reading DOCX files', { cause: error });
  });
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (unpackedBytes(buffer) > maxBytes) {
    throw new IngestError(`it unpacks to more than the ${maxBytes} bytes that a file may have`);
  }
  try {
    const { value } = await mammoth.convertToHtml(
      { buffer },
      {
        styleMap: ["p[style-name='Title'] => h1:fresh"],
        convertImage: mammoth.images.imgElement(async () => ({ src: '' })),
      },
    );
    return readHtml(value);
  } catch (error) {
    const { message } = error as Error;
    throw new IngestError(`no DOCX file that can be read: ${message.slice(0, 200)}`, { cause: error });
  }
}

/** What the directory of the archive says; one that lies is met by the bounds of the thread that unpacks it. */
function unpackedBytes(archive: Buffer): number {
  let sum = 0;
  for (let at = archive.indexOf(directoryRecord, 0, 'latin1'); at >= 0; ) {
    if (at + unpackedSizeAt + 4 > archive.length) break;
    sum += archive.readUInt32LE(at + unpackedSizeAt);
    at = archive.indexOf(directoryRecord, at + 4, 'latin1');
  }
  return sum;
}
