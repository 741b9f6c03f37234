import type { DatabaseSync } from 'node:sqlite';
import { canonical, digestOf } from './digest.ts';

/** Field by field: what a row says, or what it has to say. */
export type Fields = Readonly<Record<string, unknown>>;

export type Row = Readonly<Record<string, unknown>>;

/** One row beside what the naive reading makes of the log. */
interface Compared {
  readonly key: string;
  readonly shown: Fields;
  /** Undefined when there has to be no such row. */
  readonly expected: Fields | undefined;
}

/** A table of the views, and how its rows follow from the naive reading. */
export interface Table {
  readonly name: string;
  /** Reads all rows. */
  readonly sql: string;
  readonly read: (row: Row) => Compared;
  /** The keys of all rows that have to be there. */
  readonly keys: () => Iterable<string>;
}

/** A row that differs. */
export interface Difference {
  readonly table: string;
  readonly row: string;
  readonly expected: string;
  readonly found: string;
}

/** A value that is not kept, but for its digest. */
export class Digest {
  readonly digest: number;

  constructor(digest: number) {
    this.digest = digest;
  }
}

/** Compares a table, row by row; gives how many rows there were. */
export function* compareTable(database: DatabaseSync, table: Table): Generator<Difference, number> {
  const { name, sql, read } = table;
  let [rows, matched] = [0, 0];
  const rowsNow = () => database.prepare(sql).iterate() as Iterable<Row>;
  for (const row of rowsNow()) {
    rows += 1;
    const { key, shown, expected } = read(row);
    const place = { table: name, row: key };
    if (expected === undefined) {
      yield { ...place, expected: 'no such row', found: toldOf(shown, Object.keys(shown)) };
      continue;
    }
    matched += 1;
    const differing = Object.keys(expected).filter((field) => !isSame(expected, shown, field));
    if (differing.length === 0) continue;
    yield { ...place, expected: toldOf(expected, differing), found: toldOf(shown, differing) };
  }
  let wanted = 0;
  for (const _ of table.keys()) wanted += 1;
  if (wanted === matched) return rows;
  const present = new Set<string>();
  for (const row of rowsNow()) present.add(read(row).key);
  for (const key of table.keys()) {
    if (!present.has(key)) yield { table: name, row: key, expected: 'a row', found: 'none' };
  }
  return rows;
}

function isSame(expected: Fields, shown: Fields, field: string): boolean {
  const [wanted, told] = [expected[field], shown[field]];
  if (wanted instanceof Digest) return digestOf(told) === wanted.digest;
  return wanted === told || canonical(wanted) === canonical(told);
}

function toldOf(fields: Fields, names: readonly string[]): string {
  return names.map((name) => `${name} ${toldValue(fields[name])}`).join(', ');
}

function toldValue(value: unknown): string {
  if (value instanceof Digest) return 'as its events say';
  return value === undefined ? 'none' : canonical(value);
}
