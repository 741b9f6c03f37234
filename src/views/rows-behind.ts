import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { limits } from '../limits.ts';
import type { SqlValue } from './projection.ts';
import type { RowBatch, Rows } from './rows.ts';
import { ViewsBehind } from './views.ts';

/** What the two threads share: how many batches have been written, and how it goes. */
export const WRITTEN = 0;
export const STATE = 1;
/** States of the thread: it writes; it has no room, and tries again; it has given up. */
export const [WRITES, TRIES_AGAIN, HAS_FAILED] = [0n, 1n, 2n] as const;

export interface ThreadData {
  readonly path: string;
  readonly cells: BigInt64Array<SharedArrayBuffer>;
}

/** Rows on their way to the thread, and how many runs of statements they are. */
export interface SentBatch extends Pick<RowBatch, 'from' | 'to'> {
  readonly items: SqlValue[];
  readonly runs: number;
}

/** What the thread is told: rows; that somebody waits for them; that there will be no more. */
export type ThreadTask = SentBatch | 'now' | 'end';

/** What the thread tells: that it has written, that it has to try again, or why it has failed. */
export type ThreadNews =
  | { readonly type: 'written' }
  | { readonly type: 'tries-again' | 'failed'; readonly message: string; readonly errcode: number };

/**
 * Rows that a thread of its own writes to the file, in transactions as large as what has gathered
 * meanwhile. Nobody waits for it but who has to read rows: what is not in the file after a crash
 * is applied again from the log.
 */
export class RowsBehind implements Rows {
  readonly fault: Promise<Error>;
  readonly #cells = new BigInt64Array(new SharedArrayBuffer(16));
  readonly #thread: Worker;
  readonly #fail: (fault: Error) => void;
  readonly #exited: Promise<void>;
  /** Statement runs of each batch that may not be written yet, oldest first. */
  readonly #waiting: number[] = [];
  #waitingRuns = 0;
  #taken = 0;
  #failure: Error | undefined;
  #released = 0;
  #room = Promise.withResolvers<void>();

  constructor(path: string, log: Pick<Logger, 'warn'>) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.fault = promise;
    this.#fail = resolve;
    const source = new URL(`./rows-thread${extname(import.meta.url)}`, import.meta.url);
    const workerData: ThreadData = { path, cells: this.#cells };
    this.#thread = new Worker(source, { workerData });
    this.#thread.on('message', (news: ThreadNews) => this.#hear(news, log));
    this.#thread.on('error', (fault) => this.#giveUp(fault as Error));
    this.#exited = new Promise((exited) => this.#thread.on('exit', () => exited()));
  }

  get taken(): number {
    return this.#taken;
  }

  get written(): number {
    return Number(Atomics.load(this.#cells, WRITTEN));
  }

  write(batch: RowBatch): void {
    if (this.#failure !== undefined) throw this.#failure;
    const { from, to, runs } = batch;
    this.#taken += 1;
    this.#waiting.push(runs.length);
    this.#waitingRuns += runs.length;
    this.#tell({ from, to, items: runs.items, runs: runs.length });
  }

  settle(patient = false): void {
    if (this.written < this.#taken) this.#tell('now');
    let [before, wakes] = [-1, 0];
    for (;;) {
      const { written } = this;
      if (written === this.#taken) return;
      wakes = written === before ? wakes + 1 : 0;
      before = written;
      const state = Atomics.load(this.#cells, STATE);
      const waits = state === WRITES || patient ? limits.viewRowsWaitMsMax : 0;
      const woken = Atomics.wait(this.#cells, WRITTEN, BigInt(written), waits);
      if (woken === 'timed-out' || wakes > limits.viewRowsTriesMax) {
        throw new ViewsBehind('the rows of the views cannot be written now');
      }
    }
  }

  room(): Promise<void> | undefined {
    this.#release();
    return this.#waitingRuns <= limits.viewRowsBehindMax ? undefined : this.#room.promise;
  }

  /** Resolves when everything is written, or cannot be. */
  async close(): Promise<void> {
    this.#tell('end');
    await this.#exited;
  }

  #tell(task: ThreadTask): void {
    this.#thread.postMessage(task);
  }

  #hear(news: ThreadNews, log: Pick<Logger, 'warn'>): void {
    switch (news.type) {
      case 'written':
        if (this.room() !== undefined) return;
        this.#room.resolve();
        this.#room = Promise.withResolvers();
        return;
      case 'tries-again':
        log.warn({ err: news }, 'the views cannot be written; they try again');
        return;
      case 'failed':
        this.#giveUp(Object.assign(new Error(news.message), { errcode: news.errcode }));
    }
  }

  #giveUp(fault: Error): void {
    Atomics.store(this.#cells, STATE, HAS_FAILED);
    this.#failure = fault;
    this.#fail(fault);
    this.#room.resolve();
  }

  /** Counts what is written as waiting no longer. */
  #release(): void {
    for (const { written } = this; this.#released < written; this.#released += 1) {
      this.#waitingRuns -= this.#waiting.shift() ?? 0;
    }
  }
}
