// What a run was made on; imported by run.ts, table and report.
import { execFileSync } from 'node:child_process';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { native } from '#dist/core/native.js';
import type { Mode } from '../types.js';

/** Machine, versions and parameters of a run. */
export interface Header {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  /** Kernel of the vector products. */
  readonly kernel: string;
  readonly kernels: readonly string[];
  readonly sha256: string;
  /** Short hash; `+` behind it when files differ from it. */
  readonly commit: string;
  readonly seed: number;
  readonly runs: number;
  readonly mode: Mode;
  readonly dataSet: string;
  readonly n: string;
  readonly d: number;
  readonly k: number;
  readonly M: number;
  readonly efConstruction: number;
  readonly efSearch: number;
}

/** Reads the machine. */
export function headerOf(run: { seed: number; runs: number; quick: boolean; full: boolean }): Header {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()} ${arch()}`,
    node: process.version,
    kernel: native.kernel,
    kernels: native.kernels,
    sha256: native.sha256Implementation,
    commit: commitOf(),
    seed: run.seed,
    runs: run.runs,
    mode: run.quick ? 'quick' : run.full ? 'full' : 'default',
    dataSet: `clustered unit vectors${run.quick ? '' : ', Gaussian beside them'}; whole cache: template questions, invented fillers`,
    n: run.quick ? '1,000 and 10,000' : '1,000, 10,000 and 50,000',
    d: 384,
    k: 10,
    M: 16,
    efConstruction: 200,
    efSearch: 50,
  };
}

/** The header in lines of text. */
export function headerLines(header: Header): string[] {
  const { cpu, cores, memoryGiB, os, node, kernel, sha256, commit, seed, runs, mode } = header;
  return [
    `CPU ${cpu} · ${cores} cores · ${memoryGiB} GiB · ${os} · Node ${node}`,
    `kernel ${kernel} · SHA-256 ${sha256} · commit ${commit} · seed ${seed} · ${mode}, ${runs} runs · ${header.date}`,
    `data: ${header.dataSet} · n = ${header.n} · d = ${header.d} · k = ${header.k}`,
    `hnswlib-node: M ${header.M}, efConstruction ${header.efConstruction}, efSearch ${header.efSearch}`,
  ];
}

function commitOf(): string {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const git = (...words: string[]) =>
    execFileSync('git', words, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '+');
  } catch {
    return 'none';
  }
}
