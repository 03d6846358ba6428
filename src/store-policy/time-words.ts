// Questions whose answers do not last: which words say so. store-policy/ imports it.

/**
 * How soon the answer to a question is wrong: `moment` (now, prices, scores, weather), `day` (today, the latest), or when somebody else
 * asks it: `personal` (my order).
 */
export type TimeClass = 'moment' | 'day' | 'personal';

// English. What asks for the way or the meaning ("How do I change my password?", "What is a credit score?") has one answer for long.
const general =
  /^\s*(?:how\s+(?:do|does|can|could|should|would|to)\b|where\s+(?:do|can|should)\s+(?:i|we|you)\b|(?:can|could)\s+(?:i|we|you)\b|what(?:'s|\s+is|\s+are)\s+an?\b|what\s+does\b.*\bmean\b|define\b|explain\b|describe\b|why\b)/i;
const momentWords =
  /\b(?:right\s+now|(?<!from\s)now|nowadays|currently|at\s+(?:the|this)\s+moment|at\s+present|so\s+far|real[\s-]?time|what\s+time\s+is\s+it|what(?:'s|\s+is)\s+the\s+time)\b/i;
const momentThings =
  /\b(?:prices?|stock\s+(?:quote|market)|exchange\s+rates?|market\s+cap|weather|forecast|scores?|scoreboard|standings|traffic|in\s+stock|availability|how\s+much\s+(?:is|does|are|do))\b|\bcurrent\s+(?!account|events?\s+policy)\w+/i;
const dayWords =
  /\b(?:today(?:'s)?|tonight(?:'s)?|tomorrow(?:'s)?|yesterday(?:'s)?|th(?:is|ese)\s+(?:morning|afternoon|evening|week|weekend|month|quarter|year|days)|(?:last|next)\s+(?:night|week|weekend|month|quarter|year)|latest|newest|(?:most\s+)?recent(?:ly)?|upcoming|breaking|news|as\s+of)\b/i;
const personalWords = /\b(?:my|mine|our|ours)\b/i;

/** The class of a question; undefined for one whose answer lasts. Cost: under a microsecond for a question of ordinary length. */
export function timeClassOf(question: string): TimeClass | undefined {
  // What matters stands at an end of a long prompt, and a pattern must not hold the event loop.
  const text =
    question.length <= 2 * longestEnd
      ? question
      : `${question.slice(0, longestEnd)}\n${question.slice(-longestEnd)}`;
  if (momentWords.test(text)) return 'moment';
  const isGeneral = general.test(text);
  if (!isGeneral && momentThings.test(text)) return 'moment';
  if (dayWords.test(text)) return 'day';
  if (!isGeneral && personalWords.test(text)) return 'personal';
  return undefined;
}

const longestEnd = 2_000;
