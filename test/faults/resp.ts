// Cuts what a Redis server sends into whole replies; imported by the proxy and its test.

const lineTypes = new Set([...'+-:,#(_'].map((type) => type.charCodeAt(0)));
const bulkTypes = new Set([...'$=!'].map((type) => type.charCodeAt(0)));
const arrayTypes = new Set([...'*~>'].map((type) => type.charCodeAt(0)));
const mapType = '%'.charCodeAt(0);
const newline = Buffer.from('\r\n');

/** Where the reply that begins at `begin` ends; negative: it needs at least so many bytes in all; undefined: it is no reply. */
export function replyEnd(bytes: Buffer, begin = 0): number | undefined {
  const type = bytes[begin];
  const line = bytes.indexOf(newline, begin);
  if (type === undefined || line === -1) return -(bytes.length + 1);
  const after = line + 2;
  if (lineTypes.has(type)) return after;
  const count = Number(bytes.toString('latin1', begin + 1, line));
  if (!Number.isInteger(count)) return undefined;
  if (count < 0) return after;
  if (bulkTypes.has(type)) {
    const end = after + count + 2;
    return end <= bytes.length ? end : -end;
  }
  if (!arrayTypes.has(type) && type !== mapType) return undefined;
  let end = after;
  for (let i = 0; i < (type === mapType ? 2 * count : count); i++) {
    const next = replyEnd(bytes, end);
    if (next === undefined || next < 0) return next;
    end = next;
  }
  return end;
}

/** Collects chunks and gives out whole replies; once something is no reply, everything as it comes. */
export class ReplySplitter {
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = 0;
  #isRaw = false;

  push(chunk: Buffer): Buffer[] {
    if (this.#isRaw) return [chunk];
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return [];
    const bytes = Buffer.concat(this.#chunks);
    const replies: Buffer[] = [];
    let begin = 0;
    this.#needed = 0;
    while (begin < bytes.length) {
      const end = replyEnd(bytes, begin);
      if (end === undefined) {
        this.#isRaw = true;
        return [...replies, bytes.subarray(begin)];
      }
      if (end < 0) {
        this.#needed = -end - begin;
        break;
      }
      replies.push(bytes.subarray(begin, end));
      begin = end;
    }
    this.#chunks = [bytes.subarray(begin)];
    this.#length = bytes.length - begin;
    return replies;
  }
}
