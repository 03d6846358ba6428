// Words that exclude one another: antonym pairs and sets of alternatives, with their inflections. Only vocabulary.ts imports it.

/*
 * One group a line, its sides parted by `/`, the spellings of one side by `,`. Two questions contradict each other when each
 * holds a side of the group that the other lacks; so "raise or lower" and "lower" do not. Over-generated forms
 * ("sended") match nothing and are harmless; forms that are other words (`low` + `er`) are why the three lists are apart.
 */

/** Verbs and nouns: `s`, `ed`, `ing` are derived. */
export const verbPairs = `
increase,grow,grew,grown,raise,rise,rose,risen,gain / decrease,shrink,shrank,reduce,lower,drop,fall,fell,lose,lost,decline,diminish
buy,bought,purchase,buyer / sell,sold,seller,sale
lend,lent,lender / borrow,borrower
enable,activate / disable,deactivate
open,reopen / close
start,begin,began,begun,beginning,launch / stop,end,finish,quit,cease
before,prior / after,following
import,importer / export,exporter
encode,encoder / decode,decoder
encrypt,encryption / decrypt,decryption
upload / download
install,installation / uninstall,uninstallation,deinstall
login,logon,signin / logout,logoff,signout
compress,compression,zip / decompress,extract,unzip,decompression
serialize,serialise,serialization / deserialize,deserialise,deserialization
add,insert,addition / remove,delete,erase,subtract,subtraction,removal,deletion
multiply,multiplication / divide,division
push / pull
send,sent,sender / receive,receiver,recipient
accept,acceptance,approve,approval / reject,rejection,decline,refuse,refusal,deny,denied,denial
allow,permit / forbid,forbade,prohibit,ban,block
lock / unlock
follow / unfollow
subscribe,subscription / unsubscribe
mute / unmute
block / unblock
freeze,froze,frozen / thaw,unfreeze
pin / unpin
hide,hid,hidden / show,unhide,reveal
connect,connection / disconnect,disconnection
attach / detach
load / unload
pack / unpack
wrap / unwrap
mount / unmount
plug / unplug
win,won,winner / lose,lost,loser
attack,offense,offence,offensive / defend,defense,defence,defensive
arrive,arrival / depart,departure,leave,left
enter,entrance,entry / exit,leave
import / export
inhale / exhale
expand,expansion / contract,contraction
widen / narrow
lengthen / shorten
strengthen / weaken
speed,accelerate,acceleration / slow,decelerate,deceleration
heat,warm / cool
melt / freeze,froze,frozen
ascend,ascent / descend,descent
appear / disappear,vanish
build,built,construct / demolish,destroy
create / destroy,delete
hire / fire,dismiss
marry,marriage,married / divorce
love / hate
like / dislike
agree,agreement / disagree,disagreement
succeed,success / fail,failure
pass / fail
remember / forget,forgot,forgotten
save / spend,spent
deposit / withdraw,withdrew,withdrawn,withdrawal
debit / credit
tighten / loosen
praise / criticize,criticise,criticism
reward / punish,punishment
teach,taught,teacher / learn,learner
employer / employee
parent / child,children
husband / wife,wives
doctor / patient
landlord / tenant
client / server
host / guest
producer / consumer
predator / prey
asset / liability,liabilities
profit / loss,losses
revenue,income / expense,expenditure
supply / demand
advantage,benefit,pro / disadvantage,drawback,con,downside
strength / weakness
friend / enemy,enemies
hero / villain
input / output
source / destination,target
numerator / denominator
singular / plural
prefix / suffix
header / footer
synonym / antonym
encourage / discourage
include / exclude
upgrade / downgrade
upvote / downvote
inflate,inflation / deflate,deflation
birth,born / death,die,dying,dead
sunrise / sunset
dawn / dusk
plaintiff / defendant
debtor / creditor
frontend / backend
ascending / descending
commit / rollback,revert
wake,woke / sleep,slept,asleep
boot / shutdown
sink / float
hit / miss
trust / distrust
import / deport
immigrate,immigration,immigrant / emigrate,emigration,emigrant
overestimate / underestimate
overweight / underweight
overfit,overfitting / underfit,underfitting
bull,bullish / bear,bearish
king / queen
prince / princess
actor / actress
god / devil
heaven / hell
peace / war
truth / lie,lies
sender / addressee
ancestor / descendant
`;

/** Adjectives: `er`, `est`, `ly` are derived. */
export const adjectivePairs = `
hot,warm / cold,cool
big,large,huge / small,little,tiny
long / short
tall / short
high,higher,highest / low,lower,lowest
fast,quick,rapid / slow
old / new
old / young
early / late
good,better / bad,worse,evil
best / worst
easy,simple / hard,difficult,tough
cheap,inexpensive / expensive,costly
rich,wealthy / poor
strong / weak
thick / thin
wide,broad / narrow
deep / shallow
heavy / light
light,bright / dark
loud / quiet,silent
hard / soft
rough / smooth
sharp / dull,blunt
wet / dry
clean / dirty
full / empty,vacant
near,close / far,distant
safe / dangerous,risky
true,correct,right / false,wrong,incorrect
alive,living / dead
male,man,men,masculine / female,woman,women,feminine
boy,guy / girl
positive / negative
maximum,max,most,maximal / minimum,min,least,minimal
maximize,maximise,maximizing / minimize,minimise,minimizing
public / private
internal,inner,inside,indoor,inbound,incoming,inward / external,outer,outside,outdoor,outbound,outgoing,outward
left / right
top,upper / bottom,lower
front / back,rear
upstream / downstream
vertical / horizontal
forward / backward,backwards,reverse
north,northern / south,southern
east,eastern / west,western
urban / rural
domestic / foreign,international,overseas
local / remote
online / offline
manual / automatic,automated
digital / analog,analogue
synchronous,sync / asynchronous,async
static / dynamic
mutable / immutable
odd / even
prime / composite
physical / virtual
temporary / permanent
ancient / modern
sweet / sour,bitter
happy / sad
introvert,introverted / extrovert,extroverted,extravert
beautiful,pretty,handsome / ugly
smart,intelligent,clever / stupid,dumb
fat / skinny,thin,slim
gay / straight
acute / chronic
benign / malignant
guilty / innocent
optimistic,optimist / pessimistic,pessimist
liberal,democrat,democratic / conservative,republican
capitalism,capitalist / communism,communist,socialism,socialist
raw / cooked
vegetarian,vegan / carnivore
micro / macro
undergraduate,bachelor / postgraduate,graduate,master
junior / senior
major / minor
absolute / relative
convex / concave
serial,sequential / parallel
single / married
pregnant / childless
qualitative / quantitative
inductive / deductive
implicit / explicit
abstract / concrete
formal / informal
major / minor
voluntary / mandatory,compulsory
optional / required,mandatory
first / last
next / previous
short-term / long-term
exothermic / endothermic
vertebrate / invertebrate
homosexual / heterosexual
left-handed / right-handed
tight / loose
fresh / stale,rotten
broke / wealthy
`;

/** Words without inflections, and sets of three and more alternatives. */
export const alternatives = `
before / after
until / since
above,over / below,under,beneath,underneath
always / never,rarely,seldom
often / rarely,seldom
all,every,everyone,everybody / none,nobody
more,greater / less,fewer
against / for
up / down
with / without
on / off
in / out
online / offline
yesterday / today,tonight / tomorrow
morning / noon,midday / afternoon / evening / night,midnight
daily / weekly / monthly / quarterly / yearly,annual,annually
spring / summer / autumn / winter
past / present / future
breakfast / brunch / lunch / dinner
mother,mom,mum / father,dad / brother / sister / son / daughter / uncle / aunt / grandmother,grandma / grandfather,grandpa / husband / wife / girlfriend / boyfriend
baby,babies,infant / toddler / teenager,teen,teens / adult,adults
dog,dogs,puppy,puppies / cat,cats,kitten,kittens / horse,horses / cow,cows / pig,pigs / bird,birds / fish / rabbit,rabbits / snake,snakes
red / blue / green / yellow / purple / pink / brown / gray,grey / black / white
beginner,beginners / intermediate / advanced,expert,experts
poem / essay / haiku / story / song / email / letter / tweet / speech / joke / limerick
summarize,summarise,summary / translate,translation / paraphrase / proofread / classify
sum / product / quotient
mean,average / median / mode
row,rows / column,columns
xml / json / csv / yaml / toml / pdf / docx / html
get / put / post / patch
left / center,centre
kilobyte / megabyte
solid / liquid / gas
carbs,carbohydrate,carbohydrates / protein,proteins
square / circle / triangle / rectangle / cube / sphere
area / perimeter / circumference / volume
radius / diameter
username / password / email
sin,sine / cos,cosine / tan,tangent
christian,christianity / muslim,islam,islamic,muslims / hindu,hinduism,hindus / buddhist,buddhism / jewish,judaism,jews
football,soccer / cricket / tennis / basketball / baseball / hockey / rugby / golf
piano / guitar / violin / drums / flute
physics / chemistry / biology / mathematics,math,maths
coffee / tea / beer / wine / water / milk / juice
car,cars / bike,bikes,bicycle,bicycles / motorcycle / bus,buses / train,trains / plane,planes,airplane / boat,boats
`;
