import { fdatasyncSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type DatabaseSyncOptions } from 'node:sqlite';
import { afterEach, beforeEach } from 'vitest';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/sqlite-store.ts';

/** A connection that a test can look at and make fail. */
export class DisturbedDatabase extends DatabaseSync {
  /** Called with each statement text in place of running it; runs it by calling `run`. */
  disturb: (sql: string, run: () => void) => void = (_sql, run) => run();

  override exec(sql: string): void {
    this.disturb(sql, () => super.exec(sql));
  }
}

/** What SQLite throws when the operating system fails it. */
export function ioError(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 1034 });
}

/** A data directory of its own for each test, and the stores that are open on it. */
export class SqliteDirectory {
  path = '';
  now = new Date('2030-01-01T00:00:00.000Z');
  /** The connections that were opened, in order. */
  connections: DisturbedDatabase[] = [];
  /** Runs before a connection is opened. */
  beforeConnect: () => void = () => {};
  /** Runs before a commit is synced. */
  beforeSync: () => Promise<void> = async () => {};
  #stores: SqliteStore[] = [];

  constructor() {
    beforeEach(() => {
      this.path = join(mkdtempSync(join(tmpdir(), 'netalloc-store-')), 'data');
      this.connections = [];
      this.beforeConnect = () => {};
      this.beforeSync = async () => {};
    });
    afterEach(async () => {
      for (const store of this.#stores.splice(0)) await store.close();
      rmSync(join(this.path, '..'), { recursive: true, force: true });
    });
  }

  get log(): string {
    return join(this.path, 'log.sqlite');
  }

  get clock(): () => Date {
    return () => this.now;
  }

  open(options: { readOnly?: boolean } = {}): SqliteStore {
    const connect = (path: string, settings: DatabaseSyncOptions) => {
      this.beforeConnect();
      const database = new DisturbedDatabase(path, settings);
      this.connections.push(database);
      return database;
    };
    const sync = async (descriptor: number) => {
      await this.beforeSync();
      fdatasyncSync(descriptor);
    };
    const { path, clock } = this;
    const store = openSqliteStore({ directory: path, clock, connect, sync, ...options });
    this.#stores.push(store);
    return store;
  }

  /** Changes the log behind the engine's back, without the triggers. */
  tamper(change: (database: DatabaseSync) => void): void {
    const database = new DatabaseSync(this.log);
    const triggers = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'");
    for (const { name } of triggers.all()) database.exec(`DROP TRIGGER ${name}`);
    change(database);
    database.close();
  }
}
