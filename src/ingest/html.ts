// The text of an HTML page with its title and headings; the only importer of html-to-text. For formats.ts, docx.ts and parse-worker.ts.
import { type FormatCallback, htmlToText, type SelectorDefinition } from 'html-to-text';
import { HeadingPath, type Part, type Titled } from './document.js';

const maxTitleLength = 200;
// Deeper nesting than any page needs; what lies deeper is left out, so that the stack holds.
const maxDepth = 256;
// Marks a heading in the text until its place is known; taken out of the page first, and from what entities bring back.
const mark = '\u0001';

const heading: FormatCallback = (element, walk, builder, options) => {
  builder.openBlock({ leadingLineBreaks: options.leadingLineBreaks ?? 2 });
  builder.addLiteral(`${mark}${element.name?.slice(1)}`);
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: options.trailingLineBreaks ?? 2 });
};

const title: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 2 });
  builder.addLiteral(`${mark}0`);
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: 2 });
};

const nothing: FormatCallback = () => {};

const selectors: SelectorDefinition[] = [
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, format: 'ourHeading' })),
  ...['script', 'style', 'noscript', 'template', 'svg', 'math', 'iframe', 'object', 'img', 'select'].map(
    (selector) => ({ selector, format: 'nothing' }),
  ),
  { selector: 'title', format: 'ourTitle' },
  { selector: 'a', options: { ignoreHref: true } },
  { selector: 'hr', format: 'nothing' },
  { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false, maxColumnWidth: 1000 } },
  { selector: 'ul', options: { itemPrefix: '- ' } },
];

/**
 * The text of a page: paragraphs, lists and tables as people read them; scripts, styles, images and addresses of links left out.
 * Each heading begins a part.
 */
export function readHtml(html: string): Titled {
  const marked = htmlToText(html.replaceAll(mark, ' '), {
    wordwrap: false,
    baseElements: { selectors: ['html'] },
    limits: { maxDepth, ellipsis: '', maxInputLength: Number.MAX_SAFE_INTEGER },
    formatters: { ourHeading: heading, ourTitle: title, nothing },
    selectors,
  });
  const parts: Part[] = [];
  const path = new HeadingPath();
  let text = '';
  let named: string | undefined;
  let first: string | undefined;
  for (const [index, piece] of marked.split(mark).entries()) {
    const level = index === 0 ? undefined : /^[0-6]/.exec(piece)?.[0];
    if (level === undefined) {
      text += piece;
      continue;
    }
    const body = piece.slice(1);
    const line = (body.split('\n', 1)[0] as string).trim();
    if (level === '0') {
      named ??= line;
      text += body.slice((body.split('\n', 1)[0] as string).length).trimStart();
      continue;
    }
    if (line !== '') {
      first ??= line;
      parts.push({ start: text.length, headings: path.enter(Number(level), line) });
    }
    text += body;
  }
  const own = (named || first)?.slice(0, maxTitleLength).toWellFormed();
  return {
    text: text.toWellFormed(),
    ...(own ? { title: own } : {}),
    ...(parts.length > 0 ? { parts } : {}),
  };
}
