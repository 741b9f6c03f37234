import { formatPrefix, overlaps, type Prefix } from '../../addressing/prefix.ts';
import type { AddressGrant, DecisionContext, Need } from '../decision.ts';
import type { ObjectRef } from '../events.ts';
import { defaultClass } from '../platform/classes.ts';
import { offeringPools, othersWait } from '../platform/directory.ts';
import { isBlockFree, isWithin, type PoolSpace } from '../pool-space.ts';
import type { ClaimSource, Refused } from './claim-sources.ts';
import { blockOf, heldFor } from './held-addresses.ts';
import { type PlaceFields, refusalOfWait } from './objects.ts';
import { carriedFamilies, ensurePresence, usableLocation, usableNetwork } from './presences.ts';
import {
  ensurePool,
  levelOf,
  nextBlock,
  type ProjectDraft,
  parentOf,
  poolNamed,
  type Step,
} from './spaces.ts';
import { generationOf, type ProjectState } from './state.ts';
import { OFFER_CAUSE } from './waiting-line.ts';

/** A block for an IPClaim, with the hold of an authored pool that it is. */
export interface ClaimedBlock {
  readonly pool: string;
  readonly block: Prefix;
  readonly grant: AddressGrant['granted'];
}

type Claimed = { readonly done: ClaimedBlock } | { readonly need: Need } | Refused;

/** Finds the block that a claim asks for: it is given now, or refused. */
export function claimBlock(
  draft: ProjectDraft,
  context: DecisionContext,
  source: ClaimSource,
  claim: ObjectRef,
): Claimed {
  if (!source.isOwnPool && source.poolClass === undefined) {
    return heldBlock(draft, context, source, claim);
  }
  const pool = projectPool(draft, context, source);
  if (!('done' in pool)) return refusedAs(pool, source);
  const block = ownBlock(draft, context, pool.done, source);
  if (!('done' in block)) return refusedAs(block, source);
  // A pool that is full may have grown meanwhile, but its name stays.
  return { done: { pool: pool.done.name, block: block.done, grant: undefined } };
}

/**
 * The project's pool that was asked for, or the one of a class for the scope. What it serves has to
 * take something new: else a block would stand where all else is being given back.
 */
function projectPool(
  draft: ProjectDraft,
  context: DecisionContext,
  source: ClaimSource,
): Step<PoolSpace> {
  const place = usableScope(draft, context, source);
  if (!('done' in place)) return place;
  const { isOwnPool, pool = '', poolClass, scope } = source;
  if (isOwnPool) return { done: poolNamed(draft.state, pool) };
  return ensurePool(draft, context, poolClass?.name ?? '', scope);
}

/** The network and the location of a scope; a location's pools come with the presence there. */
function usableScope(
  draft: ProjectDraft,
  context: DecisionContext,
  { poolClass, scope, family }: ClaimSource,
): Step<unknown> {
  if (scope.network === undefined) return { done: true };
  const network = usableNetwork(draft, scope.network);
  if (!('done' in network)) return network;
  if (!carriedFamilies(network.done).includes(family)) {
    const message = `network "${scope.network}" does not carry ${family}`;
    return { refused: { reason: 'FamilyMismatch', message } };
  }
  if (scope.location === undefined) return { done: true };
  const location = usableLocation(draft, context, scope.location);
  if (!('done' in location)) return location;
  const subnetClass = parentOf(context, defaultClass(context.platform, family));
  const families = subnetClass !== undefined && subnetClass === poolClass ? [family] : [];
  return ensurePresence(draft, context, network.done, location.done, families);
}

/** The next block of one of the project's pools, or the very one that was asked for. */
function ownBlock(
  draft: ProjectDraft,
  context: DecisionContext,
  pool: PoolSpace,
  { length, wanted }: ClaimSource,
): Step<Prefix> {
  const where = `pool "${pool.name}" (${levelOf(pool)})`;
  if (wanted === undefined) {
    const largest = Math.min(...pool.ranges.map(({ space }) => space.space.range.length));
    if (length >= largest) return nextBlock(draft, context, pool, length);
    const message = `${where} has no range that holds a /${length}: its largest is a /${largest}`;
    return { refused: { reason: 'PrefixLengthRejected', message } };
  }
  if (isBlockFree(pool, wanted, context.atMs)) return { done: wanted };
  if (!isWithin(pool, wanted)) {
    const message = `${formatPrefix(wanted)} is not in ${where}`;
    return { refused: { reason: 'NoOfferingPool', message } };
  }
  const by = byHolder(draft.state, pool.name, wanted);
  const message = `${formatPrefix(wanted)} is not free in ${where}${by}`;
  return { refused: { reason: 'AddressTaken', message } };
}

/** Who of the project holds what is asked for, if it is one of it, as a refusal goes on with. */
function byHolder(state: ProjectState, pool: string, wanted: Prefix): string {
  const holder = holderOf(state, pool, wanted);
  return holder === undefined ? '' : `: ${holder} holds it`;
}

function holderOf(state: ProjectState, pool: string, wanted: Prefix): string | undefined {
  const isIt = (holding: { readonly pool: string; readonly block: Prefix }) =>
    holding.pool === pool && overlaps(holding.block, wanted);
  const nic = state.interfaces.find(({ holdings }) => holdings.some(isIt));
  if (nic !== undefined) return `interface "${nic.name}"`;
  const allocation = state.allocations.find(({ holding }) => isIt(holding));
  return allocation && `IPAllocation "${allocation.name}"`;
}

/** A block that an authored pool holds for the claim. */
function heldBlock(
  draft: ProjectDraft,
  context: DecisionContext,
  { family, className, pool, length, wanted }: ClaimSource,
  claim: ObjectRef,
): Claimed {
  const generation = generationOf(draft.state);
  const isOffered =
    className === undefined || offeringPools(context.platform, className, generation).length > 0;
  if (!isOffered) {
    const message = `no pool offers IPClass "${className}"`;
    return { refused: { reason: 'NoOfferingPool', message } };
  }
  if (className !== undefined && draft.state.waiting.has(OFFER_CAUSE + className)) {
    const message = othersWait(context.platform, className, generation);
    return { refused: { reason: 'Exhausted', message } };
  }
  const block = wanted === undefined ? undefined : formatPrefix(wanted);
  const wish = { claim: { kind: 'IPClaim' as const, ...claim }, ordinal: 0, className, pool };
  const held = heldFor(draft, context, [{ ...wish, family, length, block }]);
  if ('need' in held) return held;
  if ('refusal' in held) return { refused: heldRefusal(draft.state, held.refusal, wanted) };
  const [one] = held.done;
  if (one === undefined) throw new Error('one block was asked for');
  return { done: { pool: one.pool, block: blockOf(one), grant: one.granted } };
}

/** Why a pool holds no block; one that is taken may be the project's own. */
function heldRefusal(
  state: ProjectState,
  { pool, refusal }: AddressGrant,
  wanted: Prefix | undefined,
): Refused['refused'] {
  if (refusal === undefined) return { reason: 'Exhausted', message: 'no pool has such a block' };
  if (refusal.reason !== 'AddressTaken' || wanted === undefined) return refusal;
  return { ...refusal, message: refusal.message + byHolder(state, pool, wanted) };
}

function refusedAs(
  step: Exclude<Step<never>, { readonly done: never }>,
  { isOwnPool }: ClaimSource,
): Exclude<Claimed, { done: unknown }> {
  if ('need' in step || 'refused' in step) return step;
  return { refused: refusalOfWait(step.unmet, isOwnPool ? BY_POOL : BY_SCOPE) };
}

const BY_SCOPE: PlaceFields = { network: 'spec.scope.network', location: 'spec.scope.location' };
/** Who asks for a pool says its scope with that. */
const BY_POOL: PlaceFields = { network: 'spec.poolRef.name', location: 'spec.poolRef.name' };
