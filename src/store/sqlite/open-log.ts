import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type DatabaseSyncOptions } from 'node:sqlite';
import { limits } from '../../limits.ts';
import { CorruptEvent, StoreRefused } from '../store.ts';
import {
  SQLITE_BUSY,
  SQLITE_CANTOPEN,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  SQLITE_IOERR,
  SQLITE_NOTADB,
  SQLITE_READONLY,
  sqliteCode,
} from './faults.ts';
import { checkFrame } from './frame-check.ts';
import { LogFile } from './log-file.ts';
import { EPOCH_MAX } from './positions.ts';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.ts';
import { type Sync, WalSync } from './wal-sync.ts';

/** Opens a connection to a file; tests put their own in between, to look and to disturb. */
export type Connect = (path: string, options: DatabaseSyncOptions) => DatabaseSync;

export interface OpenLogOptions {
  readonly readOnly?: boolean;
  readonly connect?: Connect;
  readonly sync?: Sync;
}

const RESTORE = 'restore a backup ("netalloc restore")';

const PROBLEMS: Readonly<Record<number, string>> = {
  [SQLITE_NOTADB]: `is not a netalloc log; give another data directory, or ${RESTORE}`,
  [SQLITE_CORRUPT]: `is damaged or cut short; keep a copy of it and ${RESTORE}`,
  [SQLITE_BUSY]: 'is held by another program; end that one first',
  [SQLITE_FULL]: 'has no room left on its disk; make some',
  [SQLITE_IOERR]: 'cannot be read or written; look whether its disk is full or failing',
  [SQLITE_READONLY]: 'is not writable for this user; change its owner or its mode',
  [SQLITE_CANTOPEN]: 'cannot be opened; check the owner and mode of it and of its directory',
};

/** The log's file in a data directory. */
export function logPath(directory: string): string {
  return join(directory, 'log.sqlite');
}

/** Makes a data directory that only its owner can read, when there is none. */
export function ensureDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (fault) {
    throw new StoreRefused(directory, `cannot be made: ${String(fault)}`, { cause: fault });
  }
}

/**
 * Makes an empty log when there is none. It is finished under another name and then renamed, so
 * that an empty or half-made file is never taken for a new log.
 */
export function ensureLog(path: string, createdAt: Date): void {
  if (existsSync(path)) return;
  if (existsSync(`${path}-wal`)) {
    const problem = `is missing, but ${path}-wal is there; put it back, or ${RESTORE}`;
    throw new StoreRefused(path, problem);
  }
  try {
    makeLog(path, `${path}.new`, createdAt);
  } catch (fault) {
    throw new StoreRefused(path, `cannot be made: ${String(fault)}`, { cause: fault });
  }
}

function makeLog(path: string, unfinished: string, createdAt: Date): void {
  for (const ending of ['', '-journal', '-wal', '-shm']) {
    rmSync(`${unfinished}${ending}`, { force: true });
  }
  closeSync(openSync(unfinished, 'wx', 0o600));
  const database = new DatabaseSync(unfinished);
  try {
    database.exec(SCHEMA);
    new LogFile(database, new WalSync(unfinished)).startEpoch(0, createdAt.getTime());
  } finally {
    database.close();
  }
  renameSync(unfinished, path);
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

/** Opens a log that exists; refuses one that is not ours, not of our time, or not whole. */
export function openLog(path: string, options: OpenLogOptions = {}): LogFile {
  const { readOnly = false, connect = connectDirectly, sync } = options;
  if (!existsSync(path)) {
    throw new StoreRefused(path, 'does not exist; give the data directory of a netalloc');
  }
  let database: DatabaseSync | undefined;
  try {
    database = connect(path, { readOnly, timeout: limits.storeBusyMsMax });
    checkIdentity(path, database);
    const file = new LogFile(database, new WalSync(path, sync));
    // Moving what a process left behind into the file writes and syncs it anew, so it is durable
    // even if that process ended because a sync had failed.
    if (!readOnly) file.checkpoint('truncate');
    checkContent(path, database, file);
    return file;
  } catch (fault) {
    database?.close();
    throw refusal(path, fault);
  }
}

function connectDirectly(path: string, options: DatabaseSyncOptions): DatabaseSync {
  return new DatabaseSync(path, options);
}

function checkIdentity(path: string, database: DatabaseSync): void {
  if (statSync(path).size === 0) {
    throw new StoreRefused(path, `is empty, and a log never is; ${RESTORE}`);
  }
  if (pragma(database, 'application_id') !== APPLICATION_ID) {
    throw new StoreRefused(path, PROBLEMS[SQLITE_NOTADB] as string);
  }
  const version = pragma(database, 'user_version') as number;
  if (version !== SCHEMA_VERSION) {
    const writer = version > SCHEMA_VERSION ? 'a newer' : 'an unfinished';
    const problem =
      `was written by ${writer} netalloc (its schema is ${version}, this one knows ` +
      `${SCHEMA_VERSION}); run that one`;
    throw new StoreRefused(path, problem);
  }
}

/** The whole file where that is quick, and the newest frames always. */
function checkContent(path: string, database: DatabaseSync, file: LogFile): void {
  const bytes =
    (pragma(database, 'page_count') as number) * (pragma(database, 'page_size') as number);
  if (bytes <= limits.storeOpenFileBytesChecked) {
    const finding = pragma(database, 'integrity_check(1)');
    if (finding !== 'ok') {
      throw new StoreRefused(path, `${PROBLEMS[SQLITE_CORRUPT]} (${String(finding)})`);
    }
  }
  const epoch = file.epoch();
  if (!Number.isSafeInteger(epoch) || epoch < 0 || epoch > EPOCH_MAX) {
    throw new StoreRefused(path, `${PROBLEMS[SQLITE_CORRUPT]} (its epoch is ${epoch})`);
  }
  // One more than is checked, because a frame is checked against the one before it.
  const frames = file.newestFrames(limits.storeOpenFramesChecked + 1);
  const whole = frames.length <= limits.storeOpenFramesChecked;
  for (const [index, frame] of frames.entries()) {
    if (index === 0 && !whole) continue;
    checkFrame(frame, frames[index - 1], file.headOfStream(frame.stream, frame.revision));
  }
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function refusal(path: string, fault: unknown): unknown {
  if (fault instanceof CorruptEvent) {
    const problem = `is damaged (${fault.message}); keep a copy of it and ${RESTORE}`;
    return new StoreRefused(path, problem, { cause: fault });
  }
  const problem = PROBLEMS[sqliteCode(fault) ?? 0];
  return problem === undefined ? fault : new StoreRefused(path, problem, { cause: fault });
}
