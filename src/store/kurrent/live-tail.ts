import { setTimeout as pause } from 'node:timers/promises';
import { RecentEvents } from '../recent-events.ts';
import { type Position, StoreUnavailable } from '../store.ts';
import type { Connection } from './connection.ts';
import { storeFault } from './faults.ts';
import { type History, type LogItem, sizeOf } from './history.ts';
import { RecordedTimes } from './recorded-times.ts';

/**
 * The one live subscription of this process, whoever follows the log here. It is opened anew after
 * the last event that it gave, however it ended: with a fault, silently, or with another leader.
 */
export class LiveTail {
  readonly #connection: Connection;
  readonly #history: History;
  readonly #onNews: () => void;
  readonly #stopping = new AbortController();
  #following: { recent: RecentEvents; times: RecordedTimes } | undefined;
  #reached: Position = 0n;
  /** Where it goes on. */
  #place: Position = 0n;
  #failures = 0;
  #fault: unknown;
  #running: Promise<void> | undefined;

  constructor(connection: Connection, history: History, onNews: () => void) {
    this.#connection = connection;
    this.#history = history;
    this.#onNews = onNews;
  }

  /** Position of the last event that it has seen. */
  get reached(): Position {
    return this.#reached;
  }

  /** The newest events. Throws StoreUnavailable until it runs, and what ended it for good. */
  get recent(): RecentEvents {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#following === undefined) throw new StoreUnavailable('the log is not followed yet');
    return this.#following.recent;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#follow();
      } catch (fault) {
        const known = storeFault(fault);
        if (!(known instanceof StoreUnavailable)) {
          this.#fault = known;
          this.#onNews();
          return;
        }
      }
      this.#failures += 1;
      const delayMs = this.#connection.retryMs(this.#failures);
      await pause(delayMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Follows the log until the subscription ends. */
  async #follow(): Promise<void> {
    if (this.#following === undefined) {
      const { head, place } = await this.#history.end();
      const { at } = await this.#history.placeOf(head);
      this.#reached = head;
      this.#place = place;
      this.#following = { recent: new RecentEvents(Number(head)), times: new RecordedTimes(at) };
      this.#onNews();
    }
    const { recent, times } = this.#following;
    const open = () => {
      const source = this.#history.open(this.#place);
      const end = () => source.unsubscribe().catch(() => {});
      this.#stopping.signal.addEventListener('abort', end, { once: true });
      source.once('close', () => this.#stopping.signal.removeEventListener('abort', end));
      return source;
    };
    const take = (item: LogItem) => {
      this.#failures = 0;
      const event = this.#history.eventOf(item);
      if (event !== undefined && event.position > this.#reached) {
        recent.add([times.next(event)], sizeOf(event));
        this.#reached = event.position;
        this.#place = event.position;
        this.#onNews();
      }
      return !this.#stopping.signal.aborted;
    };
    // Silence is no fault here: that the server is there is asked by the connection itself.
    await this.#connection.read<LogItem>(open, take, Number.POSITIVE_INFINITY);
  }
}
