import type { Condition } from '../../../ledger/events.ts';
import { DEFAULT_CLASS_ANNOTATION } from '../../../ledger/names.ts';
import type { KubeObject } from '../../../views/views.ts';
import {
  AGE,
  type Column,
  column,
  conditionAt,
  conditionColumn,
  each,
  NAME,
  typedColumn,
  wide,
} from '../columns.ts';
import { valueAt } from '../value-at.ts';
import { IPV6_RANGE_ANNOTATION } from './groups.ts';

const NETWORK = column('Network', 'The network.', 'spec.network.name');
const LOCATION = column('Location', 'The location.', 'spec.location.name');
const POLICY = column('Policy', 'What becomes of addresses that are let go.', 'spec.reclaimPolicy');
const READY = conditionColumn('Ready', 'Whether it can be used.');
const PHASE = column('Phase', 'Where it stands in its life.', 'status.phase');

/** The columns of `kubectl get`, for every kind that is served. */
export const PRINTER_COLUMNS = {
  Namespace: [
    NAME,
    column('Status', 'Whether it is being deleted.', 'status.phase'),
    AGE,
    wide(column('IPv6', 'The private range of the project.', annotation(IPV6_RANGE_ANNOTATION))),
  ],
  Network: [
    NAME,
    column('Families', 'The address families that it carries.', each('spec.ipFamilies')),
    column('IPv6', 'Its IPv6 range.', 'status.ipam.ipv6Prefix'),
    column('IPv4', 'Its IPv4 range.', 'status.ipam.ipv4Range'),
    typedColumn('MTU', 'integer', 'Largest packet, in bytes.', 'spec.mtu'),
    READY,
    AGE,
    wide(column('Reason', 'Why it is ready or not.', reasonOf('Ready'))),
  ],
  NetworkContext: [
    NAME,
    NETWORK,
    LOCATION,
    typedColumn('Interfaces', 'integer', 'How many stand in it.', 'status.interfaces'),
    READY,
    AGE,
    wide(column('Subnets', 'Its ranges, one a family.', each('status.subnets', 'prefix'))),
    wide(typedColumn('MTU', 'integer', 'Largest packet, in bytes.', 'status.mtu')),
  ],
  Location: [
    NAME,
    column('Class', 'The class of location.', 'spec.locationClassName'),
    typedColumn('Draining', 'boolean', 'Whether it takes no new claims.', 'spec.draining'),
    AGE,
    wide(column('Projects', 'The projects that may use it.', each('spec.projects'))),
  ],
  NetworkInterfaceClaim: [
    NAME,
    NETWORK,
    LOCATION,
    column('Interface', 'The interface that it has.', 'status.networkInterfaceRef.name'),
    column('Addresses', 'Private addresses.', each('status.addresses', 'address')),
    READY,
    column('Reason', 'Why it waits, is not ready, or is.', whyUnmet),
    AGE,
    wide(column('External', 'Other addresses.', each('status.externalAddresses', 'address'))),
    wide(POLICY),
  ],
  NetworkInterface: [
    NAME,
    NETWORK,
    LOCATION,
    PHASE,
    column('Claim', 'The claim that has it.', 'spec.claimRef.name'),
    column('Addresses', 'Private addresses.', each('spec.addresses', 'address')),
    conditionColumn('Allocated', 'Whether it holds its addresses.'),
    conditionColumn('Prepared', 'Whether the provider is prepared for it.'),
    conditionColumn('Programmed', 'Whether the provider carries its traffic.'),
    AGE,
    wide(column('External', 'Other addresses.', each('spec.externalAddresses', 'address'))),
    wide(typedColumn('MTU', 'integer', 'Largest packet, in bytes.', 'spec.mtu')),
    wide(POLICY),
    wide(column('Expires', 'When its lease is over.', 'status.retention.expiresAt')),
  ],
  IPPool: [
    NAME,
    column('CIDR', 'Its ranges.', rangesOf),
    column('Class', 'The classes whose blocks are taken from it.', classesOf),
    column('Free', 'Addresses that nobody has.', countOf('free')),
    column('Used', 'How much of it is not free.', utilization),
    PHASE,
    wide(column('Total', 'Addresses in all.', countOf('total'))),
    wide(column('Parent', 'The pool that it is carved from.', 'spec.parentPoolRef.name')),
    wide(AGE),
  ],
  IPClass: [
    NAME,
    column('Family', 'The address family.', 'spec.ipFamily'),
    column('Length', 'The length of its blocks.', 'spec.defaultPrefixLength'),
    column('Parent', 'The class whose pools its own are carved from.', 'spec.parentClassName'),
    POLICY,
    column('Visibility', 'Who may name it.', 'spec.visibility'),
    column('Default', 'Whether it is the default of its family.', isDefaultClass),
    AGE,
    wide(column('Pool Per', 'What has a pool of its own.', each('spec.poolPer'))),
    wide(column('Quarantine', 'How long a block rests.', 'spec.quarantine')),
    wide(column('Lease', 'How long a block is retained.', 'spec.retentionLease')),
  ],
  IPClaim: [
    NAME,
    PHASE,
    column('CIDR', 'The block that it has.', 'status.allocatedCIDR'),
    column('Pool', 'The pool that the block is of.', 'status.poolRef.name'),
    column('Class', 'The class that it names.', 'spec.className'),
    AGE,
    wide(POLICY),
    wide(column('Allocation', 'The record of the block.', 'status.boundAllocationRef.name')),
  ],
  IPAllocation: [
    NAME,
    column('CIDR', 'The block.', 'status.allocatedCIDR'),
    PHASE,
    column('Purpose', 'What it is for.', 'spec.purpose'),
    column('Holder', 'What holds it, or held it last.', holderOf),
    column('Class', 'The class of the block.', 'spec.className'),
    AGE,
    wide(column('Pool', 'The pool that it is of.', 'spec.poolRef.name')),
    wide(POLICY),
    wide(column('Expires', 'When its lease is over.', 'status.retention.expiresAt')),
    wide(column('Available', 'When it may be used again.', 'status.availableAt')),
  ],
} as const satisfies Readonly<Record<string, readonly Column[]>>;

/** What a claim waits for, in the word of the ledger; once it is bound, the state of it all. */
function whyUnmet(claim: KubeObject): string | undefined {
  const bound = conditionAt(claim, 'Bound');
  return (bound?.status === 'True' ? conditionAt(claim, 'Ready') : bound)?.reason;
}

function reasonOf(type: Condition['type']) {
  return (object: KubeObject) => conditionAt(object, type)?.reason;
}

function annotation(key: string) {
  return ({ metadata }: KubeObject) => metadata.annotations?.[key];
}

function isDefaultClass({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true';
}

function rangesOf(pool: KubeObject): unknown[] {
  const first = valueAt(pool, 'status.allocatedCIDR') ?? valueAt(pool, 'spec.cidr');
  const further = (pool.spec?.additionalCIDRs ?? []) as readonly unknown[];
  return first === undefined ? [] : [first, ...further];
}

/** What an authored pool offers, or the class that a pool was made on demand for. */
function classesOf(pool: KubeObject): unknown {
  return pool.spec?.classNames ?? valueAt(pool, 'spec.classRef.name');
}

const EXACT_DIGITS_MAX = 9;

/** A count of addresses: up to a billion as it is, more in three digits and a power of ten. */
function countOf(part: string) {
  return (pool: KubeObject) => {
    const count = valueAt(pool, `status.capacity.${part}`);
    if (typeof count !== 'string' || count.length <= EXACT_DIGITS_MAX) return count;
    return Number(count).toPrecision(3);
  };
}

function utilization(pool: KubeObject): string | undefined {
  const percent = valueAt(pool, 'status.utilizationPercent');
  return typeof percent === 'number' ? `${percent}%` : undefined;
}

function holderOf(allocation: KubeObject): string {
  return `${valueAt(allocation, 'spec.holder.kind')}/${valueAt(allocation, 'spec.holder.name')}`;
}
