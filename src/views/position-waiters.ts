import type { Position } from '../store/store.ts';
import { ViewsBehind } from './views.ts';

interface Waiter {
  readonly position: Position;
  readonly reached: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: ViewsBehind) => void;
  readonly timer: NodeJS.Timeout;
}

/** Those who wait until the views have reached a position. */
export class PositionWaiters {
  readonly #waitMsMax: number;
  readonly #waiters = new Map<Position, Waiter>();

  constructor(waitMsMax: number) {
    this.#waitMsMax = waitMsMax;
  }

  /**
   * Resolves when the position is reached. Many wait for the end of one append: they share a
   * promise, and the first one's bound.
   */
  wait(position: Position): Promise<void> {
    const present = this.#waiters.get(position);
    if (present !== undefined) return present.reached;
    const { promise: reached, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#waiters.delete(position);
      reject(new ViewsBehind(`the views have not reached position ${position} in time`));
    }, this.#waitMsMax);
    timer.unref();
    this.#waiters.set(position, { position, reached, resolve, reject, timer });
    return reached;
  }

  /** Lets those go on who wait for no more than this position. */
  advance(reached: Position): void {
    for (const { position, resolve, timer } of this.#waiters.values()) {
      if (position > reached) continue;
      clearTimeout(timer);
      this.#waiters.delete(position);
      resolve();
    }
  }

  /** Tells everybody that the views will not get there. */
  refuse(reason: string): void {
    for (const { position, reject, timer } of this.#waiters.values()) {
      clearTimeout(timer);
      reject(new ViewsBehind(`the views will not reach position ${position}: ${reason}`));
    }
    this.#waiters.clear();
  }
}
