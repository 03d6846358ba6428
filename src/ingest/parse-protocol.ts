// What parse-thread.ts and its worker say to each other; imported by these two only.
import type { Titled } from './document.js';

/** Formats that a thread of its own reads. */
export type ParsedFormat = 'markdown' | 'html' | 'pdf' | 'docx';

/** One file. */
export interface ParseJob {
  readonly format: ParsedFormat;
  /** Text of Markdown and HTML, bytes of PDF and DOCX. */
  readonly content: string | Uint8Array;
  readonly maxPages: number;
  /** Most that it may unpack to, in bytes, and most characters of its text. */
  readonly maxBytes: number;
}

/** What became of it. */
export type ParseAnswer =
  | { readonly titled: Titled }
  | { readonly titled?: undefined; readonly why: string; readonly missing?: string };
