import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';

/** Has the bytes of an open file on the disk itself; tests put their own in between. */
export type Sync = (descriptor: number) => Promise<void>;

const syncFile: Sync = promisify(fdatasync);

/**
 * Brings commits to the disk without holding up the process: they stand in the write-ahead log,
 * which is one file for as long as a connection is open.
 */
export class WalSync {
  readonly #path: string;
  readonly #sync: Sync;
  #descriptor: number | undefined;

  constructor(logPath: string, sync: Sync = syncFile) {
    this.#path = `${logPath}-wal`;
    this.#sync = sync;
  }

  /** Resolves when everything that has been committed is on the disk. */
  sync(): Promise<void> {
    this.#descriptor ??= openSync(this.#path, 'r');
    return this.#sync(this.#descriptor);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
