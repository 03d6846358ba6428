// Texts to ask: base questions, the same asked otherwise, unrelated ones, and fillers. Deterministic. Imported by contenders and the fixture.

/** A question of 12 tokens, special ones included (checked where it is used). */
export const twelveTokens = 'How do I change the oil of a car?';

const things = [
  'a bicycle chain', 'a coffee machine', 'an electric guitar', 'a wool carpet', 'a garden hose',
  'a leather sofa', 'a mountain tent', 'a sewing machine', 'a wooden floor', 'a telescope',
  'a swimming pool', 'a chess clock', 'a bread oven', 'a rain jacket', 'a fishing boat',
  'a smoke detector', 'a piano', 'a lawn mower', 'a ski helmet', 'a water filter',
]; // biome-ignore format: a list
const questions = [
  (thing: string) => `How do I clean ${thing}?`,
  (thing: string) => `What does ${thing} cost?`,
  (thing: string) => `How long does ${thing} last?`,
  (thing: string) => `Where can I buy ${thing}?`,
  (thing: string) => `Who invented ${thing}?`,
];

/** 100 questions that differ in meaning. */
export const baseQuestions: readonly string[] = things.flatMap((thing) => questions.map((ask) => ask(thing)));

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
const rewordings = [
  (question: string) => `Hi, ${lowerFirst(question)}`,
  (question: string) => `So ${lowerFirst(question)}`,
  (question: string) => `Please, ${lowerFirst(question)}`,
  (question: string) => `Well, ${lowerFirst(question)}`,
];

/** Each base question asked in other forms: other keys, the same meaning. Index `i` belongs to base question `i % 100`. */
export const rewordedQuestions: readonly string[] = rewordings.flatMap((reword) => baseQuestions.map(reword));

/** The rewordings of warm-ups, which no measured question repeats. */
export const warmUpQuestions: readonly string[] = baseQuestions.map(
  (question) => `${question.slice(0, -1)}??`,
);

/** A stored question of about 60 characters that only fills the index. */
export function fillerQuestion(index: number): string {
  return `Which document explains item ${index} of the product catalogue best?`;
}

const places = ['Lisbon', 'Oslo', 'Quito', 'Hanoi', 'Accra', 'Perth', 'Turin', 'Leeds', 'Osaka', 'Malmo'];
const subjects = [
  'tram lines',
  'market halls',
  'night trains',
  'ferry ports',
  'film archives',
  'rose gardens',
];

/** A question that no stored one answers; never twice the same for different indexes. */
export function strangeQuestion(index: number): string {
  const place = places[index % places.length];
  const subject = subjects[Math.floor(index / places.length) % subjects.length];
  return `How many ${subject} did the city of ${place} have in the year ${1000 + index}?`;
}

const clauses = [
  ' for the first time',
  ' when there is nobody at home who has ever done it before',
  ', and what should I watch out for',
  ' if I have only one free afternoon and no money to spend on tools that I will not need again',
  ' in winter',
];

/** `count` different questions of 9 to about 70 tokens: half are short, as what users type is. */
export function mixedQuestions(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    // 7 has no factor in common with 100: every base question once before one comes again.
    const base = (baseQuestions[(i * 7) % baseQuestions.length] as string).slice(0, -1);
    const added = i % 2 === 0 ? '' : clauses[(i >> 1) % clauses.length];
    const more = i % 4 === 3 ? clauses[(i >> 2) % clauses.length] : '';
    return `${base}${added}${more}?`;
  });
}
