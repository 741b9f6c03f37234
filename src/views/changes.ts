import type { EventType } from '../ledger/events.ts';
import type { KindChange } from './change-log.ts';
import type { ObjectTable } from './object-table.ts';
import type { Placed, Present, Touch } from './projection.ts';
import type { RowSink } from './rows.ts';
import { type End, Version, VersionChange } from './version.ts';
import type { KubeObject } from './views.ts';

/** An object that a command touches, as its events have left it so far. */
interface Touched {
  readonly table: ObjectTable;
  readonly namespace: string;
  readonly name: string;
  readonly before: Version | undefined;
  object: KubeObject | undefined;
  revision: number;
  end: End;
}

/**
 * What the events of one command do to objects. They are written when the command is complete, one
 * version an object, so that nobody sees a command half done.
 */
export class Changes implements Present {
  readonly #present: Present;
  readonly #touched = new Map<string, Touched>();

  constructor(present: Present) {
    this.#present = present;
  }

  object(kind: string, namespace: string, name: string): KubeObject | undefined {
    const touched = this.#touched.get(keyOf(kind, namespace, name));
    return touched === undefined ? this.#present.object(kind, namespace, name) : touched.object;
  }

  poolsOf(project: string): readonly string[] {
    return this.#present.poolsOf(project);
  }

  namesFrom(kind: string, namespace: string, beginning: string): readonly string[] {
    return this.#present.namesFrom(kind, namespace, beginning);
  }

  /** Lets an event change the objects of one kind that it touches. */
  touch(table: ObjectTable, touch: Touch<EventType>, event: Placed): void {
    const { namespaced, noProject = '' } = table.projection;
    const namespace = namespaced ? event.project || noProject : '';
    for (const name of touch.names(event, this)) {
      const key = keyOf(table.projection.kind, namespace, name);
      const known = this.#touched.get(key);
      const before =
        known === undefined && touch.creates === undefined
          ? table.load(namespace, name)
          : known?.before;
      const object = known === undefined ? before?.object : known.object;
      const next = touch.next(object, event, this);
      if (next === object) continue;
      const { revision, position, recordedAtMs } = event;
      const end = { lastRevision: revision, position, recordedAtMs };
      if (known !== undefined) {
        if (touch.follows === undefined) known.revision = revision;
        known.object = next;
        known.end = end;
        continue;
      }
      const kept = touch.follows === undefined ? revision : (before?.revision ?? revision);
      const touched = { table, namespace, name, before, object: next, revision: kept, end };
      this.#touched.set(key, touched);
    }
  }

  /**
   * Writes the objects as the whole command has left them, and adds what it has made of them to a
   * list, in log order.
   */
  write(rows: RowSink, made?: KindChange[]): void {
    const own: KindChange[] = [];
    for (const touched of this.#touched.values()) {
      const { table, namespace, name, before, object, end } = touched;
      const after = object && versionOf(touched, object, String(end.position));
      if (after !== undefined) table.put(before, after, rows);
      else if (before !== undefined) table.remove(before, end, rows);
      else continue;
      const { kind } = table.projection;
      if (made === undefined) after?.compact();
      else own.push(new VersionChange({ kind, namespace, name }, end, before, after));
    }
    if (made === undefined) return;
    own.sort((a, b) => Number(a.position - b.position));
    for (const [index, change] of own.entries()) {
      if (isFollowed(change, own, index)) change.goOnFrom = change.position - 1n;
      made.push(change);
    }
  }

  /**
   * The objects that there would be, without those that would be deleted. As in Kubernetes they
   * carry the resourceVersion that they have, and a new one none.
   */
  *previewed(): Generator<{ readonly kind: string; readonly version: Version }> {
    for (const touched of this.#touched.values()) {
      const { table, before, object } = touched;
      if (object === undefined) continue;
      const resourceVersion = before?.object.metadata.resourceVersion ?? '';
      const end = { ...touched.end, position: before?.position ?? 0n };
      const version = versionOf({ ...touched, end }, object, resourceVersion);
      yield { kind: table.projection.kind, version };
    }
  }
}

/** Whether the event of a change has made another one of its kind, which comes after it. */
function isFollowed(change: KindChange, all: readonly KindChange[], index: number): boolean {
  for (let later = index + 1; all[later]?.position === change.position; later += 1) {
    if (all[later]?.kind === change.kind) return true;
  }
  return false;
}

function versionOf(
  { namespace, name, revision, end }: Touched,
  object: KubeObject,
  resourceVersion: string,
): Version {
  const metadata = { ...object.metadata, resourceVersion };
  return new Version({ namespace, name, revision, ...end }, { ...object, metadata });
}

function keyOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}
