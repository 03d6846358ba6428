// One form for all spellings of a name or noun phrase: case, plural, articles, company endings, initials. For entities.ts and resolver.ts.
import { companyEndings, determiners } from './vocabulary.js';

const keptInS = /(?:ss|us|is|news|series|species|lens|gas|bus|atlas|christmas)$/;
const irregular = new Map(
  Object.entries({
    people: 'person',
    children: 'child',
    men: 'man',
    women: 'woman',
    mice: 'mouse',
    feet: 'foot',
    teeth: 'tooth',
    knives: 'knife',
    shelves: 'shelf',
    leaves: 'leaf',
    loaves: 'loaf',
    wolves: 'wolf',
    indices: 'index',
    criteria: 'criterion',
  }),
);

/** The singular of a lower-case English noun; other words as they are. */
export function singular(word: string): string {
  const known = irregular.get(word);
  if (known !== undefined) return known;
  if (word.length < 4 || !word.endsWith('s') || keptInS.test(word)) return word;
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ch|sh|x|ss|zz)es$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}

/** The form under which the words of a name or phrase are the same as others'. */
export function formOf(words: readonly string[]): string {
  const lower = words.map((word) => word.normalize('NFKC').toLowerCase().replaceAll('’', "'"));
  const content = lower.filter((word, i) => i > 0 || !determiners.has(word));
  while (content.length > 1 && companyEndings.has((content.at(-1) as string).replace(/\.$/, '')))
    content.pop();
  const last = content.pop();
  if (last === undefined) return '';
  return [...content, singular(last)].join(' ').replaceAll('-', ' ');
}

/** The initials by which a name of several words is abbreviated, lower case; undefined for one word. */
export function initialsOf(surface: string): string | undefined {
  const words = surface.split(/[\s-]+/).filter((word) => /^\p{L}/u.test(word));
  const capitals = words.filter((word) => word[0] !== (word[0] as string).toLowerCase());
  if (capitals.length < 2) return undefined;
  return capitals.map((word) => (word[0] as string).toLowerCase()).join('');
}

/** Whether a name may be somebody's initials: two to six capitals. */
export function isAbbreviation(surface: string): boolean {
  const plain = surface.replaceAll('.', '');
  return /^\p{Lu}{2,6}$/u.test(plain);
}
