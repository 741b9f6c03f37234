import type { EventData, EventType } from '../../ledger/events.ts';
import type { IPPoolSpec } from '../../ledger/ip-pool.ts';
import type { RecordedEvent } from '../../store/store.ts';

type Blocks = {
  readonly [T in EventType]?: (data: EventData<T>) => readonly (string | undefined)[];
};

/** The addresses and prefixes that an event decides about; not those that it only stands in. */
const BLOCKS: Blocks = {
  AddressSpaceOpened: ({ plan }) => (plan?.pools ?? []).map(({ cidr }) => cidr),
  AddressSpaceClosed: ({ ranges }) => ranges.map(({ prefix }) => prefix),
  RangeAdded: ({ prefix }) => [prefix],
  RangeRemoved: ({ prefix }) => [prefix],
  RootRangeRegistered: ({ prefix }) => [prefix],
  RootRangeReleased: ({ prefix }) => [prefix],
  PrefixCarved: ({ prefix }) => [prefix],
  PrefixReturned: ({ prefix }) => [prefix],
  PrefixReserved: ({ prefix }) => [prefix],
  ReservationLifted: ({ prefix }) => [prefix],
  AddressHeld: ({ block }) => [block],
  AddressConfirmed: ({ block }) => [block],
  AddressUnheld: ({ block }) => [block],
  AddressAllocated: ({ block }) => [block],
  AddressReleased: ({ block }) => [block],
  InterfaceReady: ({ spec }) =>
    [...spec.addresses, ...(spec.externalAddresses ?? [])].map(({ address }) => address),
  NetworkCreated: ({ spec }) => [spec.ipam.ipv6Range, spec.ipam.ipv4Range],
  NetworkContextCreated: ({ subnets, requested = [] }) =>
    [...subnets, ...requested].map(({ prefix }) => prefix),
  NetworkContextUpdated: ({ subnets }) => subnets.map(({ prefix }) => prefix),
  IPPoolCreated: ({ spec }) => blocksOfPool(spec),
  IPPoolUpdated: ({ spec }) => blocksOfPool(spec),
  PoolRegistered: ({ spec }) => blocksOfPool(spec),
  PoolRegistrationChanged: ({ spec }) => blocksOfPool(spec),
  IPAllocationCreated: ({ block }) => [block],
  IPAllocationUpdated: ({ block }) => [block],
  IPAllocationDeleted: ({ block }) => [block],
};

function blocksOfPool({ cidr, additionalCIDRs = [], excludedCIDRs = [] }: IPPoolSpec) {
  return [cidr, ...additionalCIDRs, ...excludedCIDRs.map((excluded) => excluded.cidr)];
}

/** The blocks of an event of the log. */
export function blocksOf({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): readonly string[] {
  const blocks = BLOCKS[type as EventType] as ((data: object) => readonly string[]) | undefined;
  return blocks?.(data).filter((block) => block !== undefined) ?? [];
}
