import type { StatementSync } from 'node:sqlite';
import type { Position } from '../store/store.ts';
import type { RowAccess } from './rows.ts';

/** The places of the log that it can be looked at from: the ends of its commands. */
export class CommandEnds {
  readonly #upTo: StatementSync;
  readonly #from: StatementSync;
  readonly #at: StatementSync;
  readonly #settle: () => void;

  constructor({ database, settle }: Omit<RowAccess, 'placeOf'>) {
    this.#settle = settle;
    this.#upTo = database.prepare(
      `SELECT position FROM command_ends WHERE recorded_at <= ?
        ORDER BY recorded_at DESC, position DESC LIMIT 1`,
    );
    this.#from = database.prepare(
      'SELECT min(position) AS position FROM command_ends WHERE position >= ?',
    );
    this.#at = database.prepare('SELECT recorded_at FROM command_ends WHERE position = ?');
    this.#upTo.setReadBigInts(true);
    this.#from.setReadBigInts(true);
  }

  /** The greatest position that was recorded no later than this; 0 when there is none. */
  recordedBy(instantMs: number): Position {
    this.#settle();
    return (this.#upTo.get(instantMs)?.position ?? 0n) as Position;
  }

  /** When the command that ends here was recorded. */
  recordedAtMs(position: Position): number | undefined {
    this.#settle();
    return this.#at.get(position)?.recorded_at as number | undefined;
  }

  /** The end of the command that the event at a position belongs to; 0 comes before all. */
  endOf(position: Position): Position {
    if (position === 0n) return position;
    this.#settle();
    return (this.#from.get(position)?.position ?? position) as Position;
  }
}
