// What a failure of Redis means, said without secrets; the connection imports it.
import { type CacheError, CodecError, TierError, type TierFault, TierTimeoutError } from '../core/errors.js';

const kinds: readonly (readonly [RegExp, TierFault])[] = [
  [/\b(NOPERM|NOAUTH|WRONGPASS|DENIED)\b|invalid password|Client sent AUTH/, 'permission'],
  [/\b(READONLY|MOVED|ASK|TRYAGAIN)\b|Too many Cluster redirections/, 'moved'],
  [/\b(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN)\b|max number of clients/, 'busy'],
  [/^OOM\b/, 'full'],
  [/^(MISCONF|NOREPLICAS)\b|unknown command|DB index is out of range|DISABLED/i, 'config'],
];
const certificateCodes =
  /^(CERT_|ERR_TLS|ERR_SSL|ERR_OSSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH|INVALID_CA)/;
const brokenConnection =
  /Connection is closed|max retries per request|Command aborted|isn't writeable|isn't ready|is ended|Socket timeout|sentinels are unreachable|refresh slots cache|startup nodes|E(CONN|PIPE|HOST|NET|TIMEDOUT|NOTFOUND|AI_AGAIN)/;

/** What is told of an error of the client, and its kind. */
export interface Fault {
  readonly message: string;
  readonly kind: TierFault;
}

/** Reads an error of the client. Every one of `secrets` is struck out: some servers quote the command that they refuse. */
export function faultOf(error: unknown, secrets: readonly string[]): Fault {
  const { message, code } = innermost(error);
  const shown = secrets.reduce((text, secret) => text.replaceAll(secret, '…'), message);
  if (message.startsWith('Command timed out')) return { message: shown, kind: 'timeout' };
  if (code !== undefined && certificateCodes.test(code)) {
    return { message: `TLS: ${shown} (${code})`, kind: 'config' };
  }
  const kind = kinds.find(([pattern]) => pattern.test(message))?.[1];
  return {
    message: shown,
    kind: kind ?? (brokenConnection.test(`${message} ${code}`) ? 'connection' : 'other'),
  };
}

/** True for what no reconnecting mends: it is tried again seldom. */
export function isPermanent({ kind }: Fault): boolean {
  return kind === 'permission' || kind === 'config';
}

/** The error a caller sees. The client's own is not its cause: that carries the command, and with it passwords and stored values. */
export function translate(operation: string, { message, kind }: Fault, timeoutMs: number): CacheError {
  if (message.startsWith('WRONGTYPE')) return new CodecError(`${operation}: ${message}`);
  if (kind === 'timeout') return new TierTimeoutError('redis', operation, timeoutMs);
  return new TierError('redis', operation, message, { kind });
}

/** The error that began it: the client wraps what the last node said, and Node what each address said. */
function innermost(error: unknown): { message: string; code: string | undefined } {
  let current = error as Partial<Error> & { code?: string; errors?: unknown[]; lastNodeError?: unknown };
  for (let depth = 0; depth < 4; depth++) {
    const inner = current?.lastNodeError ?? current?.errors?.[0];
    if (inner === undefined || inner === null) break;
    current = inner as typeof current;
  }
  const code = typeof current?.code === 'string' ? current.code : undefined;
  return { message: current?.message || code || String(error), code };
}
