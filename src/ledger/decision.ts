import type { Family } from '../addressing/prefix.ts';
import type {
  EventData,
  EventType,
  HolderKind,
  LedgerEvent,
  ObjectRef,
  Scope,
  StoredMetadata,
} from './events.ts';
import type { PlatformState } from './platform/state.ts';
import type { Rejection } from './rejections.ts';

/**
 * The grammar of every decision: `decide(command, state) -> events | rejection | need` and
 * `evolve(state, event) -> state`. Both are pure. States are persistent values that share
 * structure, so a decision that is tried and dropped costs nothing and leaves no trace.
 */

/** What a decision is told beside its command: the instant, ids, and other streams' facts. */
export interface DecisionContext {
  /** Every identifier that the decision makes is derived from this one. */
  readonly commandId: string;
  /** The instant of the decision in milliseconds; never before the stream's last. */
  readonly atMs: number;
  /** The platform's classes and locations, as read when the command was filled. */
  readonly platform: PlatformState;
  /** Grants that other streams have given for this command. */
  readonly grants: readonly Grant[];
}

/** What another stream has given, or why not. */
export type Grant = RangeGrant | AddressGrant;

/** A range that an authored pool has carved for this project, or its refusal. */
export interface RangeGrant {
  readonly type: 'Range';
  /** The generation of the project that it was given to. */
  readonly generation: string;
  readonly className: string;
  readonly scope: Scope;
  readonly ordinal: number;
  readonly pool: string;
  readonly granted: { readonly id: string; readonly prefix: string } | undefined;
  /** Why there is none. */
  readonly refusal: Pick<Rejection, 'reason' | 'message'> | undefined;
  /** Whether this very prefix was asked for, which nobody else can then have. */
  readonly isExact: boolean;
}

/** An address that an authored pool holds for a claim of this project, or its refusal. */
export interface AddressGrant {
  readonly type: 'Address';
  /** The generation of the project that it was given to. */
  readonly generation: string;
  /** The uid of the claim, and which of its addresses it is. */
  readonly claim: string;
  readonly ordinal: number;
  /** The pool that holds it, or that refused last. */
  readonly pool: string;
  readonly granted:
    | {
        readonly id: string;
        readonly block: string;
        /** The longest that the pool lets a retained holding wait. */
        readonly retentionLeaseMsMax: number | null;
      }
    | undefined;
  /** Why none is held. */
  readonly refusal: Pick<Rejection, 'reason' | 'message'> | undefined;
}

/** An address that a claim wants: of an authored pool that offers a class, or of this very one. */
export interface WantedAddress {
  readonly claim: ObjectRef & { readonly kind: HolderKind };
  readonly ordinal: number;
  readonly className: string | undefined;
  readonly pool: string | undefined;
  readonly family: Family;
  readonly length: number;
  /** The very block that is asked for. */
  readonly block: string | undefined;
  /** A hold for this that the project no longer uses, if the pool still shows it. */
  readonly abandonedGrant: EndedGrant | undefined;
}

/** What another stream has to grant before the decision can be made (DESIGN: two-step work). */
export type Need =
  | {
      readonly type: 'Range';
      readonly className: string;
      readonly childPool: string;
      readonly parentClassName: string;
      readonly length: number;
      readonly scope: Scope;
      readonly ordinal: number;
      /** The very prefix that is asked for, and the pools that may have it. */
      readonly exact: { readonly block: string; readonly pools: readonly string[] } | undefined;
      /** A grant for this that the project no longer uses, if the pool still shows it. */
      readonly abandonedGrant: EndedGrant | undefined;
    }
  | {
      readonly type: 'LocationJoin';
      readonly location: ObjectRef;
      /** The grant that this project has ended or abandoned, if the platform still shows it. */
      readonly endedGrant: string | undefined;
    }
  | {
      /** All or none of them: who cannot have one holds none. */
      readonly type: 'Addresses';
      readonly wanted: readonly WantedAddress[];
    };

/** A range that a project has given up, and the instant before which nobody may use it. */
export interface EndedGrant {
  readonly id: string;
  readonly availableAt: string;
}

export type Decision<S> =
  | {
      readonly outcome: 'decided';
      readonly events: readonly LedgerEvent[];
      readonly state: S;
      /** There is more to do than one append holds: the same command, decided again, goes on. */
      readonly unfinished?: true;
    }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection }
  | { readonly outcome: 'needs'; readonly need: Need };

export type Evolve<S> = (state: S, event: LedgerEvent) => S;

/**
 * A decision in the making: events emitted so far and the state they lead to, so that a later step
 * sees what an earlier one did. Dropping a draft undoes it.
 */
export class Draft<S> {
  state: S;
  readonly events: LedgerEvent[];
  /** Whether one append does not hold all that the command asks for. */
  unfinished = false;
  readonly #evolve: Evolve<S>;

  constructor(state: S, evolve: Evolve<S>, events: LedgerEvent[] = []) {
    this.state = state;
    this.events = events;
    this.#evolve = evolve;
  }

  emit<T extends EventType>(type: T, data: EventData<T>): void {
    const event = { type, data } as LedgerEvent;
    this.events.push(event);
    this.state = this.#evolve(this.state, event);
  }

  /** A copy to try something on; `adopt` takes its result over. */
  fork(): Draft<S> {
    return new Draft(this.state, this.#evolve, [...this.events]);
  }

  adopt(other: Draft<S>): void {
    this.state = other.state;
    this.events.splice(0, this.events.length, ...other.events);
  }

  decided(): Decision<S> {
    const { events, state, unfinished } = this;
    return { outcome: 'decided', events, state, ...(unfinished ? { unfinished } : {}) };
  }
}

export function rejected<S>(rejection: Rejection): Decision<S> {
  return { outcome: 'rejected', rejection };
}

/** What a writer believes of an object; a decision refuses when it is no longer so. */
export interface Expectation {
  readonly uid?: string | undefined;
  /** Revision of the event that last changed it in its stream. */
  readonly revision?: number | undefined;
}

/** The text of the last instant: all events of a decision have the same, and often of many. */
let written = { ms: Number.NaN, text: '' };

/** The instant of a context as events write it. */
export function instant(ms: number): string {
  if (written.ms !== ms) written = { ms, text: new Date(ms).toISOString() };
  return written.text;
}

/** Refuses a writer whose picture of the object is stale. */
export function expectationProblem(
  kind: string,
  object: { readonly name: string; readonly uid: string; readonly revision: number },
  expect: Expectation,
): Rejection | undefined {
  const subject = { kind, name: object.name };
  if (expect.uid !== undefined && expect.uid !== object.uid) {
    const message =
      `the UID in the precondition (${expect.uid}) does not match the UID in record ` +
      `(${object.uid}). The object might have been deleted and then recreated`;
    return { reason: 'Conflict', subject, message };
  }
  if (expect.revision !== undefined && expect.revision !== object.revision) {
    const message =
      'the object has been modified; please apply your changes to the latest version and try again';
    return { reason: 'Conflict', subject, message };
  }
  return undefined;
}

/** An object that is being deleted takes no new finalizers: its end would move away for ever. */
export function finalizerProblem(
  kind: string,
  object: {
    readonly name: string;
    readonly deleting: boolean;
    readonly finalizers: readonly string[];
  },
  metadata: StoredMetadata,
): Rejection | undefined {
  if (!object.deleting) return undefined;
  const added = metadata.finalizers?.filter((one) => !object.finalizers.includes(one)) ?? [];
  if (added.length === 0) return undefined;
  const field = 'metadata.finalizers';
  const message = `no new finalizers can be added if the object is being deleted: ${added}`;
  const causes = [{ reason: 'FieldValueForbidden', message: `Forbidden: ${message}`, field }];
  return { reason: 'Invalid', subject: { kind, name: object.name }, message, causes };
}
