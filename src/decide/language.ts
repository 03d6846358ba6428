// Guesses the language of a text from its script and its small words. Only facets.ts imports it.
import type { Token } from './tokens.js';
import { entry } from './vocabulary.js';

const wordLists = {
  en: 'the of and is are how what why where when which who does do can should my your with for from it this that i',
  de: 'der die das und ist sind wie warum wo wann welche wer ich mein mit für von nicht ein eine kann wird',
  fr: 'le les des et est sont comment quoi pourquoi où quand qui je mon avec pour pas une un peut du que quelle',
  es: 'el los las y es son cómo qué porqué dónde cuándo quién yo mi con para por una puede del cual',
  it: 'il gli e è sono come perché dove quando chi io mio con per non una può della quale cosa',
  pt: 'os e é são como que porque onde quando quem eu meu com para não uma pode do da qual',
  nl: 'het en is zijn hoe wat waarom waar wanneer wie ik mijn met voor niet een kan van welke',
};
const languages = Object.keys(wordLists);

// A word of two languages tells neither, unless one is English, which is the most asked.
const several = new Set<string>();
for (const [language, words] of Object.values(wordLists).entries()) {
  for (const word of words.split(' ')) {
    const info = entry(word);
    if (languages[info.language] === 'en' || several.has(word)) continue;
    if (info.language >= 0) several.add(word);
    info.language = several.has(word) ? -1 : language;
  }
}
/** Words of each language, counted anew for every text. */
const counts = new Uint8Array(languages.length);

const scripts: readonly (readonly [from: number, to: number, script: string])[] = [
  [0x370, 0x3ff, 'greek'],
  [0x400, 0x52f, 'cyrillic'],
  [0x590, 0x5ff, 'hebrew'],
  [0x600, 0x6ff, 'arabic'],
  [0x900, 0x97f, 'devanagari'],
  [0xe00, 0xe7f, 'thai'],
  [0x3040, 0x30ff, 'japanese'],
  [0x4e00, 0x9fff, 'han'],
  [0xac00, 0xd7af, 'hangul'],
];
const maxTokens = 64;

/** `en`, `de`, `fr`, `es`, `it`, `pt`, `nl`, or the name of a script; empty when nothing tells. Cost: O(1), the first 64 words. */
export function languageOf(text: string, tokens: readonly Token[]): string {
  for (let i = 0; i < text.length && i < 256; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x370) continue;
    for (const [from, to, script] of scripts) if (code >= from && code <= to) return script;
  }
  counts.fill(0);
  let best = -1;
  for (let i = 0; i < tokens.length && i < maxTokens; i++) {
    const language = tokens[i]?.info?.language ?? -1;
    if (language < 0) continue;
    const count = (counts[language] as number) + 1;
    counts[language] = count;
    if (best < 0 || count > (counts[best] as number)) best = language;
  }
  return languages[best] ?? '';
}
