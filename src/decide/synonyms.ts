// Words that hardly ever change what is asked when one stands for another. Only features.ts imports it.
import { stemOf } from './stem.js';

/* One group a line, in base forms; inflections meet through their stems. Irregular forms are listed. Written for questions, loosely. */
const groups = `
buy purchase get obtain acquire order bought got
improve better enhance increase boost raise develop strengthen
begin start launch commence began begun started
end finish stop quit cease
delete remove erase clear drop rid eliminate removal deletion
make create build produce generate construct write prepare made built develop
fix repair resolve solve troubleshoot mend
change modify alter edit update adjust switch
find locate discover search lookup look found
show display view see list print
use utilize utilise apply employ usage
learn study master teach
choose select pick decide
send transfer mail ship submit sent
job work career employment profession occupation
company firm business organisation organization startup
car vehicle auto automobile
phone mobile cellphone smartphone handset telephone cell
laptop notebook computer pc
film movie
photo picture image pic photograph
tv television
kid child children toddler baby infant little
store shop
test exam examination
way method approach technique means manner option
cost price charge fee expense much pay
tip advice suggestion trick hint recommendation idea
error issue problem trouble fault bug
reason cause why
effect impact influence consequence
meaning mean definition define
difference differ distinction different
important significant essential vital
main major primary chief key
big large huge great
small little tiny
fast quick quickly rapid speedy fastest quickest
easy simple simplest easiest
hard difficult tough
best top good great ideal finest
bad terrible poor awful
cheap inexpensive affordable budget
famous popular wellknown known
happen occur
safe secure
correct right proper true
wrong incorrect false
rich wealthy
smart intelligent clever
scared afraid fear
angry mad
sad depressed unhappy
tired exhausted fatigued
ill sick unwell
doctor physician gp
medicine medication drug
disease illness condition disorder
hurt pain ache sore
stomach belly tummy abdomen
lose loss reduce shed decrease
gain get put
prevent avoid stop
help assist aid support
need require must
want wish like
allow permit let
possible feasible can
earn make
answer reply response
question query
people person someone somebody human individual folk men man
man guy male
woman girl female lady
student learner pupil
country nation
city town
place spot location
website site webpage web page
internet web online
app application program software
programming coding
programmer developer coder
code script
function method routine
list array
directory folder
file document
login signin
register signup enroll enrol
cancel terminate
begin beginner novice newbie
prepare preparation ready
travel trip journey visit go
live stay reside
house home flat apartment
money cash fund
salary wage pay
rupee inr rs
dollar usd
note bill
holiday vacation
luggage baggage suitcase
airplane plane aircraft
bike bicycle cycle
rubbish trash garbage
autumn fall
maths math mathematics
university college
marry marriage wed
partner boyfriend girlfriend husband wife
speak talk converse speaking
tell say
think believe opinion view
feel feeling
love like
hate dislike
kill murder
die death dead
old age
current present now
new latest recent
total overall
number amount quantity count
kind type sort form
example instance sample
step procedure process instruction
rule regulation law
benefit advantage pro upside
drawback disadvantage con downside
feature characteristic property
purpose function point use goal
book novel
song music track
recipe cook
food dish meal
bin container
thin slim
fat overweight
clean wash
veg vegetable veggie
temperature fever
quickly soon
usually normally typically generally
completely fully totally entirely
approximately roughly about around
maximum max
minimum min
convert turn change
copy duplicate clone
combine merge join concatenate
split divide separate break
sort order arrange
check verify test validate confirm see tell know
connect link attach
install setup set
open launch
close shut
run execute
stop halt
recover restore retrieve recovery
access reach
contact reach
enable activate
disable deactivate
hide conceal
build compile
deploy release publish
optimise optimize
calculate compute determine work
compare comparison versus vs
explain describe
summarise summarize summary
suggest recommend
review feedback
`;

/** Stem → numbers of its groups. */
const groupsByStem = new Map<string, number[]>();
let count = 0;
for (const line of groups.trim().split('\n')) {
  for (const word of line.split(' ')) {
    const stem = stemOf(word);
    const present = groupsByStem.get(stem);
    if (present === undefined) groupsByStem.set(stem, [count]);
    else if (!present.includes(count)) present.push(count);
  }
  count++;
}
const size = Math.ceil(count / 32);

/** Both stems stand in one group of near-synonyms, or are the same. */
export function areSynonyms(a: string, b: string): boolean {
  if (a === b) return true;
  const groupsOfA = groupsByStem.get(a);
  const groupsOfB = groupsOfA && groupsByStem.get(b);
  if (groupsOfA === undefined || groupsOfB === undefined) return false;
  return groupsOfA.some((one) => groupsOfB.includes(one));
}

/** The groups that any of some stems stands in: one bit a group, 32 to a number. */
export type SynonymGroups = readonly number[];

/** Cost: a map read a stem. */
export function groupsOf(stems: Iterable<string>): SynonymGroups {
  const bits = new Array<number>(size).fill(0);
  for (const stem of stems)
    for (const one of groupsByStem.get(stem) ?? none)
      bits[one >>> 5] = (bits[one >>> 5] as number) | (1 << (one & 31));
  return bits;
}

/** The stem stands in one of the groups: it is a near-synonym of a stem that they were made of, or one of those. */
export function isIn(stem: string, bits: SynonymGroups): boolean {
  for (const one of groupsByStem.get(stem) ?? none)
    if (((bits[one >>> 5] as number) & (1 << (one & 31))) !== 0) return true;
  return false;
}

const none: readonly number[] = [];
