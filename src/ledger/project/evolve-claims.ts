import { type Prefix, parsePrefix, samePrefix } from '../../addressing/prefix.ts';
import type { ClaimSpec, EventData, LedgerEvent, ObjectRef } from '../events.ts';
import { giveBackTo, type PoolSpace, takeFrom } from '../pool-space.ts';
import { shared } from '../shared.ts';
import { presenceName } from '../streams.ts';
import { withoutLaggard } from './laggards.ts';
import { expiring } from './leases.ts';
import {
  leaseBegun,
  leaseEnded,
  leaveLine,
  onClaim,
  onInterface,
  onPool,
  onPresence,
  onRetained,
  seenPlatform,
} from './records.ts';
import type { ClaimRecord, InterfaceRecord, PresenceRecord, ProjectState } from './state.ts';
import { withBlock, withoutBlock } from './usage.ts';
import { isPool, isQuota, joinLine } from './waiting-line.ts';

const NONE: readonly never[] = [];

/** Events of claims, interfaces and their addresses. */
export function evolveClaim(
  state: ProjectState,
  event: LedgerEvent,
  atMs: number,
): ProjectState | undefined {
  const { revision } = state;
  switch (event.type) {
    case 'ClaimRequested':
      return claimRequested(state, event.data);
    case 'ClaimQueued':
      return claimQueued(state, event.data);
    case 'AddressAllocated':
      return addressAllocated(state, event.data, atMs);
    case 'InterfaceReady':
      return interfaceReady(state, event.data);
    case 'InterfaceRebound': {
      const { name, claim } = event.data;
      const bound = onInterface(state, name, (nic) => ({ ...nic, revision, claim }));
      return bindClaim(leaseEnded(bound, 'NetworkInterface', name), claim, name);
    }
    case 'InterfaceRetained':
      return interfaceRetained(state, event.data);
    case 'RetentionExpiring': {
      const { kind, name, releaseAt } = event.data;
      const leases = expiring(state.leases, kind, name, Date.parse(releaseAt));
      return onRetained({ ...state, leases }, kind, name, { revision });
    }
    case 'InterfaceUpdated': {
      const { name } = event.data;
      const updated = onInterface(state, name, (nic) => ({ ...nic, revision }));
      return withoutLaggard(updated, name);
    }
    case 'InterfaceStatusReported': {
      const { name, claim } = event.data;
      const reported = onInterface(state, name, (nic) => ({ ...nic, revision }));
      if (claim === null) return reported;
      return onClaim(reported, claim.name, (record) => ({ ...record, revision }));
    }
    case 'AddressReleased':
      return addressReleased(state, event.data, atMs);
    case 'InterfaceDeleted': {
      const freed = onPresence(state, event.data.networkContext, (presence) => ({
        ...presence,
        interfaces: presence.interfaces - 1,
      }));
      const left = leaseEnded(freed, 'NetworkInterface', event.data.name);
      const { name } = event.data;
      return withoutLaggard({ ...left, interfaces: left.interfaces.delete(name) }, name);
    }
    case 'ClaimDeleted': {
      const left = leaveLine(state, event.data.name);
      return { ...left, claims: left.claims.delete(event.data.name) };
    }
    default:
      return undefined;
  }
}

/** The state after a block of the project's own space was taken. */
export function blockTaken(
  state: ProjectState,
  pool: string,
  block: Prefix,
  atMs: number,
  newest?: PoolSpace['newest'],
): ProjectState {
  return onPool(state, pool, (space) => ({
    ...takeFrom(space, block, atMs),
    held: space.held + 1,
    newest: newest ?? space.newest,
  }));
}

/** The state after a block was given back to the project's own space. */
export function blockGivenBack(
  state: ProjectState,
  pool: string,
  block: Prefix,
  atMs: number,
  availableAt: string,
): ProjectState {
  return onPool(state, pool, (space) => ({
    ...giveBackTo(space, block, atMs, Date.parse(availableAt)),
    held: space.held - 1,
  }));
}

function claimRequested(state: ProjectState, data: EventData<'ClaimRequested'>): ProjectState {
  const { name, uid, spec, metadata, platformRevision, asOperator = false } = data;
  const { revision } = state;
  const claim: ClaimRecord = {
    name,
    uid,
    revision,
    since: revision,
    spec: shared(placeOf(state, spec)?.claimSpec, spec),
    finalizers: metadata.finalizers ?? NONE,
    deleting: false,
    asOperator,
    bound: undefined,
    wait: undefined,
  };
  return seenPlatform({ ...state, claims: state.claims.set(name, claim) }, platformRevision);
}

function claimQueued(state: ProjectState, data: EventData<'ClaimQueued'>): ProjectState {
  const { name, reason, message, cause } = data;
  const { revision } = state;
  const left = leaveLine(state, name);
  const queued = onClaim(left, name, (claim) => ({
    ...claim,
    revision,
    wait: { reason, message, cause },
  }));
  const since = queued.claims.get(name)?.since ?? revision;
  const line = joinLine(queued.waiting.get(cause), name, since);
  const { waitingPools, waitingQuotas } = queued;
  return {
    ...queued,
    waiting: queued.waiting.set(cause, line),
    waitingPools: isPool(cause) ? waitingPools.add(cause) : waitingPools,
    waitingQuotas: isQuota(cause) ? waitingQuotas.add(cause) : waitingQuotas,
  };
}

function interfaceReady(state: ProjectState, data: EventData<'InterfaceReady'>): ProjectState {
  const { name, uid, claim, spec, networkContext, platformRevision } = data;
  // What the claim has is not kept a second time, nor is what all who stand there have in common.
  const requested = state.claims.get(claim.name);
  const isOwn = requested?.uid === claim.uid;
  const shape = isOwn ? requested.spec : spec;
  const owner = isOwn ? { name: requested.name, uid: requested.uid } : claim;
  const nic: InterfaceRecord = {
    name: shared(owner.name, name),
    uid,
    revision: state.revision,
    spec: shape,
    presence: shared(placeOf(state, spec)?.name, networkContext),
    holdings: state.allocating,
    claim: owner,
    finalizers: NONE,
    deleting: false,
  };
  const placed = onPresence(state, networkContext, (presence) => ({
    ...presence,
    interfaces: presence.interfaces + 1,
    claimSpec: isOwn ? requested.spec : presence.claimSpec,
  }));
  const ready = { ...placed, interfaces: placed.interfaces.set(nic.name, nic), allocating: NONE };
  return seenPlatform(bindClaim(ready, owner, nic.name), platformRevision);
}

/** The retention clock starts, unless what is retained is kept for ever. */
function interfaceRetained(
  state: ProjectState,
  { name, expiresAt }: EventData<'InterfaceRetained'>,
): ProjectState {
  const { revision } = state;
  const retained = onInterface(state, name, (nic) => ({ ...nic, revision, claim: undefined }));
  const holdings = state.interfaces.get(name)?.holdings ?? NONE;
  return expiresAt === null
    ? retained
    : leaseBegun(retained, 'NetworkInterface', name, { expiresAt, holdings });
}

function placeOf(
  state: ProjectState,
  { network, location }: Pick<ClaimSpec, 'network' | 'location'>,
): PresenceRecord | undefined {
  return state.presences.get(presenceName(network.name, location.name));
}

function bindClaim(state: ProjectState, claim: ObjectRef, nic: string): ProjectState {
  const { revision } = state;
  return onClaim(leaveLine(state, claim.name), claim.name, (record) => ({
    ...record,
    revision,
    bound: nic,
    wait: undefined,
  }));
}

function addressAllocated(
  state: ProjectState,
  data: EventData<'AddressAllocated'>,
  atMs: number,
): ProjectState {
  const { grant } = data;
  const block = parsePrefix(data.block);
  const kept = state.pools.get(data.pool);
  const pool = shared(kept?.name, data.pool);
  const className = shared(kept?.newest?.className, data.className);
  const policy = shared(kept?.newest?.policy, data.policy);
  const newest = kept?.newest?.policy === policy ? kept.newest : { className, policy };
  const taken = grant === undefined ? blockTaken(state, pool, block, atMs, newest) : state;
  const holding = { pool, block, className, policy };
  // Unlike a spread, this makes a list without room for more.
  const allocating = state.allocating.concat(
    grant === undefined ? holding : { ...holding, grant: grant.id },
  );
  return { ...withBlock(taken, className, grant?.id), allocating };
}

function addressReleased(
  state: ProjectState,
  data: EventData<'AddressReleased'>,
  atMs: number,
): ProjectState {
  const { pool, at, availableAt, endsGrant } = data;
  const block = parsePrefix(data.block);
  const holdings = state.interfaces.get(data.interface.name)?.holdings ?? [];
  const holding = holdings.find((one) => one.pool === pool && samePrefix(one.block, block));
  const hold = { grantId: endsGrant?.grantId, at, availableAt };
  const left = withoutBlock(state, holding?.className, hold);
  if (endsGrant !== undefined) return left;
  return blockGivenBack(left, pool, block, atMs, availableAt);
}
