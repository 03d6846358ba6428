// The verb `demo`: the modes, and the story that `full` tells. For program.ts alone.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, ConfigError, loadConfig, openCache, type SemanticCache } from '../index.js';
import { type CommonFlags, type Context, load, openOptions } from './context.js';
import { type Asked, DemoCaches, demoEmbedder, recordOf } from './demo-caches.js';
import { markDirectory, prepareDirectory } from './demo-directory.js';
import { Report } from './demo-report.js';
import { askAfterRestart, serveRestarted } from './demo-restart.js';
import { DemoError } from './failure.js';
import { ingestWithProgress, showReport } from './ingest.js';
import { showDirectory } from './stats.js';

/** Options of `demo`. */
export interface DemoFlags extends CommonFlags {
  readonly mode: 'full' | 'ingest' | 'query' | 'stats' | 'warm';
  readonly inputDir?: string;
  readonly query?: string;
  /** This is the process that `full` starts to show what outlives one. */
  readonly afterRestart?: boolean;
}

/** One subject of the demo. */
export interface Subject {
  readonly question: string;
  /** Mean the same. */
  readonly rewordings: readonly string[];
  /** Look alike and mean something else. */
  readonly nearMisses: readonly { readonly question: string; readonly kind: string }[];
}

const shipped = fileURLToPath(new URL('../../docs/demo/', import.meta.url));
const askedAgainAfterRestart = 3;

/** Runs the demo. @throws {DemoError} when it did not show what it is there to show. */
export async function demo(context: Context, flags: DemoFlags): Promise<void> {
  if (flags.mode === 'warm') {
    throw new ConfigError(
      'demo --mode warm: the demo asks too little to warm anything; run "llm-cache warm" on a directory in use',
    );
  }
  const directory =
    flags.directory ??
    join(loadConfig({ file: flags.config, flags: flags.set }).config.cache.directory, 'demo');
  const story = new Story(context, flags, directory);
  if (flags.afterRestart) return serveRestarted(() => story.openAnswers(), context.signal);
  if (flags.mode === 'stats') return showDirectory(context.output, directory);
  if (flags.mode === 'ingest') return story.ingestOnly();
  return flags.mode === 'query' ? story.queryOnly() : story.tell();
}

class Story {
  readonly #context: Context;
  readonly #flags: DemoFlags;
  readonly #directory: string;
  readonly #options: ReturnType<typeof openOptions>;
  readonly #config: Config;

  constructor(context: Context, flags: DemoFlags, directory: string) {
    this.#context = context;
    this.#flags = flags;
    this.#directory = directory;
    // The story must be the same on every machine: what would change its course is not taken from the user's configuration.
    const cache = { directory, ttlSeconds: null, minSimilarity: null, rules: 'all' } as const;
    this.#options = openOptions(
      { ...flags, directory },
      {
        cache,
        redis: { enabled: false },
        // Memory filled at the start would leave the tiers below nothing to show.
        warming: { enabled: false },
      },
    );
    const { file, flags: settings, ...overrides } = this.#options;
    // What the first process has said of the configuration, the second need not say again.
    this.#config = flags.afterRestart
      ? loadConfig({ file, flags: settings, overrides }).config
      : load(context, this.#options).config;
  }

  /** The cache of answers alone, as a process opens it that comes later. */
  async openAnswers(): Promise<SemanticCache> {
    const embedder = await demoEmbedder(this.#config);
    const cache = await openCache({ ...this.#options, embedder });
    // Loading the model belongs to the start of a process, not to the latency of its first question.
    await embedder?.warm();
    return cache;
  }

  async ingestOnly(): Promise<void> {
    await this.#within(async (caches) => {
      const report = await this.#ingest(caches);
      this.#context.output.data(report);
    });
  }

  async queryOnly(): Promise<void> {
    const report = new Report(this.#context.output, this.#directory);
    await this.#within(async (caches) => {
      if ((await caches.service.count()) === 0) {
        throw new ConfigError(
          `${this.#directory} holds no documents; run "llm-cache demo --mode ingest" first`,
        );
      }
      const own = this.#flags.query;
      const questions = own === undefined ? subjects().map(({ question }) => question) : [own];
      await this.#ask(
        caches,
        report,
        'Questions',
        'answered by the cache, or by a search of the documents',
        questions,
      );
      report.sizes(await caches.sizes());
    });
    report.statistics();
  }

  async tell(): Promise<void> {
    const { output, signal } = this.#context;
    const all = subjects();
    const own = this.#flags.query === undefined ? [] : [this.#flags.query];
    const questions = [...own, ...all.map(({ question }) => question)];
    const rewordings = all.flatMap((subject) => subject.rewordings);
    const nearMisses = all.flatMap((subject) => subject.nearMisses.map(({ question }) => question));
    const report = new Report(output, this.#directory, [...questions, ...rewordings, ...nearMisses]);

    prepareDirectory(this.#directory);
    report.opening(this.#config.embedding.useMock ? 'mock embedder' : this.#config.embedding.model);
    await this.#within(async (caches) => {
      await this.#ingest(caches);
      await this.#ask(
        caches,
        report,
        'Asked for the first time',
        'Nothing is stored yet: each goes to the origin, here a search of the documents on this machine.',
        questions,
      );
      await this.#ask(
        caches,
        report,
        'Asked again in the same words',
        'Exact hits: found by a hash, nothing is embedded.',
        questions,
      );
      await this.#ask(
        caches,
        report,
        'Asked in other words',
        'Semantic hits: a stored question means the same, and no rule objects.',
        rewordings,
      );
      await this.#ask(
        caches,
        report,
        'Asked something else in nearly the same words',
        'Another number, an opposite, a negation, an exchange: what is stored would be a wrong answer.',
        nearMisses,
      );
      report.sizes(await caches.sizes());
    }, true);

    const again = questions.slice(0, askedAgainAfterRestart);
    const reworded = all
      .slice(askedAgainAfterRestart)
      .flatMap((subject) => subject.rewordings.slice(0, 1))
      .slice(0, askedAgainAfterRestart);
    const asked = await askAfterRestart(
      this.#flags,
      resolve(this.#directory),
      [...again, ...reworded],
      signal,
    );
    report.phase(
      'Asked after the process was restarted',
      'A new process: memory is empty, disk (tier B) and vectors (tier C) are as they were.',
      asked,
    );
    report.statistics();
    report.whatNext(all);
    const unseen = report.unseen();
    if (unseen.length > 0) {
      const why = this.#config.embedding.useMock ? ' (the mock embedder compares nothing but words)' : '';
      throw new DemoError(
        `the demo did not show ${unseen.join(', nor ')}${why}; please report what it printed`,
      );
    }
  }

  async #ingest(caches: DemoCaches) {
    const path = resolve(this.#flags.inputDir ?? join(shipped, 'documents'));
    const report = await ingestWithProgress(this.#context, caches.service, { path, relativeTo: path });
    showReport(this.#context.output, report);
    return report;
  }

  async #ask(
    caches: DemoCaches,
    report: Report,
    title: string,
    note: string,
    questions: readonly string[],
  ): Promise<void> {
    const asked: Asked[] = [];
    for (const question of questions) {
      const answer = await caches.ask(question, this.#context.signal);
      asked.push({ record: recordOf(question, answer, false), source: answer.value.source });
      // What is stored in the background must not slow the next question.
      await caches.answers.idle();
    }
    report.phase(title, note, asked);
  }

  async #within(work: (caches: DemoCaches) => Promise<void>, isNew = false): Promise<void> {
    const caches = await DemoCaches.open(this.#options, this.#config);
    try {
      if (isNew) markDirectory(this.#directory);
      await work(caches);
    } finally {
      await caches.close();
    }
  }
}

function subjects(): readonly Subject[] {
  return JSON.parse(readFileSync(join(shipped, 'questions.json'), 'utf8')) as Subject[];
}
