import { randomUUID } from 'node:crypto';
import type { Message, MessageHandler, Messages } from '../../src/store/messages.ts';
import type { Subscription } from '../../src/store/store.ts';

interface Follower {
  wake(): void;
}

/** Streams of other programs in memory, as KurrentDB has them. */
export class MessageStreams implements Messages {
  readonly #streams = new Map<string, Message[]>();
  readonly #followers = new Set<Follower>();

  /** Writes a message; gives its id. */
  emit(stream: string, type: string, data: unknown, id = randomUUID(), metadata = {}): string {
    const messages = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, messages);
    const revision = (messages.at(-1)?.revision ?? -1) + 1;
    messages.push({ revision, id, type, data: structuredClone(data), metadata });
    for (const follower of this.#followers) follower.wake();
    return id;
  }

  /** What has been written. */
  of(stream: string): readonly Message[] {
    return this.#streams.get(stream) ?? [];
  }

  /** Takes away the first so many messages; the numbers of the others stay. */
  remove(stream: string, count: number): void {
    this.#streams.get(stream)?.splice(0, count);
  }

  follow(stream: string, after: number, handler: MessageHandler): Subscription {
    let reached = after;
    let isStopped = false;
    let wake = () => {};
    const run = async () => {
      while (!isStopped) {
        const batch = this.of(stream).filter(({ revision }) => revision > reached);
        if (batch.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        const some = batch.slice(0, 64);
        await handler(some);
        reached = some.at(-1)?.revision ?? reached;
      }
    };
    const follower = { wake: () => wake() };
    this.#followers.add(follower);
    const done = run().finally(() => this.#followers.delete(follower));
    return {
      done,
      stop: async () => {
        isStopped = true;
        wake();
        await Promise.allSettled([done]);
      },
    };
  }
}
