import {
  type AppendToStreamOptions,
  type EventData,
  NO_STREAM as FIRST,
} from '@eventstore/db-client';
import { limits } from '../../limits.ts';
import { checkAppend } from '../append-rules.ts';
import {
  type Appended,
  type EventToAppend,
  NO_STREAM,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../store.ts';
import type { Connection } from './connection.ts';
import { conflictingRevision } from './faults.ts';
import { toClientEvent } from './records.ts';

/** Appends of one stream one after another: several at once would overtake each other. */
export class Appends {
  readonly #connection: Connection;
  readonly #prefix: string;
  /** What the next append of a stream waits for. */
  readonly #last = new Map<string, Promise<unknown>>();
  #waiting = 0;
  #bytes = 0;

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  async append(
    stream: string,
    expected: number,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    const bytes = checkAppend(stream, expected, events);
    const sent = events.map(toClientEvent);
    const isFull = this.#waiting === limits.storeQueueAppendsMax;
    if (isFull || this.#bytes + bytes > limits.storeQueueBytesMax) {
      throw new StoreUnavailable('too many appends are waiting');
    }
    this.#waiting += 1;
    this.#bytes += bytes;
    const before = this.#last.get(stream);
    const answer = (async () => {
      await before;
      return this.#send(stream, expected, sent);
    })();
    const settled = answer.then(
      () => {},
      () => {},
    );
    this.#last.set(stream, settled);
    try {
      return await answer;
    } finally {
      this.#waiting -= 1;
      this.#bytes -= bytes;
      if (this.#last.get(stream) === settled) this.#last.delete(stream);
    }
  }

  /** Resolves when what was accepted has been answered. */
  async drain(): Promise<void> {
    await Promise.all(this.#last.values());
  }

  async #send(stream: string, expected: number, events: EventData[]): Promise<Appended> {
    const { client, options } = this.#connection;
    const expectedRevision = expected === NO_STREAM ? FIRST : BigInt(expected);
    const deadline = limits.kurrentSilenceMsMax;
    const appendOptions: AppendToStreamOptions = { ...options, expectedRevision, deadline };
    return this.#connection.call(async () => {
      try {
        const answer = await client.appendToStream(this.#prefix + stream, events, appendOptions);
        return { revision: expected + events.length, position: answer.position?.commit ?? 0n };
      } catch (fault) {
        const actual = conflictingRevision(fault);
        if (actual === undefined) throw fault;
        const revision = actual === 'no_stream' ? NO_STREAM : Number(actual);
        throw new WrongExpectedRevision(stream, expected, revision);
      }
    });
  }
}
