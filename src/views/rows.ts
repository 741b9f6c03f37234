import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Position } from '../store/store.ts';
import type { SqlValue } from './projection.ts';
import type { Checkpoint } from './views-file.ts';

/** One run of a statement, by its place among all that write rows. */
export type Run = readonly [statement: number, ...values: SqlValue[]];

/** The rows of whole commands, and the checkpoint that goes with them. */
export interface RowBatch {
  readonly from: Position;
  readonly to: Checkpoint;
  readonly runs: readonly Run[];
}

/** Takes what is to be written. */
export interface RowSink {
  /** Number of the batch that it will be written with. */
  readonly batch: number;
  run(statement: number, ...values: SqlValue[]): void;
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

/** Runs the statements that write rows on one connection. */
export class RowWriter {
  readonly #database: DatabaseSync;
  readonly #statements: readonly StatementSync[];
  readonly #advance: StatementSync;

  constructor(database: DatabaseSync, statements: readonly string[]) {
    this.#database = database;
    this.#statements = statements.map((sql) => database.prepare(sql));
    this.#advance = database.prepare(
      'UPDATE checkpoint SET position = ?1, hash = ?2 WHERE position = ?3',
    );
  }

  run(statement: number, ...values: SqlValue[]): void {
    this.#statements[statement]?.run(...values);
  }

  /** Writes batches that follow on one another, and moves the checkpoint, in one transaction. */
  write(batches: readonly RowBatch[]): void {
    this.#undoneWhenThrown(() => {
      for (const { from, to, runs } of batches) {
        for (const [statement, ...values] of runs) this.run(statement, ...values);
        const { changes } = this.#advance.run(to.position, to.hash, from);
        if (changes !== 1) throw new Error('another process has written to the views');
      }
      this.#database.exec('COMMIT');
    });
  }

  /** Does the work, gives what it gives, and leaves no trace of it. */
  tryOut<T>(work: () => T): T {
    return this.#undoneWhenThrown(() => {
      const result = work();
      this.#database.exec('ROLLBACK');
      return result;
    });
  }

  #undoneWhenThrown<T>(work: () => T): T {
    this.#database.exec('BEGIN');
    try {
      return work();
    } catch (fault) {
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
    this.#writer.write([batch]);
    this.#taken += 1;
  }

  settle(): void {}

  room(): undefined {}

  async close(): Promise<void> {}
}
