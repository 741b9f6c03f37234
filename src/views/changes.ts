import type { EventType } from '../ledger/events.ts';
import type { KindChange } from './change-log.ts';
import type { ObjectTable } from './object-table.ts';
import type { Placed, Present, Touch } from './projection.ts';
import type { RowSink } from './rows.ts';
import { endAt, Version, VersionChange } from './version.ts';
import type { KubeObject } from './views.ts';

/** An object that a command touches, as its events have left it so far. */
interface Touched {
  readonly table: ObjectTable;
  readonly namespace: string;
  readonly name: string;
  readonly before: Version | undefined;
  object: KubeObject | undefined;
  revision: number;
  /** The last event that has touched it. */
  last: Placed;
}

/**
 * What the events of one command do to objects. They are written when the command is complete, one
 * version an object, so that nobody sees a command half done.
 */
export class Changes implements Present {
  readonly #present: Present;
  /** In the order in which they were first touched, */
  readonly #touched: Touched[] = [];
  /** and by name: few objects of a namespace have one in common. */
  readonly #named = new Map<string, Touched[]>();

  constructor(present: Present) {
    this.#present = present;
  }

  object(kind: string, namespace: string, name: string): KubeObject | undefined {
    const touched = this.#find(kind, namespace, name);
    return touched === undefined ? this.#present.object(kind, namespace, name) : touched.object;
  }

  isNew(kind: string, namespace: string, name: string): boolean {
    const touched = this.#find(kind, namespace, name);
    return touched !== undefined && touched.before === undefined;
  }

  poolsOf(project: string): readonly string[] {
    return this.#present.poolsOf(project);
  }

  namesFrom(kind: string, namespace: string, beginning: string): readonly string[] {
    return this.#present.namesFrom(kind, namespace, beginning);
  }

  /** Lets an event change the objects of one kind that it touches. */
  touch(table: ObjectTable, touch: Touch<EventType>, event: Placed): void {
    const { kind, namespaced, noProject = '' } = table.projection;
    const namespace = namespaced ? event.project || noProject : '';
    for (const name of touch.names(event, this)) {
      const known = this.#find(kind, namespace, name);
      const before =
        known === undefined && touch.creates === undefined
          ? table.load(namespace, name)
          : known?.before;
      const object = known === undefined ? before?.object : known.object;
      const next = touch.next(object, event, this);
      if (next === object) continue;
      const { revision } = event;
      if (known !== undefined) {
        if (touch.follows === undefined) known.revision = revision;
        known.object = next;
        known.last = event;
        continue;
      }
      const kept = touch.follows === undefined ? revision : (before?.revision ?? revision);
      this.#add({ table, namespace, name, before, object: next, revision: kept, last: event });
    }
  }

  /**
   * Writes the objects as the whole command has left them, in log order, and adds what it has made
   * of them to a list. Of several of a kind that one event changes, all but the last have the
   * version before it, so that who has received only some of them goes on with the others.
   */
  write(rows: RowSink, made?: KindChange[]): void {
    const all = this.#touched.filter(({ before, object }) => before ?? object);
    if (!isInOrder(all)) all.sort((a, b) => a.last.revision - b.last.revision);
    for (let index = 0; index < all.length; index += 1) {
      const touched = all[index] as Touched;
      const { table, namespace, name, before, object, last } = touched;
      const goOnFrom = isFollowed(touched, all, index) ? last.position - 1n : undefined;
      const after = object && versionOf(touched, object, String(goOnFrom ?? last.position));
      if (after !== undefined) table.put(before, after, rows);
      else if (before !== undefined) table.remove(before, endAt(last), rows);
      const { kind } = table.projection;
      if (made === undefined) after?.compact();
      else made.push(new VersionChange({ kind, namespace, name, goOnFrom }, last, before, after));
    }
  }

  /**
   * The objects that there would be, without those that would be deleted. As in Kubernetes they
   * carry the resourceVersion that they have, and a new one none.
   */
  *previewed(): Generator<{ readonly kind: string; readonly version: Version }> {
    for (const touched of this.#touched) {
      const { table, before, object } = touched;
      if (object === undefined) continue;
      const resourceVersion = before?.object.metadata.resourceVersion ?? '';
      const last = { ...touched.last, position: before?.position ?? 0n };
      const version = versionOf({ ...touched, last }, object, resourceVersion);
      yield { kind: table.projection.kind, version };
    }
  }

  #find(kind: string, namespace: string, name: string): Touched | undefined {
    return this.#named
      .get(name)
      ?.find((one) => one.table.projection.kind === kind && one.namespace === namespace);
  }

  #add(touched: Touched): void {
    this.#touched.push(touched);
    const others = this.#named.get(touched.name);
    if (others === undefined) this.#named.set(touched.name, [touched]);
    else others.push(touched);
  }
}

/** Nearly always so, and a sort is dear where there are two. */
function isInOrder(all: readonly Touched[]): boolean {
  for (let index = 1; index < all.length; index += 1) {
    const [before, after] = [all[index - 1] as Touched, all[index] as Touched];
    if (before.last.revision > after.last.revision) return false;
  }
  return true;
}

/** Whether the event that touched an object last touched another of its kind, which comes after. */
function isFollowed({ table, last }: Touched, all: readonly Touched[], index: number): boolean {
  for (let later = index + 1; all[later]?.last === last; later += 1) {
    if (all[later]?.table === table) return true;
  }
  return false;
}

function versionOf(
  { namespace, name, revision, last }: Touched,
  object: KubeObject,
  resourceVersion: string,
): Version {
  const metadata = { ...object.metadata, resourceVersion };
  const { lastRevision, position, recordedAtMs } = endAt(last);
  const place = { namespace, name, revision, lastRevision, position, recordedAtMs };
  return new Version(place, { ...object, metadata });
}
