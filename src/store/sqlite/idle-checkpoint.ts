import { limits } from '../../limits.ts';
import type { LiveLog } from './live-log.ts';

/**
 * Moves commits from the write-ahead log into the file when nothing has been committed for a
 * while, so that it seldom falls to a commit that somebody waits for.
 */
export class IdleCheckpoint {
  readonly #timer: NodeJS.Timeout;

  constructor(log: LiveLog) {
    this.#timer = setTimeout(() => {
      try {
        log.use(({ file }) => file.checkpoint('passive'));
      } catch {
        // The commits stay where they are, and durable; the next attempt is another one's.
      }
    }, limits.storeIdleMs).unref();
  }

  /** Begins the wait anew. */
  committed(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
