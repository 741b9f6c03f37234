import { limits } from '../../limits.ts';
import type { Position } from '../../store/store.ts';
import type { KubeObject, ObjectChange } from '../../views/views.ts';
import type { StatusError } from '../status.ts';
import type { Kind } from './kind.ts';

type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';
type Lines = Partial<Record<ChangeType, Buffer>>;

/**
 * The lines that watches are sent. Of a change there are at most three, and each is made once for
 * all watches: the last ones are kept.
 */
export class WatchLines {
  readonly #keptMax: number;
  /** In the order in which they were made. */
  readonly #kept = new Map<ObjectChange, Lines>();

  constructor(keptMax: number = limits.watchLinesKeptMax) {
    this.#keptMax = keptMax;
  }

  /**
   * What a change is to a watch; undefined when it is nothing. An object that comes to match is
   * added. One that no longer does is deleted: as it was last seen, with the version of the change.
   */
  of(
    change: ObjectChange,
    matches: ((object: KubeObject) => boolean) | undefined,
  ): Buffer | undefined {
    const { before, after } = change;
    const was = before !== undefined && (matches?.(before) ?? true);
    const is = after !== undefined && (matches?.(after) ?? true);
    if (is) return this.#line(change, was ? 'MODIFIED' : 'ADDED', after);
    return was ? this.#line(change, 'DELETED', before) : undefined;
  }

  #line(change: ObjectChange, type: ChangeType, object: KubeObject): Buffer {
    let lines = this.#kept.get(change);
    if (lines === undefined) {
      lines = {};
      this.#kept.set(change, lines);
      this.#forget();
    }
    const made = lines[type];
    if (made !== undefined) return made;
    const text =
      type === 'DELETED'
        ? JSON.stringify(asOf(object, change.goOnFrom ?? change.position))
        : (change.afterText ?? JSON.stringify(object));
    const line = lineOf(type, text);
    lines[type] = line;
    return line;
  }

  #forget(): void {
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#keptMax) return;
      this.#kept.delete(oldest);
    }
  }
}

/** The line of an object that was there before the watch. */
export function addedLine(object: KubeObject): Buffer {
  return lineOf('ADDED', JSON.stringify(object));
}

/** Tells how far a watch has come when nothing else does. */
export function bookmarkLine(
  { kind, apiVersion }: Kind,
  at: Position,
  endsInitial = false,
): Buffer {
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  const metadata = { resourceVersion: String(at), ...(endsInitial ? { annotations } : {}) };
  return lineOf('BOOKMARK', JSON.stringify({ kind, apiVersion, metadata }));
}

/** The last line of a watch that cannot go on. */
export function errorLine(error: StatusError): Buffer {
  return lineOf('ERROR', JSON.stringify(error.body()));
}

function lineOf(type: string, text: string): Buffer {
  return Buffer.from(`{"type":"${type}","object":${text}}\n`);
}

function asOf(object: KubeObject, position: Position): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(position) } };
}
