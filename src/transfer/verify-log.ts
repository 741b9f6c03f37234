import { LogCheck, type LogFindings } from '../store/log-check.ts';
import type { Position, RecordedEvent, Store } from '../store/store.ts';
import type { Progress } from './progress.ts';

/** Takes each event of a log that has been proved. */
export type EventTaker = (event: RecordedEvent) => void;

/**
 * Proves a log up to its end at the beginning, and hands on what is proved. It can be gone on with,
 * where the log has become longer. Throws CorruptEvent at what is damaged.
 */
export class LogProof {
  readonly #store: Store;
  readonly #categories: readonly string[];
  readonly #progress: Progress;
  readonly #check = new LogCheck();
  #reached: Position = 0n;

  constructor(store: Store, categories: readonly string[], progress: Progress) {
    this.#store = store;
    this.#categories = categories;
    this.#progress = progress;
  }

  /** What the events were found to be that have been read so far. */
  get findings(): LogFindings {
    return this.#check.findings;
  }

  /** Reads on to the end of the log. */
  async read(take: EventTaker = () => {}): Promise<void> {
    const head = await this.#store.head();
    for await (const event of this.#eventsLeft()) {
      this.#check.take(event);
      this.#reached = event.position;
      take(event);
      this.#progress.reached(event.position, head);
    }
  }

  #eventsLeft(): AsyncIterable<RecordedEvent> {
    const proved = this.#reached === 0n ? this.#store.readProved?.() : undefined;
    return proved ?? this.#store.readAll(this.#reached, this.#categories);
  }
}

/** Proves a whole log, up to its end at the beginning. Throws CorruptEvent at what is damaged. */
export async function verifyLog(
  store: Store,
  categories: readonly string[],
  progress: Progress,
): Promise<LogFindings> {
  const proof = new LogProof(store, categories, progress);
  await proof.read();
  return proof.findings;
}
