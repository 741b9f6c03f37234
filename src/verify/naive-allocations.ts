import type { EventData, ObjectRef } from '../ledger/events.ts';
import { digestOf } from './digest.ts';
import { finalizersOf, type NaiveObject, NaiveObjects } from './naive-objects.ts';
import { check } from './violation.ts';

interface IPClaim extends NaiveObject {
  readonly spec: number;
  /** Uid of the allocation that it is bound to. */
  readonly allocation: string;
}

/** Of something retained: when what is announced of it comes due. */
export interface NaiveLease {
  readonly endsAt: string;
  readonly isAnnounced: boolean;
}

interface Allocation extends NaiveObject {
  readonly pool: string;
  readonly block: string;
  readonly quarantineMs: number;
  readonly leaseMs: number | null;
  readonly grantId: string | undefined;
  readonly presence: string | undefined;
  /** Uid of the claim that it is bound to. */
  claim: string | undefined;
  lease: NaiveLease | undefined;
}

/** The IPClaims of a project and the blocks that they are bound to. */
export class NaiveAllocations {
  readonly claims = new NaiveObjects<IPClaim>('IPClaim');
  readonly allocations = new NaiveObjects<Allocation>('IPAllocation');

  createClaim(data: EventData<'IPClaimCreated'>): void {
    const { uid, allocation, metadata, spec } = data;
    const finalizers = finalizersOf(metadata);
    const of = { allocation: allocation.uid, spec: digestOf(spec) };
    this.claims.create(data, { uid, deleting: false, finalizers, ...of });
  }

  deleteClaim(data: EventData<'IPClaimDeleted'>): void {
    const { uid } = this.claims.end(data);
    const bound = this.allocations.get(data.name);
    const expected = `IPClaim ${data.name} goes and leaves nothing bound`;
    check('binding', bound?.claim !== uid, expected, () => `${bound?.block} is bound to it`);
  }

  allocate(data: EventData<'IPAllocationCreated'>): void {
    const { uid, pool, block, policy, grant, claim, scope } = data;
    const { network, location } = scope;
    this.#checkClaim(claim, uid);
    const isPlaced = network !== undefined && location !== undefined;
    const { quarantineMs, retentionLeaseMs: leaseMs } = policy;
    const of = { pool, block, quarantineMs, leaseMs, grantId: grant?.id, claim: claim.uid };
    const presence = isPlaced ? `${network}.${location}` : undefined;
    const free = { deleting: false, finalizers: [], lease: undefined };
    this.allocations.create(data, { uid, ...of, presence, ...free });
  }

  /** Held by a claim again, or by none. */
  update(data: EventData<'IPAllocationUpdated'>): void {
    const { name, uid, block, claim, at, expiresAt } = data;
    const allocation = this.allocations.find(data);
    const what = `IPAllocation ${name}`;
    check('release', allocation.block === block, `${what} keeps ${allocation.block}`, block);
    if (claim !== null) {
      const found = () => `it is bound to ${allocation.claim}`;
      check('binding', allocation.claim === undefined, `${what} has no claim yet`, found);
      this.#checkClaim(claim, uid);
      allocation.claim = claim.uid;
      allocation.lease = undefined;
      return;
    }
    const { leaseMs } = allocation;
    const isBound = allocation.claim !== undefined;
    check('binding', isBound, `${what} is bound when it is retained`, 'no claim has it');
    allocation.lease = leaseBegun(what, at, leaseMs, expiresAt);
    allocation.claim = undefined;
  }

  expire(data: EventData<'RetentionExpiring'>): void {
    const allocation = this.allocations.find(data);
    const { lease, claim } = allocation;
    allocation.lease = leaseAnnounced(data, claim !== undefined, lease);
  }

  /** A block goes with its claim, by a deletion, or when the lease is over. */
  release(data: EventData<'IPAllocationDeleted'>, isAskedFor: boolean): void {
    const { name, block, at, availableAt, endsGrant } = data;
    const allocation = this.allocations.find(data);
    const what = `IPAllocation ${name}`;
    check('release', allocation.block === block, `${what} gives back ${allocation.block}`, block);
    const { grantId, quarantineMs } = allocation;
    const ended = endsGrant?.grantId;
    check('grant', grantId === ended, `${block} ends grant ${grantId}`, `${ended} is ended`);
    checkRest(block, quarantineMs, at, availableAt);
    if (allocation.claim === undefined && !isAskedFor) checkLeaseOver(what, allocation.lease, at);
    this.allocations.end(data);
  }

  get left(): string[] {
    return [...this.claims.keys(), ...this.allocations.keys()];
  }

  #checkClaim(ref: ObjectRef, allocation: string): void {
    const claim = this.claims.find(ref);
    const expected = `IPClaim ${ref.name} is bound to allocation ${allocation}`;
    check('binding', claim.allocation === allocation, expected, claim.allocation);
  }
}

/** Something is retained: its lease is the one that it was given under. */
export function leaseBegun(
  what: string,
  at: string,
  leaseMs: number | null,
  expiresAt: string | null,
): NaiveLease | undefined {
  const endsMs = leaseMs === null ? undefined : Date.parse(at) + leaseMs;
  const toldMs = expiresAt === null ? undefined : Date.parse(expiresAt);
  const expected = () => {
    return `${what} ${endsMs === undefined ? 'is kept' : `expires at ${instant(endsMs)}`}`;
  };
  check('retention', toldMs === endsMs, expected, expiresAt ?? 'it never expires');
  return expiresAt === null ? undefined : { endsAt: expiresAt, isAnnounced: false };
}

/** The end of a lease is announced once, when it is over. */
export function leaseAnnounced(
  { kind, name, at, releaseAt }: EventData<'RetentionExpiring'>,
  isClaimed: boolean,
  lease: NaiveLease | undefined,
): NaiveLease {
  const what = `${kind} ${name}`;
  check('retention', !isClaimed, `${what} is retained when it expires`, 'a claim holds it');
  const isRunning = lease !== undefined && !lease.isAnnounced;
  check('retention', isRunning, `${what} has a lease that runs`, 'it has none');
  const isOver = lease.endsAt <= at && lease.endsAt <= releaseAt;
  check('retention', isOver, `the lease of ${what} ends at ${lease.endsAt}`, `announced at ${at}`);
  return { endsAt: releaseAt, isAnnounced: true };
}

/** What no claim holds, and nobody has asked to delete, goes when its lease is over. */
export function checkLeaseOver(what: string, lease: NaiveLease | undefined, at: string): void {
  const isOver = lease?.isAnnounced === true && lease.endsAt <= at;
  const expected = `${what} is retained: it goes by a rebind, a deletion or the end of its lease`;
  check('retention', isOver, expected, () => {
    return lease === undefined ? 'it goes by itself' : `it goes at ${at}, before ${lease.endsAt}`;
  });
}

/** A block rests as long as the policy says that it was given under. */
export function checkRest(
  block: string,
  quarantineMs: number,
  at: string,
  availableAt: string,
): void {
  const restMs = Date.parse(availableAt) - Date.parse(at);
  const expected = `${block} rests ${quarantineMs} ms`;
  check('release', restMs === quarantineMs, expected, `it rests ${restMs} ms`);
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
