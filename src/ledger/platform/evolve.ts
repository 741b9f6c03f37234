import { Map as PersistentMap } from 'immutable';
import { parsePrefix } from '../../addressing/prefix.ts';
import type { EventData, LedgerEvent } from '../events.ts';
import type { LocationRecord, PlatformState } from './state.ts';

/** The state after an event of the platform's stream. */
export function evolvePlatform(state: PlatformState, event: LedgerEvent): PlatformState {
  const revision = state.revision + 1;
  const lastAtMs = Math.max(state.lastAtMs, Date.parse(event.data.at));
  return applyToPlatform({ ...state, revision, lastAtMs }, event);
}

function applyToPlatform(state: PlatformState, event: LedgerEvent): PlatformState {
  const { revision } = state;
  switch (event.type) {
    case 'AddressSpaceOpened':
      return { ...state, generation: event.data.generation, plan: event.data.plan };
    case 'IPClassCreated': {
      const { name, uid, isDefault, spec } = event.data;
      const record = { name, uid, revision, isDefault, spec };
      return { ...state, classes: state.classes.set(name, record) };
    }
    case 'RootRangeRegistered': {
      const root = { pool: event.data.pool, prefix: parsePrefix(event.data.prefix) };
      return { ...state, roots: [...state.roots, root] };
    }
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
      throw new Error(`${event.type} is no event of the platform's stream`);
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
