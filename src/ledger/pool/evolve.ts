import { Map as PersistentMap } from 'immutable';
import { parsePrefix, samePrefix } from '../../addressing/prefix.ts';
import type { EventData, LedgerEvent } from '../events.ts';
import { giveBackTo, type PoolSpace, poolRange, takeFrom } from '../pool-space.ts';
import { addressConfirmed, addressHeld, addressUnheld } from './holds.ts';
import {
  carveKey,
  onPool,
  onSpace,
  type PoolRecord,
  type PoolState,
  poolNamed,
  withPool,
} from './state.ts';

/** The state after an event of an authored pool's stream. */
export function evolvePool(state: PoolState, event: LedgerEvent): PoolState {
  const atMs = Date.parse(event.data.at);
  const moved = {
    ...state,
    revision: state.revision + 1,
    lastAtMs: Math.max(state.lastAtMs, atMs),
  };
  return (
    evolveObject(moved, event) ??
    evolveRange(moved, event) ??
    evolveBlock(moved, event, atMs) ??
    unknownEvent(event)
  );
}

function unknownEvent(event: LedgerEvent): never {
  throw new Error(`${event.type} is no event of a pool's stream`);
}

/** Events of the pools as objects, and of the fence before the platform's grants. */
function evolveObject(state: PoolState, event: LedgerEvent): PoolState | undefined {
  const { revision } = state;
  switch (event.type) {
    case 'AddressSpaceOpened':
      return state;
    case 'GrantAbandoned':
      return withEnded(state, event.data.grantId);
    case 'IPPoolCreated':
      return withPool(state, newRecord(event.data, revision));
    case 'IPPoolUpdated': {
      const { spec, metadata } = event.data;
      return onPool(state, event.data.name, (pool) => {
        const finalizers = metadata === undefined ? pool.finalizers : (metadata.finalizers ?? []);
        return { ...pool, revision, spec, finalizers };
      });
    }
    case 'ObjectMetadataChanged': {
      const { finalizers = [] } = event.data.metadata;
      return onPool(state, event.data.name, (pool) => ({ ...pool, revision, finalizers }));
    }
    case 'DeletionRequested':
      return onPool(state, event.data.name, (pool) => ({ ...pool, revision, deleting: true }));
    case 'IPPoolDeleted': {
      const { name, uid } = event.data;
      return withEnded({ ...state, pools: state.pools.delete(name) }, uid);
    }
    default:
      return undefined;
  }
}

function newRecord(data: EventData<'IPPoolCreated'>, revision: number): PoolRecord {
  const { name, uid, spec, metadata } = data;
  const space = {
    name,
    className: spec.classNames[0] ?? '',
    family: spec.ipFamily,
    scope: {},
    parent: undefined,
    ranges: [],
    held: 0,
    children: 0,
  };
  const finalizers = metadata.finalizers ?? [];
  const reserved = PersistentMap<string, string>();
  return { name, uid, revision, spec, finalizers, deleting: false, space, reserved };
}

/** Events of a root's ranges. The first range changes the object, which shows it. */
function evolveRange(state: PoolState, event: LedgerEvent): PoolState | undefined {
  switch (event.type) {
    case 'RangeAdded': {
      const { pool: name, prefix, ordinal, grant } = event.data;
      return onPool(state, name, (pool) => withRange(pool, state.revision, prefix, ordinal, grant));
    }
    case 'RangeRemoved': {
      const { pool: name, prefix } = event.data;
      const removed = parsePrefix(prefix);
      const isRemoved = ({ space }: PoolSpace['ranges'][number]) =>
        samePrefix(space.space.range, removed);
      const { space } = poolNamed(state, name);
      const { grant } = space.ranges.find(isRemoved) ?? {};
      const ranges = space.ranges.filter((range) => !isRemoved(range));
      const left = onSpace(state, name, (present) => ({ ...present, ranges }));
      return grant === undefined ? left : withEnded(left, grant.id);
    }
    default:
      return undefined;
  }
}

function withRange(
  pool: PoolRecord,
  revision: number,
  prefix: string,
  ordinal: number,
  grant: EventData<'RangeAdded'>['grant'],
): PoolRecord {
  const { space } = pool;
  const ranges = [...space.ranges, poolRange(prefix, ordinal, grant)];
  const isFirst = space.ranges.length === 0;
  return { ...pool, ...(isFirst ? { revision } : {}), space: { ...space, ranges } };
}

/** Events of blocks: carved, withheld, held, given back. */
function evolveBlock(state: PoolState, event: LedgerEvent, atMs: number): PoolState | undefined {
  switch (event.type) {
    case 'PrefixCarved':
      return carved(state, event.data, atMs);
    case 'PrefixReturned':
      return returned(state, event.data, atMs);
    case 'PrefixReserved': {
      const { pool: name, prefix, reason } = event.data;
      return onPool(state, name, (pool) => ({
        ...pool,
        space: takeFrom(pool.space, parsePrefix(prefix), atMs),
        reserved: pool.reserved.set(prefix, reason),
      }));
    }
    case 'ReservationLifted': {
      const { pool: name, prefix } = event.data;
      return onPool(state, name, (pool) => ({
        ...pool,
        space: giveBackTo(pool.space, parsePrefix(prefix), atMs, atMs),
        reserved: pool.reserved.delete(prefix),
      }));
    }
    case 'AddressHeld':
      return addressHeld(state, event.data, atMs);
    case 'AddressConfirmed':
      return addressConfirmed(state, event.data);
    case 'AddressUnheld':
      return addressUnheld(state, event.data, atMs);
    default:
      return undefined;
  }
}

/** A carve without a grant is the range of an authored child. */
function carved(state: PoolState, data: EventData<'PrefixCarved'>, atMs: number): PoolState {
  const { pool, prefix, childPool, className, scope, grant } = data;
  const taken = onSpace(state, pool, (space) => ({
    ...takeFrom(space, parsePrefix(prefix), atMs),
    children: space.children + 1,
  }));
  if (grant === undefined) {
    return onPool(taken, childPool, (child) => {
      const { space, ...rest } = withRange(child, state.revision, prefix, 0, undefined);
      return { ...rest, space: { ...space, parent: { pool, block: parsePrefix(prefix) } } };
    });
  }
  const key = carveKey(grant.generation, className, scope, grant.ordinal);
  return {
    ...taken,
    carves: taken.carves.set(key, { grantId: grant.id, pool, prefix, childPool }),
    carveKeys: taken.carveKeys.set(grant.id, key),
  };
}

function returned(state: PoolState, data: EventData<'PrefixReturned'>, atMs: number): PoolState {
  const { pool, grantId, prefix, childPool, availableAt } = data;
  const block = parsePrefix(prefix);
  const given = onSpace(state, pool, (space) => ({
    ...giveBackTo(space, block, atMs, Date.parse(availableAt)),
    children: space.children - 1,
  }));
  if (grantId === undefined) {
    return onSpace(given, childPool, (space) => ({ ...space, ranges: [] }));
  }
  const key = given.carveKeys.get(grantId, '');
  return {
    ...given,
    carves: given.carves.delete(key),
    carveKeys: given.carveKeys.delete(grantId),
  };
}

function withEnded(state: PoolState, grantId: string): PoolState {
  return { ...state, endedGrants: state.endedGrants.add(grantId) };
}
