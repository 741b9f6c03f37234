import { parsePrefix } from '../../addressing/prefix.ts';
import type { EventData, LedgerEvent } from '../events.ts';
import { giveBackTo, type PoolSpace, poolRange, takeFrom } from '../pool-space.ts';
import { addressConfirmed, addressHeld, addressUnheld } from './holds.ts';
import { carveKey, type PoolState, spaceOf } from './state.ts';

/** The state after an event of an authored pool's stream. */
export function evolvePool(state: PoolState, event: LedgerEvent): PoolState {
  const atMs = Date.parse(event.data.at);
  const moved = {
    ...state,
    revision: state.revision + 1,
    lastAtMs: Math.max(state.lastAtMs, atMs),
  };
  switch (event.type) {
    case 'AddressSpaceOpened':
      return moved;
    case 'IPPoolCreated':
      return { ...moved, uid: event.data.uid, space: emptySpace(event.data) };
    case 'RangeAdded': {
      const space = spaceOf(state);
      const range = poolRange(event.data.prefix, event.data.ordinal, undefined);
      return { ...moved, space: { ...space, ranges: [...space.ranges, range] } };
    }
    case 'PrefixCarved':
      return carved(moved, event.data, atMs);
    case 'PrefixReturned':
      return returned(moved, event.data, atMs);
    case 'AddressHeld':
      return addressHeld(moved, event.data, atMs);
    case 'AddressConfirmed':
      return addressConfirmed(moved, event.data);
    case 'AddressUnheld':
      return addressUnheld(moved, event.data, atMs);
    default:
      throw new Error(`${event.type} is no event of a pool's stream`);
  }
}

function emptySpace(data: EventData<'IPPoolCreated'>): PoolSpace {
  const { name, spec } = data;
  return {
    name,
    className: spec.classNames[0] ?? '',
    family: spec.ipFamily,
    scope: {},
    parent: undefined,
    ranges: [],
    held: 0,
    children: 0,
  };
}

function carved(state: PoolState, data: EventData<'PrefixCarved'>, atMs: number): PoolState {
  const { prefix, childPool, className, scope, grant } = data;
  if (grant === undefined) throw new Error(`carve of ${prefix} names no grant`);
  const key = carveKey(grant.generation, className, scope, grant.ordinal);
  const space = takeFrom(spaceOf(state), parsePrefix(prefix), atMs);
  return {
    ...state,
    space: { ...space, children: space.children + 1 },
    carves: state.carves.set(key, { grantId: grant.id, prefix, childPool }),
    carveKeys: state.carveKeys.set(grant.id, key),
  };
}

function returned(state: PoolState, data: EventData<'PrefixReturned'>, atMs: number): PoolState {
  const { grantId = '', prefix, availableAt } = data;
  const block = parsePrefix(prefix);
  const space = giveBackTo(spaceOf(state), block, atMs, Date.parse(availableAt));
  const key = state.carveKeys.get(grantId, '');
  return {
    ...state,
    space: { ...space, children: space.children - 1 },
    carves: state.carves.delete(key),
    carveKeys: state.carveKeys.delete(grantId),
  };
}
