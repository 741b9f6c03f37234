import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { limits } from '../../limits.ts';
import type { Messages } from '../messages.ts';
import {
  type Appended,
  type EventHandler,
  type EventToAppend,
  type Position,
  type PositionRange,
  type RecordedEvent,
  type Store,
  StoreRefused,
  StoreUnavailable,
  type SubscribeOptions,
  type Subscription,
} from '../store.ts';
import { type EventPage, Subscriptions } from '../subscription.ts';
import { Appends } from './appends.ts';
import { Connection, within, withoutPassword } from './connection.ts';
import { FollowedStream } from './followed-stream.ts';
import { History } from './history.ts';
import { LiveTail } from './live-tail.ts';
import { RecordedTimes } from './recorded-times.ts';
import { StreamReader } from './stream-reader.ts';

export interface KurrentStoreOptions {
  /** `esdb://` or `esdb+discover://`. */
  readonly url: string;
  /** The categories of this log's streams, where others use the cluster, too. */
  readonly categories?: readonly string[];
  /** What the names of its streams begin with in the cluster. */
  readonly prefix?: string;
  /** A number from 0 to 1, for jitter. */
  readonly random?: () => number;
  /** Is told that start waits for the cluster, and that it has answered. */
  readonly log?: Pick<Logger, 'warn' | 'info'>;
  /** Called when the store has been closed. */
  readonly onClosed?: () => void;
}

/** Connects to a cluster. Throws StoreRefused when it does not answer for long, or refuses. */
export async function openKurrentStore(options: KurrentStoreOptions): Promise<KurrentStore> {
  let store: KurrentStore | undefined;
  try {
    store = new KurrentStore(options);
    await untilItAnswers(store, options);
    return store;
  } catch (fault) {
    await (store?.close() ?? options.onClosed?.());
    if (fault instanceof StoreRefused) throw fault;
    const problem = `cannot be used as the store: ${(fault as Error).message}`;
    throw new StoreRefused(withoutPassword(options.url), problem, { cause: fault });
  }
}

/** Waits a bounded time for a cluster that may be starting beside this process. */
async function untilItAnswers(
  store: KurrentStore,
  { url, log }: KurrentStoreOptions,
): Promise<void> {
  const begunMs = performance.now();
  let toldMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const waitedMs = Math.round(performance.now() - begunMs);
    try {
      await store.head();
      if (toldMs >= 0) log?.info({ waitedMs }, 'the store has answered');
      return;
    } catch (fault) {
      const nowMs = performance.now() - begunMs;
      if (!(fault instanceof StoreUnavailable) || nowMs >= limits.kurrentOpenMsMax) throw fault;
      if (nowMs - toldMs >= limits.kurrentOpenTellMs) {
        toldMs = nowMs;
        const { message: reason } = fault;
        const waiting = { store: withoutPassword(url), reason, msMax: limits.kurrentOpenMsMax };
        log?.warn(waiting, 'start waits for the store');
      }
      await pause(limits.kurrentRetryMsMax);
    }
  }
}

/** A KurrentDB cluster, which several ledgers may use at once. */
export class KurrentStore implements Store {
  readonly lostPositions: readonly PositionRange[] = [];
  readonly isShared = true;
  readonly messages: Messages;
  readonly #connection: Connection;
  readonly #history: History;
  readonly #reader: StreamReader;
  readonly #appends: Appends;
  readonly #tail: LiveTail;
  readonly #subscriptions = new Subscriptions();
  readonly #onClosed: () => void;
  #closed = false;

  /** `openKurrentStore` makes one. */
  constructor({ url, categories, prefix = '', random, onClosed = () => {} }: KurrentStoreOptions) {
    this.#onClosed = onClosed;
    this.#connection = new Connection(url, random);
    this.messages = {
      follow: (stream, after, handler) =>
        new FollowedStream(this.#connection, prefix + stream, after, handler),
    };
    this.#history = new History(this.#connection, { prefix, categories });
    this.#reader = new StreamReader(this.#connection, prefix);
    this.#appends = new Appends(this.#connection, prefix);
    this.#tail = new LiveTail(this.#connection, this.#history, () => this.#subscriptions.wake());
  }

  async append(
    stream: string,
    expected: number,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    this.#refuseWhenClosed();
    return this.#appends.append(stream, expected, events);
  }

  async *readStream(stream: string, fromRevision: number): AsyncGenerator<RecordedEvent[]> {
    this.#refuseWhenClosed();
    yield* this.#reader.pages(stream, fromRevision);
  }

  async *readAll(after: Position, categories?: readonly string[]): AsyncGenerator<RecordedEvent> {
    const head = await this.head();
    if (after >= head) return;
    const { from, at } = await this.#history.placeOf(after);
    const times = new RecordedTimes(at);
    for (let reached = from; ; ) {
      const { events, isLast } = await this.#history.page(reached, categories);
      for (const event of events) {
        if (event.position > head) return;
        if (event.position > after) yield times.next(event);
      }
      if (isLast) return;
      reached = events.at(-1)?.position ?? reached;
    }
  }

  subscribe(after: Position, handler: EventHandler, options: SubscribeOptions = {}): Subscription {
    this.#refuseWhenClosed();
    this.#tail.start();
    const readPage = this.#pagesAfter(after, options.categories);
    return this.#subscriptions.start(after, readPage, handler);
  }

  async head(): Promise<Position> {
    this.#refuseWhenClosed();
    return this.#history.head();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await within(this.#appends.drain(), limits.kurrentCloseMsMax).catch(() => {});
    this.#subscriptions.end();
    await within(this.#tail.stop(), limits.kurrentCloseMsMax).catch(() => {});
    await this.#connection.close();
    this.#onClosed();
  }

  /** Pages from memory when everything after a place is there, else from the log. */
  #pagesAfter(start: Position, categories?: readonly string[]) {
    let times: RecordedTimes | undefined;
    let place = start;
    return async (after: Position): Promise<EventPage> => {
      const recent = this.#tail.recent.page(Number(after), categories);
      if (recent !== undefined) return recent;
      try {
        if (times === undefined) {
          const { from, at } = await this.#history.placeOf(after);
          place = from;
          times = new RecordedTimes(at);
        }
        const { reached } = this.#tail;
        const { events, isLast } = await this.#history.page(place, categories);
        place = events.at(-1)?.position ?? place;
        const fresh = events.filter(({ position }) => position > after);
        const last = isLast && reached > place ? reached : place;
        return { events: fresh.map((event) => (times as RecordedTimes).next(event)), upTo: last };
      } catch (fault) {
        const delayMs = this.#connection.retryMs(Number.POSITIVE_INFINITY);
        setTimeout(() => this.#subscriptions.wake(), delayMs).unref();
        throw fault;
      }
    };
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new StoreUnavailable('the store is closed');
  }
}
