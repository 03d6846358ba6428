// Colours, and whether to use them; the only importer of picocolors. For the command line alone.
import pico from 'picocolors';

/** Functions that colour a text, or leave it as it is. */
export type Style = ReturnType<typeof pico.createColors>;

/** What decides about colours. */
export interface ColourChoice {
  readonly isTerminal: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** False after `--no-color`. */
  readonly wanted: boolean;
}

/**
 * Colours on a terminal that can show them; never in a pipe unless `FORCE_COLOR` asks for them. `NO_COLOR` and `--no-color`
 * win over everything.
 */
export function chooseStyle({ isTerminal, env, wanted }: ColourChoice): Style {
  const isForced = Boolean(env.FORCE_COLOR) && env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  const isPossible = isForced || (isTerminal && env.TERM !== 'dumb');
  // Decided here and not by the package, which colours a pipe on build servers.
  return pico.createColors(wanted && !env.NO_COLOR && isPossible);
}
