import { OrderedMap, Map as PersistentMap, Set as PersistentSet } from 'immutable';
import type { OrderedSet } from '../../addressing/ordered-set.ts';
import type { Prefix } from '../../addressing/prefix.ts';
import type { ClaimSpec, EventData, NetworkSpec, ObjectRef, Scope, Subnet } from '../events.ts';
import type { PoolSpace } from '../pool-space.ts';
import type { WaitReason } from '../rejections.ts';
import { type Leases, noLeases } from './leases.ts';
import type { WaitingLine } from './waiting-line.ts';

/**
 * The writer's picture of one project: everything that must not overlap or be taken twice in it.
 * It holds what decisions need and no more; labels and the like stand in the views.
 */
export interface ProjectState {
  /** Revision of the last event; -1 before the first. */
  readonly revision: number;
  readonly lastAtMs: number;
  readonly name: string;
  /** The namespace while there is one; its uid is the project's generation. */
  readonly namespace: NamespaceRecord | undefined;
  /** The highest revision of the platform that a decision here was made under. */
  readonly platformRevision: number;
  readonly pools: PersistentMap<string, PoolSpace>;
  readonly networks: PersistentMap<string, NetworkRecord>;
  readonly presences: PersistentMap<string, PresenceRecord>;
  readonly claims: PersistentMap<string, ClaimRecord>;
  readonly interfaces: PersistentMap<string, InterfaceRecord>;
  /** Names of interfaces that have yet to follow a change of their network's MTU. */
  readonly mtuLaggards: OrderedSet<string>;
  readonly ipClaims: PersistentMap<string, IPClaimRecord>;
  /** Blocks that IPClaims hold, or held and retain. */
  readonly allocations: PersistentMap<string, AllocationRecord>;
  /** How long what is retained is kept, where that is not for ever. */
  readonly leases: Leases;
  /** The join in force at each location where the project has presences. */
  readonly joins: PersistentMap<string, LocationJoin>;
  /** Joins that ended while the platform may still show them, by location. */
  readonly endedJoins: PersistentMap<string, string>;
  /**
   * Grants that no commit may name any more, abandoned or used up, each with the instant before
   * which nobody may use what it granted.
   */
  readonly abandonedGrants: PersistentMap<string, string>;
  /** The holds of authored pools that an address or allocation here was committed with. */
  readonly heldGrants: PersistentSet<string>;
  /**
   * Holds whose use has ended, each with the instant before which nobody may use the block. They
   * are remembered until then: after it the block is anybody's whether the hold was used or not.
   */
  readonly endedHolds: OrderedMap<string, string>;
  /** Blocks that the project holds, by class. */
  readonly usage: PersistentMap<string, number>;
  /** Pools whose ranges came from authored pools. */
  readonly grantedPools: PersistentSet<string>;
  /** Claims that wait, in order, by what they wait for. */
  readonly waiting: PersistentMap<string, WaitingLine>;
  /** Networks that wait for a range, and networks that are being deleted. */
  readonly waitingNetworks: PersistentSet<string>;
  /** Those causes in `waiting` that are pools without room, and those that are quotas. */
  readonly waitingPools: PersistentSet<string>;
  readonly waitingQuotas: PersistentSet<string>;
  readonly deletingNetworks: PersistentSet<string>;
  /** Addresses allocated to the interface that the same append makes ready. */
  readonly allocating: readonly Holding[];
}

interface ObjectRecord extends ObjectRef {
  /** Revision of the event that last changed the object. */
  readonly revision: number;
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

export type NamespaceRecord = ObjectRecord;

export interface NetworkRecord extends ObjectRecord {
  readonly spec: NetworkSpec;
  /** Revision of its first event: its place among those that wait. */
  readonly since: number;
  readonly presences: number;
  /** Allocations that stand in the network, at whatever location. */
  readonly allocations: number;
  /** Families whose range could not be had yet. */
  readonly waiting: EventData<'NetworkUpdated'>['waiting'];
}

export type RangeWait = NetworkRecord['waiting'][number];

export interface PresenceRecord extends ObjectRecord {
  readonly network: string;
  readonly location: ObjectRef;
  readonly subnets: readonly Subnet[];
  readonly interfaces: number;
  readonly allocations: number;
  /** The spec of the newest claim that was met here: claims of an equal one share this value. */
  readonly claimSpec?: ClaimSpec;
}

export interface ClaimRecord extends ObjectRecord {
  readonly spec: ClaimSpec;
  /** Revision of its first event: its place among those that wait. */
  readonly since: number;
  /** Whether an operator asked, to whom every class is open. */
  readonly asOperator: boolean;
  /** The interface that it is bound to. */
  readonly bound: string | undefined;
  readonly wait: Wait | undefined;
}

export interface Wait {
  readonly reason: WaitReason;
  readonly message: string;
  /** What has to change before it is worth trying again. */
  readonly cause: string;
}

export interface InterfaceRecord extends ObjectRecord {
  readonly spec: InterfaceShape;
  readonly presence: string;
  readonly holdings: readonly Holding[];
  readonly claim: ObjectRef | undefined;
}

export interface IPClaimRecord extends ObjectRecord {
  /** The name of the allocation that it is bound to. */
  readonly allocation: string;
}

export interface AllocationRecord extends ObjectRef {
  readonly revision: number;
  /** The claim that holds it; none while it is retained. */
  readonly claim: ObjectRef | undefined;
  readonly holding: Omit<Holding, 'className'> & { readonly className: string | undefined };
  readonly scope: Scope;
  readonly reclaimPolicy: 'Delete' | 'Retain';
}

/** What a claim of an interface's name is compared with. */
export type InterfaceShape = Pick<
  ClaimSpec,
  'network' | 'location' | 'interfaceName' | 'attachmentMode' | 'reclaimPolicy'
>;

export interface Holding {
  readonly pool: string;
  readonly block: Prefix;
  readonly className: string;
  readonly policy: EventData<'AddressAllocated'>['policy'];
  /** Of an address from an authored pool: the hold there. */
  readonly grant?: string;
}

export interface LocationJoin {
  readonly grantId: string;
  readonly location: ObjectRef;
  readonly presences: number;
}

/** A project of this name before its first event. */
export function initialProject(name: string): ProjectState {
  return {
    revision: -1,
    lastAtMs: 0,
    name,
    namespace: undefined,
    platformRevision: -1,
    pools: PersistentMap(),
    networks: PersistentMap(),
    presences: PersistentMap(),
    claims: PersistentMap(),
    interfaces: PersistentMap(),
    mtuLaggards: undefined,
    ipClaims: PersistentMap(),
    allocations: PersistentMap(),
    leases: noLeases,
    joins: PersistentMap(),
    endedJoins: PersistentMap(),
    abandonedGrants: PersistentMap(),
    heldGrants: PersistentSet(),
    endedHolds: OrderedMap(),
    usage: PersistentMap(),
    grantedPools: PersistentSet(),
    waiting: PersistentMap(),
    waitingNetworks: PersistentSet(),
    waitingPools: PersistentSet(),
    waitingQuotas: PersistentSet(),
    deletingNetworks: PersistentSet(),
    allocating: [],
  };
}

/** Which life of the project it is; none before it has begun. */
export function generationOf({ namespace }: ProjectState): string {
  return namespace?.uid ?? '';
}
