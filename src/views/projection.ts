import type { EventData, EventMetadata, EventType } from '../ledger/events.ts';
import type { KubeObject, PoolCounts } from './views.ts';

/**
 * What a read model is made of. The files in `projections/` are values of these types: tables, and
 * pure handlers from an event to what it changes. Whoever runs them knows SQLite; they do not.
 */

/** An event with its place in the log. */
export interface Placed<T extends EventType = EventType> {
  readonly type: T;
  readonly data: EventData<T>;
  readonly stream: string;
  /** The project whose stream it is in; empty in the platform's and the pools' streams. */
  readonly project: string;
  readonly revision: number;
  readonly position: bigint;
  readonly recordedAtMs: number;
  readonly metadata: EventMetadata;
}

/** What a handler may look at beside its object: the views as the events before have left them. */
export interface Present {
  /** An object as it is stored, without what is filled in at the read. */
  object(kind: string, namespace: string, name: string): KubeObject | undefined;
  /** Whether the command that is being applied has made an object. */
  isNew(kind: string, namespace: string, name: string): boolean;
  /** Names of the pools of a project's own space. */
  poolsOf(project: string): readonly string[];
  /** Names of the objects of a namespace that begin so, in order, but for those just made. */
  namesFrom(kind: string, namespace: string, beginning: string): readonly string[];
}

/** What is counted at the read. */
export interface Counts {
  poolCounts(pool: string): PoolCounts | undefined;
  /** Interfaces in one network context. Counts are of now: of the past there are none. */
  interfacesIn(project: string, context: string): number | undefined;
}

/** How an event changes objects of one kind. */
export interface Touch<T extends EventType> {
  /** Names of the objects that it touches; none when it is about another kind. */
  readonly names: (event: Placed<T>, present: Present) => readonly string[];
  /** The object after the event; undefined when there is none. */
  readonly next: (
    object: KubeObject | undefined,
    event: Placed<T>,
    present: Present,
  ) => KubeObject | undefined;
  /** True when the event makes the object: there can be none of the name before it. */
  readonly creates?: true;
  /**
   * True when the object follows from a fact of something else: readers see another version, but
   * for its writer it is what it was, so the revision that commands expect stays.
   */
  readonly follows?: true;
}

/** A read model whose rows are objects of the API, one table a kind. */
export interface ObjectProjection {
  /** Also the name of its tables. */
  readonly name: string;
  /** Raised when the handlers give other objects than before: the views are then rebuilt. */
  readonly version: number;
  readonly kind: string;
  /** Whether its objects belong to the project of the stream. */
  readonly namespaced: boolean;
  /** The namespace of those that belong to no project, where there are such. */
  readonly noProject?: string;
  readonly on: { readonly [T in EventType]?: Touch<T> };
  /** Fills in what is counted at the read and moves no resourceVersion. */
  readonly atRead?: (object: KubeObject, present: Present, counts: Counts) => KubeObject;
}

export type SqlValue = string | number | bigint | null;

/** One run of a statement of the projection, by its name. */
export type Write = readonly [statement: string, ...values: SqlValue[]];

/** A read model with tables of its own. */
export interface TableProjection {
  readonly name: string;
  /** Raised when the handlers give other rows than before: the views are then rebuilt. */
  readonly version: number;
  /** SQL that creates the tables. */
  readonly tables: string;
  /** The statements that change them. */
  readonly statements: Readonly<Record<string, string>>;
  /**
   * Names of the statements that only add their last value to a count, and of those that neither
   * read nor change counts: past these the first may be put off, and run once with their sum.
   */
  readonly counts?: { readonly adds: readonly string[]; readonly beside: readonly string[] };
  /** What is written for an event, in order. */
  readonly on: {
    readonly [T in EventType]?: (event: Placed<T>, present: Present) => readonly Write[];
  };
  /** What is written for every command, whatever its events: this is its last one. */
  readonly onLast?: (event: Placed) => readonly Write[];
}

/** What people are told of a decision about an object. */
export interface Remark {
  readonly about: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** A read model of what is told: kept in memory for a while, and never in rows. */
export interface Remarks {
  /** The types of events of which something is told. */
  readonly types: readonly EventType[];
  of(event: Placed): readonly Remark[];
}
