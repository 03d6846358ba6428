// Word lists of the chunker: what cannot be part of a noun phrase, calendars, units. For entities.ts and facts.ts.
const set = (words: string) => new Set(words.trim().split(/\s+/));

/** Words before which a noun phrase begins. */
export const determiners =
  set(`a an the this that these those my your his her its our their whose some any every
  each another no both all few several many much more most other such which what`);

/** Words after which a verb stands, not a noun. */
export const pronouns =
  set(`i you he she it we they who i'm i've i'll i'd you're you've you'll you'd he's he'll he'd
  she's she'll she'd it's it'll we're we've we'll we'd they're they've they'll they'd that's there's who's what's let's`);

/** Modals and `to`: a verb follows. */
export const beforeVerbs =
  set(`to can could will would shall should may might must cannot can't couldn't won't wouldn't
  shouldn't mustn't don't doesn't didn't do does did please let let's gonna never always just not`);

const grammar =
  set(`and or but nor so yet if then else than because since while when where why how although though unless
  until till as at by for from in into of off on onto out over per through under up upon via with within without about
  above across after against along among around before behind below beneath beside besides between beyond despite down
  during except inside like near outside past toward towards throughout is am are was were be been being has have had
  having isn't aren't wasn't weren't haven't hasn't hadn't it's me him them us myself yourself himself herself itself
  ourselves themselves mine yours hers ours theirs here there now then today tomorrow yesterday tonight again also too very quite rather
  really still already even ever only maybe perhaps probably anyway however instead otherwise soon later earlier
  yes no yeah yep nope ok okay sure thanks thank hi hello hey sorry oh ah well right great good nice fine cool perfect
  lovely exactly indeed absolutely definitely actually apparently basically finally one ones same own enough else etc
  e.g i.e vs someone somebody something anyone anybody anything everyone everybody everything nobody nothing none
  lot lots bit kind sort way thing things stuff once twice almost away back far ago apart together per alright
  morning afternoon evening night noon midnight week weeks month months year years day days hour hours minute minutes
  first second third last next new old big small little long short high low better best worse worst bad able likely
  different ready due miss possible true wrong happy glad full half early late free whole sure longer larger smaller
  two three four five six seven eight nine ten eleven twelve twenty hundred thousand`);

const verbs =
  set(`get gets got getting go goes going gone went come comes came coming make makes made making take takes
  took taken taking give gives gave given giving put puts putting see sees saw seen seeing know knows knew known think
  thinks thought say says said saying tell tells told telling ask asks asked want wants wanted need needs needed use uses
  used using try tries tried trying look looks looked looking find finds found finding feel feels felt keep keeps kept
  let leave leaves left leaving seem seems seemed become becomes became begin begins began start starts started starting
  stop stops stopped end ends ended show shows showed shown hear hears heard bring brings brought buy buys bought buying
  send sends sent sending pay pays paid paying meet meets met sit sits sat stand stands stood lose loses lost win wins won
  read reads write writes wrote written run runs ran running set sets sit move moves moved live lives lived hold holds held
  happen happens happened suggest suggests suggested recommend recommends recommended remember remembers remembered
  forget forgets forgot forgotten believe believes believed hope hopes hoped love loves loved like likes liked hate prefer
  prefers preferred mean means meant agree agrees agreed decide decides decided check checks checked book booked change
  changes changed add adds added open opens opened close closes closed call calls called help helps helped turn turns
  turned work works worked wait waits waited speak speaks spoke talk talks talked learn learns learned eat eats ate drink
  drank sleep slept drive drives drove driven fly flies flew cost costs fit fits pick picks picked order ordered arrive
  arrives arrived stay stays stayed finish finishes finished fix fixes fixed break breaks broke broken build builds built
  grow grows grew fall falls fell cut cuts spend spends spent follow follows followed expect expects expected explain
  mention mentions mentioned contain contains include includes included depend depends require requires wonder guess
  sound sounds sounded handle handles does done doing cover covers covered share shares shared plan plans planned save
  return returns returned reply replied confirm confirms confirmed offer offers offered sell sells sold switch switched join joined
  must ought been having wear wears wore bake baked carry carries carried catch caught check choose chose chosen teach
  teaches taught`);

/** Words that end a noun phrase. */
export const breakers: ReadonlySet<string> = new Set([
  ...determiners,
  ...pronouns,
  ...beforeVerbs,
  ...grammar,
  ...verbs,
]);

/** Capitalised at the beginning of a sentence without being names, beside the breakers. */
export const openers = set(
  'dear note fun quick question update reminder agreed correct got heads fair noted done',
);

/** Nouns that look like forms of verbs. */
export const nounsInIngOrEd =
  set(`meeting meetings building buildings wedding weddings booking bookings training parking
  evening ceiling flooring painting paintings recording recordings warning warnings pricing billing hosting caching testing
  backing sibling king ring string spring wing sing thing clothing heating plumbing wiring lighting hearing reading reading
  wording ending opening crossing landing drawing drawings rating ratings seed weed speed need feed bed shed breed red
  embedding embeddings logging staging swimming climbing hiking cooking fishing gardening engineering marketing funding housing`);

/** Weekdays and their short forms. */
export const weekdays = new Map(
  ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].flatMap(
    (day): [string, string][] => [
      [day, day],
      [`${day}s`, day],
      [day.slice(0, 3), day],
    ],
  ),
);

/** Short forms of weekdays that are words as well. */
export const doubtfulWeekdays = set('sat sun wed');

const monthNames =
  `january february march april may june july august september october november december`.split(' ');

/** Months and their short forms. */
export const months = new Map(
  monthNames.flatMap((month) => [
    [month, month],
    [month.slice(0, 3), month],
  ]),
);

/** Month names that are common words as well: only dates beside a number. */
export const doubtfulMonths = set('may march mar');

/** Days named by their distance, and feasts. */
export const relativeDays = set('tomorrow yesterday today tonight christmas easter thanksgiving halloween');

/** Units by their spellings. */
export const units = new Map(
  Object.entries({
    euro: 'euro euros eur',
    dollar: 'dollar dollars usd bucks',
    pound: 'gbp quid',
    percent: 'percent',
    kg: 'kg kilo kilos kilogram kilograms',
    g: 'g gram grams',
    km: 'km kilometre kilometres kilometer kilometers',
    m: 'm metre metres meter meters',
    cm: 'cm centimetre centimetres centimeter centimeters',
    mm: 'mm millimetre millimetres millimeter millimeters',
    mile: 'mile miles',
    litre: 'l litre litres liter liters',
    ml: 'ml millilitre millilitres',
    mg: 'mg milligram milligrams',
    minute: 'min mins minute minutes',
    second: 's sec secs second seconds',
    ms: 'ms millisecond milliseconds',
    hour: 'h hour hours hr hrs',
    day: 'day days',
    week: 'week weeks',
    month: 'month months',
    year: 'year years',
    degree: 'degree degrees',
    gb: 'gb gigabyte gigabytes',
    mb: 'mb megabyte megabytes',
    tb: 'tb terabyte terabytes',
    watt: 'w watt watts',
    volt: 'v volt volts',
    people: 'people guests persons seats',
  }).flatMap(([unit, spellings]) => spellings.split(' ').map((spelling) => [spelling, unit] as const)),
);

/** Endings of company names that do not tell two companies apart. */
export const companyEndings = set(
  'inc ltd llc corp corporation gmbh company co plc ag group limited incorporated',
);
