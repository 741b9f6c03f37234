import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { limits } from '../../limits.ts';
import type { PositionRange } from '../store.ts';
import { FIRST_CHAIN, type Frame, lastHash } from './frames.ts';
import { epochStart } from './positions.ts';
import type { WalSync } from './wal-sync.ts';

/** Where a stream ends. */
export interface StreamHead {
  readonly revision: number;
  /** Of its last event. */
  readonly hash: string;
}

/** Where the log ends. */
export interface Tip {
  /** Of the last event; 0 when there is none. */
  readonly position: number;
  readonly recordedAt: number;
  readonly chain: Uint8Array;
}

/**
 * A commit syncs nothing: whoever answers for it calls `sync` first. What is moved into the file is
 * synced before and after, on disk and not only in its cache. Careful with what it reads.
 */
const SETTINGS = `
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA temp_store = MEMORY;
PRAGMA synchronous = NORMAL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
PRAGMA recursive_triggers = ON; -- else INSERT OR REPLACE removes rows past the triggers
PRAGMA wal_autocheckpoint = ${limits.storeWalPagesMax};
`;

const COLUMNS = 'position, stream, revision, count, recorded_at AS recordedAt, events, chain';

/** Every statement on the log. Sorting by a column's own name needs it not to be an alias. */
export const STATEMENTS = {
  insert: `INSERT INTO frames (position, stream, revision, count, recorded_at, events, chain)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  newest: `SELECT ${COLUMNS} FROM frames ORDER BY position DESC LIMIT ?`,
  tip: `SELECT position + count - 1 AS last, recorded_at AS recordedAt, chain FROM frames
    ORDER BY position DESC LIMIT 1`,
  lastUpTo: `SELECT position + count - 1 AS last FROM frames WHERE position <= ?
    ORDER BY position DESC LIMIT 1`,
  // From the frame that holds the event in question, which may be in its middle.
  after: `SELECT ${COLUMNS} FROM frames
    WHERE position >= coalesce((SELECT max(position) FROM frames WHERE position <= ? + 1), 0)
    ORDER BY position`,
  ofStream: `SELECT ${COLUMNS} FROM frames WHERE stream = ?1 AND revision >=
    coalesce((SELECT max(revision) FROM frames WHERE stream = ?1 AND revision <= ?2), 0)
    ORDER BY revision`,
  lastOfStream: `SELECT revision + count - 1 AS last, events FROM frames
    WHERE stream = ? AND revision < ? ORDER BY revision DESC LIMIT 1`,
  epoch: 'SELECT max(epoch) AS epoch FROM epochs',
  startEpoch: 'INSERT INTO epochs (epoch, started_at) VALUES (?, ?)',
  checkpointNone: 'PRAGMA wal_checkpoint(NOOP)',
  checkpointPassive: 'PRAGMA wal_checkpoint(PASSIVE)',
  checkpointTruncate: 'PRAGMA wal_checkpoint(TRUNCATE)',
} as const;

type Statements = Record<keyof typeof STATEMENTS, StatementSync>;

const NO_TIP: Tip = { position: 0, recordedAt: 0, chain: FIRST_CHAIN };

/** One connection to the log's file with every statement that is ever run on it. */
export class LogFile {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #wal: WalSync;

  /** Takes over a connection to a file that has been found to be a log. */
  constructor(database: DatabaseSync, wal: WalSync) {
    this.#wal = wal;
    database.exec(SETTINGS);
    this.#database = database;
    this.#statements = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => [name, database.prepare(sql)]),
    ) as Statements;
  }

  /** Runs the work in one transaction, which is durable when it has been synced. */
  transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (fault) {
      // SQLite may have rolled back by itself, as it does when the disk is full.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw fault;
    }
  }

  /** Resolves when every transaction so far is durable. */
  sync(): Promise<void> {
    return this.#wal.sync();
  }

  insert(frame: Frame): void {
    const { position, stream, revision, count, recordedAt, events, chain } = frame;
    this.#statements.insert.run(position, stream, revision, count, recordedAt, events, chain);
  }

  /** The newest frames, in log order. */
  newestFrames(count: number): Frame[] {
    return (this.#statements.newest.all(count) as unknown as Frame[]).reverse();
  }

  /** The frames in log order, from the one on that holds the first event after a position. */
  framesAfter(position: number): Iterable<Frame> {
    return rows(this.#statements.after.iterate(position));
  }

  /** The frames of a stream, from the one on that holds the event at a revision. */
  framesOfStream(stream: string, revision: number): Iterable<Frame> {
    return rows(this.#statements.ofStream.iterate(stream, revision));
  }

  tip(): Tip {
    const row = this.#statements.tip.get();
    if (row === undefined) return NO_TIP;
    const { last, recordedAt, chain } = row as unknown as Omit<Tip, 'position'> & { last: number };
    return { position: last, recordedAt, chain };
  }

  /** Where a stream ended before a revision, or ends; undefined when there was nothing of it. */
  headOfStream(stream: string, before = Number.MAX_SAFE_INTEGER): StreamHead | undefined {
    const row = this.#statements.lastOfStream.get(stream, before);
    if (row === undefined) return undefined;
    return { revision: row.last as number, hash: lastHash(row.events as string) };
  }

  epoch(): number {
    return this.#statements.epoch.get()?.epoch as number;
  }

  startEpoch(epoch: number, startedAt: number): void {
    this.#statements.startEpoch.run(epoch, startedAt);
  }

  /** Between the last event before each epoch and the epoch's start. */
  lostPositions(): PositionRange[] {
    const ranges = new Map<number, PositionRange>();
    for (let epoch = 1; epoch <= this.epoch(); epoch += 1) {
      const upTo = epochStart(epoch);
      const after = (this.#statements.lastUpTo.get(upTo)?.last as number | undefined) ?? 0;
      // Where an epoch stayed empty, the range of the next one takes its place.
      ranges.set(after, { after: BigInt(after), upTo: BigInt(upTo) });
    }
    return [...ranges.values()];
  }

  /** How many pages of the write-ahead log have not been moved into the file. */
  pagesNotMoved(): number {
    const row = this.#statements.checkpointNone.get();
    return Number(row?.log) - Number(row?.checkpointed);
  }

  /** Moves commits from the write-ahead log into the file; true when all of them were. */
  checkpoint(mode: 'passive' | 'truncate'): boolean {
    const { checkpointPassive, checkpointTruncate } = this.#statements;
    const row = (mode === 'passive' ? checkpointPassive : checkpointTruncate).get();
    return row?.busy === 0 && row.log === row.checkpointed;
  }

  close(): void {
    this.#wal.close();
    this.#database.close();
  }
}

/** Rows are records without a prototype whose columns have the types that STRICT keeps. */
function rows(found: Iterable<Record<string, SQLOutputValue>>): Iterable<Frame> {
  return found as unknown as Iterable<Frame>;
}
