// Server-sent events, read and written, as far as streams of answers use them. fetch.ts imports it.
import type { Part } from './form.js';

const encoder = new TextEncoder();

/** The data of each event, as it comes. Comments, ids and names are left out: a name repeats the `type` of its data. */
export async function* partsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const bytes of body) {
    const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() as string;
    for (const line of lines) {
      if (line === '' && data.length > 0) {
        yield parsed(data.join('\n'));
        data = [];
      } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }
  // Servers forget the empty line behind the last event.
  if (/^data:/.test(rest)) data.push(rest.slice(5).trim());
  if (data.length > 0) yield parsed(data.join('\n'));
}

/** An event with this data. */
export function eventOf(part: Part): Uint8Array {
  if (typeof part === 'string') return encoder.encode(`data: ${part.replaceAll('\n', '\ndata: ')}\n\n`);
  const name = typeof part.type === 'string' ? `event: ${part.type}\n` : '';
  return encoder.encode(`${name}data: ${JSON.stringify(part)}\n\n`);
}

function parsed(data: string): Part {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Part) : data;
  } catch {
    return data;
  }
}
