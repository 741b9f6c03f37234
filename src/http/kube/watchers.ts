import type { ServerResponse } from 'node:http';
import { limits } from '../../limits.ts';
import type { HttpDeps, WatchBounds } from '../deps.ts';
import { StatusError } from '../status.ts';
import { SubjectCounts } from '../subject-counts.ts';
import { Audiences } from './audiences.ts';
import { WatchLines } from './watch-lines.ts';
import { type StreamOptions, WatchStream } from './watch-stream.ts';

const BOUNDS: WatchBounds = {
  watchersMax: limits.watchersMax,
  watchersPerSubjectMax: limits.watchersPerSubjectMax,
  bufferedBytesMax: limits.watchBufferedBytesMax,
  chunkBytesMax: limits.watchChunkBytesMax,
  heartbeatMs: limits.watchHeartbeatMs,
  bookmarkMs: limits.watchBookmarkMs,
  stuckMsMax: limits.watchStuckMsMax,
  endMsMax: limits.watchEndMsMax,
};

const RETRY_AFTER_SECONDS = 5;

/** All watches of a server, and what they share. */
export class Watchers {
  readonly lines = new WatchLines();
  readonly audiences = new Audiences();
  readonly #bounds: WatchBounds;
  readonly #streams = new Set<WatchStream>();
  readonly #counts = new SubjectCounts();
  #isClosing = false;

  constructor({ watch }: Pick<HttpDeps, 'watch'>) {
    this.#bounds = { ...BOUNDS, ...watch };
  }

  /** Refuses a watch for which there is no room. */
  requireRoom(subject: string): void {
    const retryAfterSeconds = RETRY_AFTER_SECONDS;
    const headers = { 'retry-after': String(retryAfterSeconds) };
    if (this.#isClosing) {
      const message = 'the server is shutting down';
      throw new StatusError('ServiceUnavailable', message, { retryAfterSeconds }, headers);
    }
    const { watchersMax, watchersPerSubjectMax } = this.#bounds;
    const isFull = this.#streams.size >= watchersMax;
    if (!isFull && this.#counts.of(subject) < watchersPerSubjectMax) return;
    const message = isFull
      ? `there are ${watchersMax} watches already: try again later`
      : `you have ${watchersPerSubjectMax} watches already: end one first`;
    throw new StatusError('TooManyRequests', message, { retryAfterSeconds }, headers);
  }

  /** Begins the answer to a watch. */
  open(
    response: ServerResponse,
    subject: string,
    options: Omit<StreamOptions, keyof WatchBounds>,
  ): WatchStream {
    const uncount = this.#counts.add(subject);
    const stream = new WatchStream(response, {
      ...this.#bounds,
      ...options,
      onClose: () => {
        this.#streams.delete(stream);
        uncount();
        options.onClose();
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Ends all watches in order: clients go on elsewhere without a gap. */
  close(): void {
    this.#isClosing = true;
    for (const stream of this.#streams) stream.end();
  }
}
