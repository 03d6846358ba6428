// Reads files of formats that take long, or may be hostile, in a thread of its own. Started by parse-thread.ts, imported by nobody.
import { parentPort } from 'node:worker_threads';
// Lowers the priority of this thread.
import '../workers/task.js';
import { IngestError, MissingPackageError } from '../core/errors.js';
import type { Titled } from './document.js';
import { readDocx } from './docx.js';
import { readHtml } from './html.js';
import { readMarkdown } from './markdown.js';
import type { ParseAnswer, ParseJob } from './parse-protocol.js';
import { readPdf } from './pdf.js';

async function parse({ format, content, maxPages, maxBytes }: ParseJob): Promise<Titled> {
  if (format === 'pdf') return readPdf(content as Uint8Array, maxPages);
  if (format === 'docx') return readDocx(content as Uint8Array, maxBytes);
  return format === 'html' ? readHtml(content as string) : readMarkdown(content as string);
}

async function answer(job: ParseJob): Promise<ParseAnswer> {
  try {
    const titled = await parse(job);
    if (titled.text.length > job.maxBytes) {
      return { why: `a text of ${titled.text.length} characters is longer than the ${job.maxBytes} allowed` };
    }
    return { titled };
  } catch (error) {
    if (error instanceof MissingPackageError) return { missing: error.packageName, why: error.message };
    if (error instanceof IngestError) return { why: error.message };
    return { why: `it cannot be read: ${(error as Error).message.slice(0, 200)}` };
  }
}

parentPort?.on('message', async (job: ParseJob) => parentPort?.postMessage(await answer(job)));
