import { StoreRefused } from '../store.ts';
import { logPath, openLog } from './open-log.ts';
import { EPOCH_MAX } from './positions.ts';
import { ProcessLock } from './process-lock.ts';

/**
 * Starts the next epoch of positions in a log that has been restored or is to be imported into:
 * what is appended from then on cannot have a position that was given to an event that is gone.
 * Gives the epoch's number. Nobody may serve the directory meanwhile.
 */
export function startNextEpoch(directory: string, clock: () => Date): number {
  const lock = ProcessLock.take(directory);
  try {
    const path = logPath(directory);
    const file = openLog(path);
    try {
      const epoch = file.epoch() + 1;
      if (epoch > EPOCH_MAX) throw new StoreRefused(path, 'has had all its epochs');
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
