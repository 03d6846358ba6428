// Amounts of memory as text and back, in powers of 1,000 and of 1,024, never one under the name of the other. Any folder may import it.
import { InvalidArgumentError } from './errors.js';

/** `si` counts in powers of 1,000 (kB, MB, GB), `iec` in powers of 1,024 (KiB, MiB, GiB). */
export type BytesFormat = 'si' | 'iec';

const UNITS = {
  si: { base: 1000, names: ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] },
  iec: { base: 1024, names: ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] },
} as const;

/**
 * Bytes for people. What the decimals would round up to the next unit is written in that unit.
 *
 * @param bytes 0 or more
 * @param options `format`: default `si`; `digits`: decimals from kB on, 0 to 6, default 1
 * @throws {InvalidArgumentError} ERR_LLM_CACHE_ARGUMENT
 * @example bytesToHumanReadable(61_440_000_000); // '61.4 GB'; with { format: 'iec' } '57.2 GiB'
 */
export function bytesToHumanReadable(
  bytes: number,
  { format = 'si', digits = 1 }: { format?: BytesFormat; digits?: number } = {},
): string {
  if (typeof bytes !== 'number' || !Number.isFinite(bytes) || bytes < 0) {
    throw new InvalidArgumentError('bytes', 'a finite number from 0', bytes);
  }
  if (!Object.hasOwn(UNITS, format)) throw new InvalidArgumentError('format', 'si or iec', format);
  if (!Number.isInteger(digits) || digits < 0 || digits > 6) {
    throw new InvalidArgumentError('digits', 'an integer from 0 to 6', digits);
  }
  const { base, names } = UNITS[format];
  let value = bytes;
  let unit = 0;
  while (unit < names.length - 1 && Number(value.toFixed(unit === 0 ? 0 : digits)) >= base) {
    value /= base;
    unit++;
  }
  return `${value.toFixed(unit === 0 ? 0 : digits)} ${names[unit]}`;
}

/** Reads text such as `512`, `256 MiB` or `1.5 GB`: whole bytes, or undefined when it is none of these. Units in any case. */
export function bytesFromText(text: string): number | undefined {
  const parts = /^(\d{1,15}(?:\.\d{1,15})?) ?([kmgt]i?)?b?$/i.exec(text);
  if (parts === null) return undefined;
  const [, amount, prefix = ''] = parts;
  const power = prefix === '' ? 0 : 'kmgt'.indexOf((prefix[0] as string).toLowerCase()) + 1;
  return Math.round(Number(amount) * (prefix.length === 2 ? 1024 : 1000) ** power);
}
