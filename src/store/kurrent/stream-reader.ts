import type { ResolvedEvent } from '@eventstore/db-client';
import { limits } from '../../limits.ts';
import type { RecordedEvent } from '../store.ts';
import type { Connection } from './connection.ts';
import { isStreamNotFound } from './faults.ts';
import { sizeOf } from './history.ts';
import { fromRecord } from './records.ts';

/** Reads single streams. */
export class StreamReader {
  readonly #connection: Connection;
  readonly #prefix: string;

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  /** The events from a revision on, page by page. */
  async *pages(stream: string, fromRevision: number): AsyncGenerator<RecordedEvent[]> {
    for (let next = Math.max(fromRevision, 0); ; ) {
      const page = await this.#page(stream, next);
      if (page.length === 0) return;
      yield page;
      // Its first events may have been removed: what a source does with its replies is its own.
      next = (page.at(-1) as RecordedEvent).revision + 1;
    }
  }

  #page(stream: string, fromRevision: number): Promise<RecordedEvent[]> {
    const { client, options } = this.#connection;
    const name = this.#prefix + stream;
    const maxCount = limits.readPageEventsMax;
    const open = () => {
      const from = BigInt(fromRevision);
      return client.readStream(name, { fromRevision: from, maxCount, ...options });
    };
    return this.#connection.call(async () => {
      const events: RecordedEvent[] = [];
      let bytes = 0;
      const take = ({ event: record }: ResolvedEvent) => {
        if (record === undefined) return true;
        const event = fromRecord(record, this.#prefix);
        events.push(event);
        bytes += sizeOf(event);
        return events.length < maxCount && bytes < limits.readPageBytesMax;
      };
      try {
        await this.#connection.read(open, take, limits.kurrentSilenceMsMax);
      } catch (fault) {
        if (!isStreamNotFound(fault)) throw fault;
      }
      return events;
    });
  }
}
