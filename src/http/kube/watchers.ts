import type { ServerResponse } from 'node:http';
import { limits } from '../../limits.ts';
import type { HttpDeps, WatchBounds } from '../deps.ts';
import { StatusError } from '../status.ts';
import { Audiences } from './audiences.ts';
import { WatchLines } from './watch-lines.ts';
import { type StreamOptions, WatchStream } from './watch-stream.ts';

const BOUNDS: WatchBounds = {
  watchersMax: limits.watchersMax,
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
  #isClosing = false;

  constructor({ watch }: Pick<HttpDeps, 'watch'>) {
    this.#bounds = { ...BOUNDS, ...watch };
  }

  /** Refuses a watch for which there is no room. */
  requireRoom(): void {
    const retryAfterSeconds = RETRY_AFTER_SECONDS;
    const headers = { 'retry-after': String(retryAfterSeconds) };
    if (this.#isClosing) {
      const message = 'the server is shutting down';
      throw new StatusError('ServiceUnavailable', message, { retryAfterSeconds }, headers);
    }
    const { watchersMax } = this.#bounds;
    if (this.#streams.size < watchersMax) return;
    const message = `there are ${watchersMax} watches already: try again later`;
    throw new StatusError('TooManyRequests', message, { retryAfterSeconds }, headers);
  }

  /** Begins the answer to a watch. */
  open(response: ServerResponse, options: Omit<StreamOptions, keyof WatchBounds>): WatchStream {
    const stream = new WatchStream(response, {
      ...this.#bounds,
      ...options,
      onClose: () => {
        this.#streams.delete(stream);
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
