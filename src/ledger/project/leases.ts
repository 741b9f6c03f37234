import { Map as PersistentMap } from 'immutable';
import { firstOf, type OrderedSet, withItem, withoutItem } from '../../addressing/ordered-set.ts';
import type { EventData } from '../events.ts';

/** Kinds of object that hold blocks and may be retained. */
export type RetainedKind = EventData<'RetentionExpiring'>['kind'];

/** How long something retained is kept: what comes next, and when. */
export interface Lease {
  readonly kind: RetainedKind;
  readonly name: string;
  /** The end of the lease while it runs, then the end of the grace period. */
  readonly dueMs: number;
  readonly graceMs: number;
  /** Whether the lease is over and the grace period runs. */
  readonly isExpiring: boolean;
}

/** The leases of all that is retained in a project, found by object and by what is due first. */
export interface Leases {
  readonly byObject: PersistentMap<string, Lease>;
  readonly byDue: OrderedSet<Lease>;
}

export const noLeases: Leases = { byObject: PersistentMap(), byDue: undefined };

/** Blocks with the policy that they were given under. */
export type Leased = readonly { readonly policy: EventData<'AddressAllocated'>['policy'] }[];

/** The lease of holdings that are retained: the shortest one governs; none is for ever. */
export function shortestLease(
  holdings: Leased,
): { readonly leaseMs: number; readonly graceMs: number } | undefined {
  const limited = holdings.flatMap(({ policy }) => {
    const { retentionLeaseMs: leaseMs, retentionGraceMs: graceMs } = policy;
    return leaseMs === null ? [] : [{ leaseMs, graceMs }];
  });
  // Of two that end together the longer grace: no warning is cut short by another's.
  return limited.sort((a, b) => a.leaseMs - b.leaseMs || b.graceMs - a.graceMs)[0];
}

/** The leases with this one, in place of the one that the object had. */
export function withLease(leases: Leases, lease: Lease): Leases {
  const { byObject, byDue } = withoutLease(leases, lease.kind, lease.name);
  return {
    byObject: byObject.set(keyOf(lease.kind, lease.name), lease),
    byDue: withItem(byDue, lease, inOrder),
  };
}

/** The leases without that of an object, which is held or ends. */
export function withoutLease(leases: Leases, kind: RetainedKind, name: string): Leases {
  const key = keyOf(kind, name);
  const lease = leases.byObject.get(key);
  if (lease === undefined) return leases;
  return {
    byObject: leases.byObject.delete(key),
    byDue: withoutItem(leases.byDue, lease, inOrder),
  };
}

/** The lease that something comes due of first. */
export function firstDue(leases: Leases): Lease | undefined {
  return firstOf(leases.byDue);
}

/** The lease of an object as one whose grace period runs. */
export function expiring(leases: Leases, kind: RetainedKind, name: string, dueMs: number): Leases {
  const lease = leases.byObject.get(keyOf(kind, name));
  if (lease === undefined) throw new Error(`${kind} ${name} has no lease`);
  return withLease(leases, { ...lease, dueMs, isExpiring: true });
}

function keyOf(kind: RetainedKind, name: string): string {
  return `${kind}/${name}`;
}

function inOrder(a: Lease, b: Lease): number {
  if (a.dueMs !== b.dueMs) return a.dueMs - b.dueMs;
  const [one, other] = [keyOf(a.kind, a.name), keyOf(b.kind, b.name)];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
