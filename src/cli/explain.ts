// The verb `explain`. For program.ts alone.
import { type Decision, explainPair, openCache } from '../index.js';
import { type CommonFlags, type Context, load, openOptions } from './context.js';
import { UsageError } from './failure.js';
import { oneLine } from './text.js';

/** Options of `explain`. */
export interface ExplainFlags extends CommonFlags {
  readonly against?: string;
  readonly tenant?: string;
}

/** Prints the whole decision on a question: against one of your own, or against what the cache holds. */
export async function explain(
  context: Context,
  flags: ExplainFlags,
  text: string | undefined,
): Promise<void> {
  if (text === undefined || !/\S/.test(text)) throw new UsageError('no question was given');
  const options = openOptions(flags);
  load(context, options);
  const { against, tenant } = flags;
  if (against !== undefined) {
    show(context, text, await explainPair(text, against, options));
    return;
  }
  const cache = await openCache({ ...options, warming: { enabled: false } });
  try {
    const scope = tenant === undefined ? {} : { tenant };
    const { decision } = await cache.get(text, { scope, signal: context.signal });
    show(context, text, decision);
  } finally {
    await cache.close();
  }
}

const how: Readonly<Record<Decision['basis'], string>> = {
  exact: 'the same question is stored',
  text: 'the stored question is the same text',
  similarity: 'decided by the cosine and the rules',
  verifier: 'decided by P(same) from vectors and features',
  'pair model': 'decided by P(same) with the pair model',
  none: 'no stored question came into consideration',
};

function show({ output }: Context, question: string, decision: Decision): void {
  output.data({ question, decision });
  if (output.json) return;
  const { bold, dim, green, yellow } = output.style;
  const { accepted, basis, candidate, pSame, required, similarity, pairLogit, rules, policy, features } =
    decision;
  output.line(`${accepted ? green('accepted') : yellow('refused')}: ${how[basis]}`);
  if (candidate !== undefined) output.line(`  candidate   ${bold(oneLine(candidate.question))}`);
  if (candidate !== undefined)
    output.line(`  similarity  ${similarity.toFixed(4)}, from ${policy.minSimilarity}`);
  if (pSame !== undefined) {
    const least = required === undefined ? '' : `, from ${required.toFixed(4)}`;
    output.line(`  P(same)     ${pSame.toFixed(4)}${least}`);
  } else output.line('  P(same)     not worked out: no verifier was asked');
  if (pairLogit !== undefined) output.line(`  pair model  logit ${pairLogit.toFixed(3)}`);
  for (const { rule, why, question: stored } of rules)
    output.line(`  rule        ${rule}: ${oneLine(why)}; stored "${oneLine(stored)}"`);
  const { maxErrorRate, promise, category } = policy;
  if (maxErrorRate !== undefined)
    output.line(`  promise     at most ${maxErrorRate} wrong of the served, ${promise}`);
  if (category !== undefined) output.line(`  category    ${oneLine(category)}`);
  for (const [name, value] of Object.entries(features))
    if (value !== 0) output.line(dim(`  ${name.padEnd(24)} ${value.toFixed(4)}`));
}
