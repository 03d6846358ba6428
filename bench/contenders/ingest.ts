// Contenders of `ingest`: short documents into a corpus, and the same texts through the embedder alone.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnxEmbedder } from '#dist/embed/onnx.js';
import { type Embedder, openQueryService } from '#dist/index.js';
import { shortDocument } from '../data/short-documents.js';
import type { Figures, SubjectFactory } from '../types.js';

const inFlight = 64;
const warmUpTexts = 64;
const sampleEveryMs = 10;

const textsOf = (n: number) => Array.from({ length: n }, (_, index) => shortDocument(index));

/** Embeds all texts, some at a time. */
async function embedAll(embedder: Embedder, texts: readonly string[]): Promise<void> {
  let next = 0;
  const take = async () => {
    for (let at = next++; at < texts.length; at = next++) await embedder.embed((texts[at] as string).trim());
  };
  await Promise.all(Array.from({ length: inFlight }, take));
}

async function rate(documents: number, work: () => Promise<unknown>): Promise<Figures> {
  const started = performance.now();
  const before = process.cpuUsage();
  await work();
  const perS = (documents * 1000) / (performance.now() - started);
  const { user, system } = process.cpuUsage(before);
  // What others do on the machine hardly changes this one.
  const facts = { 'CPU ms a document': (user + system) / 1000 / documents };
  return { p50Us: null, p95Us: null, p99Us: null, opsPerS: perS, recall: null, bytes: null, facts };
}

/** The embedder alone: what the machine can embed when nothing else is done. */
export const bareEmbedder: SubjectFactory = async ({ n }) => {
  const embedder = await onnxEmbedder();
  const texts = textsOf(n as number);
  return {
    variants: [{ note: `${embedder.stats().workers} workers, ${inFlight} texts under way` }],
    async run() {
      await embedAll(embedder, texts.slice(0, warmUpTexts));
      return rate(texts.length, () => embedAll(embedder, texts));
    },
    close: () => embedder.close(),
  };
};

/** `QueryService.ingest` of a folder into a new cache directory. */
export const ingestion: SubjectFactory = async ({ n }, { directory }) => {
  const embedder = await onnxEmbedder();
  const texts = textsOf(n as number);
  const folder = join(directory, 'documents');
  mkdirSync(folder, { recursive: true });
  for (const [index, text] of texts.entries()) writeFileSync(join(folder, `${index}.md`), text);
  return {
    variants: [{ note: 'files of a folder, each committed to disk; right: the share that is in the corpus' }],
    async run(_variant, round) {
      await embedAll(embedder, texts.slice(0, warmUpTexts));
      const target = join(directory, `corpus-${round}`);
      const service = await openQueryService({
        // The service closes its embedder; this one serves every run.
        embedder: { ...embedder, close: async () => {} },
        file: null,
        env: {},
        cache: { directory: target },
      });
      globalThis.gc?.();
      const before = process.memoryUsage.rss();
      let peak = before;
      const sampling = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage.rss());
      }, sampleEveryMs);
      const figures = await rate(texts.length, () => service.ingest({ path: folder }));
      clearInterval(sampling);
      const recall = (await service.count()) / texts.length;
      await service.close();
      rmSync(target, { recursive: true });
      const facts = { ...figures.facts, 'peak MB over the model': (peak - before) / 1e6 };
      return { ...figures, recall, facts };
    },
    close: () => embedder.close(),
  };
};
