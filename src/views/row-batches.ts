import type { SqlValue } from './projection.ts';
import type { RowSink, Rows, Run } from './rows.ts';
import type { Checkpoint } from './views-file.ts';

/** Gathers the rows of commands. Whole commands only are handed over, each batch at once. */
export class RowBatches implements RowSink {
  readonly #rows: Rows;
  #runs: Run[] = [];
  /** How many of the runs are those of whole commands, */
  #wholeRuns = 0;
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

  run(...run: [statement: number, ...values: SqlValue[]]): void {
    this.#runs.push(run);
  }

  /** What has been gathered so far are the rows of whole commands. */
  endCommand(end: Checkpoint): void {
    this.#wholeRuns = this.#runs.length;
    this.#end = end;
  }

  handOver(): void {
    if (this.#end === this.#handedOver) return;
    const begun = this.#runs.splice(this.#wholeRuns);
    const runs = this.#runs;
    const from = this.#handedOver.position;
    this.#runs = begun;
    this.#wholeRuns = 0;
    this.#handedOver = this.#end;
    this.#rows.write({ from, to: this.#end, runs });
  }

  /** Has the rows of all whole commands in the file. */
  settle(patient = false): void {
    this.handOver();
    this.#rows.settle(patient);
  }
}
