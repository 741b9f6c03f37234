import type { ServerResponse } from 'node:http';
import type { Position, RecordedEvent, Subscription } from '../../store/store.ts';
import type { FeedBounds } from '../deps.ts';
import { cloudEvent } from './cloud-event.ts';
import { type FeedRequest, SSE_TYPE } from './feed-request.ts';

export interface FeedStreamOptions extends FeedBounds {
  readonly request: FeedRequest;
  /** A feed that is not live ends when it has come to this position. */
  readonly head: Position;
  readonly subscribe: (
    handler: (events: readonly RecordedEvent[]) => Promise<void>,
  ) => Subscription;
  /** Runs once when the connection is over. */
  readonly onClose: () => void;
  /** Runs with what keeps the feed from being read on. */
  readonly onFault: (fault: unknown) => void;
}

/**
 * The answer to one follower of the feed. The subscription is not read on before the follower has
 * taken what was read, so a slow one costs no memory, and one that takes nothing is cut off.
 */
export class FeedStream {
  readonly #response: ServerResponse;
  readonly #options: FeedStreamOptions;
  readonly #isSse: boolean;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #subscription: Subscription;
  #isOver = false;
  #drained: Promise<void> | undefined;
  #goOn: () => void = () => {};

  /** Sends the head of the answer at once: also a feed without events has begun. */
  constructor(response: ServerResponse, options: FeedStreamOptions) {
    const { request, heartbeatMs, onClose, onFault } = options;
    this.#response = response;
    this.#options = options;
    this.#isSse = request.mediaType === SSE_TYPE;
    response.writeHead(200, { 'content-type': request.mediaType, 'cache-control': 'no-cache' });
    response.flushHeaders();
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    response.on('drain', () => this.#goOn());
    response.on('error', () => response.destroy());
    response.on('close', () => {
      this.#stop();
      onClose();
    });
    this.#subscription = options.subscribe((events) => this.#take(events));
    this.#subscription.done.then(
      () => this.end(),
      (fault: unknown) => {
        // An answer that is cut off tells its reader that it is not whole.
        this.#stop();
        response.destroy();
        onFault(fault);
      },
    );
  }

  /** Ends the answer in order: what has been written is whole. */
  end(): void {
    if (this.#isOver) return;
    this.#stop();
    this.#response.end();
    const cut = setTimeout(() => this.#response.destroy(), this.#options.stallMsMax);
    this.#response.once('close', () => clearTimeout(cut));
  }

  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    this.#goOn();
    this.#subscription.stop();
  }

  async #take(events: readonly RecordedEvent[]): Promise<void> {
    const { request, head, chunkBytesMax } = this.#options;
    let chunk = '';
    for (const event of events) {
      if (this.#isOver) return;
      if (!request.isLive && event.position > head) break;
      if (!request.matches(event)) continue;
      chunk += this.#textOf(event);
      if (chunk.length < chunkBytesMax) continue;
      await this.#write(chunk);
      chunk = '';
    }
    if (chunk !== '' && !this.#isOver) await this.#write(chunk);
    const last = events.at(-1)?.position ?? 0n;
    if (!request.isLive && last >= head) this.end();
  }

  #textOf(event: RecordedEvent): string {
    const text = JSON.stringify(cloudEvent(event));
    return this.#isSse ? `id: ${event.position}\ndata: ${text}\n\n` : `${text}\n`;
  }

  /** Writes, and resolves when there is room for more, or nothing more will be written. */
  #write(text: string): Promise<void> {
    if (this.#response.write(text)) return Promise.resolve();
    this.#drained ??= new Promise<void>((resolve) => {
      const cut = setTimeout(() => this.#response.destroy(), this.#options.stallMsMax);
      this.#goOn = () => {
        clearTimeout(cut);
        this.#drained = undefined;
        resolve();
      };
    });
    return this.#drained;
  }

  /** Something that means nothing keeps the follower, and what is between, from giving up. */
  #beat(): void {
    if (this.#isOver || this.#drained !== undefined) return;
    this.#write(this.#isSse ? ':\n\n' : '\n');
  }
}
