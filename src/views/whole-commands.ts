import type { EventMetadata } from '../ledger/events.ts';
import type { RecordedEvent } from '../store/store.ts';

/** Gathers events into commands. One that has begun is held back until its last event is there. */
export class WholeCommands {
  #begun: RecordedEvent[] = [];

  /** The commands that are complete with these events, in log order. */
  take(events: readonly RecordedEvent[]): RecordedEvent[][] {
    const complete: RecordedEvent[][] = [];
    for (const event of events) {
      const { commandId, index, count } = event.metadata as unknown as EventMetadata;
      const first = this.#begun[0];
      if (
        index !== this.#begun.length ||
        (first !== undefined && first.metadata.commandId !== commandId)
      ) {
        throw new Error(
          `event ${index} of command ${commandId} at ${event.position} is out of its order`,
        );
      }
      this.#begun.push(event);
      if (index === count - 1) {
        complete.push(this.#begun);
        this.#begun = [];
      }
    }
    return complete;
  }
}
