import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreRefused } from '../store.ts';
import { SQLITE_BUSY, sqliteCode } from './faults.ts';

const LOCK_FILE = 'lock.sqlite';

/**
 * Makes this process the only one that serves a data directory. The lock is a transaction that is
 * never finished, on a file of its own, so the log itself stays readable for others. The operating
 * system ends it with the process, whatever ends that.
 *
 * Do not open the file by other means in this process: POSIX drops a process's locks on a file
 * when it closes any handle of it.
 */
export class ProcessLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Takes the lock at once, or refuses. */
  static take(directory: string): ProcessLock {
    const path = join(directory, LOCK_FILE);
    let database: DatabaseSync | undefined;
    try {
      if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
      database = new DatabaseSync(path, { timeout: 0 });
      // Without a journal file the lock needs no room, and a kill leaves nothing behind.
      database.exec('PRAGMA journal_mode = MEMORY');
      database.exec('BEGIN EXCLUSIVE');
      return new ProcessLock(database);
    } catch (fault) {
      database?.close();
      const problem =
        sqliteCode(fault) === SQLITE_BUSY
          ? 'is served by another netalloc process; stop that one first, or give this one ' +
            'another data directory'
          : `cannot be locked (${String(fault)}); ${LOCK_FILE} in it must be writable, and may ` +
            'be deleted while no netalloc runs here';
      throw new StoreRefused(directory, problem, { cause: fault });
    }
  }

  release(): void {
    this.#database.close();
  }
}
