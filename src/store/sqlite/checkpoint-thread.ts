import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { limits } from '../../limits.ts';
import { LogFile } from './log-file.ts';
import { WalSync } from './wal-sync.ts';

// The thread that moves commits from the write-ahead log into the file, each time it is asked to.

const port = parentPort as NonNullable<typeof parentPort>;
const path: string = workerData;
const database = new DatabaseSync(path, { timeout: limits.storeBusyMsMax });
const file = new LogFile(database, new WalSync(path));

port.on('message', () => {
  try {
    file.checkpoint('passive');
  } catch {
    // What could not be moved is still in the write-ahead log, and is tried again with the next.
  }
  port.postMessage('moved');
});
