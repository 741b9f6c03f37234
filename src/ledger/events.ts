import { z } from 'zod';
import { family, ipClassSpec } from './ip-class.ts';
import { ipPoolSpec } from './ip-pool.ts';
import { addressingPlan } from './plan.ts';
import { WAIT_REASONS } from './rejections.ts';

/**
 * The closed list of events. THIS IS A STORAGE FORMAT: what is written here is read for ever. A new
 * field is optional; a changed meaning is a new version beside the old one; `test/golden` holds
 * one text of every version ever written, and those texts never change.
 *
 * `at` is the instant of the decision, ISO 8601 in UTC; it is shown and never orders anything.
 */
const at = z.iso.datetime();
const uid = z.uuid();
const text = z.string();
const cidr = z.string();
const grantId = z.string();
const revision = z.int().min(0);

const textMap = z.record(z.string(), z.string());
const ownerReference = z.looseObject({
  apiVersion: text,
  kind: text,
  name: text,
  uid: text,
});
/** What an object's metadata holds beyond its identity; an absent field is an empty one. */
export const storedMetadata = z.strictObject({
  labels: textMap.optional(),
  annotations: textMap.optional(),
  finalizers: z.array(text).optional(),
  ownerReferences: z.array(ownerReference).optional(),
  managedFields: z.array(z.looseObject({})).optional(),
});
export type StoredMetadata = z.infer<typeof storedMetadata>;

const objectRef = z.strictObject({ name: text, uid });
export type ObjectRef = z.infer<typeof objectRef>;
const scope = z.strictObject({
  project: text.optional(),
  network: text.optional(),
  location: text.optional(),
});
export type Scope = z.infer<typeof scope>;

const holdingPolicy = z.strictObject({
  /** None of a block that no class was asked for. */
  classUid: uid.optional(),
  classRevision: revision.optional(),
  quarantineMs: z.int().min(0),
  retentionLeaseMs: z.int().min(0).nullable(),
  retentionGraceMs: z.int().min(0),
});

const claimSpec = z.strictObject({
  network: z.strictObject({ name: text }),
  location: z.strictObject({ name: text }),
  interfaceName: text,
  attachmentMode: z.enum(['Netns', 'Hypervisor']),
  ipFamilies: z.array(family).min(1).max(2),
  addresses: z.array(z.strictObject({ class: text })).optional(),
  reclaimPolicy: z.enum(['Delete', 'Retain']),
  networkInterfaceName: text.optional(),
});
export type ClaimSpec = z.infer<typeof claimSpec>;

const interfaceAddress = z.strictObject({
  family,
  address: cidr,
  subnet: cidr,
  gateway: text,
  primary: z.boolean(),
  class: text,
});
export type InterfaceAddress = z.infer<typeof interfaceAddress>;

/** An address from an authored pool; bare when it is a single host. */
const externalAddress = z.strictObject({ family, address: text, class: text });
export type ExternalAddress = z.infer<typeof externalAddress>;

/** Everything a provider needs to configure a NIC; the published spec is made of this alone. */
const interfaceSpec = z.strictObject({
  network: z.strictObject({ name: text }),
  location: z.strictObject({ name: text }),
  interfaceName: text,
  attachmentMode: z.enum(['Netns', 'Hypervisor']),
  mtu: z.int(),
  addresses: z.array(interfaceAddress),
  externalAddresses: z.array(externalAddress).optional(),
  reclaimPolicy: z.enum(['Delete', 'Retain']),
});

const condition = z.strictObject({
  type: text,
  status: z.enum(['True', 'False', 'Unknown']),
  reason: text,
  message: text,
  lastTransitionTime: text,
  observedGeneration: z.int().optional(),
});
export type Condition = z.infer<typeof condition>;

/** What an IPClaim asks for. The project of the scope is the claim's own. */
const ipClaimSpec = z.strictObject({
  className: text.optional(),
  poolRef: z.strictObject({ name: text }).optional(),
  ipFamily: family.optional(),
  prefixLength: z.int().optional(),
  address: text.optional(),
  scope: z.strictObject({ network: text.optional(), location: text.optional() }).optional(),
  reclaimPolicy: z.enum(['Delete', 'Retain']).optional(),
});
export type IPClaimSpec = z.infer<typeof ipClaimSpec>;

const providerStatus = z.strictObject({
  conditions: z.array(condition),
  attachmentRef: z.strictObject({ apiGroup: text, kind: text, name: text }).optional(),
  vpc: z.string().optional(),
});
export type ProviderStatus = z.infer<typeof providerStatus>;

const networkSpec = z.strictObject({
  ipFamilies: z.array(family).min(1).max(2),
  mtu: z.int(),
  ipam: z.strictObject({
    mode: z.enum(['Auto', 'Policy']),
    ipv4Range: cidr.optional(),
    ipv6Range: cidr.optional(),
  }),
});
export type NetworkSpec = z.infer<typeof networkSpec>;

const locationSpec = z.strictObject({
  locationClassName: text.optional(),
  topology: textMap.optional(),
  provider: z.looseObject({}).optional(),
  projects: z.array(text),
  draining: z.boolean(),
});
export type LocationSpec = z.infer<typeof locationSpec>;

const subnet = z.strictObject({ family, prefix: cidr, gateway: text, pool: text });
export type Subnet = z.infer<typeof subnet>;

const subnetRequest = z.strictObject({ family, prefix: cidr });

const registration = { at, pool: objectRef, root: text, spec: ipPoolSpec };
const created = { at, name: text, uid, metadata: storedMetadata };
const named = { at, name: text, uid };

/** Kinds of object that blocks of an authored pool are held for. */
const HOLDER_KINDS = ['NetworkInterfaceClaim', 'IPClaim'] as const;
export type HolderKind = (typeof HOLDER_KINDS)[number];

/** Schema of the data of each event type, at its present version. */
export const eventSchemas = {
  // Address spaces and their ranges.
  AddressSpaceOpened: z.strictObject({
    at,
    kind: z.enum(['platform', 'project', 'pool']),
    name: text,
    generation: uid,
    plan: addressingPlan.optional(),
  }),
  AddressSpaceClosed: z.strictObject({
    at,
    generation: uid,
    /** What other streams take back now, each with the instant before which it stays unused. */
    ranges: z.array(z.strictObject({ grantId, pool: text, prefix: cidr, availableAt: at })),
  }),
  RangeAdded: z.strictObject({
    at,
    pool: text,
    className: text,
    prefix: cidr,
    scope,
    ordinal: z.int().min(0),
    grant: z.strictObject({ id: grantId, pool: text }).optional(),
  }),
  RangeRemoved: z.strictObject({
    at,
    pool: text,
    prefix: cidr,
    /** What another stream takes back now, and the instant before which it stays unused. */
    endsGrant: z.strictObject({ grantId, pool: text, availableAt: at }).optional(),
  }),
  RootRangeRegistered: z.strictObject({ at, pool: objectRef, prefix: cidr }),
  RootRangeReleased: z.strictObject({ at, pool: objectRef, prefix: cidr }),
  /**
   * An authored pool's name, and what spans address spaces: which classes it offers and to whom. It
   * is decided here before the pool opens in the stream of its root. The whole spec goes along, so
   * that a crash between the two is finished from what the log says.
   */
  PoolRegistered: z.strictObject({
    ...registration,
    metadata: storedMetadata,
    /** The life of the project that owns it: a later project of that name does not. */
    owner: uid.optional(),
  }),
  /** What the pool offers from now on; `metadata` stays what the pool's own stream says. */
  PoolRegistrationChanged: z.strictObject(registration),
  PoolUnregistered: z.strictObject({ at, pool: objectRef }),
  PrefixCarved: z.strictObject({
    at,
    pool: text,
    prefix: cidr,
    childPool: text,
    className: text,
    scope,
    /** Only on a carve for another stream: what its committing event has to name. */
    grant: z.strictObject({ id: grantId, generation: uid, ordinal: z.int().min(0) }).optional(),
  }),
  PrefixReturned: z.strictObject({
    at,
    pool: text,
    prefix: cidr,
    childPool: text,
    availableAt: at,
    grantId: grantId.optional(),
  }),
  PrefixReserved: z.strictObject({
    at,
    pool: text,
    prefix: cidr,
    owner: z.strictObject({ kind: text, name: text }),
    reason: text,
  }),
  ReservationLifted: z.strictObject({
    at,
    pool: text,
    prefix: cidr,
    owner: z.strictObject({ kind: text, name: text }),
  }),

  // Addresses of an authored pool that are held for a claim of a project.
  AddressHeld: z.strictObject({
    at,
    pool: text,
    block: cidr,
    family,
    /** None when the pool itself was asked for and no class. */
    className: text.optional(),
    project: text,
    /** Which claim it is for, and which of its addresses: the same question finds it again. */
    claim: z.strictObject({ kind: z.enum(HOLDER_KINDS), name: text, uid }),
    ordinal: z.int().min(0),
    /** What the project's committing event has to name. */
    grant: z.strictObject({ id: grantId, generation: uid }),
  }),
  AddressConfirmed: z.strictObject({ at, pool: text, block: cidr, grantId }),
  AddressUnheld: z.strictObject({ at, pool: text, block: cidr, grantId, availableAt: at }),

  // Claims and interfaces.
  ClaimRequested: z.strictObject({
    ...created,
    spec: claimSpec,
    platformRevision: revision,
    /** An operator asked: classes that only the platform may use are open to it. */
    asOperator: z.literal(true).optional(),
  }),
  ClaimQueued: z.strictObject({
    ...named,
    reason: z.enum(WAIT_REASONS),
    message: text,
    /** What has to change before the claim is tried again: `network/x`, `pool/y`. */
    cause: text,
  }),
  AddressAllocated: z.strictObject({
    at,
    pool: text,
    block: cidr,
    family,
    className: text,
    interface: objectRef,
    claim: objectRef,
    policy: holdingPolicy,
    /** Of an address from an authored pool: what that pool has held for this. */
    grant: z.strictObject({ id: grantId }).optional(),
  }),
  InterfaceReady: z.strictObject({
    ...named,
    claim: objectRef,
    spec: interfaceSpec,
    networkContext: text,
    platformRevision: revision,
  }),
  InterfaceRetained: z.strictObject({
    ...named,
    claim: objectRef,
    expiresAt: at.nullable(),
  }),
  InterfaceRebound: z.strictObject({ ...named, claim: objectRef }),
  InterfaceStatusReported: z.strictObject({
    ...named,
    claim: objectRef.nullable(),
    status: providerStatus,
    managedFields: z.array(z.looseObject({})).optional(),
  }),
  AddressReleased: z.strictObject({
    at,
    pool: text,
    block: cidr,
    interface: objectRef,
    availableAt: at,
    /** Of an address from an authored pool: the hold that ends with it. */
    endsGrant: z.strictObject({ grantId }).optional(),
  }),
  /** The network's MTU has changed. */
  InterfaceUpdated: z.strictObject({
    ...named,
    claim: objectRef.nullable(),
    mtu: z.int(),
    /** How many interfaces of the project have yet to follow a change of their network's MTU. */
    left: z.int().min(0),
  }),
  /** The lease of a retained object is over; it is released when the grace period is, too. */
  RetentionExpiring: z.strictObject({
    ...named,
    kind: z.enum(['NetworkInterface', 'IPAllocation']),
    releaseAt: at,
  }),
  InterfaceDeleted: z.strictObject({ ...named, networkContext: text }),
  ClaimDeleted: z.strictObject({ ...named }),

  // Fences between streams.
  LocationJoined: z.strictObject({
    at,
    location: objectRef,
    project: text,
    generation: uid,
    grantId,
  }),
  LocationLeft: z.strictObject({ at, location: objectRef, project: text, grantId }),
  GrantAbandoned: z.strictObject({ at, grantId }),
  /**
   * The answer to a command of a stream that has changed nothing: it was refused, or things were
   * already so. From here on the command of this id is decided, whoever still has it to decide.
   */
  CommandSettled: z.strictObject({
    at,
    code: z.int(),
    reason: text.optional(),
    message: text.optional(),
  }),

  // What every object has in common.
  ObjectMetadataChanged: z.strictObject({ ...named, kind: text, metadata: storedMetadata }),
  DeletionRequested: z.strictObject({ ...named, kind: text }),

  // Life of the other kinds.
  NamespaceCreated: z.strictObject(created),
  NamespaceDeleted: z.strictObject(named),
  LocationCreated: z.strictObject({ ...created, spec: locationSpec }),
  LocationUpdated: z.strictObject({
    ...named,
    spec: locationSpec,
    metadata: storedMetadata.optional(),
  }),
  LocationDeleted: z.strictObject(named),
  NetworkCreated: z.strictObject({ ...created, spec: networkSpec, platformRevision: revision }),
  NetworkUpdated: z.strictObject({
    ...named,
    spec: networkSpec,
    metadata: storedMetadata.optional(),
    /** Families whose range could not be had yet, and why; empty when every one is there. */
    waiting: z.array(
      z.strictObject({
        family,
        reason: z.enum(WAIT_REASONS),
        message: text,
        /** Whatever the range may come from: a change of any of them is worth another try. */
        causes: z.array(text).min(1),
      }),
    ),
  }),
  NetworkDeleted: z.strictObject(named),
  NetworkContextCreated: z.strictObject({
    ...created,
    network: objectRef,
    location: objectRef,
    grantId,
    requested: z.array(subnetRequest).optional(),
    subnets: z.array(subnet),
    platformRevision: revision,
  }),
  NetworkContextUpdated: z.strictObject({ ...named, subnets: z.array(subnet) }),
  NetworkContextDeleted: z.strictObject({
    ...named,
    /** Named when it was the project's last presence there: the join that ends with it. */
    endsGrant: z.strictObject({ grantId, location: objectRef }).optional(),
  }),
  IPClassCreated: z.strictObject({ ...created, isDefault: z.boolean(), spec: ipClassSpec }),
  IPClassUpdated: z.strictObject({
    ...named,
    isDefault: z.boolean(),
    spec: ipClassSpec,
    metadata: storedMetadata.optional(),
  }),
  IPClassDeleted: z.strictObject(named),
  IPPoolCreated: z.strictObject({
    ...created,
    spec: ipPoolSpec,
    /** The life of the project that owns it, as it was registered. */
    owner: uid.optional(),
  }),
  IPPoolUpdated: z.strictObject({
    ...named,
    spec: ipPoolSpec,
    metadata: storedMetadata.optional(),
  }),
  IPPoolDeleted: z.strictObject(named),
  IPClaimCreated: z.strictObject({
    ...created,
    spec: ipClaimSpec,
    /** The allocation that it is bound to: a new one, or a retained one of its name. */
    allocation: objectRef,
    platformRevision: revision,
  }),
  IPClaimDeleted: z.strictObject(named),
  /** A block held for an IPClaim. Its name is that of the claim. */
  IPAllocationCreated: z.strictObject({
    ...named,
    pool: text,
    block: cidr,
    family,
    className: text.optional(),
    claim: objectRef,
    scope,
    reclaimPolicy: z.enum(['Delete', 'Retain']),
    policy: holdingPolicy,
    grant: z.strictObject({ id: grantId }).optional(),
  }),
  /** Held by a claim again, or by none: then it is retained, at longest until it expires. */
  IPAllocationUpdated: z.strictObject({
    ...named,
    pool: text,
    block: cidr,
    claim: objectRef.nullable(),
    expiresAt: at.nullable(),
  }),
  IPAllocationDeleted: z.strictObject({
    ...named,
    pool: text,
    block: cidr,
    scope,
    availableAt: at,
    endsGrant: z.strictObject({ grantId }).optional(),
  }),
} as const;

export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = z.infer<(typeof eventSchemas)[T]>;

/** Version of each event type's data, written into its metadata. */
export const SCHEMA_VERSION = 1;

/** An event of the ledger: a discriminated union over the closed list. */
export type LedgerEvent = {
  [T in EventType]: { readonly type: T; readonly data: EventData<T> };
}[EventType];

/** What is known of an event beside its data; a storage format like the data. */
export const eventMetadata = z.strictObject({
  commandId: uid,
  /** Which of how many events of its command this is, so that readers see commands whole. */
  index: z.int().min(0),
  count: z.int().min(1),
  $correlationId: text,
  $causationId: text,
  actor: z.strictObject({ issuer: text, subject: text, role: text }),
  reason: text.optional(),
  schemaVersion: z.int(),
  idempotency: z.strictObject({ key: text, requestHash: text, code: z.int() }).optional(),
  previousHash: text,
  hash: text.optional(),
});
export type EventMetadata = z.infer<typeof eventMetadata>;

/** Who asked: never a name or an e-mail address. */
export type Actor = EventMetadata['actor'];

/** Whether a type belongs to the closed list. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(eventSchemas, type);
}
