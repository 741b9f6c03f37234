import { hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
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
PRAGMA wal_autocheckpoint = 8000; -- pages
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

const OPTIONS = { timeout: limits.storeBusyMsMax };

/** Changes with every table and every version of a projection. */
export const VIEWS_SCHEMA = hash('sha256', JSON.stringify([TABLES, READ_MODEL_VERSIONS]), 'hex');

/** The file of the views: a cache that may be deleted at any time. */
export class ViewsFile {
  readonly database: DatabaseSync;
  readonly path: string | undefined;
  #isDamaged = false;

  private constructor(database: DatabaseSync, path: string | undefined) {
    this.database = database;
    this.path = path;
  }

  /** Makes an empty file; without a path it is in memory. Removes what is there. */
  static create(path: string | undefined): ViewsFile {
    if (path !== undefined) removeFile(path);
    const database = connectViews(path ?? ':memory:');
    database.exec(`BEGIN; ${TABLES} COMMIT;`);
    database.prepare("INSERT INTO checkpoint VALUES (?, 0, '')").run(VIEWS_SCHEMA);
    return new ViewsFile(database, path);
  }

  /** Opens a file that is there. Throws when it is no file of these tables, or damaged. */
  static open(path: string): ViewsFile {
    const database = new DatabaseSync(path, OPTIONS);
    try {
      database.exec(SETTINGS);
      const finding = isSmall(database) ? pragma(database, 'quick_check(1)') : 'ok';
      if (finding !== 'ok') throw new Error(`the file is damaged: ${String(finding)}`);
      const schema = database.prepare('SELECT schema FROM checkpoint').get()?.schema;
      if (schema !== VIEWS_SCHEMA) throw new Error('the tables are of another version');
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

  /** Has the file removed when it is closed, so that the next start builds it anew. */
  condemn(): void {
    this.#isDamaged = true;
  }

  close(): void {
    if (!this.database.isOpen) return;
    this.database.close();
    if (this.#isDamaged && this.path !== undefined) removeFile(this.path);
  }
}

/** Connects to a file of the views: each thread has a connection of its own. */
export function connectViews(path: string): DatabaseSync {
  const database = new DatabaseSync(path, OPTIONS);
  database.exec(SETTINGS);
  return database;
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
