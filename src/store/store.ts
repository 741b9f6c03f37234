import type { Fact } from './facts.ts';
import type { Messages } from './messages.ts';

/** A place in the whole log: unsigned, below 2^63, compared as numbers; gaps are allowed. */
export type Position = bigint;

/** Expected revision of a stream that must not exist yet. */
export const NO_STREAM = -1;

/** What the hash chain puts into the metadata of every event, beside what its writer put there. */
export interface EventMetadata {
  /** Hash of the event before it in its stream; empty for the first. */
  readonly previousHash: string;
  readonly hash: string;
  readonly [name: string]: unknown;
}

/** An event on its way into the log. Only `sealEvent` and `sealCommand` make one. */
export interface EventToAppend {
  readonly id: string;
  readonly type: string;
  /** Plain JSON that nobody changes any more: it belongs to the store and its readers. */
  readonly data: object;
  /** The same. */
  readonly metadata: EventMetadata;
  /**
   * The JSON text that the hash covers: [stream, revision, id, type, data, metadata without hash].
   * It is serialised once, for the log and for the hash.
   */
  readonly body: string;
  readonly hash: string;
  /**
   * For a copy of another log's event: when that log recorded it, ISO 8601 UTC. It takes the place
   * of this log's own time for it.
   */
  readonly recordedAt?: string;
}

/** An event as the log holds it. */
export interface RecordedEvent {
  readonly stream: string;
  /** Place in its stream, from 0. */
  readonly revision: number;
  readonly position: Position;
  readonly id: string;
  readonly type: string;
  readonly data: object;
  readonly metadata: EventMetadata;
  /** ISO 8601 UTC, by the store; never earlier than that of the event before it in the log. */
  readonly recordedAt: string;
}

/** Where an append went. */
export interface Appended {
  /** Revision of its last event. */
  readonly revision: number;
  /** Position of its last event. */
  readonly position: Position;
}

/** Positions above `after`, up to and including `upTo`. */
export interface PositionRange {
  readonly after: Position;
  readonly upTo: Position;
}

export interface SubscribeOptions {
  /** Only events of these categories; a category is a stream's name before its first "-". */
  readonly categories?: readonly string[];
}

/** Takes a batch of events; the next batch is given when its promise has settled. */
export type EventHandler = (events: readonly RecordedEvent[]) => void | Promise<void>;

export interface Subscription {
  /**
   * Settles when the subscription has ended: resolved after `stop` or the store's close, rejected
   * with the fault that ended it, which is what the handler threw, or what could not be read.
   */
  readonly done: Promise<void>;
  /** Begins no further batch; resolves when the handler that is running has settled. */
  stop(): Promise<void>;
}

/**
 * An append-only log of events in streams. What an `append` resolved with is durable; what it
 * rejected with `StoreUnavailable` may or may not be in the log, and the identical append tells.
 */
export interface Store {
  /**
   * Adds events to a stream whose last revision is `expected`, all or none.
   *
   * Where `expected` does not match, the events after it are compared with the proposed ones by
   * id: the same ids in the same order mean that this very append has happened, and its numbers
   * are given again. Everything else is `WrongExpectedRevision`. Where `expected` matches, ids are
   * not compared with anything: an id that is used again further on in a stream is stored again.
   */
  append(stream: string, expected: number, events: readonly EventToAppend[]): Promise<Appended>;

  /**
   * The events of a stream from a revision on, page by page; none when the stream does not exist.
   * An event is read as it was written, and is not proved by its hash: whoever folds a stream
   * compares that each event names the hash of the one before it.
   */
  readStream(stream: string, fromRevision: number): AsyncIterable<readonly RecordedEvent[]>;

  /**
   * The same without metadata, where an engine reads that at less cost. Without it, the facts are
   * made of the events.
   */
  readFacts?(stream: string, fromRevision: number): AsyncIterable<readonly Fact[]>;

  /** The events after a position in log order, each proved, up to the head at the first read. */
  readAll(after: Position, categories?: readonly string[]): AsyncIterable<RecordedEvent>;

  /**
   * All events in log order up to the head at the first read, each proved together with all that
   * the engine keeps beside it; absent where it keeps nothing, so that `readAll` proves as much.
   */
  readProved?(): AsyncIterable<RecordedEvent>;

  /**
   * Gives every event after a position to the handler in log order, in batches, first those that
   * are there and then those to come, without a gap and without a repeat.
   */
  subscribe(after: Position, handler: EventHandler, options?: SubscribeOptions): Subscription;

  /** Position of the last event; 0n when there is none. */
  head(): Promise<Position>;

  /**
   * Positions that an earlier life of this log may have given to events that are gone, oldest
   * first: restoring a backup and importing a log leave such a range behind, and what is recorded
   * later has positions above it.
   */
  readonly lostPositions: readonly PositionRange[];

  /** Whether other processes may append to this log at the same time. */
  readonly isShared?: boolean;

  /** Streams of other programs beside this log, where the engine has such. */
  readonly messages?: Messages;

  /** Finishes the appends that were accepted, ends the subscriptions, then refuses everything. */
  close(): Promise<void>;
}

/** The stream is not at the revision that an append expected. */
export class WrongExpectedRevision extends Error {
  override readonly name = 'WrongExpectedRevision';
  readonly stream: string;
  readonly expected: number;
  /** The stream's last revision; `NO_STREAM` when there is no such stream. */
  readonly actual: number;

  constructor(stream: string, expected: number, actual: number) {
    super(`stream ${stream}: expected revision ${expected}, actual revision ${actual}`);
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

/** The store does not answer now. Of an append it is unknown whether it has happened. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** There is no room. The append has not happened; the store goes on when there is room again. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull';
}

/** An event in the log is not what was written. */
export class CorruptEvent extends Error {
  override readonly name = 'CorruptEvent';
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly problem: string;

  constructor(stream: string, revision: number, position: Position, problem: string) {
    super(
      `corrupt event at position ${position} (stream ${stream}, revision ${revision}): ${problem}`,
    );
    this.stream = stream;
    this.revision = revision;
    this.position = position;
    this.problem = problem;
  }
}

/** The store was not opened; the message tells an operator what is wrong and what to do. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
  /** The file or directory that is refused. */
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path} ${problem}`, options);
    this.path = path;
  }
}
