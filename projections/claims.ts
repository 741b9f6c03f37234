import type { ClaimSpec, Condition } from '../src/ledger/events.ts';
import type { ObjectProjection, Placed, Present } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import { conditionOf, conditionsOf, judged, restamped, type Verdict } from './shape/conditions.ts';
import {
  LOCATION_LABEL,
  NETWORKING,
  newMetadata,
  seconds,
  terminating,
  withMetadata,
} from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'NetworkInterfaceClaim';

/** What the ledger says of a claim, and what it copies from the claim's interface. */
const OWN = ['Bound', 'Allocated'];
const COPIED = ['Prepared', 'Programmed'];

/** What there is to say of a claim before the ledger has met it, or told it to wait. */
const UNDECIDED = OWN.map((type) => unknown(type, 'waiting for the ledger'));
const PENDING = [...UNDECIDED, ...COPIED.map(unreported), readiness(UNDECIDED)];

/** Claims for interfaces. A bound one shows what its interface shows. */
export const claims: ObjectProjection = {
  name: 'claims',
  version: 1,
  kind: KIND,
  namespaced: true,
  on: {
    ClaimRequested: { names: byName, next: (_, event) => requested(event), creates: true },
    ClaimQueued: changes(byName, (claim, { data }) => {
      const { reason, message, at } = data;
      const unmet = OWN.map((type) => ({ type, status: 'False', reason, message }) as const);
      return judgedAnew(claim, claim.status, unmet, conditionsOf(claim), at);
    }),
    InterfaceReady: changes(({ data }) => [data.claim.name], following),
    InterfaceRebound: changes(({ data }) => [data.claim.name], following),
    InterfaceStatusReported: changes(
      ({ data }) => (data.claim === null ? [] : [data.claim.name]),
      following,
    ),
    ObjectMetadataChanged: changes(ofKind(KIND), (claim, { data }) =>
      withMetadata(claim, data.metadata, keptOn(claim.spec as ClaimSpec)),
    ),
    DeletionRequested: changes(ofKind(KIND), (claim, { data }) =>
      restamped(terminating(claim, data.at), () => true),
    ),
    ClaimDeleted: ends,
  },
};

function requested({ data, project }: Placed<'ClaimRequested'>): KubeObject {
  const metadata = newMetadata(data, project, data.metadata, keptOn(data.spec));
  const conditions = judged([], PENDING, metadata.generation, data.at);
  return { apiVersion: NETWORKING, kind: KIND, metadata, spec: data.spec, status: { conditions } };
}

function keptOn({ location }: ClaimSpec) {
  return { labels: { [LOCATION_LABEL]: location.name } };
}

/** The claim as one that has its interface: addresses and the provider's word are copies. */
function following(
  claim: KubeObject,
  { data, project }: Placed<'InterfaceReady' | 'InterfaceRebound' | 'InterfaceStatusReported'>,
  present: Present,
): KubeObject {
  const nic = present.object('NetworkInterface', project, data.name);
  if (nic === undefined) throw new Error(`interface ${project}/${data.name} is not there`);
  const { addresses, externalAddresses } = nic.spec ?? {};
  const status = {
    networkInterfaceRef: { name: data.name },
    addresses,
    ...(externalAddresses === undefined ? {} : { externalAddresses }),
  };
  // Joined, not added up: a text of added parts is serialised the slow way, with all around it.
  const message = ['has interface "', data.name, '"'].join('');
  const met = [
    { type: 'Bound', status: 'True', reason: 'Bound', message },
    { type: 'Allocated', status: 'True', reason: 'Allocated', message: 'has its addresses' },
  ] as const;
  return judgedAnew(claim, status, met, conditionsOf(nic), data.at);
}

/** The claim with a status: the ledger's word, the copies, and what follows from them. */
function judgedAnew(
  claim: KubeObject,
  status: KubeObject['status'],
  own: readonly Verdict[],
  source: readonly Condition[],
  at: string,
): KubeObject {
  const { generation } = claim.metadata;
  const before = conditionsOf(claim);
  const copies = COPIED.map((type) => copied(type, source, before, generation, at));
  const ready = readiness([...own, ...copies]);
  const [bound, allocated, last] = judged(before, [...own, ready], generation, at);
  const conditions = [bound, allocated, ...copies, last];
  return { ...claim, status: { ...status, conditions } };
}

/** A condition of the interface as one of the claim; its time stays while its status does. */
function copied(
  type: string,
  source: readonly Condition[],
  before: readonly Condition[],
  observedGeneration: number,
  at: string,
): Condition {
  const lastTransitionTime = seconds(at);
  const found = conditionOf(source, type) ?? {
    ...unreported(type),
    lastTransitionTime,
  };
  const present = conditionOf(before, type);
  const { status, reason, message } = found;
  const time = (present?.status === status ? present : found).lastTransitionTime;
  return { type, status, reason, message, lastTransitionTime: time, observedGeneration };
}

function unreported(type: string): Verdict {
  return unknown(type, 'waiting for the interface');
}

function unknown(type: string, message: string): Verdict {
  return { type, status: 'Unknown', reason: 'Pending', message };
}

/** Ready is the first condition that is not met, else true. Its texts are whole ones, as above. */
function readiness(verdicts: readonly Verdict[]): Verdict {
  const unmet = verdicts.find(({ status }) => status !== 'True');
  if (unmet === undefined) {
    return { type: 'Ready', status: 'True', reason: 'Ready', message: 'the interface is ready' };
  }
  const { type, status, message } = unmet;
  return { type: 'Ready', status, reason: ['Not', type].join(''), message };
}
