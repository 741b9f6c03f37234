import { limits } from '../limits.ts';
import { isOfCategories } from './category.ts';
import type { RecordedEvent } from './store.ts';
import type { EventPage } from './subscription.ts';

/** One append's events. */
interface Recent {
  readonly events: readonly RecordedEvent[];
  /** Position of the last one. */
  readonly upTo: number;
  readonly bytes: number;
}

/**
 * The newest events, kept in memory so that a subscriber near the head need not read and parse
 * them. It holds every event after a certain position, and nothing else.
 */
export class RecentEvents {
  readonly #appends: Recent[] = [];
  #start: number;
  #events = 0;
  #bytes = 0;

  /** Begins at the head of the log, with nothing. */
  constructor(head: number) {
    this.#start = head;
  }

  /** Adds the events of the next append in the log. */
  add(events: readonly RecordedEvent[], bytes: number): void {
    const last = events.at(-1) as RecordedEvent;
    this.#appends.push({ events, upTo: Number(last.position), bytes });
    this.#events += events.length;
    this.#bytes += bytes;
    while (this.#events > limits.storeRecentEventsMax || this.#bytes > limits.storeRecentBytesMax) {
      this.#dropOldest();
    }
  }

  /**
   * Lets go of what every subscriber has: memory that is given up soon costs the garbage collector
   * far less than the same amount later.
   */
  letGo(upTo: number): void {
    while (this.#appends.length > 0 && (this.#appends[0] as Recent).upTo <= upTo) {
      this.#dropOldest();
    }
  }

  /** A page of the events after a position; undefined when some of them are no longer here. */
  page(after: number, categories?: readonly string[]): EventPage | undefined {
    if (after < this.#start) return undefined;
    let index = this.#appends.length;
    while (index > 0 && (this.#appends[index - 1] as Recent).upTo > after) index -= 1;
    const events: RecordedEvent[] = [];
    let upTo = after;
    while (index < this.#appends.length && events.length < limits.readPageEventsMax) {
      const recent = this.#appends[index] as Recent;
      if (isOfCategories((recent.events[0] as RecordedEvent).stream, categories)) {
        for (const event of recent.events) if (event.position > after) events.push(event);
      }
      upTo = recent.upTo;
      index += 1;
    }
    return { events, upTo: BigInt(upTo) };
  }

  #dropOldest(): void {
    const oldest = this.#appends.shift() as Recent;
    this.#start = oldest.upTo;
    this.#events -= oldest.events.length;
    this.#bytes -= oldest.bytes;
  }
}
