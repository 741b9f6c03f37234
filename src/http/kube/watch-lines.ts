import { limits } from '../../limits.ts';
import type { Position } from '../../store/store.ts';
import type { KubeObject, ObjectChange, ViewedObject } from '../../views/views.ts';
import type { StatusError } from '../status.ts';
import type { Form } from './forms.ts';

type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';
/** By type and form. */
type Lines = Map<string, Buffer>;

/**
 * The lines that watches are sent. Of a change there are at most three in each form, and each is
 * made once for all watches: the last ones are kept.
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
    form: Form,
  ): Buffer | undefined {
    const { before, after } = change;
    const was = before !== undefined && (matches?.(before) ?? true);
    const is = after !== undefined && (matches?.(after) ?? true);
    if (is) return this.#line(change, was ? 'MODIFIED' : 'ADDED', after, form);
    return was ? this.#line(change, 'DELETED', before, form) : undefined;
  }

  #line(change: ObjectChange, type: ChangeType, object: KubeObject, form: Form): Buffer {
    let lines = this.#kept.get(change);
    if (lines === undefined) {
      lines = new Map();
      this.#kept.set(change, lines);
      this.#forget();
    }
    const key = `${type} ${form.key}`;
    const made = lines.get(key);
    if (made !== undefined) return made;
    const shown =
      type === 'DELETED'
        ? { object: asOf(object, change.goOnFrom ?? change.position) }
        : { object, text: change.afterText };
    const line = lineOf(type, form.one(shown));
    lines.set(key, line);
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
export function addedLine(viewed: ViewedObject, form: Form): Buffer {
  return lineOf('ADDED', form.one(viewed));
}

/** Tells how far a watch has come when nothing else does. */
export function bookmarkLine(form: Form, at: Position, endsInitial = false): Buffer {
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  const metadata = { resourceVersion: String(at), ...(endsInitial ? { annotations } : {}) };
  return lineOf('BOOKMARK', form.mark(metadata));
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
