import { limits } from '../../limits.ts';
import type { RecordedEvent } from '../store.ts';
import { checkFrame } from './frame-check.ts';
import { type Frame, lastHash } from './frames.ts';
import type { LogFile, StreamHead } from './log-file.ts';

/** Reads a log from its first frame on, and checks each against the one before it. */
export class ProvingReader {
  readonly #heads = new Map<string, StreamHead>();
  #before: Frame | undefined;

  /** The next events up to a position; none at the end. Throws CorruptEvent where it is damaged. */
  nextPage(file: LogFile, upTo: number): RecordedEvent[] {
    const page: RecordedEvent[] = [];
    const last = this.#before;
    const after = last === undefined ? 0 : last.position + last.count - 1;
    for (const frame of file.framesAfter(after)) {
      if (frame.position > upTo || page.length >= limits.readPageEventsMax) break;
      if (frame.position <= after) continue;
      page.push(...checkFrame(frame, this.#before, this.#heads.get(frame.stream)));
      const revision = frame.revision + frame.count - 1;
      this.#heads.set(frame.stream, { revision, hash: lastHash(frame.events) });
      this.#before = frame;
    }
    return page;
  }
}
