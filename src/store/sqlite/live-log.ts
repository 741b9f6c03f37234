import { RecentEvents } from '../recent-events.ts';
import { CorruptEvent, StoreUnavailable } from '../store.ts';
import { SQLITE_FULL, sqliteCode, storeFault } from './faults.ts';
import type { LogFile, Tip } from './log-file.ts';
import { StreamHeads } from './stream-heads.ts';

/** An open log, and what is known of it without asking it. */
export interface OpenedLog {
  readonly file: LogFile;
  readonly epoch: number;
  tip: Tip;
  readonly heads: StreamHeads;
  recent: RecentEvents;
}

/**
 * The log while a process uses it. After a fault nothing that was known of it is believed any
 * more: the connection and all that was learned by it are dropped together, and the log is opened
 * and read anew before its next use. After a failed sync that is the only way to learn what is on
 * the disk, because the operating system reports the failure once and then forgets it.
 */
export class LiveLog {
  readonly #open: () => LogFile;
  readonly #othersWrite: boolean;
  readonly #onReopened: () => void;
  #opened: OpenedLog | undefined;
  #closed = false;

  /** Opens the log, and throws what `open` throws. */
  constructor(open: () => LogFile, othersWrite: boolean, onReopened: () => void) {
    this.#open = open;
    this.#othersWrite = othersWrite;
    this.#onReopened = onReopened;
    this.#opened = known(open());
  }

  /** Does something with the log; what goes wrong with that is thrown as a fault of the port. */
  use<T>(work: (log: OpenedLog) => T): T {
    if (this.#closed) throw new StoreUnavailable('the store is closed');
    try {
      this.#opened ??= this.#reopen();
      if (this.#othersWrite) lookAgain(this.#opened);
      return work(this.#opened);
    } catch (thrown) {
      // A damaged event and a full disk say nothing against the connection.
      if (thrown instanceof CorruptEvent) throw thrown;
      if (sqliteCode(thrown) !== SQLITE_FULL) this.#drop();
      throw storeFault(thrown);
    }
  }

  /**
   * Resolves when every commit so far is durable. Rejects with a fault of the port when that is not
   * known, as after a failed sync, and when the log has been opened anew meanwhile.
   */
  async sync(opened: OpenedLog): Promise<void> {
    try {
      await opened.file.sync();
    } catch (thrown) {
      if (this.#opened === opened) this.#drop();
      throw storeFault(thrown);
    }
    if (this.#opened !== opened) throw new StoreUnavailable('the log has been opened anew');
  }

  /** Leaves one whole file behind where it can; what it cannot move is safe where it is. */
  close(): void {
    this.#closed = true;
    try {
      if (!this.#othersWrite) this.#opened?.file.checkpoint('truncate');
    } catch {
      // The next process that opens the log does it.
    }
    this.#drop();
  }

  #reopen(): OpenedLog {
    const opened = known(this.#open());
    this.#onReopened();
    return opened;
  }

  #drop(): void {
    try {
      this.#opened?.file.close();
    } catch {
      // It is dropped because it fails; that it fails once more changes nothing.
    }
    this.#opened = undefined;
  }
}

function known(file: LogFile): OpenedLog {
  const tip = file.tip();
  const recent = new RecentEvents(tip.position);
  return { file, epoch: file.epoch(), tip, heads: new StreamHeads(), recent };
}

/** A reader sees by the tip that another process has written. */
function lookAgain(opened: OpenedLog): void {
  const tip = opened.file.tip();
  if (tip.position === opened.tip.position) return;
  opened.tip = tip;
  opened.recent = new RecentEvents(tip.position);
}
