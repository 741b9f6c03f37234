import { uuidOf } from '../../ledger/identifiers.ts';
import type { Position } from '../../store/store.ts';
import type { Placed, Remark } from '../projection.ts';
import type { KubeEventKind, KubeObject, ViewedObject } from '../views.ts';
import { asKind } from './forms.ts';

const COMPONENT = 'netalloc';

/** An Event that is kept: the ledger's own is made of little whenever somebody reads it. */
export interface KeptEvent {
  readonly namespace: string;
  readonly name: string;
  /** The position that it is a version of. */
  readonly position: Position;
  readonly keptAtMs: number;
  /** Whether it tells of a decision; else a client has sent it. */
  readonly isOwn: boolean;
  /** It as one of the core group. */
  core(): KubeObject;
}

/** What is told of a decision; the same event of the log gives the same one everywhere. */
export class ToldEvent implements KeptEvent {
  readonly namespace: string;
  readonly name: string;
  readonly position: Position;
  readonly keptAtMs: number;
  readonly isOwn = true;
  readonly #remark: Remark;
  /** The instant of the decision. */
  readonly #at: string;

  /** `index` is which of the remarks about one event it is. */
  constructor(remark: Remark, event: Placed, index: number) {
    const suffix = (event.position * 16n + BigInt(index)).toString(16).padStart(16, '0');
    this.namespace = event.project;
    this.name = `${remark.about.name}.${suffix}`;
    this.position = event.position;
    this.keptAtMs = event.recordedAtMs;
    this.#remark = remark;
    this.#at = event.data.at;
  }

  core(): KubeObject {
    const { namespace, name, position } = this;
    const { about, type, reason, message } = this.#remark;
    const second = `${this.#at.slice(0, 19)}Z`;
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        ...{ name, namespace, uid: uuidOf('event', namespace, name) },
        resourceVersion: String(position),
        creationTimestamp: second,
      },
      involvedObject: { ...about, namespace },
      ...{ reason, message, type, count: 1 },
      source: { component: COMPONENT },
      ...{ firstTimestamp: second, lastTimestamp: second },
      // Clients take six digits and no other number of them.
      eventTime: `${this.#at.slice(0, 23)}000Z`,
      action: reason,
      ...{ reportingComponent: COMPONENT, reportingInstance: COMPONENT },
    };
    return event as unknown as KubeObject;
  }
}

/** A kept event as it is read. */
export function viewedEvent(kept: KeptEvent, kind: KubeEventKind): ViewedObject {
  const { namespace, name, position } = kept;
  const object = asKind(kept.core(), kind);
  return {
    ...{ kind, namespace, name, position, revision: 0, object },
    get text() {
      return JSON.stringify(object);
    },
  };
}
