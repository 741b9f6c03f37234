import type { RecordedEvent } from '../store.ts';

/**
 * Times that never go back: the nodes of a cluster have clocks of their own, so the first event
 * after a change of the leader can be stamped earlier than the one before it.
 */
export class RecordedTimes {
  #latest: string;

  /** Begins after an event that was recorded at this time. */
  constructor(latest = '') {
    this.#latest = latest;
  }

  /** The same event, recorded no earlier than all before it. */
  next(event: RecordedEvent): RecordedEvent {
    if (event.recordedAt < this.#latest) return { ...event, recordedAt: this.#latest };
    this.#latest = event.recordedAt;
    return event;
  }
}
