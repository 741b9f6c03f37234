import type { SqlValue } from './projection.ts';
import type { Run } from './rows.ts';

/**
 * Rows on their way to another thread. Cloning value by value would cost more than writing them:
 * they go as one JSON text, a flat list of each run's statement, its number of values and these;
 * but for long texts, which are handed over as they are.
 */
export interface EncodedRuns {
  readonly rows: string;
  readonly texts: readonly string[];
}

/** A value that JSON has no word for, in hexadecimal or decimal; or one of the long texts. */
type Marked = readonly ['bytes' | 'integer', string] | readonly ['text'];
type Encoded = string | number | null | Marked;

const LONG_CHARS = 200;
const TEXT: Marked = ['text'];

/** Encodes runs. Positions travel as numbers where these hold them exactly. */
export function encodeRuns(runs: readonly Run[]): EncodedRuns {
  const texts: string[] = [];
  const rows: Encoded[] = [];
  for (const run of runs) {
    rows.push(run[0], run.length - 1);
    for (let at = 1; at < run.length; at += 1) {
      const value = run[at] as SqlValue;
      if (typeof value === 'string' && value.length >= LONG_CHARS) {
        texts.push(value);
        rows.push(TEXT);
      } else {
        rows.push(encoded(value));
      }
    }
  }
  return { rows: JSON.stringify(rows), texts };
}

function encoded(value: SqlValue): Encoded {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : ['integer', String(value)];
  }
  if (typeof value !== 'object' || value === null) return value;
  const { buffer, byteOffset, byteLength } = value;
  return ['bytes', Buffer.from(buffer, byteOffset, byteLength).toString('hex')];
}

export function decodeRuns({ rows, texts }: EncodedRuns): Run[] {
  const flat = JSON.parse(rows) as Encoded[];
  const runs: Run[] = [];
  let nextText = 0;
  for (let at = 0; at < flat.length; ) {
    const run: [number, ...SqlValue[]] = [flat[at] as number];
    const end = at + 2 + (flat[at + 1] as number);
    for (at += 2; at < end; at += 1) {
      const value = flat[at] as Encoded;
      if (typeof value !== 'object' || value === null) run.push(value);
      else if (value[0] === 'text') run.push(texts[nextText++] as string);
      else run.push(value[0] === 'bytes' ? Buffer.from(value[1], 'hex') : BigInt(value[1]));
    }
    runs.push(run);
  }
  return runs;
}
