// What the decision knows about words: one table from a lower-case word to its meaning, so that each word is looked up once. Only decide/ imports it.
import { adjectivePairs, alternatives, verbPairs } from './antonyms.js';
import type { SmallKind } from './small-words.js';
import { stemOf } from './stem.js';

/** A side of a group of words that exclude one another. */
export interface Side {
  /** Number of the group; sides of different groups never contradict. */
  readonly group: number;
  /** First spelling of the side, equal for all its spellings. */
  readonly member: string;
  /** Denying this side means the other one: `not correct` is `wrong`. */
  readonly deniable: boolean;
}

/** What is known about a word. A class, because objects that have all fields in the same places are read faster. */
export class WordInfo {
  /** The word: one object for all texts, so that comparing two of them is comparing two addresses. */
  readonly word: string;
  /** Light stem of the word, or of `positive`. */
  stem: string;
  /** Sides of antonym and alternative groups. */
  sides: Side[] | undefined = undefined;
  /** Canonical listed name (`india` for `indian`). */
  name: string | undefined = undefined;
  /** The name is an everyday word too: it counts only when written with a capital that its place does not explain. */
  nameNeedsCapital = false;
  /** Canonical unit; single letters count only next to a number. */
  unit: string | undefined = undefined;
  /** Value of a number word. */
  number: number | undefined = undefined;
  /** A negation. */
  negation = false;
  /** A negated adjective (`unsafe`): one negation, and this word without it. */
  positive: string | undefined = undefined;
  /** Carries no subject matter: articles, auxiliaries, pronouns, prepositions, politeness. */
  stop = false;
  /** Group of small words. */
  small: SmallKind | undefined = undefined;
  /** Canonical date (`night` for `midnight`). */
  date: string | undefined = undefined;
  /** `week` and the like, which a word such as `last` before them makes a date, as it does those of `date`. */
  isPeriod = false;
  /** Canonical quantifier (`all` for `every`). */
  quantifier: string | undefined = undefined;
  /** Canonical person (`self` for `my`). */
  person: string | undefined = undefined;
  /** Tense that the word tells, beside some neighbours. */
  tense: 'future' | 'past' | 'perfect' | 'present' | undefined = undefined;
  /** Index of the language whose small word it is; -1 for none or several. */
  language = -1;
  /** A preposition or conjunction, which stands in the sequence of a text. */
  isRelation = false;

  constructor(word: string) {
    this.word = word;
    this.stem = stemOf(word);
  }
}

const table = new Map<string, WordInfo>();

/** What is known about a word, to be added to while modules are loaded: each file puts in what it asks for. */
export function entry(word: string): WordInfo {
  let info = table.get(word);
  if (info === undefined) {
    info = new WordInfo(word);
    table.set(word, info);
  }
  return info;
}

/** What a word can stand for that has several words. */
type Meaning = 'small' | 'date' | 'quantifier' | 'person' | 'tense';

/** Tells each word what it stands for; `lists` has the words of each thing, with spaces between. */
export function tell<M extends Meaning>(
  meaning: M,
  lists: Readonly<Record<NonNullable<WordInfo[M]>, string>>,
): void {
  for (const [thing, words] of Object.entries<string>(lists))
    for (const word of words.split(' ')) entry(word)[meaning] = thing as WordInfo[M];
}

function doubled(word: string): string | undefined {
  return /[^aeiou][aeiou][bdgklmnprt]$/.test(word) ? word + word.at(-1) : undefined;
}

function verbForms(word: string): string[] {
  const root = word.endsWith('e') ? word.slice(0, -1) : word;
  const past = /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ied` : `${root}ed`;
  const third = /[^aeiou]y$/.test(word)
    ? `${word.slice(0, -1)}ies`
    : /(?:s|x|z|ch|sh)$/.test(word)
      ? `${word}es`
      : `${word}s`;
  const double = doubled(word);
  return [word, third, past, `${root}ing`, ...(double ? [`${double}ed`, `${double}ing`] : [])];
}

function adjectiveForms(word: string): string[] {
  const root = word.endsWith('e')
    ? word.slice(0, -1)
    : /[^aeiou]y$/.test(word)
      ? `${word.slice(0, -1)}i`
      : word;
  const double = doubled(word);
  return [word, `${root}er`, `${root}est`, `${word}ly`, ...(double ? [`${double}er`, `${double}est`] : [])];
}

let groups = 0;

function addGroups(lines: string, forms: (word: string) => string[], deniable = false): void {
  for (const line of lines.trim().split('\n')) {
    const group = groups++;
    for (const side of line.split('/').map((part) => part.trim().split(','))) {
      const member = side[0] as string;
      for (const form of new Set(side.flatMap(forms))) {
        const info = entry(form);
        info.sides ??= [];
        info.sides.push({ group, member, deniable });
      }
    }
  }
}

addGroups(verbPairs, verbForms);
addGroups(adjectivePairs, adjectiveForms, true);
addGroups(alternatives, (word) => [word]);

/** Lists one canonical thing per blank-separated item: spellings parted by commas, `^` before one that needs its capital. */
function each(list: string, use: (canonical: string, word: string, needsCapital: boolean) => void): void {
  for (const item of list.trim().split(/\s+/)) {
    const spellings = item.split(',');
    const canonical = (spellings[0] as string).replace('^', '');
    for (const word of spellings) use(canonical, word.replace('^', ''), word.startsWith('^'));
  }
}

const names = `
january,jan february,feb ^march april ^may june july ^august,aug september,sept october,oct november,nov december,dec
monday,mondays tuesday,tuesdays wednesday,wednesdays thursday,thursdays friday,fridays saturday,saturdays sunday,sundays
afghanistan,afghan argentina,argentine,argentinian australia,australian austria,austrian bangladesh,bangladeshi belgium,belgian
brazil,brazilian britain,british,uk,england bulgaria,bulgarian canada,canadian chile,chilean china,chinese,mandarin
colombia,colombian croatia,croatian cuba,cuban czechia,czech denmark,danish egypt,egyptian english ethiopia,ethiopian finland,finnish
france,french germany,german,germans greece,greek hungary,hungarian iceland,icelandic india,indian,indians indonesia,indonesian iran,iranian
iraq,iraqi ireland,irish israel,israeli italy,italian japan,japanese kenya,kenyan korea,korean malaysia,malaysian mexico,mexican
morocco,moroccan nepal,nepali,nepalese netherlands,dutch,holland nigeria,nigerian norway,norwegian pakistan,pakistani peru,peruvian
philippines,filipino poland,^polish portugal,portuguese romania,romanian russia,russian,russians saudi scotland,scottish serbia,serbian
singapore,singaporean spain,spanish sweden,swedish switzerland,swiss syria,syrian taiwan,taiwanese thailand,thai ^turkey,turkish
ukraine,ukrainian usa,america,american,americans venezuela,venezuelan vietnam,vietnamese wales,welsh
hindi urdu tamil telugu bengali punjabi arabic hebrew latin sanskrit
paris london berlin madrid rome vienna moscow tokyo beijing shanghai delhi mumbai,bombay bangalore,bengaluru chennai,madras hyderabad kolkata,calcutta
pune sydney melbourne toronto vancouver montreal chicago boston seattle houston dallas austin denver miami atlanta philadelphia
detroit orlando tampa dubai istanbul cairo lagos nairobi bangkok manila jakarta seoul lisbon barcelona amsterdam brussels munich hamburg
zurich geneva stockholm oslo copenhagen helsinki dublin edinburgh manchester glasgow prague warsaw budapest athens
york angeles francisco diego vegas california texas florida georgia ohio virginia alabama illinois michigan alaska hawaii oregon
europe,european asia,asian africa,african antarctica
mercury venus mars jupiter saturn uranus neptune pluto
python javascript,js typescript,ts java kotlin php ruby perl haskell scala erlang elixir clojure fortran cobol matlab golang c++,cpp c#,csharp
f# objective-c ^c ^r ^rust ^swift ^go julia lua bash powershell sql mysql postgresql,postgres sqlite mongodb redis cassandra oracle mariadb
react angular vue svelte django flask rails laravel nodejs express pandas numpy pytorch tensorflow keras kubernetes,k8s docker jenkins ansible terraform
linux windows macos ubuntu debian fedora centos android ios iphone ipad macbook
google microsoft facebook ^amazon,aws ^apple netflix twitter instagram snapchat tiktok whatsapp telegram youtube linkedin reddit quora uber
lyft paypal stripe azure gcp gmail outlook yahoo bing chrome firefox safari excel ^word powerpoint photoshop slack discord
spotify tesla toyota honda bmw mercedes audi samsung nokia sony intel amd nvidia ibm walmart ebay alibaba github gitlab bitbucket chatgpt claude gemini llama
ielts toefl gre gmat upsc nda ssc neet jee mba phd
einstein newton shakespeare trump obama clinton putin modi hitler gandhi
`;
each(names, (canonical, word, needsCapital) => {
  const info = entry(word);
  info.name = canonical;
  if (needsCapital) info.nameNeedsCapital = true;
});

const units = `
gb,gigabyte,gigabytes,gib mb,megabyte,megabytes,mib kb,kilobyte,kilobytes,kib tb,terabyte,terabytes,tib byte,bytes bit,bits
km,kms,kilometer,kilometers,kilometre,kilometres m,meter,meters,metre,metres cm,centimeter,centimeters,centimetre,centimetres
mm,millimeter,millimeters,millimetre mile,miles,mi ft,foot,feet inch,inches yard,yards
kg,kgs,kilogram,kilograms,kilo,kilos g,gram,grams mg,milligram,milligrams lb,lbs,pound,pounds oz,ounce,ounces ton,tons,tonne,tonnes
l,liter,liters,litre,litres ml,milliliter,milliliters,millilitre gallon,gallons cup,cups tbsp,tablespoon,tablespoons tsp,teaspoon,teaspoons
second,seconds,sec,secs,s minute,minutes,min,mins hour,hours,hr,hrs,h day,days week,weeks month,months year,years,yr,yrs decade,decades century,centuries
ms,millisecond,milliseconds am pm celsius fahrenheit kelvin percent mph kmh kph watt,watts,w kw,kilowatt,kilowatts kwh mw
volt,volts,v amp,amps,ampere,amperes,a hz,hertz khz mhz ghz cal,calorie,calories kcal joule,joules px,pixel,pixels lakh crore cent,cents
usd,dollar,dollars eur,euro,euros gbp jpy,yen inr,rupee,rupees,rs cny,yuan,rmb chf,franc,francs cad aud nzd sek nok krw rub,ruble,rubles
btc,bitcoin eth,ethereum,ether peso,pesos acre,acres hectare,hectares
`;
each(units, (canonical, word) => {
  entry(word).unit = canonical;
});

const numberWords =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen';
numberWords.split(' ').forEach((word, value) => {
  entry(word).number = value;
});
'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ').forEach((word, index) => {
  entry(word).number = (index + 2) * 10;
});
for (const [word, value] of Object.entries({
  hundred: 100,
  thousand: 1e3,
  million: 1e6,
  billion: 1e9,
  trillion: 1e12,
  lakh: 1e5,
  lakhs: 1e5,
  crore: 1e7,
  crores: 1e7,
  dozen: 12,
})) {
  entry(word).number = value;
}
'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'
  .split(' ')
  .forEach((word, index) => {
    entry(word).number = index + 1;
  });

for (const word of (
  'not no never none nobody nothing nowhere neither nor without non unable cannot cant dont doesnt didnt isnt arent wasnt werent wont wouldnt ' +
  'couldnt shouldnt hasnt havent hadnt aint nicht kein keine keinen keiner niemals ohne jamais sans не нет без'
).split(' ')) {
  entry(word).negation = true;
}

const negated =
  'aware available balanced believable bearable biased certain clear comfortable common conscious conditional constitutional ' +
  'defined desirable employed equal ethical even expected fair familiar finished fit fortunate friendly grateful happy healthy ' +
  'helpful important interesting intentional just kind known likely limited lucky married natural necessary official paid ' +
  'pleasant popular predictable productive professional profitable qualified real realistic reasonable related reliable safe ' +
  'satisfied saturated signed skilled stable successful sure suitable supervised supported tidy touched true used usual valid ' +
  'wanted wise worthy';
const prefixed: Record<string, string> = {
  un: negated,
  in: 'accurate active adequate appropriate capable complete consistent convenient correct dependent direct effective efficient finite formal secure sensitive significant soluble stable sufficient valid visible voluntary',
  im: 'balance mature mobile moral mortal mutable partial patient perfect permeable polite possible practical precise probable proper pure',
  il: 'legal legible literate logical',
  ir: 'rational regular relevant replaceable responsible reversible religious',
  dis: 'abled advantageous continued honest loyal obedient organized respectful satisfied similar',
  non: 'fiction profit linear renewable toxic verbal veg vegetarian stick smoker',
};
for (const [prefix, words] of Object.entries(prefixed)) {
  for (const word of words.split(' ')) {
    for (const ending of ['', 'ly']) {
      const info = entry(prefix + word + ending);
      info.positive = word + ending;
      info.stem = stemOf(info.positive);
    }
  }
}

for (const word of (
  'a an the this that these those there here it its i me my mine you your yours u ur we us our ours he him his she her hers they them their ' +
  'theirs one ones someone somebody anyone anybody everyone something anything everything oneself myself yourself himself themselves ' +
  'be is are was were am been being do does did done doing have has had having will would shall should can could may might must ought ' +
  "get gets got im ive id ill youre whats hows whos ' s t d ll re ve m " +
  'what which who whom whose when where why how whether if then else so as than too very really actually just only even also ever still ' +
  'of to in on at by for from with about into onto upon over under between among through during per via within out up down off ' +
  'and or but nor yet because while though although however ' +
  'some any such few several each own same other another much many more most lot lots ' +
  'asap mr mrs ms dr prof sir please thanks thank hi hello hey kindly tell explain describe let know want need like way ways possible help give ' +
  'thing things kind good best better great going go make use using used'
).split(' ')) {
  entry(word).stop = true;
}

/** What is known about a lower-case word; undefined for one that no list has. */
export function lookUp(word: string): WordInfo | undefined {
  return table.get(word);
}
