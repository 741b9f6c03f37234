import type { Subscription } from './store.ts';

/** Something that another program has written into a stream of its own; nothing of it is proved. */
export interface Message {
  readonly revision: number;
  /** A UUID that its writer has chosen. */
  readonly id: string;
  readonly type: string;
  /** What JSON it is; undefined where it is none. */
  readonly data: unknown;
  readonly metadata: unknown;
}

/** Takes a batch of messages; the next batch is given when its promise has settled. */
export type MessageHandler = (messages: readonly Message[]) => Promise<void>;

/** Streams that other programs write messages to, beside the log. */
export interface Messages {
  /**
   * Gives every message of a stream after a revision (-1: from the first on) to the handler, first
   * those that are there and then those to come, in order. A stream that is not there has none yet.
   * While the store is away it waits; `done` rejects with what keeps the stream from being read.
   */
  follow(stream: string, after: number, handler: MessageHandler): Subscription;
}
