import { parsePrefix, samePrefix } from '../../addressing/prefix.ts';
import type { EventData, LedgerEvent } from '../events.ts';
import { giveBackTo, type PoolSpace, poolRange, takeFrom } from '../pool-space.ts';
import { evolveClaim } from './evolve-claims.ts';
import { evolveIPClaim } from './evolve-ip-claims.ts';
import { evolveObject } from './evolve-objects.ts';
import { onPool } from './records.ts';
import { initialProject, type ProjectState } from './state.ts';

/** The state after an event of the project's stream. */
export function evolveProject(state: ProjectState, event: LedgerEvent): ProjectState {
  const atMs = Date.parse(event.data.at);
  const moved = {
    ...state,
    revision: state.revision + 1,
    lastAtMs: Math.max(state.lastAtMs, atMs),
  };
  return (
    evolveSpace(moved, event, atMs) ??
    evolveClaim(moved, event, atMs) ??
    evolveIPClaim(moved, event, atMs) ??
    evolveObject(moved, event) ??
    unknownEvent(event)
  );
}

function unknownEvent(event: LedgerEvent): never {
  throw new Error(`${event.type} is no event of a project's stream`);
}

/** Events of the space itself: its life, its ranges and carves, its fences. */
function evolveSpace(
  state: ProjectState,
  event: LedgerEvent,
  atMs: number,
): ProjectState | undefined {
  switch (event.type) {
    case 'AddressSpaceOpened':
    case 'AddressSpaceClosed':
      return { ...initialProject(state.name), ...positionOf(state) };
    case 'RangeAdded':
      return rangeAdded(state, event.data);
    case 'RangeRemoved':
      return rangeRemoved(state, event.data);
    case 'PrefixCarved':
      return prefixCarved(state, event.data, atMs);
    case 'PrefixReturned': {
      const { pool, prefix, childPool, availableAt } = event.data;
      const block = parsePrefix(prefix);
      const returned = onPool(state, pool, (space) => ({
        ...giveBackTo(space, block, atMs, Date.parse(availableAt)),
        children: space.children - 1,
      }));
      return { ...returned, pools: returned.pools.delete(childPool) };
    }
    case 'PrefixReserved': {
      const block = parsePrefix(event.data.prefix);
      return onPool(state, event.data.pool, (space) => takeFrom(space, block, atMs));
    }
    case 'GrantAbandoned': {
      const { grantId, at } = event.data;
      return { ...state, abandonedGrants: state.abandonedGrants.set(grantId, at) };
    }
    case 'CommandSettled':
      return state;
    default:
      return undefined;
  }
}

function positionOf(state: ProjectState) {
  const { revision, lastAtMs, platformRevision, namespace, endedHolds } = state;
  return { revision, lastAtMs, platformRevision, namespace, endedHolds };
}

function rangeAdded(state: ProjectState, data: EventData<'RangeAdded'>): ProjectState {
  const { pool: name, className, prefix, scope, ordinal, grant } = data;
  const range = poolRange(prefix, ordinal, grant);
  const pool: PoolSpace = state.pools.get(name) ?? {
    name,
    className,
    family: range.space.space.range.family,
    scope,
    parent: undefined,
    ranges: [],
    held: 0,
    children: 0,
  };
  return {
    ...state,
    pools: state.pools.set(name, { ...pool, ranges: [...pool.ranges, range] }),
    grantedPools: grant === undefined ? state.grantedPools : state.grantedPools.add(name),
  };
}

/** The last range of a pool takes the pool with it. A grant that it came from is used up. */
function rangeRemoved(state: ProjectState, data: EventData<'RangeRemoved'>): ProjectState {
  const { pool: name, prefix, endsGrant } = data;
  const removed = parsePrefix(prefix);
  const left = onPool(state, name, (pool) => ({
    ...pool,
    ranges: pool.ranges.filter(({ space }) => !samePrefix(space.space.range, removed)),
  }));
  const isGone = left.pools.get(name)?.ranges.length === 0;
  return {
    ...left,
    pools: isGone ? left.pools.delete(name) : left.pools,
    grantedPools: isGone ? state.grantedPools.delete(name) : state.grantedPools,
    abandonedGrants:
      endsGrant === undefined
        ? state.abandonedGrants
        : state.abandonedGrants.set(endsGrant.grantId, endsGrant.availableAt),
  };
}

function prefixCarved(
  state: ProjectState,
  data: EventData<'PrefixCarved'>,
  atMs: number,
): ProjectState {
  const block = parsePrefix(data.prefix);
  const carved = onPool(state, data.pool, (space) => ({
    ...takeFrom(space, block, atMs),
    children: space.children + 1,
  }));
  const child: PoolSpace = {
    name: data.childPool,
    className: data.className,
    family: block.family,
    scope: data.scope,
    parent: { pool: data.pool, block },
    ranges: [poolRange(data.prefix, 0, undefined)],
    held: 0,
    children: 0,
  };
  return { ...carved, pools: carved.pools.set(child.name, child) };
}
