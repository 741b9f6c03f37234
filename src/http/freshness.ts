import { LedgerUnavailable } from '../application/request.ts';
import { type Position, StoreUnavailable } from '../store/store.ts';
import type { HttpDeps } from './deps.ts';

const RETRY_AFTER_SECONDS = 5;

/**
 * Brings what this process shows up to what other processes have written, so that who goes from one
 * to another never goes back in time. A process that has its log to itself shows every answer that
 * it has given: there is nothing to wait for, and no promise to pay for.
 */
export class Freshness {
  readonly #store: HttpDeps['store'];
  readonly #views: HttpDeps['views'];
  /** The look at the log's head that those wait for who come now. */
  #next: Promise<Position> | undefined;
  /** Settles when the look that is under way is over. */
  #looked: Promise<unknown> = Promise.resolve();

  constructor({ store, views }: Pick<HttpDeps, 'store' | 'views'>) {
    this.#store = store;
    this.#views = views;
  }

  /** Resolves when everything is shown that was in the log at the call. */
  latest(): Promise<void> | undefined {
    return this.#store.isShared ? this.#latest() : undefined;
  }

  /** Resolves when a position is shown, or when there is none such in the log, or not in time. */
  upTo(position: Position): Promise<void> | undefined {
    if (!this.#store.isShared || position <= this.#views.position) return undefined;
    return this.#upTo(position);
  }

  async #latest(): Promise<void> {
    await this.#views.reached(await this.#head());
  }

  async #upTo(position: Position): Promise<void> {
    // What is not shown then is for the reader to refuse.
    if (position <= (await this.#head())) await this.#views.reached(position).catch(() => {});
  }

  /** One look at a time: who comes while one is under way may have seen what it does not show. */
  #head(): Promise<Position> {
    this.#next ??= this.#looked.then(() => {
      this.#next = undefined;
      const head = this.#store.head().catch(refuse);
      this.#looked = head.catch(() => {});
      return head;
    });
    return this.#next;
  }
}

function refuse(cause: unknown): never {
  if (!(cause instanceof StoreUnavailable)) throw cause;
  const message = 'the store does not answer: it is not known how new this would be';
  throw new LedgerUnavailable(message, RETRY_AFTER_SECONDS, { cause });
}
