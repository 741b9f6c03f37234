import {
  contains,
  familyWidth,
  formatAddress,
  formatPrefix,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../src/addressing/prefix.ts';
import type { ExternalAddress, InterfaceAddress } from '../src/ledger/events.ts';
import { uuidOf } from '../src/ledger/identifiers.ts';
import { SYSTEM_NAMESPACE } from '../src/ledger/names.ts';
import { scopedPoolName } from '../src/ledger/streams.ts';
import type { ObjectProjection, Placed, Present } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import { subnetsOf } from './network-contexts.ts';
import {
  carveName,
  interfaceAllocationName,
  type RestingPlace,
  reservationName,
  reservationNames,
  restingName,
} from './shape/allocation-names.ts';
import { IPAM, newMetadata, nextGeneration, seconds } from './shape/metadata.ts';
import { retentionOf, withoutWarning, withWarning } from './shape/retention.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'IPAllocation';

/**
 * Records of blocks: what is withheld, what is carved and what IPClaims hold. The blocks of
 * interfaces are not stored a second time: their records are made of the interfaces at the read.
 */
export const ipAllocations: ObjectProjection = {
  name: 'ip_allocations',
  version: 1,
  kind: KIND,
  namespaced: true,
  noProject: SYSTEM_NAMESPACE,
  on: {
    PrefixReserved: {
      names: ({ data }) => [reservationName(data.pool, data.prefix)],
      next: (_, event) => reserved(event),
    },
    ReservationLifted: {
      names: ({ data }) => [reservationName(data.pool, data.prefix)],
      next: () => undefined,
    },
    PrefixCarved: {
      names: ({ data }) => [carveName(data.pool, data.prefix)],
      next: (_, event) => carved(event),
    },
    PrefixReturned: {
      names: ({ data, project }, present) => [
        carveName(data.pool, data.prefix),
        ...(data.grantId === undefined ? withheldIn(present, project, data.childPool) : []),
      ],
      next: () => undefined,
    },
    // A range goes when nothing is held in it: what is left there is what was withheld.
    RangeRemoved: {
      names: ({ data, project }, present) => withheldIn(present, project, data.pool),
      next: (record, { data }) => (record && isWithin(record, data.prefix) ? undefined : record),
    },
    IPPoolDeleted: {
      names: ({ data, project }, present) => withheldIn(present, project, data.name),
      next: () => undefined,
    },
    AddressSpaceClosed: {
      names: ({ project }, present) => (project === '' ? [] : present.namesFrom(KIND, project, '')),
      next: () => undefined,
    },
    IPAllocationCreated: { names: byName, next: (_, event) => claimed(event) },
    IPAllocationUpdated: changes(byName, claimedAnew),
    RetentionExpiring: changes(ofKind(KIND), (record, { data }) => withWarning(record, data)),
    IPAllocationDeleted: ends,
  },
};

function withheldIn(present: Present, project: string, pool: string): readonly string[] {
  return present.namesFrom(KIND, project || SYSTEM_NAMESPACE, reservationNames(pool));
}

function isWithin(record: KubeObject, cidr: string): boolean {
  return contains(parsePrefix(cidr), parsePrefix(record.status?.allocatedCIDR as string));
}

interface Shown {
  readonly purpose: 'Interface' | 'Claim' | 'Reservation' | 'PoolCarve';
  readonly holder: { readonly kind: string; readonly name: string; readonly uid?: string };
  readonly pool: string | undefined;
  readonly className: string | undefined;
  readonly reclaimPolicy?: unknown;
  readonly reason?: string;
  readonly phase?: string;
  readonly retention?: unknown;
  readonly availableAt?: string;
}

/** A record as it is shown. */
function shown(metadata: KubeObject['metadata'], block: Prefix, cidr: string, record: Shown) {
  const { pool, className, purpose, holder, reclaimPolicy, reason } = record;
  const { phase = 'Held', retention, availableAt } = record;
  const isHost = block.length === familyWidth(block.family);
  return {
    apiVersion: IPAM,
    kind: KIND,
    metadata,
    spec: {
      ipFamily: block.family,
      ...(pool === undefined ? {} : { poolRef: { name: pool } }),
      ...(className === undefined ? {} : { className }),
      purpose,
      holder,
      ...(reclaimPolicy === undefined ? {} : { reclaimPolicy }),
      ...(reason === undefined ? {} : { reason }),
    },
    status: {
      allocatedCIDR: cidr,
      ...(isHost ? { address: formatAddress(block) } : {}),
      phase,
      ...(retention === undefined ? {} : { retention }),
      ...(availableAt === undefined ? {} : { availableAt }),
    },
  };
}

function reserved({ data, project, stream, revision }: Placed<'PrefixReserved'>): KubeObject {
  const { at, pool, prefix, owner, reason } = data;
  const identity = { at, name: reservationName(pool, prefix), uid: uuidOf(stream, revision, KIND) };
  const metadata = newMetadata(identity, project || SYSTEM_NAMESPACE);
  const record = { purpose: 'Reservation', holder: owner, pool, className: undefined } as const;
  return shown(metadata, parsePrefix(prefix), prefix, { ...record, reason });
}

function carved({ data, project, stream, revision }: Placed<'PrefixCarved'>): KubeObject {
  const { at, pool, prefix, childPool, className } = data;
  const identity = { at, name: carveName(pool, prefix), uid: uuidOf(stream, revision, KIND) };
  const metadata = newMetadata(identity, project || SYSTEM_NAMESPACE);
  const holder = { kind: 'IPPool', name: childPool };
  const record = { purpose: 'PoolCarve', holder, pool, className } as const;
  return shown(metadata, parsePrefix(prefix), prefix, record);
}

function claimed({ data, project }: Placed<'IPAllocationCreated'>): KubeObject {
  const { pool, block, className, claim, reclaimPolicy } = data;
  const holder = { kind: 'IPClaim', ...claim };
  const record = { purpose: 'Claim', holder, pool, className, reclaimPolicy } as const;
  return shown(newMetadata(data, project), parsePrefix(block), block, record);
}

/** Without a claim it is retained, and is held for a claim of its name. */
function claimedAnew(record: KubeObject, { data }: Placed<'IPAllocationUpdated'>): KubeObject {
  const { at, name, claim, expiresAt } = data;
  const holder = { kind: 'IPClaim', ...(claim ?? { name }) };
  const { retention: _ended, ...status } = withoutWarning(record).status ?? {};
  const phase = claim === null ? 'Retained' : 'Held';
  const retention = claim === null ? { retention: retentionOf(at, expiresAt) } : {};
  return {
    ...nextGeneration(record),
    spec: { ...record.spec, holder },
    status: { ...status, phase, ...retention },
  };
}

/** A block that rests, as the rows of holdings say it. */
export interface RestingBlock extends RestingPlace {
  readonly pool: string;
  readonly block: Prefix;
  readonly className: string;
  readonly namespace: string;
  /** The last holder. */
  readonly holder: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly releasedAtMs: number;
}

/** The record of a block that rests. It is nobody's any more and names who held it last. */
export function restingAllocation(resting: RestingBlock): KubeObject {
  const { pool, block, className, namespace, position, releasedAtMs, availableAtMs } = resting;
  const { kind, name, uid } = resting.holder;
  const cidr = formatPrefix(block);
  const identity = {
    at: new Date(releasedAtMs).toISOString(),
    name: restingName(resting, cidr),
    uid: uuidOf('Quarantine', pool, cidr, String(position)),
  };
  const metadata = { ...newMetadata(identity, namespace), resourceVersion: String(position) };
  return shown(metadata, block, cidr, {
    ...{ pool, className: className || undefined, phase: 'Quarantined' },
    purpose: RESTING_PURPOSES[kind] ?? 'Interface',
    holder: uid === '' ? { kind, name } : { kind, name, uid },
    // Whole seconds: the first at which it is available indeed.
    availableAt: seconds(new Date(availableAtMs + 999).toISOString()),
  });
}

const RESTING_PURPOSES: Readonly<Record<string, Shown['purpose']>> = {
  IPClaim: 'Claim',
  IPPool: 'PoolCarve',
};

/** What a record of an interface's address is made of. */
interface Source {
  readonly present: Pick<Present, 'object'>;
  /** The authored pool that an address from outside the project's space is of. */
  readonly authoredPoolOf: (block: Prefix) => string | undefined;
}

/** The records of an interface's addresses. They carry its resourceVersion. */
export function allocationsOfInterface(nic: KubeObject, source: Source): KubeObject[] {
  const own = ownAddresses(nic).map(({ address, subnet, class: name }) => {
    const pool =
      poolOfSubnet(nic, subnet, source.present) ?? poolOfClass(nic, name, source.present);
    return recordOf(nic, parsePrefix(address), address, name, pool);
  });
  const external = externalAddresses(nic).map(({ address, class: name }) => {
    const block = address.includes('/') ? parsePrefix(address) : parseAddress(address);
    return recordOf(nic, block, formatPrefix(block), name, source.authoredPoolOf(block));
  });
  return [...own, ...external];
}

/** How many records an interface has. */
export function allocationCountOf(nic: KubeObject): number {
  return ownAddresses(nic).length + externalAddresses(nic).length;
}

/** The name of one of an interface's records. */
export function allocationNameOf(nic: KubeObject, index: number): string {
  const { class: className } = [...ownAddresses(nic), ...externalAddresses(nic)][index] as {
    class: string;
  };
  return interfaceAllocationName(nic.metadata.name, className);
}

function ownAddresses(nic: KubeObject): readonly InterfaceAddress[] {
  return (nic.spec?.addresses ?? []) as readonly InterfaceAddress[];
}

function externalAddresses(nic: KubeObject): readonly ExternalAddress[] {
  return (nic.spec?.externalAddresses ?? []) as readonly ExternalAddress[];
}

function recordOf(
  nic: KubeObject,
  block: Prefix,
  cidr: string,
  className: string,
  pool: string | undefined,
): KubeObject {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp } = nic.metadata;
  const metadata = {
    name: interfaceAllocationName(name, className),
    ...(namespace === undefined ? {} : { namespace }),
    uid: uuidOf(uid, KIND, className),
    ...{ resourceVersion, generation, creationTimestamp },
  };
  return shown(metadata, block, cidr, {
    ...{ purpose: 'Interface', holder: { kind: 'NetworkInterface', name, uid }, pool, className },
    reclaimPolicy: nic.spec?.reclaimPolicy,
    phase: nic.status?.phase === 'Available' ? 'Retained' : 'Held',
    retention: nic.status?.retention,
  });
}

/** A private address is of the pool of its subnet, which its context knows while it is there. */
function poolOfSubnet(
  nic: KubeObject,
  subnet: string,
  present: Source['present'],
): string | undefined {
  const { name = '' } = (nic.status?.networkContextRef ?? {}) as { name?: string };
  const context = present.object('NetworkContext', nic.metadata.namespace ?? '', name);
  return subnetsOf(context).find(({ prefix }) => prefix === subnet)?.pool;
}

/** That is the pool of its class's parent, unless another class was the default at first. */
function poolOfClass(
  nic: KubeObject,
  className: string,
  present: Source['present'],
): string | undefined {
  const specOf = (name: unknown) => present.object('IPClass', '', String(name ?? ''))?.spec;
  const parent = specOf(className)?.parentClassName;
  const { network, location } = nic.spec as {
    network: { name: string };
    location: { name: string };
  };
  const scope: Readonly<{ [level: string]: string | undefined }> = {
    ...{ project: nic.metadata.namespace, network: network.name, location: location.name },
  };
  const levels = (specOf(parent)?.poolPer ?? []) as readonly string[];
  if (levels.length === 0) return undefined;
  return scopedPoolName(
    String(parent),
    levels.map((level) => scope[level] ?? ''),
  );
}
