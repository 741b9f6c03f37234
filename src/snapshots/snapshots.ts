import type { Position } from '../store/store.ts';

/** A writer's state after an event of its stream. */
export interface Snapshot {
  readonly state: object;
  /** Of the event, like position and hash. */
  readonly revision: number;
  readonly position: Position;
  /** It says what the event is, and which ones come before it in its stream. */
  readonly hash: string;
}

/**
 * States of streams, so that a stream need not be read from its beginning. A cache: nothing here
 * ever rejects, and what is missing or not believed costs time and nothing else. Whoever reads one
 * compares it with the log.
 */
export interface Snapshots {
  /** The last state that was kept of a stream. */
  read(stream: string): Promise<Snapshot | undefined>;

  /** Keeps a state in the place of the one before. Resolves when that has been tried. */
  write(stream: string, snapshot: Snapshot): Promise<void>;

  /** Drops what the log contradicts. */
  discard(stream: string): void;

  /** Ends what is being written and takes nothing more. */
  close(): Promise<void>;
}
