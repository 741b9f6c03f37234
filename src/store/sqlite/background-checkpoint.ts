import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { limits } from '../../limits.ts';

/**
 * Moves commits from the write-ahead log into the file on a thread of its own: that writes and
 * syncs megabytes, during which the process would answer nobody. Commits go on meanwhile. The
 * write-ahead log begins anew only at a moment at which all of it has been moved, so the next
 * commit waits until the few that came meanwhile are moved too.
 *
 * When it does not work the write-ahead log grows until SQLite does it within a commit.
 */
export class BackgroundCheckpoint {
  readonly #path: string;
  #thread: Worker | undefined;
  #answer: (() => void) | undefined;
  #isMoving = false;
  #isRestDue = false;
  /** So many pages not moved are worth an attempt. */
  #worthPages: number = limits.storeWalPagesMoved;

  constructor(logPath: string) {
    this.#path = logPath;
  }

  /** Takes note of how many pages of the write-ahead log are not in the file after a commit. */
  committed(pages: number): void {
    if (pages < limits.storeWalPagesMoved) this.#worthPages = limits.storeWalPagesMoved;
    if (this.#isMoving || pages < this.#worthPages) return;
    // A program that reads may keep pages from being moved: no reason to try at each commit.
    this.#worthPages = pages + limits.storeWalPagesMoved;
    this.#isMoving = true;
    this.#move().then(() => {
      this.#isRestDue = true;
    });
  }

  /** What the next commit waits for, if anything. */
  beforeCommit(): Promise<void> | undefined {
    if (!this.#isRestDue) return undefined;
    this.#isRestDue = false;
    return this.#move().then(() => {
      this.#isMoving = false;
    });
  }

  /** Resolves when the thread has ended, and its connection with it. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #move(): Promise<void> {
    this.#thread ??= this.#start();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answer = resolve;
    this.#thread.postMessage('move');
    return promise;
  }

  #start(): Worker {
    const source = new URL(`./checkpoint-thread${extname(import.meta.url)}`, import.meta.url);
    const thread = new Worker(source, { workerData: this.#path });
    thread.unref();
    thread.on('message', () => this.#answer?.());
    // A thread that fails ends; the next attempt starts another one.
    thread.on('error', () => {});
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
      this.#answer?.();
    });
    return thread;
  }
}
