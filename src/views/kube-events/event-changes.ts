import type { Position } from '../../store/store.ts';
import type { ChangeWindow, DatedChange } from '../change-window.ts';
import type { KubeEventKind, KubeObject, ObjectChange, ObjectChanges } from '../views.ts';
import { asKind } from './forms.ts';
import type { KeptEvent } from './kept-event.ts';

/** That an Event was told, said anew, or is kept no longer. Its objects are made when read. */
export class EventChange implements DatedChange {
  readonly position: Position;
  readonly goOnFrom: Position | undefined;
  readonly recordedAtMs: number;
  readonly namespace: string;
  readonly name: string;
  readonly #before: KeptEvent | undefined;
  readonly #after: KeptEvent | undefined;
  #other: ObjectChange | undefined;

  /** `reached` is the position of what is not in the log, and so none of its own. */
  constructor(
    before: KeptEvent | undefined,
    after: KeptEvent | undefined,
    { reached, atMs }: { readonly reached: Position | undefined; readonly atMs: number },
  ) {
    const event = (after ?? before) as KeptEvent;
    this.namespace = event.namespace;
    this.name = event.name;
    // After all that whoever has reached a position has been sent: again, rather than never.
    this.position = reached === undefined ? event.position : reached + 1n;
    this.goOnFrom = reached;
    this.recordedAtMs = atMs;
    this.#before = before;
    this.#after = after;
  }

  get before(): KubeObject | undefined {
    return this.#before?.core();
  }

  get after(): KubeObject | undefined {
    return this.#after?.core();
  }

  /** The same change to those who read the other kind; one object, since lines are kept by it. */
  as(kind: KubeEventKind): ObjectChange {
    if (kind === 'Event') return this;
    const { position, goOnFrom, namespace, name, before, after } = this;
    this.#other ??= {
      ...{ position, goOnFrom, namespace, name },
      before: before && asKind(before, kind),
      after: after && asKind(after, kind),
    };
    return this.#other;
  }
}

/** The changes of Events in a window, as those of one kind. */
export function changesOfKind(window: ChangeWindow, kind: KubeEventKind): ObjectChanges {
  const asOne = (changes: readonly ObjectChange[]) =>
    changes.map((change) => (change as EventChange).as(kind));
  return {
    get start() {
      return window.start;
    },
    after: (position) => {
      const past = window.after(position);
      return past && asOne(past);
    },
    follow: (handler) => window.follow((changes) => handler(asOne(changes))),
  };
}
