import type { Condition, ProviderStatus } from '../src/ledger/events.ts';
import type { ObjectProjection, Placed } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import {
  conditionOf,
  conditionsOf,
  judged,
  restamped,
  withConditions,
} from './shape/conditions.ts';
import {
  LOCATION_LABEL,
  NETWORKING,
  newMetadata,
  nextGeneration,
  terminating,
  withMetadata,
} from './shape/metadata.ts';
import { retentionOf, withoutWarning, withWarning } from './shape/retention.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'NetworkInterface';

/** What providers say of an interface. The ledger seeds these once and then leaves them alone. */
const REPORTED = ['Prepared', 'Programmed'];
const SEEDED = [
  { type: 'Allocated', status: 'True', reason: 'Allocated', message: 'holds its addresses' },
  ...REPORTED.map((type) => {
    const message = 'waiting for the provider';
    return { type, status: 'Unknown', reason: 'Pending', message } as const;
  }),
] as const;
const isOwn = (type: string) => !REPORTED.includes(type);

/** Interfaces: everything that a NIC needs. */
export const interfaces: ObjectProjection = {
  name: 'interfaces',
  version: 2,
  kind: KIND,
  namespaced: true,
  on: {
    InterfaceReady: { names: byName, next: (_, event) => ready(event), creates: true },
    InterfaceRetained: changes(byName, retained),
    InterfaceRebound: changes(byName, rebound),
    InterfaceUpdated: changes(byName, updated),
    RetentionExpiring: changes(ofKind(KIND), (nic, { data }) => withWarning(nic, data)),
    InterfaceStatusReported: changes(byName, reported),
    ObjectMetadataChanged: changes(ofKind(KIND), (nic, { data }) =>
      withMetadata(nic, data.metadata, keptOn(nic)),
    ),
    DeletionRequested: changes(ofKind(KIND), (nic, { data }) =>
      restamped(terminating(nic, data.at), isOwn),
    ),
    InterfaceDeleted: ends,
  },
};

function ready({ data, project }: Placed<'InterfaceReady'>): KubeObject {
  const { spec, claim, networkContext, at } = data;
  const { network, location } = spec;
  const first = { network, location, claimRef: claim };
  const kept = { labels: { [LOCATION_LABEL]: location.name } };
  return {
    apiVersion: NETWORKING,
    kind: KIND,
    metadata: newMetadata(data, project, {}, kept),
    spec: { ...first, ...spec },
    status: {
      phase: 'Bound',
      networkContextRef: { name: networkContext },
      conditions: judged([], SEEDED, 1, at),
    },
  };
}

function retained(nic: KubeObject, { data }: Placed<'InterfaceRetained'>): KubeObject {
  const { claimRef, ...spec } = nic.spec ?? {};
  const status = {
    ...nic.status,
    phase: 'Available',
    retention: retentionOf(data.at, data.expiresAt),
  };
  return restamped({ ...nextGeneration(nic), spec, status }, isOwn);
}

/** An MTU that has changed and changed back makes no new generation of those who were not told. */
function updated(nic: KubeObject, { data }: Placed<'InterfaceUpdated'>): KubeObject {
  const { mtu } = data;
  if (nic.spec?.mtu === mtu) return nic;
  return restamped({ ...nextGeneration(nic), spec: { ...nic.spec, mtu } }, isOwn);
}

function rebound(nic: KubeObject, { data }: Placed<'InterfaceRebound'>): KubeObject {
  const { retention, ...present } = withoutWarning(nic).status ?? {};
  const { network, location, claimRef, ...device } = nic.spec ?? {};
  const spec = { network, location, claimRef: data.claim, ...device };
  const status = { ...present, phase: 'Bound' };
  return restamped({ ...nextGeneration(nic), spec, status }, isOwn);
}

/** A report replaces what the provider said before; a condition that it leaves out stays. */
function reported(nic: KubeObject, { data }: Placed<'InterfaceStatusReported'>): KubeObject {
  const { conditions, attachmentRef, vpc }: ProviderStatus = data.status;
  const { attachmentRef: _attachmentRef, vpc: _vpc, ...present } = nic.status ?? {};
  const status = {
    ...present,
    ...(attachmentRef === undefined ? {} : { attachmentRef }),
    ...(vpc === undefined ? {} : { vpc }),
  };
  const told = conditionsOf(nic).map((condition): Condition => {
    const report = isOwn(condition.type) ? undefined : conditionOf(conditions, condition.type);
    return report ?? condition;
  });
  const next = withConditions({ ...nic, status }, told);
  if (data.managedFields === undefined) return next;
  const { managedFields } = data;
  return withMetadata(next, { ...nic.metadata, managedFields }, keptOn(nic));
}

function keptOn(nic: KubeObject) {
  const { location } = nic.spec as { location: { name: string } };
  return { labels: { [LOCATION_LABEL]: location.name } };
}
