// Says whether an earlier turn may change the answer to a later question that stands alone. Pure; the root imports it.
import { languageOf } from './language.js';
import { tokenise } from './tokens.js';

/** Longer turns bring what they ask about with them. */
const longestQuestion = 400;
const courtesy = /^(?:(?:hi|hello|hey|thanks|thank you|ok|okay|please|great|cool|so|and)\b[\s,.!]*)+/i;
const asks =
  /^(?:$|.*\?$|(?:tell|explain|describe|list|show|give|compare|define|name|what|who|where|when|why|how|which)\b)/i;
// Who asks: "What can I cook if I am vegan?"
const person =
  /\b(?:(?:i|we)(?:'m|'re|'ve| am| are| have| live| work| prefer| like| need| want| do| don't| can't| cannot| only)|(?:my|our) \w+ (?:is|are|has|have)|call me|for (?:me|us))\b/i;
// How to answer: "Tell me about Oslo, and from now on only in French."
const manner =
  /\b(?:from now on|always|never|only|until|pretend|imagine|suppose|assume|act as|you(?:'re| are)|your|answer|reply|respond|speak|talk|avoid|keep|stop|don't|do not|as if|like an?|to an?|brief(?:ly)?|short(?:ly)?|concise(?:ly)?|simply|in (?:one|two|three|json|markdown|english|french|german|spanish|italian|portuguese|dutch|chinese|japanese))\b/i;

/**
 * Whether the turn does more than ask: it says something about who asks or how to answer, brings a document, holds anything but text, or is
 * in a language that is not known here. Errs on the side of yes, because the price is only an origin call. What the assistant said follows
 * from the other turns, so its texts never do. Cost: linear in the length, at most some 10 microseconds.
 */
export function setsTerms(turn: unknown): boolean {
  if (typeof turn === 'string') return saysMore(turn);
  if (typeof turn !== 'object' || turn === null) return true;
  const { role, content, ...rest } = turn as Readonly<Record<string, unknown>>;
  const text = textOf(content);
  if (text === undefined) return true;
  if (role === 'assistant') return false;
  return role !== 'user' || Object.values(rest).some((value) => value !== undefined) || saysMore(text);
}

function saysMore(text: string): boolean {
  if (text.length > longestQuestion) return true;
  const language = languageOf(text, tokenise(text));
  if (language !== 'en' && language !== '') return true;
  return text.split(/(?<=[.!?])\s+|\n+/).some((sentence) => {
    const said = sentence.trim().replace(courtesy, '');
    return !asks.test(said) || person.test(said) || manner.test(said);
  });
}

/** A text, or a list of parts that are all texts. */
function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part) => (part as { text?: unknown } | null)?.text);
  return texts.every((text) => typeof text === 'string') ? texts.join('\n') : undefined;
}
