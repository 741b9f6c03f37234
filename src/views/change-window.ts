import { limits } from '../limits.ts';
import type { Position, PositionRange } from '../store/store.ts';
import type { ChangeHandler, ObjectChange, ObjectChanges } from './views.ts';

/** How much of the past a window holds. */
export interface WindowBounds {
  readonly changesMax: number;
  readonly ageMsMax: number;
}

/** A change with what decides how long it is kept. */
export interface DatedChange extends ObjectChange {
  readonly recordedAtMs: number;
  /** Has it take less memory until it is read again. */
  compact?(): void;
}

/** The last changes of one kind's objects, oldest first. */
export class ChangeWindow implements ObjectChanges {
  readonly #bounds: WindowBounds;
  readonly #clock: () => Date;
  readonly #lost: readonly PositionRange[];
  readonly #handlers = new Set<ChangeHandler>();
  /** The changes from `#first` on; what is before it goes when it is worth a copy. */
  #changes: DatedChange[] = [];
  #first = 0;
  /** Changes that somebody may have read since the last ones came. */
  #readAgain: readonly DatedChange[] = [];
  #start: Position = 0n;
  #end: Position = 0n;

  constructor(
    clock: () => Date,
    lost: readonly PositionRange[],
    bounds: Partial<WindowBounds> = {},
  ) {
    const { watchWindowChangesMax: changesMax, watchWindowMsMax: ageMsMax } = limits;
    this.#bounds = { changesMax, ageMsMax, ...bounds };
    this.#clock = clock;
    this.#lost = lost;
  }

  /** From here on every change is known. */
  begin(start: Position): void {
    this.#start = start;
    this.#end = start;
  }

  get start(): Position {
    this.#forget();
    return this.#start;
  }

  after(position: Position): readonly ObjectChange[] | undefined {
    if (position < this.start || position > this.#end) return undefined;
    if (this.#lost.some(({ after, upTo }) => position > after && position <= upTo)) {
      return undefined;
    }
    this.#readAgain = this.#changes.slice(this.#indexAfter(position));
    return this.#readAgain;
  }

  follow(handler: ChangeHandler): () => void {
    // Another function each time, so that a handler may follow twice and stop once.
    const own: ChangeHandler = (changes) => handler(changes);
    this.#handlers.add(own);
    return () => this.#handlers.delete(own);
  }

  /** Takes what a batch has changed, in log order, and tells those who follow. */
  publish(changes: readonly DatedChange[], end: Position): void {
    this.#end = end;
    if (changes.length === 0) return;
    for (const change of changes) this.#changes.push(change);
    this.#forget();
    for (const handler of this.#handlers) handler(changes);
    for (const change of changes) change.compact?.();
    for (const change of this.#readAgain) change.compact?.();
    this.#readAgain = [];
  }

  /** Place of the first change after a position. */
  #indexAfter(position: Position): number {
    let low = this.#first;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { position: there } = this.#changes[middle] as DatedChange;
      if (there > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Lets go of what is too much or too old. */
  #forget(): void {
    const { changesMax, ageMsMax } = this.#bounds;
    const oldestMs = this.#clock().getTime() - ageMsMax;
    const changes = this.#changes;
    for (let first = changes[this.#first]; first !== undefined; first = changes[this.#first]) {
      if (changes.length - this.#first <= changesMax && first.recordedAtMs >= oldestMs) break;
      this.#start = first.position;
      this.#first += 1;
    }
    if (this.#first > changes.length / 2) {
      this.#changes = changes.slice(this.#first);
      this.#first = 0;
    }
  }
}
