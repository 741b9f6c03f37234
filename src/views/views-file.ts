import { hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { Position } from '../store/store.ts';
import { READ_MODEL_TABLES, READ_MODEL_VERSIONS } from './read-models.ts';

/** How far the views have come: the last event that they have applied. */
export interface Checkpoint {
  /** 0 when there is none. */
  readonly position: Position;
  /** Of the event: it says what the event is, and which ones come before it in its stream. */
  readonly hash: string;
}

/**
 * The write-ahead log is synced before its pages are moved into the file, so that a loss of power
 * takes the last batches and never leaves a file that looks whole and is not. A commit syncs
 * nothing.
 */
const SETTINGS = `
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA cache_size = -65536; -- 64 MiB
PRAGMA temp_store = MEMORY;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
`;

const TABLES = `
CREATE TABLE checkpoint (
  schema   TEXT    NOT NULL,
  position INTEGER NOT NULL,
  hash     TEXT    NOT NULL
) STRICT;
${READ_MODEL_TABLES}`;

/** Changes with every table and every version of a projection. */
const SCHEMA = hash('sha256', JSON.stringify([TABLES, READ_MODEL_VERSIONS]), 'hex');

/** The file of the views: a cache that may be deleted at any time. */
export class ViewsFile {
  readonly database: DatabaseSync;
  readonly #path: string;
  readonly #advance: StatementSync;
  #isDamaged = false;

  private constructor(database: DatabaseSync, path: string) {
    this.database = database;
    this.#path = path;
    this.#advance = database.prepare(
      'UPDATE checkpoint SET position = ?1, hash = ?2 WHERE position = ?3',
    );
  }

  /** Makes an empty file; without a path it is in memory. Removes what is there. */
  static create(path: string | undefined): ViewsFile {
    if (path !== undefined) removeFile(path);
    const database = new DatabaseSync(path ?? ':memory:', { timeout: limits.storeBusyMsMax });
    database.exec(SETTINGS);
    database.exec(`BEGIN; ${TABLES} COMMIT;`);
    database.prepare("INSERT INTO checkpoint VALUES (?, 0, '')").run(SCHEMA);
    return new ViewsFile(database, path ?? '');
  }

  /** Opens a file that is there. Throws when it is no file of these tables, or damaged. */
  static open(path: string): ViewsFile {
    const database = new DatabaseSync(path, { timeout: limits.storeBusyMsMax });
    try {
      database.exec(SETTINGS);
      const finding = isSmall(database) ? pragma(database, 'quick_check(1)') : 'ok';
      if (finding !== 'ok') throw new Error(`the file is damaged: ${String(finding)}`);
      const schema = database.prepare('SELECT schema FROM checkpoint').get()?.schema;
      if (schema !== SCHEMA) throw new Error('the tables are of another version');
      return new ViewsFile(database, path);
    } catch (fault) {
      database.close();
      throw fault;
    }
  }

  checkpoint(): Checkpoint {
    const read = this.database.prepare('SELECT position, hash FROM checkpoint');
    read.setReadBigInts(true);
    const row = read.get();
    if (row === undefined) throw new Error('there is no checkpoint');
    return { position: row.position as bigint, hash: row.hash as string };
  }

  /** Does the work and moves the checkpoint in one transaction. */
  advance(from: Checkpoint, to: Checkpoint, work: () => void): void {
    this.#undoneWhenThrown(() => {
      work();
      const { changes } = this.#advance.run(to.position, to.hash, from.position);
      if (changes !== 1) throw new Error('another process has written to the views');
      this.database.exec('COMMIT');
    });
  }

  /** Does the work, gives what it gives, and leaves no trace of it. */
  tryOut<T>(work: () => T): T {
    return this.#undoneWhenThrown(() => {
      const result = work();
      this.database.exec('ROLLBACK');
      return result;
    });
  }

  /** Has the file removed when it is closed, so that the next start builds it anew. */
  condemn(): void {
    this.#isDamaged = true;
  }

  close(): void {
    if (!this.database.isOpen) return;
    this.database.close();
    if (this.#isDamaged && this.#path !== '') removeFile(this.#path);
  }

  #undoneWhenThrown<T>(work: () => T): T {
    this.database.exec('BEGIN');
    try {
      return work();
    } catch (fault) {
      // SQLite may have rolled back by itself, as it does when the disk is full.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw fault;
    }
  }
}

function removeFile(path: string): void {
  for (const ending of ['', '-wal', '-shm', '-journal'])
    rmSync(`${path}${ending}`, { force: true });
}

/** A large file is not read through at each start; its pages are checked as they are used. */
function isSmall(database: DatabaseSync): boolean {
  const bytes = Number(pragma(database, 'page_count')) * Number(pragma(database, 'page_size'));
  return bytes <= limits.storeOpenFileBytesChecked;
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}
