import {
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  BACKWARDS,
  END,
  type Filter,
  FORWARDS,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import { limits } from '../../limits.ts';
import { isOfCategories } from '../category.ts';
import type { Position, RecordedEvent } from '../store.ts';
import type { Connection } from './connection.ts';
import { isInvalidPosition } from './faults.ts';
import { fromRecord, requireProof } from './records.ts';

/** Stands among the events of a subscription where the end of the log was reached. */
const CAUGHT_UP = Symbol('caught up');
export type LogItem = AllStreamResolvedEvent | typeof CAUGHT_UP;

/** A subscription that has the mark among its events. */
type LogSource = Omit<AllStreamSubscription, typeof Symbol.asyncIterator> & AsyncIterable<LogItem>;

/** Which of the cluster's streams are this log. */
interface Scope {
  /** What all their names begin with; the rest is their name in this log. */
  readonly prefix: string;
  /** Their categories; undefined for all. */
  readonly categories: readonly string[] | undefined;
}

/** The log as it is stored: our events among those of the system and of whoever else is there. */
export class History {
  readonly #connection: Connection;
  readonly #scope: Scope;
  /** Position of the last event of this log up to a place in the cluster's, and that place. */
  #head: Position = 0n;
  #seen: Position = 0n;

  constructor(connection: Connection, scope: Scope) {
    this.#connection = connection;
    this.#scope = scope;
  }

  /** Position of the last event of this log. */
  async head(): Promise<Position> {
    return (await this.end()).head;
  }

  /** The same, with a place from which everything after it follows; others may have written it. */
  async end(): Promise<{ readonly head: Position; readonly place: Position }> {
    const { seen, head } = (await this.#newest()) ?? (await this.#rest());
    if (seen > this.#seen) this.#seen = seen;
    if (head > this.#head) this.#head = head;
    return { head: this.#head, place: this.#seen };
  }

  /** The next events after a place where an event stands, proved; `isLast` at the log's end. */
  async page(
    from: Position,
    categories?: readonly string[],
  ): Promise<{ readonly events: RecordedEvent[]; readonly isLast: boolean }> {
    return this.#connection.call(async () => {
      const events: RecordedEvent[] = [];
      let isLast = false;
      let bytes = 0;
      const take = (item: LogItem) => {
        if (item === CAUGHT_UP) isLast = true;
        const event = this.eventOf(item, categories);
        if (event !== undefined) {
          events.push(event);
          bytes += sizeOf(event);
        }
        const isFull =
          events.length === limits.readPageEventsMax || bytes >= limits.readPageBytesMax;
        return !isLast && !isFull;
      };
      const open = () => this.open(from, categories);
      await this.#connection.read<LogItem>(open, take, limits.kurrentSilenceMsMax);
      return { events, isLast };
    });
  }

  /** Every event of our streams after a place, then what comes, with the end of the log marked. */
  open(from: Position, categories?: readonly string[]): LogSource {
    const { client, options } = this.#connection;
    const filter = this.#filter(categories ?? this.#scope.categories);
    const fromPosition = from === 0n ? START : { commit: from, prepare: from };
    const buffer = { highWaterMark: limits.kurrentBufferedEventsMax };
    const source = client.subscribeToAll({ fromPosition, filter, ...options }, buffer) as LogSource;
    // The client tells it when it parses it: here it takes its place behind the events before it.
    source.on('caughtUp', () => source.push(CAUGHT_UP));
    return source;
  }

  /** The event of an item, proved; undefined for what is none of this log or of the categories. */
  eventOf(item: LogItem, categories?: readonly string[]): RecordedEvent | undefined {
    const record = item === CAUGHT_UP ? undefined : item.event;
    if (record === undefined || !this.#isOurs(record.streamId)) return undefined;
    if (!isOfCategories(record.streamId.slice(this.#scope.prefix.length), categories))
      return undefined;
    const event = fromRecord(record, this.#scope.prefix);
    requireProof(event);
    return event;
  }

  /**
   * A place to read on from so that everything after a position follows: that of the event there,
   * else that of the one before it, else the beginning. With it, when the event was recorded.
   */
  async placeOf(after: Position): Promise<{ readonly from: Position; readonly at: string }> {
    if (after === 0n) return { from: 0n, at: '' };
    const [there] = await this.#look(after, FORWARDS, 1);
    const [item] = there === undefined ? await this.#look(after + 1n, BACKWARDS, 1) : [there];
    const event = item?.event;
    if (event === undefined || positionOf(event) > after) return { from: 0n, at: '' };
    const isOurs = this.#isOurs(event.streamId);
    const at = isOurs ? fromRecord(event, this.#scope.prefix).recordedAt : '';
    return { from: positionOf(event), at };
  }

  /** The end of this log, if it is among the newest events of all. */
  async #newest(): Promise<{ seen: Position; head: Position } | undefined> {
    const head = this.#head;
    for (const count of [1, limits.kurrentHeadEventsMin, limits.kurrentHeadEventsMax]) {
      const places = (await this.#look(END, BACKWARDS, count)).map(({ event }) => ({
        position: positionOf(event),
        isOurs: event !== undefined && this.#isOurs(event.streamId),
      }));
      const seen = places[0]?.position ?? 0n;
      const found = places.find(({ position, isOurs }) => isOurs || position <= this.#seen);
      if (found !== undefined) return { seen, head: found.isOurs ? found.position : head };
      if (places.length < count) return { seen, head };
    }
    return undefined;
  }

  /** The same where others have written much since: the server passes over that quickly. */
  async #rest(): Promise<{ seen: Position; head: Position }> {
    const [newest] = await this.#look(END, BACKWARDS, 1);
    let head = this.#head;
    for (let place = this.#seen; ; place = head) {
      const { events, isLast } = await this.page(place);
      head = events.at(-1)?.position ?? head;
      if (isLast) return { seen: positionOf(newest?.event), head };
    }
  }

  /** Events of whatever stream from a place on, in either direction; none if there is no place. */
  async #look(
    place: Position | typeof END,
    direction: typeof FORWARDS | typeof BACKWARDS,
    maxCount: number,
  ): Promise<AllStreamResolvedEvent[]> {
    const fromPosition = place === END ? END : { commit: place, prepare: place };
    const found: AllStreamResolvedEvent[] = [];
    const take = (item: AllStreamResolvedEvent) => found.push(item) < maxCount;
    const { client, options } = this.#connection;
    const open = () => client.readAll({ fromPosition, direction, maxCount, ...options });
    try {
      await this.#connection.call(() =>
        this.#connection.read(open, take, limits.kurrentSilenceMsMax),
      );
    } catch (fault) {
      if (!isInvalidPosition(fault)) throw fault;
    }
    return found;
  }

  #isOurs(stream: string): boolean {
    const { prefix, categories } = this.#scope;
    if (stream.startsWith('$') || !stream.startsWith(prefix)) return false;
    return isOfCategories(stream.slice(prefix.length), categories);
  }

  /** What the server can choose by; it is made exact here. */
  #filter(categories: readonly string[] | undefined): Filter {
    const { prefix } = this.#scope;
    if (categories === undefined && prefix === '') return streamNameFilter({ regex: '^[^$]' });
    return streamNameFilter({ prefixes: (categories ?? ['']).map((name) => prefix + name) });
  }
}

function positionOf(event: AllStreamResolvedEvent['event']): Position {
  return event?.position?.commit ?? 0n;
}

/** About as many bytes as the event takes up. */
export function sizeOf({ data, metadata }: RecordedEvent): number {
  return JSON.stringify(data).length + JSON.stringify(metadata).length;
}
