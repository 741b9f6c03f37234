import type { Write } from './projection.ts';
import type { RowSink, Rows } from './rows.ts';
import { RunList } from './run-list.ts';
import type { Checkpoint } from './views-file.ts';

/** Gathers the rows of commands. Whole commands only are handed over, each batch at once. */
export class RowBatches implements RowSink {
  readonly #rows: Rows;
  /** The statements and rows of a command that has begun, */
  readonly #statements: number[] = [];
  readonly #writes: Write[] = [];
  /** those of whole commands, */
  #whole = new RunList();
  /** where these end, and where the last batch did. */
  #end: Checkpoint;
  #handedOver: Checkpoint;

  constructor(rows: Rows, from: Checkpoint) {
    this.#rows = rows;
    this.#end = from;
    this.#handedOver = from;
  }

  get batch(): number {
    return this.#rows.taken + 1;
  }

  run(statement: number, write: Write): void {
    this.#statements.push(statement);
    this.#writes.push(write);
  }

  /** What has been gathered so far are the rows of whole commands. */
  endCommand(end: Checkpoint): void {
    for (let index = 0; index < this.#writes.length; index += 1) {
      this.#whole.add(this.#statements[index] as number, this.#writes[index] as Write);
    }
    this.#statements.length = 0;
    this.#writes.length = 0;
    this.#end = end;
  }

  handOver(): void {
    if (this.#end === this.#handedOver) return;
    const from = this.#handedOver.position;
    const runs = this.#whole;
    this.#whole = new RunList();
    this.#handedOver = this.#end;
    this.#rows.write({ from, to: this.#end, runs });
  }

  /** Has the rows of all whole commands in the file. */
  settle(patient = false): void {
    this.handOver();
    this.#rows.settle(patient);
  }
}
