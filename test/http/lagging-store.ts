import type {
  EventHandler,
  Position,
  Store,
  SubscribeOptions,
  Subscription,
} from '../../src/store/store.ts';

/**
 * One process's way to a log that others write as well: what it is told of the log can be held up,
 * what it asks is answered as ever.
 */
export class LaggingStore implements Store {
  readonly isShared = true;
  readonly lostPositions: Store['lostPositions'] = [];
  readonly #store: Store;
  #held: { promise: Promise<void>; resolve: () => void } | undefined;
  /** How often it was asked for the log's head. */
  looks = 0;
  /** How often it was asked for what a stream has. */
  reads = 0;
  /** What it fails with when it is asked for the log's head. */
  fault: Error | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** From now on it is told nothing. */
  hold(): void {
    this.#held ??= Promise.withResolvers<void>();
  }

  /** It is told what it was not, and what comes. */
  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  append(...args: Parameters<Store['append']>) {
    return this.#store.append(...args);
  }

  readStream(stream: string, fromRevision: number) {
    this.reads += 1;
    return this.#store.readStream(stream, fromRevision);
  }

  readAll(...args: Parameters<Store['readAll']>) {
    return this.#store.readAll(...args);
  }

  subscribe(after: Position, handler: EventHandler, options?: SubscribeOptions): Subscription {
    const late: EventHandler = async (events) => {
      while (this.#held !== undefined) await this.#held.promise;
      await handler(events);
    };
    return this.#store.subscribe(after, late, options);
  }

  async head(): Promise<Position> {
    this.looks += 1;
    if (this.fault !== undefined) throw this.fault;
    return this.#store.head();
  }

  /** The log is everybody's: it stays. */
  async close(): Promise<void> {
    this.release();
  }
}
