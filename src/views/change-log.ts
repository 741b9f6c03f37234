import type { Position, PositionRange } from '../store/store.ts';
import { ChangeWindow, type DatedChange, type WindowBounds } from './change-window.ts';
import type { ObjectChanges } from './views.ts';

/** A change with the kind of its object. */
export interface KindChange extends DatedChange {
  readonly kind: string;
  goOnFrom?: Position | undefined;
}

/** What the change log is about. */
export interface ChangeLogOptions {
  readonly clock: () => Date;
  /** Positions that nobody can go on from. */
  readonly lost: readonly PositionRange[];
  readonly bounds?: Partial<WindowBounds> | undefined;
}

/**
 * The last changes of the objects of every kind. It begins when the views are ready: what a rebuild
 * does to objects is no news to anybody.
 */
export class ChangeLog {
  readonly #windows: ReadonlyMap<string, ChangeWindow>;
  #hasBegun = false;

  constructor(kinds: readonly string[], { clock, lost, bounds }: ChangeLogOptions) {
    this.#windows = new Map(kinds.map((kind) => [kind, new ChangeWindow(clock, lost, bounds)]));
  }

  /** Whether changes are taken. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** From now on changes are taken: those after this position. */
  begin(start: Position): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    for (const window of this.#windows.values()) window.begin(start);
  }

  of(kind: string): ObjectChanges {
    const window = this.#windows.get(kind);
    if (window === undefined) throw new Error(`${kind} is no kind of the views`);
    return window;
  }

  /** Takes what a batch that ends at this position has changed, in log order. */
  publish(changes: readonly KindChange[], end: Position): void {
    const byKind = Map.groupBy(changes, ({ kind }) => kind);
    for (const [kind, window] of this.#windows) window.publish(byKind.get(kind) ?? [], end);
  }
}
