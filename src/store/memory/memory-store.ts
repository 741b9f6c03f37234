import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../../limits.ts';
import { checkAppend } from '../append-rules.ts';
import { isOfCategories } from '../category.ts';
import {
  type Appended,
  type EventHandler,
  type EventToAppend,
  type Position,
  type PositionRange,
  type RecordedEvent,
  type Store,
  StoreUnavailable,
  type SubscribeOptions,
  type Subscription,
  WrongExpectedRevision,
} from '../store.ts';
import { type EventPage, Subscriptions } from '../subscription.ts';

/** What is kept of an event: texts only, so that nobody can change it from outside. */
interface Kept {
  readonly stream: string;
  readonly position: Position;
  readonly id: string;
  readonly body: string;
  readonly hash: string;
  readonly recordedAt: string;
}

/**
 * The store in a few arrays: for tests, and to say plainly what every engine does. It answers on a
 * later turn of the event loop, as the others do. Other engines share events between their writer
 * and all readers, who must not change them; here they are frozen, so that a test finds who does.
 */
export class MemoryStore implements Store {
  readonly lostPositions: readonly PositionRange[] = [];
  readonly #clock: () => Date;
  readonly #categories: readonly string[] | undefined;
  #head: Position = 0n;
  /** The event at position n is the one at index n - 1. */
  readonly #log: Kept[] = [];
  readonly #streams = new Map<string, Kept[]>();
  readonly #subscriptions = new Subscriptions();
  /** Recorded time of the last event, in milliseconds; it never goes back. */
  #recordedAt = 0;
  #waiting = 0;
  #closed = false;

  /** The head tells of streams of these categories alone, where any are named. */
  constructor(options: { clock: () => Date; categories?: readonly string[] }) {
    this.#clock = options.clock;
    this.#categories = options.categories;
  }

  async append(
    stream: string,
    expected: number,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    checkAppend(stream, expected, events);
    for (const { data, metadata } of events) freeze([data, metadata]);
    this.#refuseWhenClosed();
    if (this.#waiting === limits.storeQueueAppendsMax) {
      throw new StoreUnavailable('too many appends are waiting');
    }
    this.#waiting += 1;
    await nextTurn();
    this.#waiting -= 1;
    const kept = this.#streams.get(stream) ?? [];
    const actual = kept.length - 1;
    const present =
      actual === expected
        ? this.#keep(stream, kept, events)
        : kept.slice(expected + 1, expected + 1 + events.length);
    if (!haveSameIds(present, events)) throw new WrongExpectedRevision(stream, expected, actual);
    const { position } = present.at(-1) as Kept;
    return { revision: expected + events.length, position };
  }

  async *readStream(stream: string, fromRevision: number): AsyncGenerator<RecordedEvent[]> {
    await this.#laterTurn();
    const rest = this.#streams.get(stream)?.slice(Math.max(fromRevision, 0)) ?? [];
    for (let from = 0; from < rest.length; from += limits.readPageEventsMax) {
      yield rest.slice(from, from + limits.readPageEventsMax).map(recorded);
    }
  }

  async *readAll(after: Position, categories?: readonly string[]): AsyncGenerator<RecordedEvent> {
    await this.#laterTurn();
    for (const kept of this.#log.slice(Number(after))) {
      if (isOfCategories(kept.stream, categories)) yield recorded(kept);
    }
  }

  subscribe(after: Position, handler: EventHandler, options: SubscribeOptions = {}): Subscription {
    this.#refuseWhenClosed();
    const readPage = (reached: Position) => this.#page(reached, options.categories);
    return this.#subscriptions.start(after, readPage, handler);
  }

  async head(): Promise<Position> {
    await this.#laterTurn();
    return this.#head;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#subscriptions.end();
    // What was accepted waits for this turn as well, and came before.
    await nextTurn();
  }

  /** Adds events to both orders; a chain that does not hold is a fault of the program. */
  #keep(stream: string, kept: Kept[], events: readonly EventToAppend[]): Kept[] {
    if (events[0]?.metadata.previousHash !== (kept.at(-1)?.hash ?? '')) {
      throw new RangeError(`the append is not chained to the last event of ${stream}`);
    }
    const now = this.#clock();
    const added = events.map(({ id, body, hash, recordedAt: copied }, index) => {
      const position = BigInt(this.#log.length + 1 + index);
      const recordedAt = this.#recordedAtOf(copied === undefined ? now : new Date(copied));
      return { stream, position, id, body, hash, recordedAt };
    });
    this.#log.push(...added);
    if (isOfCategories(stream, this.#categories)) this.#head = BigInt(this.#log.length);
    kept.push(...added);
    this.#streams.set(stream, kept);
    this.#subscriptions.wake();
    return added;
  }

  #recordedAtOf(at: Date): string {
    this.#recordedAt = Math.max(this.#recordedAt, at.getTime());
    return new Date(this.#recordedAt).toISOString();
  }

  #page(reached: Position, categories?: readonly string[]): EventPage {
    const page = this.#log.slice(Number(reached), Number(reached) + limits.readPageEventsMax);
    const events = page.filter((kept) => isOfCategories(kept.stream, categories)).map(recorded);
    return { events, upTo: page.at(-1)?.position ?? reached };
  }

  async #laterTurn(): Promise<void> {
    this.#refuseWhenClosed();
    await nextTurn();
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new StoreUnavailable('the store is closed');
  }
}

function haveSameIds(kept: readonly Kept[], events: readonly EventToAppend[]): boolean {
  return (
    kept.length === events.length && kept.every((each, index) => each.id === events[index]?.id)
  );
}

/** Parsed anew for each reader, from the text that was appended. */
function recorded({ position, body, hash, recordedAt }: Kept): RecordedEvent {
  const [stream, revision, id, type, data, metadata] = JSON.parse(body);
  metadata.hash = hash;
  freeze([data, metadata]);
  return { stream, revision, position, id, type, data, metadata, recordedAt };
}

/** Freezes plain JSON through and through. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  for (const part of Object.values(value)) freeze(part);
  Object.freeze(value);
}
