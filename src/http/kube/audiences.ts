import type { ObjectChange, ObjectChanges } from '../../views/views.ts';
import type { WatchRequest } from './watch-request.ts';
import type { WatchStream } from './watch-stream.ts';

/** What a change is to those who have asked for the same; undefined when it is nothing. */
type LineOf = (change: ObjectChange) => Buffer | undefined;

/** Watches that have asked for the same objects: what they are sent is found once for them all. */
interface Audience {
  readonly streams: Set<WatchStream>;
  readonly leave: () => void;
}

/** All watches by what they have asked for. */
export class Audiences {
  readonly #audiences = new Map<string, Audience>();

  /** Sends a watch what happens from now on. Gives the way to end that. */
  join(
    stream: WatchStream,
    { kind, selection }: WatchRequest,
    changes: ObjectChanges,
    lineOf: LineOf,
  ): () => void {
    const key = `${kind.viewed} ${selection}`;
    const audience = this.#audiences.get(key) ?? this.#gather(key, changes, lineOf);
    audience.streams.add(stream);
    return () => {
      audience.streams.delete(stream);
      if (audience.streams.size > 0) return;
      audience.leave();
    };
  }

  #gather(key: string, changes: ObjectChanges, lineOf: LineOf): Audience {
    const streams = new Set<WatchStream>();
    const stop = changes.follow((made) => {
      for (const change of made) {
        const line = lineOf(change);
        if (line === undefined) continue;
        for (const stream of streams) stream.send(line);
      }
    });
    const leave = () => {
      stop();
      if (this.#audiences.get(key) === audience) this.#audiences.delete(key);
    };
    const audience = { streams, leave };
    this.#audiences.set(key, audience);
    return audience;
  }
}
