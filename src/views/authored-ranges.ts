import type { StatementSync } from 'node:sqlite';
import { contains, type Prefix, parsePrefix } from '../addressing/prefix.ts';
import type { Position } from '../store/store.ts';
import type { RowAccess } from './rows.ts';

interface AuthoredRange {
  readonly pool: string;
  readonly prefix: Prefix;
  readonly from: Position;
  /** None while the pool has it. */
  readonly until: Position | null;
}

/** Which authored pool a block is of, or was of. There are few ranges: they are kept in memory. */
export class AuthoredRanges {
  readonly #rows: StatementSync;
  readonly #settle: RowAccess['settle'];
  /** A child's before its parent's; none when they have to be read anew. */
  #ranges: readonly AuthoredRange[] | undefined;

  constructor({ database, settle }: Omit<RowAccess, 'placeOf'>) {
    this.#settle = settle;
    this.#rows = database.prepare('SELECT * FROM authored_ranges ORDER BY length DESC');
    this.#rows.setReadBigInts(true);
  }

  /** The pool that had this block at a position. */
  poolOf(block: Prefix, at: Position): string | undefined {
    this.#ranges ??= this.#read();
    return this.#ranges.find(({ prefix, from, until }) => {
      return from <= at && (until === null || until > at) && contains(prefix, block);
    })?.pool;
  }

  /** Has the ranges read anew before they are looked at: rows of theirs are being written. */
  change(): void {
    this.#ranges = undefined;
  }

  #read(): AuthoredRange[] {
    this.#settle(true);
    return this.#rows.all().map(({ pool, prefix, position, until_position: until }) => ({
      pool: pool as string,
      prefix: parsePrefix(prefix as string),
      from: position as Position,
      until: until as Position | null,
    }));
  }
}
