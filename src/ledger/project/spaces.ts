import { addressAt, formatAddress, formatPrefix, type Prefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Draft, instant, type Need } from '../decision.ts';
import type { Scope, Subnet } from '../events.ts';
import { allowsLength, type IPClass, lengthOf, type ScopeLevel } from '../ip-class.ts';
import { offeringPools } from '../platform/directory.ts';
import { findBlock, isBlockFree, type PoolSpace, quarantinedUntil } from '../pool-space.ts';
import { inUse, type Rejection } from '../rejections.ts';
import { edgeBlocks } from '../reserved-blocks.ts';
import { presenceName, scopedPoolName } from '../streams.ts';
import { addGrantedRange, type RangePlace } from './granted-ranges.ts';
import { generationOf, type PresenceRecord, type ProjectState, type Wait } from './state.ts';

/**
 * Pools made on demand: the levels of a class's chain that a scope lacks are carved top-down, each
 * once, the parent's event first.
 */
export type ProjectDraft = Draft<ProjectState>;

/**
 * A step that worked, one that cannot be met now, one that another stream has to allow, or one that
 * asked for a very block which cannot be given.
 */
export type Step<T> =
  | { readonly done: T }
  | { readonly unmet: Wait }
  | { readonly need: Need }
  | { readonly refused: Pick<Rejection, 'reason' | 'message' | 'causes'> };

/** A block that somebody asked for by name, and the class of the pool to be made of it. */
interface WantedBlock {
  readonly className: string;
  readonly block: Prefix;
}

/** The claim that a block is for, if any: those who wait for the pool come before all others. */
export interface AskingContext extends DecisionContext {
  readonly claim?: string;
}

/** The pool of this class for this scope, made with all it stands on where it is missing. */
export function ensurePool(
  draft: ProjectDraft,
  context: AskingContext,
  className: string,
  scope: Scope,
  wanted?: WantedBlock,
): Step<PoolSpace> {
  const ipClass = context.platform.classes.get(className);
  if (ipClass === undefined) return { unmet: classNotFound(className) };
  const own = scopeOf(ipClass, scope);
  const name = poolNameOf(ipClass, scope);
  const present = draft.state.pools.get(name);
  if (present !== undefined) return { done: present };
  const parentName = ipClass.spec.parentClassName;
  const exact = wanted?.className === className ? wanted.block : undefined;
  if (parentName === undefined) {
    addRange(draft, context, ipClass, own, name, exact);
  } else if ((context.platform.classes.get(parentName)?.spec.poolPer ?? []).length === 0) {
    const place = { ipClass, scope: own, pool: name, ordinal: 0 };
    const granted = addOfferedRange(draft, context, place);
    if (!('done' in granted)) return granted;
  } else {
    const parent = ensurePool(draft, context, parentName, scope, wanted);
    if (!('done' in parent)) return parent;
    const block = blockFor(draft, context, parent.done, ipClass, exact);
    if (!('done' in block)) return block;
    const prefix = formatPrefix(block.done);
    const at = instant(context.atMs);
    draft.emit('PrefixCarved', {
      ...{ at, pool: parent.done.name, prefix },
      ...{ childPool: name, className, scope: own },
    });
  }
  reserve(draft, context, ipClass, name);
  return { done: poolNamed(draft.state, name) };
}

/** Where a pool of this class may get its range from: causes that are worth waiting for. */
export function sourcesOf(
  draft: ProjectDraft,
  context: DecisionContext,
  ipClass: IPClass,
  scope: Scope,
): string[] {
  const parent = parentOf(context, ipClass);
  if (parent === undefined) return [];
  if ((parent.spec.poolPer ?? []).length === 0) {
    return offeringPools(context.platform, parent.name, generationOf(draft.state)).map(
      (pool) => `pool/${pool}`,
    );
  }
  return [`pool/${poolNameOf(parent, scope)}`, ...sourcesOf(draft, context, parent, scope)];
}

/** The class that pools of this one are carved from. */
export function parentOf(context: DecisionContext, ipClass: IPClass | undefined) {
  return context.platform.classes.get(ipClass?.spec.parentClassName ?? '');
}

/** The block that becomes a pool: the wanted one and no other, else the parent's next. */
function blockFor(
  draft: ProjectDraft,
  context: AskingContext,
  parent: PoolSpace,
  ipClass: IPClass,
  wanted: Prefix | undefined,
): Step<Prefix> {
  if (wanted === undefined) {
    return nextBlock(draft, context, parent, lengthOf(ipClass.spec) as number);
  }
  if (!allowsLength(ipClass.spec, wanted.length)) {
    const message = `IPClass "${ipClass.name}" has no blocks of length /${wanted.length}`;
    return { refused: { reason: 'Invalid', message } };
  }
  if (isBlockFree(parent, wanted, context.atMs)) return { done: wanted };
  const where = `pool "${parent.name}" (${levelOf(parent)})`;
  const message = `${formatPrefix(wanted)} is not free in ${where}`;
  return { refused: { reason: 'AddressTaken', message } };
}

/** The part of a scope that pools of this class are kept apart by. */
export function scopeOf(ipClass: IPClass, scope: Scope): Scope {
  const levels: ScopeLevel[] = ['project', 'network', 'location'];
  const per = ipClass.spec.poolPer ?? [];
  return Object.fromEntries(levels.filter((l) => per.includes(l)).map((l) => [l, scope[l]]));
}

/** The name of the pool of a class that serves a scope. */
export function poolNameOf(ipClass: IPClass, scope: Scope): string {
  return scopedPoolName(ipClass.name, Object.values(scopeOf(ipClass, scope)));
}

export function poolNamed(state: ProjectState, name: string): PoolSpace {
  const pool = state.pools.get(name);
  if (pool === undefined) throw new Error(`pool ${name} is not in the state`);
  return pool;
}

export function classNotFound(name: string): Wait {
  const message = `IPClass "${name}" does not exist`;
  return { reason: 'ClassNotFound', message, cause: `class/${name}` };
}

/** A pool without a parent is a routing domain of its own; its range may coincide with others. */
function addRange(
  draft: ProjectDraft,
  context: DecisionContext,
  ipClass: IPClass,
  scope: Scope,
  pool: string,
  wanted: Prefix | undefined,
): void {
  const prefix = wanted === undefined ? (ipClass.spec.poolCIDR as string) : formatPrefix(wanted);
  const at = instant(context.atMs);
  draft.emit('RangeAdded', { at, pool, className: ipClass.name, prefix, scope, ordinal: 0 });
}

/** A further range from whichever authored pool offers the class that this one is carved from. */
function addOfferedRange(
  draft: ProjectDraft,
  context: DecisionContext,
  { ipClass, scope, pool, ordinal }: RangePlace,
): Step<true> {
  const parentClassName = ipClass.spec.parentClassName as string;
  if (offeringPools(context.platform, parentClassName, generationOf(draft.state)).length === 0) {
    const message = `no pool offers IPClass "${parentClassName}"`;
    return { unmet: { reason: 'NoOfferingPool', message, cause: `class/${parentClassName}` } };
  }
  const length = lengthOf(ipClass.spec) as number;
  const place = { ipClass, scope, pool, ordinal };
  const given = addGrantedRange(draft, context, { ...place, length, exact: undefined });
  if (!('refusal' in given)) return given;
  const cause = `pool/${given.pool}`;
  return { unmet: { reason: 'AddressPoolExhausted', message: given.refusal.message, cause } };
}

/** The pool of this class for this scope, made of a very prefix that one of these pools has. */
export function ensureOwnedPool(
  draft: ProjectDraft,
  context: DecisionContext,
  ipClass: IPClass,
  scope: Scope,
  exact: { readonly block: Prefix; readonly pools: readonly string[] },
): Step<PoolSpace> {
  const own = scopeOf(ipClass, scope);
  const pool = poolNameOf(ipClass, scope);
  const present = draft.state.pools.get(pool);
  if (present !== undefined) return { done: present };
  const { block, pools } = exact;
  const place = { ipClass, scope: own, pool, ordinal: 0, length: block.length };
  const wanted = { block: formatPrefix(block), pools };
  const given = addGrantedRange(draft, context, { ...place, exact: wanted });
  if ('need' in given) return given;
  if ('refusal' in given) return { refused: given.refusal };
  reserve(draft, context, ipClass, pool);
  return { done: poolNamed(draft.state, pool) };
}

/**
 * The next free block of a pool, unless somebody who came before waits for it. A project's own
 * pool grows by a further range when it is full; a network has one range and no more.
 */
export function nextBlock(
  draft: ProjectDraft,
  context: AskingContext,
  pool: PoolSpace,
  length: number,
): Step<Prefix> {
  const cause = `pool/${pool.name}`;
  const exhausted = (how: string): Step<Prefix> => {
    const message = `pool "${pool.name}" (${levelOf(pool)}) ${how}`;
    return { unmet: { reason: 'AddressPoolExhausted', message, cause } };
  };
  if (othersAreFirst(draft, context, cause)) {
    return exhausted('is exhausted, and others wait for it');
  }
  const block = findBlock(pool, length, context.atMs);
  if (block !== undefined) return { done: block };
  const last = pool.ranges.at(-1);
  if (last?.grant !== undefined && pool.scope.network === undefined) {
    const ipClass = context.platform.classes.get(pool.className);
    if (ipClass === undefined) return { unmet: classNotFound(pool.className) };
    const place = { ipClass, scope: pool.scope, pool: pool.name, ordinal: last.ordinal + 1 };
    const grown = addOfferedRange(draft, context, place);
    if (!('done' in grown)) return grown;
    const found = findBlock(poolNamed(draft.state, pool.name), length, context.atMs);
    if (found !== undefined) return { done: found };
  }
  return exhausted(`has no free /${length}`);
}

/**
 * Whether somebody waits for this who came before the claim that asks. Those that came later wait
 * for it, not it for them: else two that wait for different pools could be ahead of one that needs
 * both, wherever it stands.
 */
export function othersAreFirst(
  { state }: ProjectDraft,
  { claim = '' }: AskingContext,
  cause: string,
): boolean {
  const first = state.waiting.get(cause)?.first();
  return (
    first !== undefined && first < (state.claims.get(claim)?.since ?? Number.POSITIVE_INFINITY)
  );
}

/** The level of a pool, for people. */
export function levelOf(pool: PoolSpace): string {
  const { network, location } = pool.scope;
  if (location !== undefined) return `subnets of network "${network}" in "${location}"`;
  if (network !== undefined) return `range of network "${network}"`;
  return 'range of the project';
}

/** Withholds what the class says from the first and last units of a pool just made. */
function reserve(
  draft: ProjectDraft,
  context: DecisionContext,
  ipClass: IPClass,
  name: string,
): void {
  const { reservations } = ipClass.spec;
  const range = poolNamed(draft.state, name).ranges[0]?.space.space.range as Prefix;
  const at = instant(context.atMs);
  const owner = { kind: 'IPClass', name: ipClass.name };
  for (const block of edgeBlocks(range, reservations, 'subnet')) {
    draft.emit('PrefixReserved', { at, pool: name, owner, ...block });
  }
}

/** What a NIC needs to know of a subnet. The gateway is the subnet's start + 1. */
export function subnetOf(pool: PoolSpace): Subnet {
  const range = pool.ranges[0]?.space.space.range as Prefix;
  return {
    family: pool.family,
    prefix: formatPrefix(range),
    gateway: formatAddress(addressAt(range, 1n)),
    pool: pool.name,
  };
}

/**
 * Gives an empty pool back to where its range came from: the pool it was carved from, or an
 * authored one, which hears of it by the grant; a routing domain of its own just ends.
 */
export function returnPool(draft: ProjectDraft, context: DecisionContext, name: string): void {
  const pool = poolNamed(draft.state, name);
  if (pool.held > 0 || pool.children > 0) throw new Error(`pool ${name} is still in use`);
  const at = instant(context.atMs);
  for (const range of pool.ranges) {
    const availableAt = instant(quarantinedUntil(range, context.atMs));
    const prefix = formatPrefix(range.space.space.range);
    if (pool.parent !== undefined) {
      const returned = { pool: pool.parent.pool, prefix, childPool: name, availableAt };
      draft.emit('PrefixReturned', { at, ...returned });
    } else {
      const { grant } = range;
      const ends = grant && { endsGrant: { grantId: grant.id, pool: grant.pool, availableAt } };
      draft.emit('RangeRemoved', { at, pool: name, prefix, ...ends });
    }
  }
}

/** Pools that serve exactly this presence: its subnets, then others by name. */
export function poolsOfPresence(
  { pools }: ProjectState,
  { network, location, subnets }: PresenceRecord,
): PoolSpace[] {
  const order = new Map(subnets.map(({ pool }, index) => [pool, index]));
  const rank = ({ name }: PoolSpace) => order.get(name) ?? subnets.length;
  return [...pools.values()]
    .filter(({ scope }) => scope.network === network && scope.location === location.name)
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** An operator has a pool made on demand given back that nothing needs any more. */
export interface ReturnEmptyPool {
  readonly type: 'ReturnPool';
  readonly name: string;
}

/** A network's or presence's pool stays with it; another one goes when it is empty. */
export function returnEmptyPool(
  draft: ProjectDraft,
  context: DecisionContext,
  { name }: ReturnEmptyPool,
): Rejection | undefined {
  const subject = { kind: 'IPPool', name };
  const pool = draft.state.pools.get(name);
  if (pool === undefined) return { reason: 'NotFound', subject, message: 'not found' };
  const { network, location } = pool.scope;
  const presence = draft.state.presences.get(presenceName(network ?? '', location ?? ''));
  const isSubnet = presence?.subnets.some((subnet) => subnet.pool === name);
  if ((network !== undefined && location === undefined) || isSubnet) {
    const user = isSubnet ? `context "${presence?.name}"` : `network "${network}"`;
    return { reason: 'InUse', subject, message: `${user} stands on it` };
  }
  if (pool.held > 0 || pool.children > 0) {
    const message = `it has ${pool.held} blocks held and ${pool.children} pools carved from it`;
    return inUse(subject, message, { IPAllocations: pool.held, IPPools: pool.children });
  }
  returnPool(draft, context, name);
  return undefined;
}

/** Pools that serve exactly this network, in the order of their names. */
export function poolsOfNetwork(state: ProjectState, network: string): PoolSpace[] {
  return [...state.pools.values()]
    .filter(({ scope }) => scope.network === network && scope.location === undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
