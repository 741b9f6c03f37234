import type { SqlValue } from './projection.ts';
import type { Run } from './rows.ts';

/**
 * Rows on their way to another thread. Cloning value by value would cost more than writing them:
 * they go as one JSON text, but for long texts, which are handed over as they are.
 */
export interface EncodedRuns {
  readonly rows: string;
  readonly texts: readonly string[];
}

/** A value that JSON has no word for, or that stands among the long texts. */
type Encoded = string | number | null | { bytes: string } | { integer: string } | { text: number };

const LONG_CHARS = 200;

/** Encodes runs. Positions travel as numbers where these hold them exactly. */
export function encodeRuns(runs: readonly Run[]): EncodedRuns {
  const texts: string[] = [];
  const encode = (value: SqlValue): Encoded => {
    switch (typeof value) {
      case 'string':
        return value.length < LONG_CHARS ? value : { text: texts.push(value) - 1 };
      case 'bigint': {
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : { integer: String(value) };
      }
      case 'number':
        return value;
      default:
        return value && { bytes: Buffer.from(value).toString('hex') };
    }
  };
  return { rows: JSON.stringify(runs.map((run) => run.map(encode))), texts };
}

export function decodeRuns({ rows, texts }: EncodedRuns): Run[] {
  const decode = (value: Encoded): SqlValue => {
    if (typeof value !== 'object' || value === null) return value;
    if ('text' in value) return texts[value.text] as string;
    return 'bytes' in value ? Buffer.from(value.bytes, 'hex') : BigInt(value.integer);
  };
  const encoded = JSON.parse(rows) as [number, ...Encoded[]][];
  return encoded.map(([statement, ...values]) => [statement, ...values.map(decode)]);
}
