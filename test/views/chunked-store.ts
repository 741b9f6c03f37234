import type {
  EventHandler,
  Position,
  RecordedEvent,
  Store,
  SubscribeOptions,
  Subscription,
} from '../../src/store/store.ts';

/**
 * A log as it was at a position, given to subscribers in batches of a size, wherever commands end.
 * After the last batch the subscription waits for ever.
 */
export class ChunkedStore implements Store {
  readonly append: Store['append'];
  readonly readStream: Store['readStream'];
  readonly lostPositions: Store['lostPositions'];
  readonly close: Store['close'];
  readonly #store: Store;
  readonly #size: number;
  readonly #end: Position;

  constructor(store: Store, size: number, end: Position) {
    this.#store = store;
    this.#size = size;
    this.#end = end;
    this.append = store.append.bind(store);
    this.readStream = store.readStream.bind(store);
    this.lostPositions = store.lostPositions;
    this.close = store.close.bind(store);
  }

  async *readAll(after: Position): AsyncGenerator<RecordedEvent> {
    for await (const event of this.#store.readAll(after)) {
      if (event.position <= this.#end) yield event;
    }
  }

  subscribe(after: Position, handler: EventHandler, _options?: SubscribeOptions): Subscription {
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    const run = async () => {
      let batch: RecordedEvent[] = [];
      for await (const event of this.readAll(after)) {
        batch.push(event);
        if (batch.length < this.#size) continue;
        await handler(batch);
        batch = [];
      }
      if (batch.length > 0) await handler(batch);
    };
    const work = run();
    const done = Promise.race([work.then(() => stopped), stopped]);
    return {
      done,
      stop: async () => {
        stop();
        await Promise.allSettled([work]);
      },
    };
  }

  async head(): Promise<Position> {
    return this.#end;
  }
}
