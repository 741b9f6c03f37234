import type { EventData, EventType } from '../src/ledger/events.ts';
import type { Placed, Remark, Remarks } from '../src/views/projection.ts';
import { IPAM, NETWORKING } from './shape/metadata.ts';

type Told<T extends EventType> = (data: EventData<T>) => readonly Remark[];

/** What people are told of decisions, in the Events of the objects that these are about. */
const ON: { readonly [T in EventType]?: Told<T> } = {
  InterfaceReady: ({ claim, name, spec }) => {
    const all = [...spec.addresses, ...(spec.externalAddresses ?? [])];
    const addresses = all.map(({ address }) => address).join(', ');
    const message = `has interface "${name}" with ${addresses}`;
    return [normal(claimOf(claim), 'Bound', message)];
  },
  InterfaceRebound: ({ claim, name }) => [
    normal(claimOf(claim), 'Bound', `has interface "${name}" with the addresses that it has kept`),
  ],
  ClaimQueued: (data) => [warning(claimOf(data), 'Waiting', `${data.reason}: ${data.message}`)],
  NetworkUpdated: (data) =>
    data.waiting.map(({ family, reason, message }) => {
      const network = { apiVersion: NETWORKING, kind: 'Network', ...named(data) };
      return warning(network, 'Waiting', `${reason} for ${family}: ${message}`);
    }),
  InterfaceRetained: (data) => [
    normal(interfaceOf(data), 'Retained', `keeps its addresses ${until(data.expiresAt)}`),
  ],
  RetentionExpiring: (data) => {
    const object = data.kind === 'NetworkInterface' ? interfaceOf(data) : allocationOf(data);
    return [warning(object, 'Expiring', `its lease is over: it is released at ${data.releaseAt}`)];
  },
  AddressReleased: ({ interface: nic, block, availableAt }) => [
    normal(interfaceOf(nic), 'Released', `${block} rests until ${availableAt}`),
  ],
  IPClaimCreated: (data) => {
    const claim = { apiVersion: IPAM, kind: 'IPClaim', ...named(data) };
    return [normal(claim, 'Bound', `has allocation "${data.allocation.name}"`)];
  },
  IPAllocationUpdated: (data) =>
    data.claim === null
      ? [normal(allocationOf(data), 'Retained', `${data.block} is kept ${until(data.expiresAt)}`)]
      : [],
  IPAllocationDeleted: (data) => [
    normal(allocationOf(data), 'Released', `${data.block} rests until ${data.availableAt}`),
  ],
};

/** A read model of the last decisions, told to people. It is kept in memory, for a while. */
export const remarks: Remarks = {
  types: Object.keys(ON) as EventType[],
  of: ({ type, data }: Placed) => (ON[type] as Told<EventType> | undefined)?.(data) ?? [],
};

interface Named {
  readonly name: string;
  readonly uid: string;
}

const named = ({ name, uid }: Named) => ({ name, uid });
const claimOf = (claim: Named) => ({
  ...{ apiVersion: NETWORKING, kind: 'NetworkInterfaceClaim' },
  ...named(claim),
});
const interfaceOf = (nic: Named) => ({
  ...{ apiVersion: NETWORKING, kind: 'NetworkInterface' },
  ...named(nic),
});
const allocationOf = (allocation: Named) => ({
  ...{ apiVersion: IPAM, kind: 'IPAllocation' },
  ...named(allocation),
});

function normal(about: Remark['about'], reason: string, message: string): Remark {
  return { about, type: 'Normal', reason, message };
}

function warning(about: Remark['about'], reason: string, message: string): Remark {
  return { about, type: 'Warning', reason, message };
}

function until(expiresAt: string | null): string {
  return expiresAt === null ? 'until they are released by hand' : `until ${expiresAt}`;
}
