import { limits } from '../../limits.ts';
import type { StreamHead } from './log-file.ts';

/** The ends of the streams that were written last, so that most appends need no look-up. */
export class StreamHeads {
  /** In the order of their last use, the oldest first. */
  readonly #heads = new Map<string, StreamHead>();

  get(stream: string): StreamHead | undefined {
    return this.#heads.get(stream);
  }

  set(stream: string, head: StreamHead): void {
    this.#heads.delete(stream);
    this.#heads.set(stream, head);
    if (this.#heads.size > limits.storeStreamHeadsMax) {
      this.#heads.delete(this.#heads.keys().next().value as string);
    }
  }
}
