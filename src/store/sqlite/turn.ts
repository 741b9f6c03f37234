import {
  type Appended,
  CorruptEvent,
  type EventToAppend,
  type RecordedEvent,
  WrongExpectedRevision,
} from '../store.ts';
import { chainFrame, decodeEvents, encodeEvents } from './frames.ts';
import type { LogFile, StreamHead, Tip } from './log-file.ts';
import { nextPosition } from './positions.ts';
import type { StreamHeads } from './stream-heads.ts';

/** An append that has been accepted. */
export interface Append {
  readonly stream: string;
  readonly expected: number;
  readonly events: readonly EventToAppend[];
  readonly bytes: number;
}

/** What became of an append: where it went, with its events if it is new, or why it did not. */
export type Outcome =
  | { readonly appended: Appended; readonly recorded?: readonly RecordedEvent[] }
  | { readonly refused: Error };

const NO_HEAD: StreamHead = { revision: -1, hash: '' };

/**
 * The appends of one transaction, each decided on what the ones before it have written. What it
 * learns is its own until the transaction is durable: the caller takes over tip and heads then.
 */
export class Turn {
  readonly #file: LogFile;
  readonly #epoch: number;
  readonly #known: StreamHeads;
  readonly #now: number;
  readonly heads = new Map<string, StreamHead>();
  tip: Tip;

  constructor(file: LogFile, epoch: number, tip: Tip, known: StreamHeads, now: Date) {
    this.#file = file;
    this.#epoch = epoch;
    this.#known = known;
    this.#now = now.getTime();
    this.tip = tip;
  }

  /** Writes an append, or refuses it alone; what SQLite throws ends the whole turn. */
  write({ stream, expected, events }: Append): Outcome {
    const head = this.#headOf(stream);
    if (head.revision !== expected) return this.#replay(stream, expected, head.revision, events);
    if (events[0]?.metadata.previousHash !== head.hash) {
      const problem = `the append is not chained to the last event of ${stream}`;
      return { refused: new RangeError(problem) };
    }
    return this.#insert(stream, expected + 1, events);
  }

  #insert(stream: string, revision: number, events: readonly EventToAppend[]): Outcome {
    const recorded: RecordedEvent[] = [];
    for (const together of byRecordedTime(events)) {
      recorded.push(...this.#insertFrame(stream, revision + recorded.length, together));
    }
    return { appended: appendedAs(recorded), recorded };
  }

  #insertFrame(
    stream: string,
    revision: number,
    events: readonly EventToAppend[],
  ): RecordedEvent[] {
    const position = nextPosition(this.tip.position, this.#epoch);
    const copied = events[0]?.recordedAt;
    const at = copied === undefined ? this.#now : Date.parse(copied);
    const recordedAt = Math.max(at, this.tip.recordedAt);
    const { hash } = events.at(-1) as EventToAppend;
    const chain = chainFrame(this.tip.chain, { position, recordedAt, stream }, hash);
    const count = events.length;
    const text = encodeEvents(events);
    this.#file.insert({ position, stream, revision, count, recordedAt, events: text, chain });
    this.tip = { position: position + count - 1, recordedAt, chain };
    this.heads.set(stream, { revision: revision + count - 1, hash });
    return asRecorded(stream, revision, position, recordedAt, events);
  }

  /** The same events after the expected revision mean that this append has happened before. */
  #replay(
    stream: string,
    expected: number,
    actual: number,
    events: readonly EventToAppend[],
  ): Outcome {
    const conflict = { refused: new WrongExpectedRevision(stream, expected, actual) };
    if (actual < expected + events.length) return conflict;
    const present: RecordedEvent[] = [];
    try {
      for (const frame of this.#file.framesOfStream(stream, expected + 1)) {
        const found = decodeEvents(frame).filter(({ revision }) => revision > expected);
        present.push(...found.slice(0, events.length - present.length));
        if (present.some(({ id }, index) => id !== events[index]?.id)) return conflict;
        if (present.length === events.length) break;
      }
    } catch (fault) {
      if (fault instanceof CorruptEvent) return { refused: fault };
      throw fault;
    }
    return { appended: appendedAs(present) };
  }

  #headOf(stream: string): StreamHead {
    const known = this.heads.get(stream) ?? this.#known.get(stream);
    if (known !== undefined) return known;
    const head = this.#file.headOfStream(stream) ?? NO_HEAD;
    this.heads.set(stream, head);
    return head;
  }
}

/** A frame has one recorded time: copies of events that had several go into as many frames. */
function byRecordedTime(events: readonly EventToAppend[]): readonly EventToAppend[][] {
  const parts: EventToAppend[][] = [];
  for (const event of events) {
    const part = parts.at(-1);
    if (part !== undefined && part[0]?.recordedAt === event.recordedAt) part.push(event);
    else parts.push([event]);
  }
  return parts;
}

function appendedAs(recorded: readonly RecordedEvent[]): Appended {
  const { revision, position } = recorded.at(-1) as RecordedEvent;
  return { revision, position };
}

/** The events as a reader will find them; sealed events are frozen, so they can be shared. */
function asRecorded(
  stream: string,
  revision: number,
  position: number,
  recordedAtMs: number,
  events: readonly EventToAppend[],
): RecordedEvent[] {
  const recordedAt = new Date(recordedAtMs).toISOString();
  return events.map(({ id, type, data, metadata }, index) => ({
    stream,
    revision: revision + index,
    position: BigInt(position + index),
    id,
    type,
    data,
    metadata,
    recordedAt,
  }));
}
