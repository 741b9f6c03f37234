import { limits } from '../../limits.ts';
import { isOfCategories } from '../category.ts';
import type { RecordedEvent } from '../store.ts';
import type { EventPage } from '../subscription.ts';
import { decodeEvents, type Frame } from './frames.ts';
import type { LogFile } from './log-file.ts';

/** Counts what a page has taken: it ends with the frame that fills it, wanted or passed over. */
class PageRoom {
  #events: number = limits.readPageEventsMax;
  #bytes: number = limits.readPageBytesMax;

  take(events: number, bytes: number): void {
    this.#events -= events;
    this.#bytes -= bytes;
  }

  get used(): boolean {
    return this.#events <= 0 || this.#bytes <= 0;
  }
}

/** A page of the events after one position up to another, which must be that of a last event. */
export function readLogPage(
  file: LogFile,
  after: number,
  upTo: number,
  categories?: readonly string[],
): EventPage {
  const events: RecordedEvent[] = [];
  const room = new PageRoom();
  let reached = after;
  if (after >= upTo) return { events, upTo: BigInt(after) };
  for (const frame of file.framesAfter(after)) {
    const last = frame.position + frame.count - 1;
    if (last > after && isOfCategories(frame.stream, categories)) {
      for (const event of decodeEvents(frame)) if (event.position > after) events.push(event);
    }
    reached = Math.max(reached, last);
    room.take(frame.count, frame.events.length);
    if (reached >= upTo || room.used) break;
  }
  return { events, upTo: BigInt(reached) };
}

/** How the events of a frame are read. */
export type ReadFrame<E> = (frame: Frame) => readonly E[];

/** A page of a stream from a revision on, up to a position; empty when there is nothing more. */
export function readStreamPage<E extends { readonly revision: number }>(
  file: LogFile,
  stream: string,
  fromRevision: number,
  upTo: number,
  readFrame: ReadFrame<E>,
): E[] {
  const events: E[] = [];
  const room = new PageRoom();
  for (const frame of file.framesOfStream(stream, fromRevision)) {
    if (frame.position > upTo) break;
    if (frame.revision + frame.count <= fromRevision) continue;
    for (const event of readFrame(frame)) if (event.revision >= fromRevision) events.push(event);
    room.take(frame.count, frame.events.length);
    if (room.used) break;
  }
  return events;
}
