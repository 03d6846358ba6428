// Turns a text into the token ids that a model reads; the only importer of @huggingface/tokenizers. Imported by the workers with a model.
import { Tokenizer } from '@huggingface/tokenizers';
import { MAX_CHARACTERS } from './onnx-protocol.js';

/** The ids of a text. */
export interface Tokens {
  /** Special tokens included; at most `maxTokens`. */
  readonly ids: readonly number[];
  /** Tokens of the whole text, special ones included; a lower bound when the text is so long that only its beginning was read. */
  readonly total: number;
  /** The text is longer than what `ids` covers. */
  readonly truncated: boolean;
  /** The ids tell this text from every other: nothing was cut, something is left, and no word was unknown. */
  readonly matchable: boolean;
}

// Cutting a text changes at most the tokens of its last word, and a word has at most 100 (`max_input_chars_per_word`), so the
// first tokens of a prefix are those of the text when the prefix has this many more than the model reads.
const PREFIX_CHARACTERS = 4_096;
const PREFIX_MARGIN_TOKENS = 128;

interface TokenizerFile {
  readonly model?: { readonly unk_token?: string };
}

/**
 * Makes a function from text to ids. It overrides the truncation and padding that a tokenizer file may name: ids are cut to
 * `maxTokens` with the closing special tokens kept, and never padded. About 10 microseconds for a short question; linear in
 * the length up to `MAX_CHARACTERS`.
 */
export function createTokenizer(file: object, config: object, maxTokens: number): (text: string) => Tokens {
  const tokenizer = new Tokenizer(file, config);
  const probe = tokenizer.encode('a').ids;
  const content = tokenizer.encode('a', { add_special_tokens: false }).ids.length;
  const bare = tokenizer.encode('a', { add_special_tokens: false }).ids[0] ?? -1;
  const leading = probe.indexOf(bare);
  if (leading < 0) throw new Error('the tokenizer has no token for the letter a');
  const specials = probe.length - content;
  const closing = probe.slice(leading + content);
  const unknown = tokenizer.token_to_id((file as TokenizerFile).model?.unk_token ?? '[UNK]');

  return (text) => {
    const prefixed = text.length > PREFIX_CHARACTERS;
    let read = prefixed ? PREFIX_CHARACTERS : text.length;
    let ids = tokenizer.encode(prefixed ? cut(text, read) : text).ids;
    if (prefixed && ids.length < maxTokens + PREFIX_MARGIN_TOKENS) {
      read = MAX_CHARACTERS;
      ids = tokenizer.encode(cut(text, read)).ids;
    }
    const total = ids.length;
    const truncated = total > maxTokens || text.length > read;
    if (total > maxTokens) ids = [...ids.slice(0, maxTokens - closing.length), ...closing];
    const matchable =
      !truncated &&
      ids.length > specials &&
      (unknown === undefined || !ids.includes(unknown)) &&
      !/\p{Surrogate}/u.test(text);
    return { ids, total, truncated, matchable };
  };
}

/** The ids of a pair, special tokens between and around them as the tokenizer says. */
export interface PairTokens {
  readonly ids: readonly number[];
  /** Which text a token belongs to: 0 or 1. */
  readonly types: readonly number[];
}

/**
 * Makes a function from two texts to ids. Nothing is cut: a pair that is longer than `maxTokens`, or than `MAX_CHARACTERS`, is an error.
 */
export function createPairTokenizer(
  file: object,
  config: object,
  maxTokens: number,
): (a: string, b: string) => PairTokens {
  const tokenizer = new Tokenizer(file, config);
  return (a, b) => {
    if (a.length + b.length > MAX_CHARACTERS) {
      throw new Error(`the pair has ${a.length + b.length} characters; at most ${MAX_CHARACTERS} are read`);
    }
    const { ids, token_type_ids: types } = tokenizer.encode(a, { text_pair: b, return_token_type_ids: true });
    if (ids.length > maxTokens) {
      throw new Error(`the pair has ${ids.length} tokens; the model reads at most ${maxTokens}`);
    }
    return { ids, types };
  };
}

/** The first `length` UTF-16 units of a text, one less where a surrogate pair would be torn. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
