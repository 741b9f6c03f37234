import { Map as PersistentMap } from 'immutable';
import { parsePrefix, samePrefix } from '../../addressing/prefix.ts';
import type { EventData, LedgerEvent, ObjectRef } from '../events.ts';
import type { ClassRecord, LocationRecord, PlatformState, RegisteredPool } from './state.ts';

/** The state after an event of the platform's stream. */
export function evolvePlatform(state: PlatformState, event: LedgerEvent): PlatformState {
  const moved = {
    ...state,
    revision: state.revision + 1,
    lastAtMs: Math.max(state.lastAtMs, Date.parse(event.data.at)),
  };
  return (
    evolveClass(moved, event) ??
    evolvePool(moved, event) ??
    evolveLocation(moved, event) ??
    unknownEvent(event)
  );
}

function unknownEvent(event: LedgerEvent): never {
  throw new Error(`${event.type} is no event of the platform's stream`);
}

/** Events of the classes. */
function evolveClass(state: PlatformState, event: LedgerEvent): PlatformState | undefined {
  const { revision } = state;
  switch (event.type) {
    case 'IPClassCreated': {
      const { name, uid, isDefault, spec, metadata } = event.data;
      const { finalizers = [] } = metadata;
      const deleting = false;
      return withClass(state, { name, uid, revision, isDefault, spec, finalizers, deleting });
    }
    case 'IPClassUpdated': {
      const { name, isDefault, spec, metadata } = event.data;
      return onClass(state, name, (ipClass) => {
        const finalizers =
          metadata === undefined ? ipClass.finalizers : (metadata.finalizers ?? []);
        return { ...ipClass, revision, isDefault, spec, finalizers };
      });
    }
    case 'IPClassDeleted':
      return { ...state, classes: state.classes.delete(event.data.name) };
    case 'ObjectMetadataChanged': {
      const { kind, name, metadata } = event.data;
      if (kind !== 'IPClass') return undefined;
      const { finalizers = [] } = metadata;
      return onClass(state, name, (ipClass) => ({ ...ipClass, revision, finalizers }));
    }
    case 'DeletionRequested': {
      const { kind, name } = event.data;
      if (kind !== 'IPClass') return undefined;
      return onClass(state, name, (ipClass) => ({ ...ipClass, revision, deleting: true }));
    }
    default:
      return undefined;
  }
}

function withClass(state: PlatformState, ipClass: ClassRecord): PlatformState {
  return { ...state, classes: state.classes.set(ipClass.name, ipClass) };
}

function onClass(
  state: PlatformState,
  name: string,
  change: (ipClass: ClassRecord) => ClassRecord,
): PlatformState {
  const ipClass = state.classes.get(name);
  if (ipClass === undefined) throw new Error(`class ${name} is not in the state`);
  return withClass(state, change(ipClass));
}

/** Events of the platform's beginning, and of the directory of pools. */
function evolvePool(state: PlatformState, event: LedgerEvent): PlatformState | undefined {
  switch (event.type) {
    case 'AddressSpaceOpened':
      return { ...state, generation: event.data.generation, plan: event.data.plan };
    case 'PoolRegistered': {
      const { pool, root, spec, metadata, owner } = event.data;
      return withPool(state, { ...pool, root, spec, metadata, owner });
    }
    case 'PoolRegistrationChanged': {
      const { pool, root, spec } = event.data;
      const { metadata = {}, owner } = state.pools.get(pool.name) ?? {};
      return withPool(state, { ...pool, root, spec, metadata, owner });
    }
    case 'PoolUnregistered':
      return { ...state, pools: state.pools.delete(event.data.pool.name) };
    case 'RootRangeRegistered': {
      const { pool } = event.data;
      const root = { pool, prefix: parsePrefix(event.data.prefix), revision: state.revision };
      return { ...withPlanned(state, pool), roots: [...state.roots, root] };
    }
    case 'RootRangeReleased': {
      const released = parsePrefix(event.data.prefix);
      return { ...state, roots: state.roots.filter(({ prefix }) => !samePrefix(prefix, released)) };
    }
    default:
      return undefined;
  }
}

function withPool(state: PlatformState, pool: Omit<RegisteredPool, 'revision'>): PlatformState {
  const registered = { ...pool, revision: state.revision };
  return { ...state, pools: state.pools.set(pool.name, registered) };
}

/** The plan's pools are registered by their range alone; what they offer stands in the plan. */
function withPlanned(state: PlatformState, { name, uid }: ObjectRef): PlatformState {
  const planned = state.plan?.pools.find((pool) => pool.name === name);
  if (planned === undefined || state.pools.has(name)) return state;
  const { ipFamily, cidr, classNames } = planned;
  const spec = { ipFamily, cidr, classNames };
  return withPool(state, { name, uid, root: name, spec, metadata: {}, owner: undefined });
}

/** Events of the locations. */
function evolveLocation(state: PlatformState, event: LedgerEvent): PlatformState | undefined {
  const { revision } = state;
  switch (event.type) {
    case 'LocationCreated':
      return withLocation(state, locationRecord(event.data, revision));
    case 'LocationDeleted':
      return { ...state, locations: state.locations.delete(event.data.name) };
    case 'LocationUpdated':
      return onLocation(state, event.data.name, (location) => {
        const { spec, metadata } = event.data;
        const finalizers =
          metadata === undefined ? location.finalizers : (metadata.finalizers ?? []);
        return { ...location, revision, spec, finalizers };
      });
    case 'ObjectMetadataChanged':
      return onLocation(state, event.data.name, (location) => ({
        ...location,
        revision,
        finalizers: event.data.metadata.finalizers ?? [],
      }));
    case 'DeletionRequested':
      return onLocation(state, event.data.name, (location) => ({
        ...location,
        revision,
        deleting: true,
      }));
    case 'LocationJoined': {
      const { project, generation, grantId } = event.data;
      return onLocation(state, event.data.location.name, (location) => ({
        ...location,
        joined: location.joined.set(project, { generation, grantId }),
      }));
    }
    case 'LocationLeft':
      return onLocation(state, event.data.location.name, (location) => ({
        ...location,
        joined: location.joined.delete(event.data.project),
      }));
    default:
      return undefined;
  }
}

function locationRecord(data: EventData<'LocationCreated'>, revision: number): LocationRecord {
  const { name, uid, spec, metadata } = data;
  const finalizers = metadata.finalizers ?? [];
  return { name, uid, revision, spec, finalizers, deleting: false, joined: PersistentMap() };
}

function withLocation(state: PlatformState, location: LocationRecord): PlatformState {
  return { ...state, locations: state.locations.set(location.name, location) };
}

function onLocation(
  state: PlatformState,
  name: string,
  change: (location: LocationRecord) => LocationRecord,
): PlatformState {
  const location = state.locations.get(name);
  if (location === undefined) throw new Error(`location ${name} is not in the state`);
  return withLocation(state, change(location));
}
