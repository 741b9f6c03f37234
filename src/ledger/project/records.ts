import type { PoolSpace } from '../pool-space.ts';
import {
  type Leased,
  type RetainedKind,
  shortestLease,
  withLease,
  withoutLease,
} from './leases.ts';
import type {
  AllocationRecord,
  ClaimRecord,
  InterfaceRecord,
  IPClaimRecord,
  NetworkRecord,
  PresenceRecord,
  ProjectState,
} from './state.ts';

/**
 * Changes of one record of a project's state. A record that is not there is a fault: the event that
 * changes it was never decided on this state.
 */
export function onPool(
  state: ProjectState,
  name: string,
  change: (pool: PoolSpace) => PoolSpace,
): ProjectState {
  const pool = state.pools.get(name);
  if (pool === undefined) throw new Error(`pool ${name} is not in the state`);
  return { ...state, pools: state.pools.set(name, change(pool)) };
}

export function onInterface(
  state: ProjectState,
  name: string,
  change: (nic: InterfaceRecord) => InterfaceRecord,
): ProjectState {
  const nic = state.interfaces.get(name);
  if (nic === undefined) throw new Error(`interface ${name} is not in the state`);
  return { ...state, interfaces: state.interfaces.set(name, change(nic)) };
}

export function onClaim(
  state: ProjectState,
  name: string,
  change: (claim: ClaimRecord) => ClaimRecord,
): ProjectState {
  const claim = state.claims.get(name);
  if (claim === undefined) throw new Error(`claim ${name} is not in the state`);
  return { ...state, claims: state.claims.set(name, change(claim)) };
}

export function onIPClaim(
  state: ProjectState,
  name: string,
  change: (claim: IPClaimRecord) => IPClaimRecord,
): ProjectState {
  const claim = state.ipClaims.get(name);
  if (claim === undefined) throw new Error(`IPClaim ${name} is not in the state`);
  return { ...state, ipClaims: state.ipClaims.set(name, change(claim)) };
}

export function onAllocation(
  state: ProjectState,
  name: string,
  change: (allocation: AllocationRecord) => AllocationRecord,
): ProjectState {
  const allocation = state.allocations.get(name);
  if (allocation === undefined) throw new Error(`allocation ${name} is not in the state`);
  return { ...state, allocations: state.allocations.set(name, change(allocation)) };
}

export function onNetwork(
  state: ProjectState,
  name: string,
  change: (network: NetworkRecord) => NetworkRecord,
): ProjectState {
  const network = state.networks.get(name);
  if (network === undefined) throw new Error(`network ${name} is not in the state`);
  return { ...state, networks: state.networks.set(name, change(network)) };
}

export function onPresence(
  state: ProjectState,
  name: string,
  change: (presence: PresenceRecord) => PresenceRecord,
): ProjectState {
  const presence = state.presences.get(name);
  if (presence === undefined) throw new Error(`presence ${name} is not in the state`);
  return { ...state, presences: state.presences.set(name, change(presence)) };
}

/** What is common to everything that holds blocks and may be retained. */
export function onRetained(
  state: ProjectState,
  kind: RetainedKind,
  name: string,
  change: { readonly revision: number },
): ProjectState {
  return kind === 'NetworkInterface'
    ? onInterface(state, name, (nic) => ({ ...nic, ...change }))
    : onAllocation(state, name, (allocation) => ({ ...allocation, ...change }));
}

/** The state in which the retention clock of an object runs; its holdings say how long. */
export function leaseBegun(
  state: ProjectState,
  kind: RetainedKind,
  name: string,
  { expiresAt, holdings }: { readonly expiresAt: string; readonly holdings: Leased },
): ProjectState {
  const graceMs = shortestLease(holdings)?.graceMs ?? 0;
  const lease = { kind, name, dueMs: Date.parse(expiresAt), graceMs, isExpiring: false };
  return { ...state, leases: withLease(state.leases, lease) };
}

/** The state in which no retention clock of an object runs: it is held again, or gone. */
export function leaseEnded(state: ProjectState, kind: RetainedKind, name: string): ProjectState {
  const leases = withoutLease(state.leases, kind, name);
  return leases === state.leases ? state : { ...state, leases };
}

/** The state that remembers under which revision of the platform it was decided. */
export function seenPlatform(state: ProjectState, platformRevision: number): ProjectState {
  if (platformRevision <= state.platformRevision) return state;
  return { ...state, platformRevision };
}

/** The state without a claim's place among those that wait. */
export function leaveLine(state: ProjectState, name: string): ProjectState {
  const cause = state.claims.get(name)?.wait?.cause;
  const line = cause === undefined ? undefined : state.waiting.get(cause)?.delete(name);
  if (cause === undefined || line === undefined) return state;
  if (!line.isEmpty()) return { ...state, waiting: state.waiting.set(cause, line) };
  return {
    ...state,
    waiting: state.waiting.delete(cause),
    waitingPools: state.waitingPools.delete(cause),
    waitingQuotas: state.waitingQuotas.delete(cause),
  };
}
