// The verb `import`. For program.ts alone.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  openCache,
  openPythonRedis,
  openQueryService,
  type PythonRedis,
  type PythonRedisSurvey,
} from '../index.js';
import { type CommonFlags, type Context, load, loggerOf, openOptions } from './context.js';
import { UsageError } from './failure.js';
import { ingestWithProgress } from './ingest.js';
import { directoryOption, invocation } from './invocation.js';
import type { Output } from './output.js';
import { count, counted } from './text.js';

/** Options of `import`. */
export interface ImportFlags extends CommonFlags {
  readonly redis?: string;
  readonly questions?: string;
  readonly topK?: readonly number[];
  readonly model?: string;
  readonly tenant?: string;
  readonly dryRun?: boolean;
}

const mostQuestions = 1_000_000;

interface Brought {
  documents: number;
  answers: number;
}

/** Brings documents into the corpus and answers into the cache. @throws as `openPythonRedis`, `QueryService.ingest` and `SemanticCache.set` */
export async function importRedis(context: Context, flags: ImportFlags): Promise<void> {
  if (flags.redis === undefined) {
    throw new UsageError(
      'the Redis of the Python package was not named; add --redis redis://localhost:6379/0',
    );
  }
  const { output, signal } = context;
  const questions = flags.questions === undefined ? [] : await readQuestions(flags.questions);
  const old = await openPythonRedis({ url: flags.redis });
  try {
    const survey = await old.survey(signal);
    const brought: Brought = { documents: 0, answers: 0 };
    if (flags.dryRun === true) await countOnly(context, old, flags, questions, brought);
    else await bring(context, old, flags, questions, brought);
    output.data({ dryRun: flags.dryRun === true, found: survey, brought, left: old.losses });
    show(output, flags, survey, brought, old, questions.length);
  } finally {
    await old.close();
  }
}

async function countOnly(
  { signal }: Context,
  old: PythonRedis,
  flags: ImportFlags,
  questions: readonly string[],
  brought: Brought,
): Promise<void> {
  for await (const _ of old.documents(signal)) brought.documents++;
  for await (const _ of old.answers({ questions, topK: flags.topK, model: flags.model }, signal))
    brought.answers++;
}

async function bring(
  context: Context,
  old: PythonRedis,
  flags: ImportFlags,
  questions: readonly string[],
  brought: Brought,
): Promise<void> {
  const options = openOptions(flags);
  const { config } = load(context, options);
  const open = { ...options, logger: loggerOf(context, config) };
  const { signal } = context;
  const service = await openQueryService(open);
  try {
    const report = await ingestWithProgress(context, service, { documents: old.documents(signal) });
    brought.documents = report.documents;
  } finally {
    await service.close();
  }
  if (questions.length === 0) return;
  const cache = await openCache(open);
  try {
    const scope = flags.tenant === undefined ? {} : { tenant: flags.tenant };
    for await (const answer of old.answers({ questions, topK: flags.topK, model: flags.model }, signal)) {
      const { question, results, ttlMs } = answer;
      const sources = [...new Set(results.map(({ source }) => source))]
        .filter((source) => source !== '')
        .slice(0, 64);
      await cache.set(question, results, { scope, ttlMs, sources, signal });
      brought.answers++;
    }
  } finally {
    await cache.close();
  }
}

async function readQuestions(file: string): Promise<string[]> {
  const questions: string[] = [];
  try {
    for await (const line of createInterface({ input: createReadStream(file, 'utf8') })) {
      if (/\S/.test(line)) questions.push(line.trim());
      if (questions.length > mostQuestions) break;
    }
  } catch (error) {
    throw new UsageError(
      `cannot read ${file}: ${(error as NodeJS.ErrnoException).code}; name a text file with one question a line`,
    );
  }
  if (questions.length > mostQuestions) {
    throw new UsageError(`${file} has more than ${count(mostQuestions)} questions; split it`);
  }
  return questions;
}

function show(
  output: Output,
  { dryRun, redis: _, ...flags }: ImportFlags,
  { chunks, documents, others, answers, counters }: PythonRedisSurvey,
  brought: Brought,
  { losses }: PythonRedis,
  asked: number,
): void {
  const { bold, dim } = output.style;
  const verb = dryRun === true ? 'would be brought over' : 'brought over';
  output.line();
  output.line(
    `  ${bold('found')}  ${counted(chunks, 'chunk')} of ${counted(documents, 'document')}, ${counted(others, 'other value')}, ${counted(answers, 'answer')}, ${counted(counters, 'counter')}`,
  );
  output.line(
    `  ${bold(verb)}  ${counted(brought.documents, 'document')}, ${counted(brought.answers, 'answer')}`,
  );
  const left = [
    [
      answers - brought.answers,
      asked === 0
        ? 'answers whose questions only --questions can name: Redis holds hashes of them'
        : 'answers whose questions are not among those given',
    ],
    [losses.ambiguous, 'questions that share their key with a different one'],
    [losses.withoutText, 'answers without any text'],
    [losses.chatMessages, 'messages of chats'],
    [losses.unreadable, 'values that cannot be read'],
    [losses.gaps, 'places in documents where a chunk is missing'],
    [counters, 'counters of hashed questions'],
  ] as const;
  for (const [number, what] of left)
    if (number > 0) output.line(dim(`  left behind, ${what}: ${count(number)}`));
  if (dryRun === true) return;
  const directory = flags.directory ?? '.llm-cache';
  output.line(`  ${dim('ask with:')} ${invocation()} query "…"${directoryOption(directory)}`);
}
