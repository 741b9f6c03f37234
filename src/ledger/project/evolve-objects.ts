import type { EventData, LedgerEvent } from '../events.ts';
import { withLaggards } from './laggards.ts';
import {
  leaseEnded,
  leaveLine,
  onClaim,
  onInterface,
  onIPClaim,
  onNetwork,
  onPresence,
  seenPlatform,
} from './records.ts';
import type { LocationJoin, NetworkRecord, PresenceRecord, ProjectState } from './state.ts';

/** Events of the other objects, and what all objects have in common. */
export function evolveObject(state: ProjectState, event: LedgerEvent): ProjectState | undefined {
  const { revision } = state;
  switch (event.type) {
    case 'NamespaceCreated': {
      const { name, uid, metadata } = event.data;
      const finalizers = metadata.finalizers ?? [];
      return { ...state, namespace: { name, uid, revision, finalizers, deleting: false } };
    }
    case 'NamespaceDeleted':
      return { ...state, namespace: undefined };
    case 'NetworkCreated': {
      const { name, uid, spec, metadata, platformRevision } = event.data;
      const finalizers = metadata.finalizers ?? [];
      const network: NetworkRecord = {
        ...{ name, uid, revision, since: revision, spec, finalizers },
        ...{ deleting: false, presences: 0, allocations: 0, waiting: [] },
      };
      const networks = state.networks.set(name, network);
      return seenPlatform({ ...state, networks }, platformRevision);
    }
    case 'NetworkUpdated':
      return networkUpdated(state, event.data);
    case 'NetworkDeleted': {
      const { name } = event.data;
      const deletingNetworks = state.deletingNetworks.delete(name);
      const waitingNetworks = state.waitingNetworks.delete(name);
      return { ...state, networks: state.networks.delete(name), deletingNetworks, waitingNetworks };
    }
    case 'NetworkContextCreated':
      return contextCreated(state, event.data);
    case 'NetworkContextUpdated': {
      const { name, subnets } = event.data;
      return onPresence(state, name, (presence) => ({ ...presence, revision, subnets }));
    }
    case 'NetworkContextDeleted':
      return contextDeleted(state, event.data);
    case 'ObjectMetadataChanged': {
      const { kind, name, metadata } = event.data;
      const finalizers = metadata.finalizers ?? [];
      return onObject(state, kind, name, { revision, finalizers });
    }
    case 'DeletionRequested':
      return deletionRequested(state, event.data);
    default:
      return undefined;
  }
}

function networkUpdated(state: ProjectState, data: EventData<'NetworkUpdated'>): ProjectState {
  const { name, spec, metadata, waiting } = data;
  const { revision } = state;
  // Told before the map is changed in place, as it is while a stream is read.
  const hasNewMtu = spec.mtu !== state.networks.get(name)?.spec.mtu;
  const updated = onNetwork(state, name, (network) => {
    const finalizers = metadata === undefined ? network.finalizers : (metadata.finalizers ?? []);
    return { ...network, revision, spec, waiting, finalizers };
  });
  const waits = waiting.length > 0 && !state.deletingNetworks.has(name);
  const { waitingNetworks } = state;
  return {
    ...(hasNewMtu ? withLaggards(updated, name) : updated),
    waitingNetworks: waits ? waitingNetworks.add(name) : waitingNetworks.delete(name),
  };
}

/** What is being deleted is given nothing more, so that it leaves its place to those behind it. */
function deletionRequested(
  state: ProjectState,
  data: EventData<'DeletionRequested'>,
): ProjectState {
  const { kind, name } = data;
  const { revision } = state;
  const marked = onObject(state, kind, name, { revision, deleting: true });
  if (kind === 'NetworkInterfaceClaim') return leaveLine(marked, name);
  if (kind === 'NetworkInterface') return leaseEnded(marked, kind, name);
  if (kind !== 'Network') return marked;
  return {
    ...marked,
    deletingNetworks: state.deletingNetworks.add(name),
    waitingNetworks: state.waitingNetworks.delete(name),
  };
}

function contextCreated(
  state: ProjectState,
  data: EventData<'NetworkContextCreated'>,
): ProjectState {
  const { name, uid, network, location, subnets, grantId, metadata, platformRevision } = data;
  const presence: PresenceRecord = {
    name,
    uid,
    revision: state.revision,
    network: network.name,
    location,
    subnets,
    interfaces: 0,
    allocations: 0,
    finalizers: metadata.finalizers ?? [],
    deleting: false,
  };
  const present = state.joins.get(location.name);
  const join: LocationJoin = { grantId, location, presences: (present?.presences ?? 0) + 1 };
  const counted = onNetwork(state, network.name, (record) => ({
    ...record,
    presences: record.presences + 1,
  }));
  return seenPlatform(
    {
      ...counted,
      presences: state.presences.set(name, presence),
      joins: state.joins.set(location.name, join),
    },
    platformRevision,
  );
}

function contextDeleted(
  state: ProjectState,
  data: EventData<'NetworkContextDeleted'>,
): ProjectState {
  const presence = state.presences.get(data.name);
  if (presence === undefined) throw new Error(`presence ${data.name} is not in the state`);
  const { location } = presence;
  const counted = onNetwork(state, presence.network, (record) => ({
    ...record,
    presences: record.presences - 1,
  }));
  const presences = state.presences.delete(data.name);
  if (data.endsGrant !== undefined) {
    const endedJoins = state.endedJoins.set(location.name, data.endsGrant.grantId);
    return { ...counted, presences, endedJoins, joins: state.joins.delete(location.name) };
  }
  const joins = state.joins.update(location.name, (join) => {
    if (join === undefined) throw new Error(`join of ${location.name} is not in the state`);
    return { ...join, presences: join.presences - 1 };
  });
  return { ...counted, presences, joins };
}

/** What every kind of object has in common, changed on the one that is named. */
function onObject(
  state: ProjectState,
  kind: string,
  name: string,
  change: { revision: number; finalizers?: readonly string[]; deleting?: boolean },
): ProjectState {
  switch (kind) {
    case 'Namespace':
      if (state.namespace === undefined) throw new Error('there is no namespace');
      return { ...state, namespace: { ...state.namespace, ...change } };
    case 'Network':
      return onNetwork(state, name, (network) => ({ ...network, ...change }));
    case 'NetworkContext':
      return onPresence(state, name, (presence) => ({ ...presence, ...change }));
    case 'NetworkInterfaceClaim':
      return onClaim(state, name, (claim) => ({ ...claim, ...change }));
    case 'NetworkInterface':
      return onInterface(state, name, (nic) => ({ ...nic, ...change }));
    case 'IPClaim':
      return onIPClaim(state, name, (claim) => ({ ...claim, ...change }));
    default:
      throw new Error(`${kind} is no kind of a project`);
  }
}
