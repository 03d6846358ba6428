// How long a server asks to be left alone, from the headers of its answer; for connection.ts alone.

/** What undici publishes when the headers of an answer have come, as far as it is of use here. */
export interface ResponseHeaders {
  readonly request: { readonly origin: string | URL };
  readonly response: {
    readonly statusCode: number;
    /** Names and values, one after the other. */
    readonly headers: readonly (Uint8Array | string)[];
  };
}

/** The value of a header, whatever the case of its name. */
export function headerOf(headers: readonly (Uint8Array | string)[], name: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (textOf(headers[at]).toLowerCase() === name) return textOf(headers[at + 1]);
  }
  return undefined;
}

function textOf(part: Uint8Array | string | undefined): string {
  return typeof part === 'string' ? part : Buffer.from(part ?? []).toString('latin1');
}

/** Milliseconds from `nowMs`, of the wall clock, that a `Retry-After` header asks for: seconds, or a date of HTTP. 0 when it says nothing. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // A date of HTTP begins with the day's name; `Date.parse` would take a great deal else.
  const at = /^[A-Z][a-z]{2,8}, /.test(text) ? Date.parse(text) : Number.NaN;
  return at > nowMs ? at - nowMs : 0;
}
