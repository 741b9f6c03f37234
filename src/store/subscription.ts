import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type EventHandler,
  type Position,
  type RecordedEvent,
  StoreFull,
  StoreUnavailable,
  type Subscription,
} from './store.ts';

/** Some events after a position, and where to read on; that is the same place when at the head. */
export interface EventPage {
  readonly events: readonly RecordedEvent[];
  /** At or after the last event's position: events of other categories are passed over. */
  readonly upTo: Position;
}

/** Reads on after a place; it may throw StoreUnavailable, and is asked again after a wake-up. */
export type ReadPage = (after: Position) => EventPage | Promise<EventPage>;

/**
 * One reader of the log that goes on for ever. It always asks for what comes after the place it
 * has reached, wherever the engine takes that from, so history and live events cannot overlap or
 * leave something out between them.
 */
class RunningSubscription implements Subscription {
  readonly done: Promise<void>;
  readonly #readPage: ReadPage;
  readonly #handler: EventHandler;
  #reached: Position;
  #stopped = false;
  /** Whether there has been a wake-up since the last page was asked for. */
  #woken = false;
  #resume: () => void = () => {};

  /** Starts on a later turn of the event loop, so the caller has it before the first batch. */
  constructor(
    after: Position,
    readPage: ReadPage,
    handler: EventHandler,
    onEnd: (subscription: RunningSubscription) => void,
  ) {
    this.#reached = after;
    this.#readPage = readPage;
    this.#handler = handler;
    this.done = this.#run().finally(() => onEnd(this));
  }

  /** The place up to which it has been given events. */
  get reached(): Position {
    return this.#reached;
  }

  /** Tells it that there may be something to read. */
  wake(): void {
    this.#woken = true;
    this.#resume();
  }

  async stop(): Promise<void> {
    this.end();
    await Promise.allSettled([this.done]);
  }

  /** Stops without waiting for the handler that is running. */
  end(): void {
    this.#stopped = true;
    this.#resume();
  }

  async #run(): Promise<void> {
    await nextTurn();
    while (!this.#stopped) {
      this.#woken = false;
      const page = await this.#nextPage();
      if (this.#stopped) return;
      if (page === undefined) {
        if (this.#woken) continue;
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
        continue;
      }
      this.#reached = page.upTo;
      if (page.events.length > 0) await this.#handler(page.events);
      // Reading may be synchronous: let others have a turn between two pages.
      await nextTurn();
    }
  }

  /** Nothing at the head, and nothing while the store is away: its return is a wake-up, too. */
  async #nextPage(): Promise<EventPage | undefined> {
    try {
      const page = await this.#readPage(this.#reached);
      return page.upTo === this.#reached ? undefined : page;
    } catch (fault) {
      if (fault instanceof StoreUnavailable || fault instanceof StoreFull) return undefined;
      throw fault;
    }
  }
}

/** The subscriptions of one store, woken and ended together. */
export class Subscriptions {
  readonly #running = new Set<RunningSubscription>();

  /** Starts one, and forgets it when it has ended. */
  start(after: Position, readPage: ReadPage, handler: EventHandler): Subscription {
    const subscription = new RunningSubscription(after, readPage, handler, (ended) =>
      this.#running.delete(ended),
    );
    this.#running.add(subscription);
    return subscription;
  }

  /** The place up to which all of them have been given events; undefined when there are none. */
  get reached(): Position | undefined {
    let least: Position | undefined;
    for (const { reached } of this.#running) {
      if (least === undefined || reached < least) least = reached;
    }
    return least;
  }

  wake(): void {
    for (const subscription of this.#running) subscription.wake();
  }

  end(): void {
    for (const subscription of this.#running) subscription.end();
  }
}
