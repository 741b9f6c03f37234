import { parsePrefix } from '../../addressing/prefix.ts';
import type { EventData, LedgerEvent, Scope } from '../events.ts';
import { presenceName } from '../streams.ts';
import { blockGivenBack, blockTaken } from './evolve-claims.ts';
import {
  leaseBegun,
  leaseEnded,
  onAllocation,
  onIPClaim,
  onNetwork,
  onPresence,
  seenPlatform,
} from './records.ts';
import type { AllocationRecord, ProjectState } from './state.ts';
import { withBlock, withoutBlock } from './usage.ts';

/** Events of IPClaims and of the allocations that they hold. */
export function evolveIPClaim(
  state: ProjectState,
  event: LedgerEvent,
  atMs: number,
): ProjectState | undefined {
  const { revision } = state;
  switch (event.type) {
    case 'IPClaimCreated': {
      const { name, uid, metadata, allocation, platformRevision } = event.data;
      const finalizers = metadata.finalizers ?? [];
      const identity = { name, uid, revision, allocation: allocation.name };
      const claim = { ...identity, finalizers, deleting: false };
      const ipClaims = state.ipClaims.set(name, claim);
      return seenPlatform({ ...state, ipClaims }, platformRevision);
    }
    case 'IPAllocationCreated':
      return allocationCreated(state, event.data, atMs);
    case 'IPAllocationUpdated':
      return allocationUpdated(state, event.data);
    case 'IPAllocationDeleted':
      return allocationDeleted(state, event.data, atMs);
    case 'IPClaimDeleted':
      return { ...state, ipClaims: state.ipClaims.delete(event.data.name) };
    default:
      return undefined;
  }
}

function allocationCreated(
  state: ProjectState,
  data: EventData<'IPAllocationCreated'>,
  atMs: number,
): ProjectState {
  const { name, uid, pool, className, claim, scope, reclaimPolicy, policy, grant } = data;
  const { revision } = state;
  const block = parsePrefix(data.block);
  const taken = grant === undefined ? blockTaken(state, pool, block, atMs) : state;
  const holding = { pool, block, className, policy };
  const allocation: AllocationRecord = {
    ...{ name, uid, revision, claim, scope, reclaimPolicy },
    holding: grant === undefined ? holding : { ...holding, grant: grant.id },
  };
  const held = withBlock(standing(taken, scope, 1), className, grant?.id);
  const allocations = state.allocations.set(name, allocation);
  return onIPClaim({ ...held, allocations }, claim.name, (record) => ({ ...record, revision }));
}

/** Held by no claim its retention clock runs, unless it is kept for ever. */
function allocationUpdated(
  state: ProjectState,
  { name, claim, expiresAt }: EventData<'IPAllocationUpdated'>,
): ProjectState {
  const { revision } = state;
  const holdings = [state.allocations.get(name)?.holding].filter((one) => one !== undefined);
  const updated = onAllocation(state, name, (allocation) => ({
    ...allocation,
    revision,
    claim: claim ?? undefined,
  }));
  if (claim !== null) {
    const held = leaseEnded(updated, 'IPAllocation', name);
    return onIPClaim(held, claim.name, (record) => ({ ...record, revision }));
  }
  if (expiresAt === null) return updated;
  return leaseBegun(updated, 'IPAllocation', name, { expiresAt, holdings });
}

function allocationDeleted(
  state: ProjectState,
  data: EventData<'IPAllocationDeleted'>,
  atMs: number,
): ProjectState {
  const { name, pool, scope, at, availableAt, endsGrant } = data;
  const className = state.allocations.get(name)?.holding.className;
  const hold = { grantId: endsGrant?.grantId, at, availableAt };
  const left = withoutBlock(standing(state, scope, -1), className, hold);
  const freed =
    endsGrant === undefined
      ? blockGivenBack(left, pool, parsePrefix(data.block), atMs, availableAt)
      : left;
  const ended = leaseEnded(freed, 'IPAllocation', name);
  return { ...ended, allocations: ended.allocations.delete(name) };
}

/** An allocation stands in the network and the presence of its scope: they stay while it does. */
function standing(state: ProjectState, { network, location }: Scope, change: 1 | -1): ProjectState {
  if (network === undefined) return state;
  const counted = <T extends { readonly allocations: number }>(record: T): T => ({
    ...record,
    allocations: record.allocations + change,
  });
  const inNetwork = onNetwork(state, network, counted);
  if (location === undefined) return inNetwork;
  return onPresence(inNetwork, presenceName(network, location), counted);
}
