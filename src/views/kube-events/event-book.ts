import { remarks } from '../../../projections/remarks.ts';
import { limits } from '../../limits.ts';
import type { Position, PositionRange } from '../../store/store.ts';
import { ChangeWindow } from '../change-window.ts';
import type { Placed } from '../projection.ts';
import {
  KUBE_EVENT_KINDS,
  type KubeEventKind,
  type KubeEvents,
  type KubeObject,
  type ListQuery,
  type ObjectChanges,
  type ObjectPage,
  type ViewedObject,
} from '../views.ts';
import { changesOfKind, EventChange } from './event-changes.ts';
import { asCore } from './forms.ts';
import { type KeptEvent, ToldEvent, viewedEvent } from './kept-event.ts';

interface BookOptions {
  readonly clock: () => Date;
  readonly lost: readonly PositionRange[];
  /** The position that the views have reached. */
  readonly position: () => Position;
}

const TOLD = new Set(remarks.types);

/**
 * The last Events, of decisions and of clients. They are no rows: each claim would have more of
 * them than of everything else, and nobody asks for those of yesterday. What is too old or too
 * much goes, oldest first, and whoever watches is told.
 */
export class EventBook implements KubeEvents {
  readonly #options: BookOptions;
  readonly #window: ChangeWindow;
  readonly #changes: ReadonlyMap<KubeEventKind, ObjectChanges>;
  /** By namespace and name, and all of them: each in the order in which they were kept. */
  readonly #byNamespace = new Map<string, Map<string, KeptEvent>>();
  readonly #all = new Set<KeptEvent>();
  #made: EventChange[] = [];
  #hasBegun = false;

  constructor(options: BookOptions) {
    const { clock, lost } = options;
    const bounds = { changesMax: 2 * limits.kubeEventsMax, ageMsMax: limits.kubeEventsMsMax };
    this.#options = options;
    this.#window = new ChangeWindow(clock, lost, bounds);
    this.#changes = new Map(
      KUBE_EVENT_KINDS.map((kind) => [kind, changesOfKind(this.#window, kind)]),
    );
  }

  /** From now on changes are news. */
  begin(start: Position): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#window.begin(start);
  }

  /** Keeps what is to be told of an event. The Events of a project go with it. */
  take(event: Placed): void {
    const { type, project: namespace, position } = event;
    if (type === 'NamespaceDeleted') this.#endNamespace(namespace, position);
    if (!TOLD.has(type) || namespace === '') return;
    let index = 0;
    for (const remark of remarks.of(event)) {
      this.#keep(new ToldEvent(remark, event, index), undefined);
      index += 1;
    }
  }

  /** Tells those who watch what has been kept and forgotten up to a position. */
  publish(end: Position): void {
    this.#forgetOld(end);
    const made = this.#made;
    this.#made = [];
    if (this.#hasBegun) this.#window.publish(made, end);
  }

  keep(kind: KubeEventKind, event: KubeObject): ViewedObject {
    const position = this.#options.position();
    const { name, namespace = '' } = event.metadata;
    const metadata = { ...event.metadata, resourceVersion: String(position) };
    const core = { ...asCore(event, kind), metadata };
    const keptAtMs = this.#options.clock().getTime();
    const kept = { namespace, name, position, keptAtMs, isOwn: false, core: () => core };
    this.#keep(kept, position);
    this.publish(position);
    return viewedEvent(kept, kind);
  }

  isOwn(namespace: string, name: string): boolean {
    return this.#byNamespace.get(namespace)?.get(name)?.isOwn ?? false;
  }

  get(kind: KubeEventKind, namespace: string, name: string): ViewedObject | undefined {
    this.publish(this.#options.position());
    const kept = this.#byNamespace.get(namespace)?.get(name);
    return kept && viewedEvent(kept, kind);
  }

  /** Those that were kept by a position, as far as they still are. */
  getAt(
    kind: KubeEventKind,
    namespace: string,
    name: string,
    position: Position,
  ): ViewedObject | undefined {
    const viewed = this.get(kind, namespace, name);
    return viewed !== undefined && viewed.position <= position ? viewed : undefined;
  }

  list(kind: KubeEventKind, query: ListQuery): ObjectPage {
    this.publish(this.#options.position());
    const { namespace, after, limit, matches, at = query.asOf } = query;
    const kept = namespace === undefined ? this.#all : this.#byNamespace.get(namespace)?.values();
    const sorted = [...(kept ?? [])]
      .filter((one) => at === undefined || one.position <= at)
      .filter((one) => after === undefined || compare(one, after) > 0)
      .sort(compare);
    const items: ViewedObject[] = [];
    for (const one of sorted) {
      const viewed = viewedEvent(one, kind);
      if (matches !== undefined && !matches(viewed.object)) continue;
      if (items.length === limit) return { items, next: items.at(-1) };
      items.push(viewed);
    }
    return { items, next: undefined };
  }

  changes(kind: KubeEventKind): ObjectChanges {
    return this.#changes.get(kind) as ObjectChanges;
  }

  /** `reached` is where the log is when something is kept that is not in it. */
  #keep(kept: KeptEvent, reached: Position | undefined): void {
    const own = this.#ofNamespace(kept.namespace);
    const before = own.get(kept.name);
    if (before !== undefined) {
      own.delete(kept.name);
      this.#all.delete(before);
    }
    own.set(kept.name, kept);
    this.#all.add(kept);
    this.#note(before, kept, reached, kept.keptAtMs);
    const oldest =
      own.size > limits.kubeEventsPerProjectMax ? own.values().next().value : undefined;
    if (oldest !== undefined) this.#forget(oldest, reached ?? kept.position - 1n, kept.keptAtMs);
  }

  #ofNamespace(namespace: string): Map<string, KeptEvent> {
    const known = this.#byNamespace.get(namespace);
    if (known !== undefined) return known;
    const own = new Map<string, KeptEvent>();
    this.#byNamespace.set(namespace, own);
    return own;
  }

  #endNamespace(namespace: string, position: Position): void {
    const nowMs = this.#options.clock().getTime();
    for (const kept of [...(this.#byNamespace.get(namespace)?.values() ?? [])]) {
      this.#forget(kept, position - 1n, nowMs);
    }
  }

  #forgetOld(reached: Position): void {
    const { kubeEventsMax, kubeEventsMsMax } = limits;
    const nowMs = this.#options.clock().getTime();
    for (const kept of this.#all) {
      if (this.#all.size <= kubeEventsMax && kept.keptAtMs >= nowMs - kubeEventsMsMax) return;
      this.#forget(kept, reached, nowMs);
    }
  }

  #forget(kept: KeptEvent, reached: Position, atMs: number): void {
    const own = this.#byNamespace.get(kept.namespace);
    own?.delete(kept.name);
    if (own?.size === 0) this.#byNamespace.delete(kept.namespace);
    this.#all.delete(kept);
    this.#note(kept, undefined, reached, atMs);
  }

  #note(
    before: KeptEvent | undefined,
    after: KeptEvent | undefined,
    reached: Position | undefined,
    atMs: number,
  ): void {
    if (this.#hasBegun) this.#made.push(new EventChange(before, after, { reached, atMs }));
  }
}

interface Key {
  readonly namespace: string;
  readonly name: string;
}

function compare(a: Key, b: Key): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
