import { createHash, type Hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { limits } from '../limits.ts';
import { codeVersion } from './code-version.ts';
import type { Snapshot, Snapshots } from './snapshots.ts';
import { encodeState, StateDecoder } from './state-codec.ts';

/**
 * Nothing is synced: a loss of power may spoil the file, which is noticed. Then it is made anew.
 */
const SETTINGS = `
PRAGMA page_size = 16384;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA foreign_keys = OFF;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
`;

const TABLES = `
CREATE TABLE IF NOT EXISTS snapshots (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  stream   TEXT    NOT NULL,
  revision INTEGER NOT NULL,
  position INTEGER NOT NULL,
  hash     TEXT    NOT NULL,
  code     TEXT    NOT NULL,
  parts    INTEGER NOT NULL,
  checksum TEXT    NOT NULL -- empty until every part is there
) STRICT;
CREATE INDEX IF NOT EXISTS snapshots_by_stream ON snapshots (stream, id);
CREATE TABLE IF NOT EXISTS parts (
  snapshot INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  text     TEXT    NOT NULL,
  PRIMARY KEY (snapshot, number)
) STRICT;`;

const STATEMENTS = {
  newest: `SELECT * FROM snapshots WHERE stream = ? AND checksum <> '' ORDER BY id DESC LIMIT 1`,
  part: 'SELECT text FROM parts WHERE snapshot = ? AND number = ?',
  begin: `INSERT INTO snapshots (stream, revision, position, hash, code, parts, checksum)
    VALUES (?, ?, ?, ?, ?, 0, '') RETURNING id`,
  addPart: 'INSERT INTO parts VALUES (?, ?, ?)',
  finish: 'UPDATE snapshots SET parts = ?2, checksum = ?3 WHERE id = ?1',
  others: 'SELECT id FROM snapshots WHERE stream = ? AND id <> ?',
  unusable: `SELECT id FROM snapshots WHERE checksum = '' OR code <> ?`,
  deleteParts: 'DELETE FROM parts WHERE snapshot = ?1 AND number BETWEEN ?2 AND ?3',
  hasParts: 'SELECT count(*) AS count FROM parts WHERE snapshot = ? AND number >= ?',
  delete: 'DELETE FROM snapshots WHERE id = ?',
} as const;

interface Row {
  readonly id: number;
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly hash: string;
  readonly code: string;
  readonly parts: number;
  readonly checksum: string;
}

type Place = Pick<Row, 'stream' | 'revision' | 'position' | 'hash' | 'code'>;

interface Waiting {
  readonly snapshot: Snapshot;
  readonly written: () => void;
}

/**
 * The snapshots in a file of the data directory, which may be deleted at any time. Where SQLite
 * complains about the file it is removed, and the process goes on without until the next start.
 */
export class SnapshotFile implements Snapshots {
  readonly #path: string;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #code = codeVersion();
  readonly #waiting = new Map<string, Waiting>();
  /** The one that is being written. */
  readonly #current = new Map<string, Waiting>();
  #database: DatabaseSync | undefined;
  #statements: Record<keyof typeof STATEMENTS, StatementSync> | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;
  #givesUp = false;

  /** Opens the file of a directory, or makes it; one that cannot be used is made anew. */
  constructor(directory: string, log: Pick<Logger, 'warn'>) {
    this.#path = join(directory, 'snapshots.sqlite');
    this.#log = log;
    this.#orNothing('opened', () => this.#open());
    if (this.#database === undefined) this.#orNothing('made', () => this.#open());
  }

  async read(stream: string): Promise<Snapshot | undefined> {
    const { snapshot } = this.#waiting.get(stream) ?? this.#current.get(stream) ?? {};
    if (snapshot !== undefined || this.#database === undefined) return snapshot;
    try {
      const row = this.#run('newest').get(stream) as unknown as Row | undefined;
      return row === undefined || row.code !== this.#code ? undefined : await this.#stateOf(row);
    } catch (fault) {
      this.#doubt(fault, 'read', stream);
      return undefined;
    }
  }

  write(stream: string, snapshot: Snapshot): Promise<void> {
    const replaced = this.#waiting.get(stream);
    const isFull = this.#waiting.size >= limits.snapshotsWaitingMax && replaced === undefined;
    if (this.#closed || this.#database === undefined || isFull) return Promise.resolve();
    return new Promise((resolve) => {
      replaced?.written();
      this.#waiting.set(stream, { snapshot, written: resolve });
      this.#writing ??= this.#writeAll();
    });
  }

  discard(stream: string): void {
    this.#orNothing('discarded', () => {
      for (const { id } of this.#run('others').all(stream, 0))
        this.#run('delete').run(id as number);
    });
  }

  /**
   * Finishes what waits to be written, and gives up what takes too long: the next start removes
   * what was begun of it.
   */
  async close(): Promise<void> {
    this.#closed = true;
    const timer = setTimeout(() => {
      this.#givesUp = true;
    }, limits.snapshotFileCloseMsMax);
    await this.#writing;
    clearTimeout(timer);
    this.#database?.close();
    this.#database = undefined;
  }

  async #writeAll(): Promise<void> {
    await nextTurn();
    for (const [stream, waiting] of this.#waiting) {
      this.#waiting.delete(stream);
      this.#current.set(stream, waiting);
      try {
        if (!this.#givesUp) await this.#writeOne(stream, waiting.snapshot);
      } catch (fault) {
        this.#doubt(fault, 'written', stream);
      }
      this.#current.delete(stream);
      waiting.written();
    }
    // In the same turn as the last look at what waits, so that nothing is left lying.
    this.#writing = undefined;
  }

  async #writeOne(stream: string, { state, revision, position, hash }: Snapshot): Promise<void> {
    const place = { stream, revision, position, hash, code: this.#code };
    const began = this.#run('begin').get(stream, revision, position, hash, this.#code);
    const id = Number(began?.id);
    const checksum = checksumOf(place);
    let parts = 0;
    for (const part of encodeState(state)) {
      this.#run('addPart').run(id, parts, part);
      checksum.update(part).update('\n');
      parts += 1;
      await nextTurn();
      if (this.#givesUp) return;
    }
    this.#run('finish').run(id, parts, checksum.digest('hex'));
    for (const other of this.#run('others').all(stream, id)) await this.#delete(Number(other.id));
  }

  async #stateOf(row: Row): Promise<Snapshot> {
    const checksum = checksumOf(row);
    const decoder = new StateDecoder();
    for (let number = 0; number < row.parts; number += 1) {
      const text = this.#run('part').get(row.id, number)?.text;
      if (typeof text !== 'string') throw new Error(`part ${number} is missing`);
      checksum.update(text).update('\n');
      decoder.add(text);
      await nextTurn();
    }
    if (checksum.digest('hex') !== row.checksum) throw new Error('it is not what was written');
    const { revision, hash } = row;
    return { state: decoder.end(), revision, position: BigInt(row.position), hash };
  }

  async #delete(id: number): Promise<void> {
    this.#run('delete').run(id);
    const { snapshotPartsDeletedMax: step } = limits;
    for (let from = 0; this.#run('hasParts').get(id, from)?.count !== 0; from += step) {
      this.#run('deleteParts').run(id, from, from + step - 1);
      await nextTurn();
      if (this.#givesUp) return;
    }
  }

  #open(): void {
    const database = new DatabaseSync(this.#path, { timeout: limits.storeBusyMsMax });
    this.#database = database;
    database.exec(SETTINGS);
    database.exec(TABLES);
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, database.prepare(sql)]);
    this.#statements = Object.fromEntries(prepared);
    for (const { id } of this.#run('unusable').all(this.#code)) {
      this.#run('delete').run(id as number);
    }
    database.exec('DELETE FROM parts WHERE snapshot NOT IN (SELECT id FROM snapshots)');
  }

  #run(name: keyof typeof STATEMENTS): StatementSync {
    if (this.#statements === undefined) throw new Error('there is no file of snapshots');
    return this.#statements[name];
  }

  #orNothing(done: string, work: () => void): void {
    try {
      work();
    } catch (fault) {
      this.#doubt(fault, done);
    }
  }

  /** What cannot be believed is dropped: a file that SQLite complains about, or one snapshot. */
  #doubt(err: unknown, done: string, stream?: string): void {
    if (this.#closed) return;
    this.#log.warn({ err, stream }, `snapshots could not be ${done}; they are only a cache`);
    if (stream !== undefined && (err as { code?: string }).code !== 'ERR_SQLITE_ERROR') {
      this.discard(stream);
      return;
    }
    const database = this.#database;
    this.#database = undefined;
    this.#statements = undefined;
    try {
      database?.close();
      for (const ending of ['', '-wal', '-shm']) rmSync(`${this.#path}${ending}`, { force: true });
    } catch {
      // It is dropped because it fails; that it fails once more changes nothing.
    }
  }
}

function checksumOf({ stream, revision, position, hash, code }: Place): Hash {
  const place = JSON.stringify([stream, revision, String(position), hash, code]);
  return createHash('sha256').update(place).update('\n');
}
