import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Position } from '../store/store.ts';
import type { SqlValue, Write } from './projection.ts';
import type { RunList } from './run-list.ts';
import type { Checkpoint } from './views-file.ts';

/** The rows of whole commands, and the checkpoint that goes with them. */
export interface RowBatch {
  readonly from: Position;
  readonly to: Checkpoint;
  readonly runs: RunList;
}

/** Takes what is to be written. */
export interface RowSink {
  /** Number of the batch that it will be written with. */
  readonly batch: number;
  /** Takes a run of the statement at this place among all that write rows. */
  run(statement: number, write: Write): void;
}

/** What those need who read rows, and know how they are written. */
export interface RowAccess {
  readonly database: DatabaseSync;
  /** Has everything that is known stand in the rows; throws ViewsBehind when it cannot. */
  readonly settle: (patient?: boolean) => void;
  /** The place of a statement among all that write rows. */
  readonly placeOf: (sql: string) => number;
}

/** The way of rows into the views' file, which may be behind what is known in memory. */
export interface Rows {
  /** Takes a batch. It is in the file when `written` says so. */
  write(batch: RowBatch): void;
  /** How many batches have been taken, */
  readonly taken: number;
  /** and how many of them stand in the file. */
  readonly written: number;
  /**
   * Has everything that was taken written before it returns; throws ViewsBehind when it cannot. A
   * patient one waits even while there is no room for rows: what is applied cannot be put off.
   */
  settle(patient?: boolean): void;
  /** Resolves when no more waits to be written than is good; undefined when that is so now. */
  room(): Promise<void> | undefined;
  /** Resolves with what keeps rows from being written for ever; else never. */
  readonly fault: Promise<Error>;
  close(): Promise<void>;
}

/**
 * A statement that writes rows, and what it has to do with counts. Those that only `add` their last
 * value to one may wait and be run once with their sum; but not past one that `sees` counts.
 */
export interface RowStatement {
  readonly sql: string;
  readonly counts: 'adds' | 'sees' | 'plain';
}

/** Runs the statements that write rows on one connection. */
export class RowWriter {
  readonly #database: DatabaseSync;
  readonly #statements: readonly { run: StatementSync; counts: RowStatement['counts'] }[];
  readonly #advance: StatementSync;
  /** What has yet to be added to counts, by all values but the last. */
  readonly #sums = new Map<string, { statement: number; keys: readonly SqlValue[]; sum: number }>();
  /** What the open transaction moves the checkpoint from and to. */
  #from: Position | undefined;
  #to: Checkpoint | undefined;

  constructor(database: DatabaseSync, statements: readonly RowStatement[]) {
    this.#database = database;
    this.#statements = statements.map(({ sql, counts }) => ({
      run: database.prepare(sql),
      counts,
    }));
    this.#advance = database.prepare(
      'UPDATE checkpoint SET position = ?1, hash = ?2 WHERE position = ?3',
    );
  }

  run(statement: number, values: readonly SqlValue[]): void {
    this.#statements[statement]?.run.run(...values);
  }

  /**
   * Runs the rows of a batch in the open transaction, or begins one. What throws undoes the whole
   * transaction, with all batches since the last commit.
   */
  add({ from, to, runs }: RowBatch): void {
    if (this.#to === undefined) this.#database.exec('BEGIN');
    this.#from ??= from;
    this.#undoneWhenThrown(() => {
      if ((this.#to?.position ?? from) !== from) throw new Error('a batch of rows is missing');
      this.#to = to;
      runs.forEach((statement, values) => {
        this.#write(statement, values);
      });
    });
  }

  /** Commits what has been added, and moves the checkpoint with it. */
  commit(): void {
    const { position, hash } = this.#to as Checkpoint;
    this.#undoneWhenThrown(() => {
      this.#writeSums();
      const { changes } = this.#advance.run(position, hash, this.#from as Position);
      if (changes !== 1) throw new Error('another process has written to the views');
      this.#database.exec('COMMIT');
      this.#from = undefined;
      this.#to = undefined;
    });
  }

  /** Does the work, gives what it gives, and leaves no trace of it. */
  tryOut<T>(work: () => T): T {
    this.#database.exec('BEGIN');
    return this.#undoneWhenThrown(() => {
      const result = work();
      this.#database.exec('ROLLBACK');
      return result;
    });
  }

  #write(statement: number, values: SqlValue[]): void {
    const { counts } = this.#statements[statement] as { counts: RowStatement['counts'] };
    if (counts === 'adds') {
      this.#addLater(statement, values);
      return;
    }
    if (counts === 'sees') this.#writeSums();
    this.run(statement, values);
  }

  #addLater(statement: number, values: SqlValue[]): void {
    const value = values.pop() as number;
    const key = `${statement}\n${values.join('\n')}`;
    const known = this.#sums.get(key);
    if (known === undefined) this.#sums.set(key, { statement, keys: values, sum: value });
    else known.sum += value;
  }

  #writeSums(): void {
    for (const { statement, keys, sum } of this.#sums.values()) this.run(statement, [...keys, sum]);
    this.#sums.clear();
  }

  #undoneWhenThrown<T>(work: () => T): T {
    try {
      return work();
    } catch (fault) {
      this.#sums.clear();
      this.#from = undefined;
      this.#to = undefined;
      // SQLite may have rolled back by itself, as it does when the disk is full.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw fault;
    }
  }
}

/** Rows that are written at once: those of views that are kept in memory only. */
export class RowsAtOnce implements Rows {
  readonly fault = new Promise<never>(() => {});
  readonly #writer: RowWriter;
  #taken = 0;

  constructor(writer: RowWriter) {
    this.#writer = writer;
  }

  get taken(): number {
    return this.#taken;
  }

  get written(): number {
    return this.#taken;
  }

  write(batch: RowBatch): void {
    this.#writer.add(batch);
    this.#writer.commit();
    this.#taken += 1;
  }

  settle(): void {}

  room(): undefined {}

  async close(): Promise<void> {}
}
