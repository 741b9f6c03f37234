import { z } from 'zod';
import { family } from '../../../ledger/ip-class.ts';
import { ipPoolSpec } from '../../../ledger/ip-pool.ts';
import { keyedList } from '../../../ledger/list-types.ts';

/**
 * What objects show beside what a client may write: their status, and specs that are the ledger's.
 * Nothing is checked by these schemas; they are what is said of objects in documents.
 */
const name = z.string().describe('Its name.');
const instant = z.iso.datetime();
const count = z.string().describe('A decimal number, which may be larger than what fits a number.');
const ref = (what: string) => z.object({ name }).describe(what);

const condition = z.object({
  type: z.string().describe('What it is about.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is met.'),
  reason: z.string().describe('Why, in one word.'),
  message: z.string().optional().describe('Why, for people.'),
  lastTransitionTime: instant.optional().describe('Since when its status is what it is.'),
  observedGeneration: z.int().optional().describe('The generation of the object that it is about.'),
});

const conditions = (types: string) =>
  z.array(condition).optional().describe(`What is known of it: ${types}.`).meta(keyedList('type'));

const retention = z
  .object({
    retainedAt: instant.describe('Since when it is retained.'),
    expiresAt: instant.optional().describe('When its lease is over; never, if absent.'),
  })
  .optional()
  .describe('That nobody has it, and until when it is kept.');

const address = z.object({
  family: family.describe('The address family.'),
  address: z.string().describe('The block, of which the first address is that of the device.'),
  subnet: z.string().describe('The on-link prefix that it stands in.'),
  gateway: z.string().describe('The address of the gateway.'),
  primary: z.boolean().describe('Whether it is the first choice among the families.'),
  class: z.string().describe('The IPClass that it is of.'),
});
const addresses = z.array(address).describe('Private addresses, one a family.');

const externalAddress = z.object({
  family: family.describe('The address family.'),
  address: z.string().describe('The address, or the block.'),
  class: z.string().describe('The IPClass that it is of.'),
});
const externalAddresses = z
  .array(externalAddress)
  .optional()
  .describe('Addresses from outside the project.');

export const namespaceStatus = z.object({
  phase: z.enum(['Active', 'Terminating']).describe('Whether it is being deleted.'),
});

export const networkStatus = z.object({
  ipam: z
    .object({
      ipv6Prefix: z.string().optional().describe('Its IPv6 range.'),
      ipv4Range: z.string().optional().describe('Its IPv4 range.'),
    })
    .optional()
    .describe('The ranges that it has.'),
  conditions: conditions('IPAMAllocated, Ready'),
});

const subnet = z.object({
  family: family.describe('The address family.'),
  prefix: z.string().describe('Its range.'),
  gateway: z.string().describe('The address of the gateway.'),
  total: count.optional(),
  held: count.optional(),
  free: count.optional(),
});

export const networkContextStatus = z.object({
  subnets: z.array(subnet).optional().describe('Its ranges, one a family, and how full they are.'),
  mtu: z.int().optional().describe("Largest packet, in bytes: its network's."),
  ipFamilies: z.array(family).optional().describe("The families that it carries: its network's."),
  interfaces: z.int().optional().describe('How many interfaces stand in it.'),
  conditions: conditions('IPAMAllocated, Ready'),
});

export const locationStatus = z.object({ conditions: conditions('Ready') });

export const claimStatus = z.object({
  networkInterfaceRef: ref('The interface that it has.').optional(),
  addresses: addresses.optional(),
  externalAddresses,
  conditions: conditions('Bound, Allocated, Prepared, Programmed, Ready'),
});

export const interfaceSpec = z.object({
  network: ref('The network that it is on.'),
  location: ref('Where it is.'),
  claimRef: z
    .object({ name, uid: z.string().describe('Its uid.') })
    .optional()
    .describe('The claim that has it; nobody has it, if absent.'),
  interfaceName: z.string().describe('The name of the device in its instance.'),
  attachmentMode: z.enum(['Netns', 'Hypervisor']).describe('What the device is attached to.'),
  mtu: z.int().describe('Largest packet, in bytes.'),
  addresses,
  externalAddresses,
  reclaimPolicy: z
    .enum(['Delete', 'Retain'])
    .describe('What becomes of it when its claim is deleted.'),
});

export const interfaceStatus = z.object({
  phase: z.enum(['Available', 'Bound']).optional().describe('Whether a claim has it.'),
  networkContextRef: ref('The presence that it stands in.').optional(),
  attachmentRef: z
    .object({
      apiGroup: z.string().describe('The API group of the object.'),
      kind: z.string().describe('Its kind.'),
      name,
    })
    .optional()
    .describe('What the provider has made for it; reported by the provider.'),
  vpc: z.string().optional().describe('The VPC that it is part of; reported by the provider.'),
  retention,
  conditions: conditions('Allocated, and Prepared and Programmed, which the provider reports'),
});

export const poolSpec = ipPoolSpec.extend({
  parentPoolRef: ref('The pool that it is carved from.').optional(),
  classRef: ref('The class that a pool made on demand is of.').optional(),
  scope: z
    .object({
      project: z.string().optional().describe('The project.'),
      network: z.string().optional().describe('Its network.'),
      location: z.string().optional().describe('The location.'),
    })
    .optional()
    .describe('What a pool made on demand serves.'),
});

export const poolStatus = z.object({
  phase: z.enum(['Ready', 'Draining', 'Exhausted']).optional().describe('What it hands out.'),
  allocatedCIDR: z.string().optional().describe('Its first range.'),
  capacity: z
    .object({
      ...{ total: count, reserved: count, held: count, retained: count },
      ...{ quarantined: count, carved: count, free: count },
    })
    .optional()
    .describe('Addresses by what has become of them; all but the total add up to it.'),
  utilizationPercent: z.number().optional().describe('How much of it is not free.'),
  projectUid: z
    .string()
    .optional()
    .describe('The uid of the project that owns it: a later one of its name does not.'),
  conditions: conditions('Ready'),
});

export const ipClaimStatus = z.object({
  phase: z.enum(['Pending', 'Bound']).describe('Whether it has its block.'),
  allocatedCIDR: z.string().optional().describe('The block.'),
  address: z.string().optional().describe('The address, where the block is a single one.'),
  poolRef: ref('The pool that the block is of.').optional(),
  boundAllocationRef: ref('The record of the block.').optional(),
  conditions: conditions('Bound'),
});

export const allocationSpec = z.object({
  ipFamily: family.describe('The address family.'),
  poolRef: ref('The pool that the block is of.').optional(),
  className: z.string().optional().describe('The IPClass that the block is of.'),
  purpose: z
    .enum(['Interface', 'Claim', 'Reservation', 'PoolCarve'])
    .describe('What the block is for.'),
  holder: z
    .object({
      kind: z.string().describe('Its kind.'),
      name,
      uid: z.string().optional().describe('Its uid.'),
    })
    .describe('What holds the block, or held it last.'),
  reclaimPolicy: z.enum(['Delete', 'Retain']).optional().describe('What becomes of the block.'),
  reason: z.string().optional().describe('Why it is withheld.'),
});

export const allocationStatus = z.object({
  allocatedCIDR: z.string().describe('The block.'),
  address: z.string().optional().describe('The address, where the block is a single one.'),
  phase: z.enum(['Held', 'Retained', 'Quarantined']).describe('Whether somebody has it.'),
  retention,
  availableAt: instant.optional().describe('When a block in quarantine may be used again.'),
  conditions: conditions('Expiring'),
});
