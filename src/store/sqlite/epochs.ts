import { StoreRefused } from '../store.ts';
import type { LogFile } from './log-file.ts';
import { ensureLog, logPath, openLog } from './open-log.ts';
import { EPOCH_MAX, epochOf, positionNumber } from './positions.ts';
import { ProcessLock } from './process-lock.ts';

/**
 * Starts the next epoch of positions in a log that has been restored: what is appended from then on
 * cannot have a position that was given to an event that is gone. Gives the epoch's number. Nobody
 * may serve the directory meanwhile.
 */
export function startNextEpoch(directory: string, clock: () => Date): number {
  return startEpoch(directory, clock, (file) => file.epoch() + 1);
}

/**
 * Starts a log whose positions are all above one of another log, which it is to be a copy of; one
 * that has events already is left as it is.
 */
export function startEpochAfter(directory: string, clock: () => Date, position: bigint): void {
  const lock = ProcessLock.take(directory);
  try {
    ensureLog(logPath(directory), clock());
  } finally {
    lock.release();
  }
  const wanted = epochOf(positionNumber(position)) + 1;
  startEpoch(directory, clock, (file) =>
    file.tip().position > 0 ? file.epoch() : Math.max(wanted, file.epoch()),
  );
}

function startEpoch(
  directory: string,
  clock: () => Date,
  choose: (file: LogFile) => number,
): number {
  const lock = ProcessLock.take(directory);
  try {
    const path = logPath(directory);
    const file = openLog(path);
    try {
      const epoch = choose(file);
      if (epoch > EPOCH_MAX) throw new StoreRefused(path, 'has had all its epochs');
      if (epoch === file.epoch()) return epoch;
      file.transaction(() => file.startEpoch(epoch, clock().getTime()));
      file.checkpoint('truncate');
      return epoch;
    } finally {
      file.close();
    }
  } finally {
    lock.release();
  }
}
