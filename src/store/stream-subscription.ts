import { setImmediate as nextTurn } from 'node:timers/promises';
import { verifyEvent } from './hash-chain.ts';
import {
  CorruptEvent,
  type EventHandler,
  type Position,
  type Store,
  StoreUnavailable,
  type SubscribeOptions,
  type Subscription,
} from './store.ts';

/** What a reader of one stream wants. */
export interface StreamHistory {
  readonly stream: string;
  /** Position up to which the stream is read by itself; mostly the log's head. */
  readonly upTo: Position;
  /** With it, the reader is given what comes after `upTo` in the whole log as well. */
  readonly afterwards?: SubscribeOptions | undefined;
}

/**
 * Gives the events of one stream from its first on, each proved, without a look at the rest of the
 * log, which may be a thousand times as long. Where the store goes away meanwhile it is the log
 * that is read on, since that comes back by itself: whoever wants one stream only has to look.
 */
export function subscribeToStream(
  store: Pick<Store, 'readStream' | 'subscribe'>,
  history: StreamHistory,
  handler: EventHandler,
): Subscription {
  return new StreamSubscription(store, history, handler);
}

class StreamSubscription implements Subscription {
  readonly done: Promise<void>;
  readonly #store: Pick<Store, 'readStream' | 'subscribe'>;
  readonly #history: StreamHistory;
  readonly #handler: EventHandler;
  /** Up to here all events of the stream have been given. */
  #reached: Position = 0n;
  #log: Subscription | undefined;
  #stopped = false;

  constructor(
    store: Pick<Store, 'readStream' | 'subscribe'>,
    history: StreamHistory,
    handler: EventHandler,
  ) {
    this.#store = store;
    this.#history = history;
    this.#handler = handler;
    this.done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#log?.stop();
    // With what it has ended is told by `done`.
    await this.done.catch(() => {});
  }

  async #run(): Promise<void> {
    // On a later turn of the event loop, so the caller has it before the first batch.
    await nextTurn();
    const { upTo, afterwards } = this.#history;
    try {
      await this.#readStream();
      this.#reached = upTo;
    } catch (fault) {
      if (!(fault instanceof StoreUnavailable)) throw fault;
    }
    if (this.#stopped || (this.#reached === upTo && afterwards === undefined)) return;
    this.#log = this.#store.subscribe(this.#reached, this.#handler, afterwards);
    await this.#log.done;
  }

  async #readStream(): Promise<void> {
    const { stream, upTo } = this.#history;
    let previousHash = '';
    for await (const page of this.#store.readStream(stream, 0)) {
      const events = page.filter(({ position }) => position <= upTo);
      for (const event of events) {
        const problem = verifyEvent(event, previousHash);
        if (problem !== undefined) {
          throw new CorruptEvent(stream, event.revision, event.position, problem);
        }
        previousHash = event.metadata.hash;
      }
      if (this.#stopped) return;
      if (events.length > 0) await this.#handler(events);
      this.#reached = events.at(-1)?.position ?? this.#reached;
      if (this.#stopped || events.length < page.length) return;
    }
  }
}
