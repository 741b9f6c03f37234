import { limits } from '../limits.ts';
import type { Position } from '../store/store.ts';

/** Tells people now and then how far a long piece of work has come. */
export class Progress {
  readonly #clock: () => Date;
  readonly #tell: (text: string) => void;
  #dueMs: number;
  #events = 0;

  constructor(clock: () => Date, tell: (text: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#dueMs = clock().getTime() + limits.transferProgressMs;
  }

  /** One more event has been dealt with, at a position of the log that ends at `head`. */
  reached(position: Position, head: Position): void {
    this.#events += 1;
    // Asking the clock for each event would cost more than the event.
    if (this.#events % limits.transferProgressEvents !== 0) return;
    const nowMs = this.#clock().getTime();
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + limits.transferProgressMs;
    this.#tell(`${this.#events} events, at position ${position} of ${head}`);
  }
}
