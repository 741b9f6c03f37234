import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { limits } from '../limits.ts';
import { SQLITE_BUSY, SQLITE_FULL, SQLITE_IOERR, sqliteCode } from '../store/sqlite/faults.ts';
import { ROW_STATEMENTS } from './read-models.ts';
import { RowWriter } from './rows.ts';
import {
  HAS_FAILED,
  type SentBatch,
  STATE,
  type ThreadData,
  type ThreadNews,
  type ThreadTask,
  TRIES_AGAIN,
  WRITES,
  WRITTEN,
} from './rows-behind.ts';
import { RunList } from './run-list.ts';
import { connectViews } from './views-file.ts';

// The thread that writes the rows of the views. It runs what comes in a transaction that it commits
// after a while, or when somebody waits for rows: a page that many of them change is written once.

/** How long to wait before rows are tried again for which there was no room. */
const RETRY_MS = 1_000;

const { path, cells } = workerData as ThreadData;
const port = parentPort as NonNullable<typeof parentPort>;
const database = connectViews(path);
const writer = new RowWriter(database, ROW_STATEMENTS);
/** What is not committed, */
const waiting: SentBatch[] = [];
/** how many of these are in the open transaction, */
let added = 0;
/** and how many runs of statements all of them have. */
let runs = 0;
let isUrgent = false;
let isEnding = false;
let timer: NodeJS.Timeout | undefined;

port.on('message', (task: ThreadTask) => {
  take(task);
  if (isUrgent || runs >= limits.viewRowsTransactionMax) {
    write();
    return;
  }
  timer ??= setTimeout(write, limits.viewRowsGatherMs);
  try {
    addRows();
  } catch {
    // All of it is tried again, and what is wrong is told, when it is to be committed.
  }
});

function take(task: ThreadTask): void {
  if (typeof task === 'string') {
    isUrgent = true;
    isEnding ||= task === 'end';
    return;
  }
  waiting.push(task);
  runs += task.runs;
}

/** Takes what has come meanwhile, as far as it fits one transaction. */
function takeMore(): void {
  while (runs < limits.viewRowsTransactionMax) {
    const received = receiveMessageOnPort(port) as { message: ThreadTask } | undefined;
    if (received === undefined) return;
    take(received.message);
  }
}

/** Has all that waits in the open transaction; there is none any more when it throws. */
function addRows(): void {
  const from = added;
  added = 0;
  for (const { from: after, to, items } of waiting.slice(from)) {
    writer.add({ from: after, to, runs: new RunList(items) });
  }
  added = waiting.length;
}

/** Writes all that waits. */
function write(): void {
  clearTimeout(timer);
  timer = undefined;
  while (waiting.length > 0 && writeOnce());
  isUrgent = isEnding;
  if (!isEnding) return;
  database.close();
  port.close();
}

/** Writes what waits. False when it is not to be tried any more. */
function writeOnce(): boolean {
  takeMore();
  try {
    addRows();
    added = 0;
    writer.commit();
  } catch (fault) {
    return mayPass(fault) ? waitForRoom(fault) : giveUp(fault);
  }
  Atomics.store(cells, STATE, WRITES);
  Atomics.add(cells, WRITTEN, BigInt(waiting.length));
  Atomics.notify(cells, WRITTEN);
  waiting.length = 0;
  runs = 0;
  tell({ type: 'written' });
  return true;
}

function waitForRoom(fault: unknown): boolean {
  tell({ type: 'tries-again', ...textOf(fault) });
  Atomics.store(cells, STATE, TRIES_AGAIN);
  Atomics.notify(cells, WRITTEN);
  Atomics.wait(cells, STATE, TRIES_AGAIN, isEnding ? 0 : RETRY_MS);
  takeMore();
  return !isEnding;
}

function giveUp(fault: unknown): false {
  tell({ type: 'failed', ...textOf(fault) });
  Atomics.store(cells, STATE, HAS_FAILED);
  Atomics.notify(cells, WRITTEN);
  return false;
}

/** Whether rows may be written later: there was no room, or another program held the file. */
function mayPass(fault: unknown): boolean {
  return [SQLITE_BUSY, SQLITE_FULL, SQLITE_IOERR].includes(sqliteCode(fault) ?? 0);
}

function textOf(fault: unknown): { message: string; errcode: number } {
  return { message: String(fault), errcode: sqliteCode(fault) ?? 0 };
}

function tell(news: ThreadNews): void {
  port.postMessage(news);
}
