// Short documents that differ in every sentence; deterministic. Imported by contenders/ingest.ts.

const subjects = ['harbour', 'orchard', 'library', 'railway', 'bakery', 'quarry', 'theatre', 'vineyard', 'clinic', 'foundry']; // biome-ignore format: a list
const verbs = ['opens', 'repairs', 'orders', 'paints', 'counts', 'ships', 'measures', 'stores', 'lends', 'rebuilds']; // biome-ignore format: a list
const objects = ['copper kettles', 'winter coats', 'old maps', 'stone steps', 'blue bottles', 'paper lanterns', 'garden tools', 'brass clocks', 'wooden crates', 'clay tiles']; // biome-ignore format: a list
const times = ['before sunrise', 'on rainy days', 'after the fair', 'in late autumn', 'every second week', 'between two storms', 'at low tide', 'during the holidays', 'once a year', 'when the bells ring']; // biome-ignore format: a list

const pick = (list: readonly string[], number: number) => list[number % list.length] as string;

/** A Markdown document of a heading and four sentences, about 60 words. */
export function shortDocument(index: number): string {
  const sentences = Array.from({ length: 4 }, (_, place) => {
    const number = index * 7 + place * 3;
    const [subject, object] = [pick(subjects, number), pick(objects, Math.floor(number / 10) + place)];
    const when = pick(times, Math.floor(index / 100) + place);
    return `The ${subject} of district ${index + place} ${pick(verbs, index + place)} ${object} ${when}.`;
  });
  return `# Notes on district ${index}\n\n${sentences.join(' ')}\n`;
}
