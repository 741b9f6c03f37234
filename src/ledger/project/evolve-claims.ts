import { parsePrefix } from '../../addressing/prefix.ts';
import type { ClaimSpec, EventData, LedgerEvent, ObjectRef } from '../events.ts';
import { giveBackTo, takeFrom } from '../pool-space.ts';
import { shared } from '../shared.ts';
import { presenceName } from '../streams.ts';
import { leaveLine, onClaim, onInterface, onPool, onPresence, seenPlatform } from './records.ts';
import type { ClaimRecord, InterfaceRecord, PresenceRecord, ProjectState } from './state.ts';
import { isPool, joinLine } from './waiting-line.ts';

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
      return bindClaim(bound, claim, name);
    }
    case 'InterfaceRetained':
      return onInterface(state, event.data.name, (nic) => ({
        ...nic,
        revision,
        claim: undefined,
      }));
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
      return { ...freed, interfaces: freed.interfaces.delete(event.data.name) };
    }
    case 'ClaimDeleted': {
      const left = leaveLine(state, event.data.name);
      return { ...left, claims: left.claims.delete(event.data.name) };
    }
    default:
      return undefined;
  }
}

function claimRequested(state: ProjectState, data: EventData<'ClaimRequested'>): ProjectState {
  const { name, uid, spec, metadata, platformRevision } = data;
  const { revision } = state;
  const claim: ClaimRecord = {
    name,
    uid,
    revision,
    since: revision,
    spec: shared(placeOf(state, spec)?.claimSpec, spec),
    finalizers: metadata.finalizers ?? NONE,
    deleting: false,
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
  const waitingPools = isPool(cause) ? queued.waitingPools.add(cause) : queued.waitingPools;
  return { ...queued, waiting: queued.waiting.set(cause, line), waitingPools };
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
  const block = parsePrefix(data.block);
  const kept = state.pools.get(data.pool);
  const pool = shared(kept?.name, data.pool);
  const policy = shared(kept?.policy, data.policy);
  const taken = onPool(state, pool, (space) => ({
    ...takeFrom(space, block, atMs),
    held: space.held + 1,
    policy,
  }));
  // Unlike a spread, this makes a list without room for more.
  return { ...taken, allocating: state.allocating.concat({ pool, block, policy }) };
}

function addressReleased(
  state: ProjectState,
  data: EventData<'AddressReleased'>,
  atMs: number,
): ProjectState {
  const block = parsePrefix(data.block);
  const availableAtMs = Date.parse(data.availableAt);
  return onPool(state, data.pool, (space) => ({
    ...giveBackTo(space, block, atMs, availableAtMs),
    held: space.held - 1,
  }));
}
