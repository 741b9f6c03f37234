import type { LedgerEvent, StoredMetadata } from '../ledger/events.ts';
import type { Position } from '../store/store.ts';

/** An object of the API, complete, as it is sent to clients. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface ObjectMetadata extends StoredMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  /** Decimal position of the event that last changed the object. */
  readonly resourceVersion: string;
  readonly generation: number;
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

/** An object with its place in the log. */
export interface ViewedObject {
  readonly kind: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  /** Revision in its stream of the event that last changed it; what commands expect. */
  readonly revision: number;
  readonly position: Position;
  readonly object: KubeObject;
  /** The object as JSON. */
  readonly text: string;
}

export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

export interface ListQuery {
  /** Only this namespace; undefined lists all. */
  readonly namespace?: string | undefined;
  /** Begin after this object; the order is by namespace, then name. */
  readonly after?: ObjectKey | undefined;
  /** At most so many objects. */
  readonly limit: number;
  /** The objects as they were at this position; undefined is now. */
  readonly at?: Position | undefined;
  /** As `at`, and without what is counted at the read: of the past that is not known. */
  readonly asOf?: Position | undefined;
  readonly matches?: (object: KubeObject) => boolean;
  /** The blocks that are in quarantine at this instant, instead of the objects that exist. */
  readonly restingAtMs?: number | undefined;
}

export interface ObjectPage {
  readonly items: readonly ViewedObject[];
  /** The last object of a page that may have a successor. */
  readonly next: ObjectKey | undefined;
}

/** What a keyed command was answered with. */
export interface AnsweredCommand {
  readonly stream: string;
  readonly requestHash: string;
  readonly code: number;
  /** Revision and position of the command's last event. */
  readonly revision: number;
  readonly position: Position;
}

/** Work that crosses streams and that the log shows as begun and not yet ended. */
export type OpenGrant =
  | {
      /** A carve of an authored pool that no project has committed. */
      readonly type: 'RangeGranted';
      readonly pool: string;
      readonly project: string;
      readonly grantId: string;
    }
  | {
      /** A carve whose project has closed; the pool takes it back, unused before the instant. */
      readonly type: 'RangeEnded';
      readonly pool: string;
      readonly grantId: string;
      readonly availableAt: string;
    }
  | {
      /** A hold of an authored pool that no project has committed. */
      readonly type: 'AddressGranted';
      readonly pool: string;
      readonly project: string;
      readonly grantId: string;
    }
  | {
      /** A hold that was committed; its pool has not heard of it yet. */
      readonly type: 'AddressCommitted';
      readonly pool: string;
      readonly project: string;
      readonly grantId: string;
    }
  | {
      /** A hold whose use is over; the pool takes it back, unused before the instant. */
      readonly type: 'AddressEnded';
      readonly pool: string;
      readonly project: string;
      readonly grantId: string;
      readonly availableAt: string;
    }
  | {
      /** A join at a location that no presence was made with. */
      readonly type: 'LocationGranted';
      readonly location: ObjectRefOf;
      readonly project: string;
      readonly grantId: string;
    }
  | {
      /** A join whose last presence is gone. */
      readonly type: 'LocationEnded';
      readonly location: ObjectRefOf;
      readonly project: string;
      readonly grantId: string;
    };

interface ObjectRefOf {
  readonly name: string;
  readonly uid: string;
}

/** Sizes in addresses of a pool's parts, as decimal strings; they add up to the total. */
export interface PoolCounts {
  readonly total: string;
  readonly reserved: string;
  readonly held: string;
  readonly retained: string;
  readonly quarantined: string;
  readonly carved: string;
  readonly free: string;
}

/** What one command has made of one object. Before and after are not both absent. */
export interface ObjectChange {
  /** Of the command's last event that touched the object. */
  readonly position: Position;
  /** The resourceVersion to go on from after it, where that is not its position. */
  readonly goOnFrom?: Position | undefined;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  /** Undefined when the command has made the object. */
  readonly before: KubeObject | undefined;
  /** Undefined when the command has deleted it. */
  readonly after: KubeObject | undefined;
  /** The object after it as JSON, where that is at hand. */
  readonly afterText?: string | undefined;
}

/** Takes changes in log order. It must neither throw nor take long. */
export type ChangeHandler = (changes: readonly ObjectChange[]) => void;

/**
 * The last changes of one kind's objects. Who reads objects or changes and follows in one
 * synchronous step misses none and gets none twice.
 */
export interface ObjectChanges {
  /** Every change after this position is known. */
  readonly start: Position;
  /**
   * The changes after a position, in log order; undefined when they are not all known any more,
   * when the position has not been reached, and when it is of an earlier life of the log.
   */
  after(position: Position): readonly ObjectChange[] | undefined;
  /** Gives the changes from now on to a handler. Gives the way to end that. */
  follow(handler: ChangeHandler): () => void;
}

/**
 * The Events of Kubernetes: what was decided about objects, told to people, and what clients say of
 * them. They are kept for a while in memory, clients' by this process alone.
 */
export interface KubeEvents {
  /**
   * Keeps what a client says, in the words of one of the kinds, instead of what it has said under
   * that name. The object is given as it is kept.
   */
  keep(kind: KubeEventKind, event: KubeObject): ViewedObject;
  /** Whether an event is the ledger's own. */
  isOwn(namespace: string, name: string): boolean;
}

/** Events are read under two kinds, one for each API that has them. */
export const KUBE_EVENT_KINDS = ['Event', 'EventsGroupEvent'] as const;
export type KubeEventKind = (typeof KUBE_EVENT_KINDS)[number];

/** The read models, kept up to date from the log. All reads are synchronous and local. */
export interface Views {
  /** Everything up to this position has been applied. */
  readonly position: Position;
  /** Resolves when the views have reached a position; rejects with ViewsBehind after a bound. */
  reached(position: Position): Promise<void>;

  get(kind: string, namespace: string, name: string): ViewedObject | undefined;
  /** The object as its stream's revision left it: for answers that are given again. */
  getAtRevision(
    kind: string,
    namespace: string,
    name: string,
    revision: number,
  ): ViewedObject | undefined;
  /** The object as it was at a position, without what is counted at the read. */
  getAt(
    kind: string,
    namespace: string,
    name: string,
    position: Position,
  ): ViewedObject | undefined;
  /** The greatest position recorded no later than an instant; 0 when there is none. */
  positionAt(instantMs: number): Position;
  /** When the end of a command was recorded; none before the first. */
  recordedAtMs(position: Position): number | undefined;
  /**
   * The last position of the command that has an event at this one: commands are seen whole, and
   * were recorded whole, so whenever the log held one of its events it held them all.
   */
  commandEnd(position: Position): Position;
  list(kind: string, query: ListQuery): ObjectPage;
  changes(kind: string): ObjectChanges;
  readonly kubeEvents: KubeEvents;
  /** The objects that events not yet recorded would leave, for dry runs; deleted ones absent. */
  preview(
    stream: string,
    firstRevision: number,
    events: readonly LedgerEvent[],
  ): readonly ViewedObject[];

  answered(commandId: string): AnsweredCommand | undefined;
  poolCounts(pool: string): PoolCounts | undefined;
  /** Interfaces and blocks of IPClaims that stand at a location, over all projects. */
  standingAt(location: string): number;
  /** Blocks of a class that are held, and pools of it that were made on demand. */
  usesOfClass(name: string): number;
  openGrants(): readonly OpenGrant[];
  /** The open grant of this id. */
  openGrant(grantId: string): OpenGrant | undefined;
  /** Projects in which something waits, or is being deleted, in the order it began. */
  unfinishedProjects(): readonly string[];
  /** Projects in which something is due of what is retained, by this instant. */
  projectsDueBy(instantMs: number): readonly string[];
  /** The next instant after this one at which something is due of what is retained anywhere. */
  nextDueAfter(instantMs: number): number | undefined;
  /**
   * Projects with a claim or network that waits for this cause (`location/x`, `pool/y`), or for any
   * that begins so (`pool/*`).
   */
  projectsWaitingFor(cause: string): readonly string[];
  /** Projects with presences at locations that are being deleted. */
  projectsAtDeletedLocations(): readonly {
    readonly project: string;
    readonly location: ObjectRefOf;
  }[];

  close(): Promise<void>;
}

/** The views did not reach a position in time. */
export class ViewsBehind extends Error {
  override readonly name = 'ViewsBehind';
}
