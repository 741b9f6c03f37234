import { setTimeout as pause } from 'node:timers/promises';
import { type ResolvedEvent, START, type StreamSubscription } from '@eventstore/db-client';
import { limits } from '../../limits.ts';
import type { Message, MessageHandler } from '../messages.ts';
import { StoreUnavailable, type Subscription } from '../store.ts';
import type { Connection } from './connection.ts';
import { storeFault } from './faults.ts';

/**
 * A catch-up subscription to one stream of another program. It is opened anew after the last
 * message that was handled, however it ended.
 */
export class FollowedStream implements Subscription {
  readonly done: Promise<void>;
  readonly #connection: Connection;
  readonly #stream: string;
  readonly #handler: MessageHandler;
  readonly #stopping = new AbortController();
  #after: number;
  #failures = 0;

  constructor(connection: Connection, stream: string, after: number, handler: MessageHandler) {
    this.#connection = connection;
    this.#stream = stream;
    this.#after = after;
    this.#handler = handler;
    this.done = this.#run();
    // Whoever does not look at it is told by nothing else.
    this.done.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([this.done]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#read();
      } catch (fault) {
        const known = storeFault(fault);
        if (!(known instanceof StoreUnavailable)) throw known;
      }
      this.#failures += 1;
      const delayMs = this.#connection.retryMs(this.#failures);
      await pause(delayMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Reads until the subscription ends. */
  async #read(): Promise<void> {
    const { client, options } = this.#connection;
    const { signal } = this.#stopping;
    let source: StreamSubscription | undefined;
    const open = () => {
      const fromRevision = this.#after < 0 ? START : BigInt(this.#after);
      const buffer = { highWaterMark: limits.messagesPerBatchMax };
      const opened = client.subscribeToStream(this.#stream, { fromRevision, ...options }, buffer);
      const end = () => opened.unsubscribe().catch(() => {});
      signal.addEventListener('abort', end, { once: true });
      opened.once('close', () => signal.removeEventListener('abort', end));
      source = opened;
      return opened;
    };
    let batch: Message[] = [];
    const take = async ({ event }: ResolvedEvent) => {
      this.#failures = 0;
      if (event !== undefined) batch.push(messageOf(event));
      // What has come meanwhile is handled together.
      const isFull = batch.length >= limits.messagesPerBatchMax;
      if (!isFull && (source?.readableLength ?? 0) > 0) return !signal.aborted;
      const last = batch.at(-1);
      if (last !== undefined) {
        await this.#handler(batch);
        this.#after = last.revision;
        batch = [];
      }
      return !signal.aborted;
    };
    // Silence is no fault here: that the server is there is asked by the connection itself.
    await this.#connection.read(open, take, Number.POSITIVE_INFINITY);
  }
}

function messageOf(record: NonNullable<ResolvedEvent['event']>): Message {
  const { revision, id, type, data, isJson, metadata } = record;
  return { revision: Number(revision), id, type, data: isJson ? data : undefined, metadata };
}
