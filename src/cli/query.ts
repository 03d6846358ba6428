// The verb `query`. For program.ts alone.
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import {
  type Filter,
  InvalidArgumentError,
  type MetadataValue,
  openQueryService,
  type QueryAnswer,
  type QueryService,
} from '../index.js';
import { type CommonFlags, type Context, load, loggerOf, openOptions } from './context.js';
import { converse, explanation, inputLines } from './conversation.js';
import { failureOf, UsageError } from './failure.js';
import { directoryOption, invocation } from './invocation.js';
import { bytes, columns, counted, cut, oneLine, wrap } from './text.js';

/** Options of `query`. */
export interface QueryFlags extends CommonFlags {
  readonly topK: number;
  readonly filter?: readonly string[];
  readonly interactive?: boolean;
}

const linesOfPassage = 3;

/** Answers one question, each line of standard input, or whatever is typed. @throws as `QueryService.query` */
export async function query(context: Context, flags: QueryFlags, text: string | undefined): Promise<void> {
  const options = openOptions(flags);
  const { config } = load(context, options);
  const { directory } = config.cache;
  const isInteractive = flags.interactive === true || (text === undefined && process.stdin.isTTY === true);
  // A directory that a mistyped option names must not come into being by asking.
  const isThere = config.vectorDb.backend === 'qdrant' || existsSync(directory);
  const service = isThere
    ? await openQueryService({ ...options, logger: loggerOf(context, config) })
    : undefined;
  const session = new Session(context, service, flags, directory);
  try {
    if (text !== undefined) await session.ask(text);
    if (isInteractive) await session.converse();
    else if (text === undefined) await session.readAll();
  } finally {
    await service?.close();
  }
}

class Session {
  readonly #context: Context;
  readonly #service: QueryService | undefined;
  readonly #topK: number;
  readonly #filter: Filter | undefined;
  readonly #directory: string;
  #last: { readonly question: string; readonly answer: QueryAnswer } | undefined;

  constructor(context: Context, service: QueryService | undefined, flags: QueryFlags, directory: string) {
    this.#context = context;
    this.#service = service;
    this.#topK = flags.topK;
    this.#filter = flags.filter === undefined ? undefined : filterOf(flags.filter);
    this.#directory = directory;
  }

  async ask(text: string): Promise<void> {
    const { output, signal } = this.#context;
    const answer = await this.#answer(text, signal);
    this.#last = { question: text, answer };
    output.data({ question: text, ...answer });
    if (output.json) return;
    if (answer.results.length > 0) this.#show(answer);
    else if (this.#filter !== undefined && (await this.#service?.count())) {
      output.line(
        `No passage is as --filter wants it (${Object.keys(this.#filter).map(oneLine).join(', ')}).`,
      );
    } else {
      output.line(`Nothing has been ingested into ${this.#directory} yet. Ingest documents first:`);
      output.line(`  ${invocation()} ingest <folder>${directoryOption(this.#directory)}`);
    }
  }

  /** Reads questions from standard input, one a line; a question that fails does not keep the next from being asked. */
  async readAll(): Promise<void> {
    let asked = 0;
    for await (const line of inputLines(this.#context.signal)) {
      if (!/\S/.test(line)) continue;
      if (!this.#context.output.json) {
        if (asked > 0) this.#context.output.line();
        this.#context.output.line(this.#context.output.style.bold(oneLine(line)));
      }
      asked++;
      await this.#askAndGoOn(line);
    }
    if (asked === 0)
      throw new UsageError('no question was given; add one: llm-cache query "How long do I boil an egg?"');
  }

  /** Asks for questions until the input ends. */
  async converse(): Promise<void> {
    await converse(this.#context, {
      directory: this.#service === undefined ? undefined : this.#directory,
      ask: (text) => this.#askAndGoOn(text),
      explain: () => this.#explain(),
      stats: () => this.#stats(),
    });
  }

  /** Says why the last question was answered as it was. */
  #explain(): void {
    const { output } = this.#context;
    if (this.#last === undefined) {
      output.aside('Nothing has been asked yet.');
      return;
    }
    const { question, answer } = this.#last;
    output.data({ question, decision: answer.decision, tier: answer.tier });
    for (const line of explanation(question, answer)) output.paragraph(line, 2);
  }

  async #stats(): Promise<void> {
    const { output } = this.#context;
    if (this.#service === undefined) {
      output.aside('Nothing has been ingested yet.');
      return;
    }
    const { queries, hits, misses, refused, tiers } = await this.#service.stats();
    output.data({ queries, hits, misses, refused, tiers });
    output.line(
      `  ${counted(queries, 'question')} in this session: ${hits} from the cache, ${misses} from the corpus`,
    );
    for (const { name, entries, bytes: held, exact, semantic } of tiers) {
      output.line(
        `  tier ${name}: ${counted(entries, 'entry', 'entries')}, ${bytes(held)}; ${exact.count} exact, ${semantic.count} by meaning`,
      );
    }
  }

  async #askAndGoOn(text: string): Promise<void> {
    const { output, signal } = this.#context;
    try {
      await this.ask(text.trim());
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message, exitCode } = failureOf(error);
      process.exitCode = exitCode;
      output.data({ question: text, error: { code, message } });
      output.aside(`llm-cache: ${message} [${code}]`);
    }
  }

  async #answer(text: string, signal: AbortSignal): Promise<QueryAnswer> {
    if (this.#service !== undefined) {
      return this.#service.query(text, { topK: this.#topK, filter: this.#filter, signal });
    }
    if (!/\S/.test(text)) throw new InvalidArgumentError('text', 'a text that is not blank', text);
    const decision = { match: 'none', similarity: 0, question: undefined, refused: null } as const;
    return { results: [], tier: 'corpus', latencyMs: 0, embedMs: 0, decision, truncated: false };
  }

  #show({ results, tier, latencyMs, embedMs, decision, truncated }: QueryAnswer): void {
    const { output } = this.#context;
    const { bold, cyan, dim, green, yellow } = output.style;
    const { match, similarity, question, refused } = decision;
    const times = `${latencyMs.toFixed(2)} ms, ${embedMs.toFixed(2)} to embed`;
    // What else stands in that line takes about this much; a pipe has room for all.
    const room = output.isTerminal ? Math.max(16, output.width - 80) : Number.POSITIVE_INFINITY;
    const past = cut(oneLine(question ?? ''), room);
    const how = {
      exact: `${green('exact hit')} in tier ${tier}`,
      semantic: `${cyan('semantic hit')} in tier ${tier}, ${similarity.toFixed(3)} to "${past}"`,
      none: `${yellow('no hit')}, searched the corpus`,
    }[match];
    output.line(`${how} ${dim(`· ${times}`)}`);
    if (match === 'none' && refused !== null) {
      const { rule, why, question: stored } = refused;
      output.paragraph(`not taken from the cache: rule ${rule}, ${why}; past question "${stored}"`, 2, dim);
    }
    if (truncated) {
      output.paragraph(
        'the question is longer than the embedder reads: only its beginning was searched for',
        2,
        yellow,
      );
    }
    const rank = String(results.length).length;
    for (const [index, { similarity, source, text }] of results.entries()) {
      output.line();
      const place = `${String(index + 1).padStart(rank + 1)}  ${similarity.toFixed(3)}  `;
      output.line(`${place}${bold(nameOf(source))}`);
      const margin = ' '.repeat(columns(place));
      for (const line of wrap(
        text,
        output.width - margin.length,
        output.isTerminal ? linesOfPassage : undefined,
      )) {
        output.line(`${margin}${line}`);
      }
    }
  }
}

/** A source as the user named it: relative while it is below the working directory. */
function nameOf(source: string): string {
  const way = relative(process.cwd(), source);
  return oneLine(source.startsWith('/') && !way.startsWith('..') ? way : source);
}

/**
 * `key=value` pairs as a filter: different keys must all hold, of one key any value may. What reads as a number, a boolean or
 * null is one, unless it stands in double quotes.
 */
function filterOf(pairs: readonly string[]): Filter {
  const wanted = new Map<string, MetadataValue[]>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, at);
    wanted.set(key, [...(wanted.get(key) ?? []), filterValue(pair.slice(at + 1))]);
  }
  return Object.fromEntries(wanted);
}

function filterValue(text: string): MetadataValue {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? text : (value as MetadataValue);
  } catch {
    return text;
  }
}
