/**
 * Positions of the embedded engine: epoch x 2^40 + n, n from 1, without gaps inside an epoch. A
 * restore and an import start the next epoch, so that a position from before cannot be mistaken
 * for one that is given again. Inside the engine they are numbers, exact for 8,191 epochs.
 */
const EPOCH_SIZE = 2 ** 40;

export const EPOCH_MAX = 2 ** 13 - 1;

/** The position before the first one of an epoch. */
export function epochStart(epoch: number): number {
  return epoch * EPOCH_SIZE;
}

/** The epoch that a position belongs to. */
export function epochOf(position: number): number {
  return Math.floor((position - 1) / EPOCH_SIZE);
}

/** The position that follows the log's last one, 0 when the log is empty, in the present epoch. */
export function nextPosition(last: number, epoch: number): number {
  return Math.max(last, epochStart(epoch)) + 1;
}

/** A position of the port as the engine's number; above all of them when it is out of range. */
export function positionNumber(position: bigint): number {
  return position > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(position);
}
