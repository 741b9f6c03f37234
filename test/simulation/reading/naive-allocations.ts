import type { EventData } from '../../../src/ledger/events.ts';
import { check } from './check.ts';

interface Allocation {
  readonly uid: string;
  readonly pool: string;
  readonly block: string;
  readonly quarantineMs: number;
  readonly leaseMs: number | null;
  readonly grantId: string | undefined;
  claim: string | undefined;
  /** Of a retained one with a lease: when it ends, and whether that has been announced. */
  lease: { readonly endsAt: string; readonly isAnnounced: boolean } | undefined;
}

/** The IPClaims of a project and the blocks that they are bound to. */
export class NaiveAllocations {
  readonly claims = new Map<string, { readonly uid: string; readonly allocation: string }>();
  readonly allocations = new Map<string, Allocation>();

  createClaim({ name, uid, allocation }: EventData<'IPClaimCreated'>): void {
    check(!this.claims.has(name), `IPClaim ${name} is there already`);
    this.claims.set(name, { uid, allocation: allocation.uid });
  }

  deleteClaim({ name, uid }: EventData<'IPClaimDeleted'>): void {
    check(this.claims.get(name)?.uid === uid, `there is no IPClaim ${name}`);
    const bound = [...this.allocations.values()].find(({ claim }) => claim === uid);
    check(bound === undefined, `IPClaim ${name} goes and leaves ${bound?.block} bound`);
    this.claims.delete(name);
  }

  allocate(data: EventData<'IPAllocationCreated'>): void {
    const { name, uid, pool, block, policy, grant, claim } = data;
    check(!this.allocations.has(name), `allocation ${name} is there already`);
    this.#checkClaim(claim, uid);
    const { quarantineMs, retentionLeaseMs: leaseMs } = policy;
    const of = { uid, pool, block, quarantineMs, leaseMs, grantId: grant?.id };
    this.allocations.set(name, { ...of, claim: claim.uid, lease: undefined });
  }

  /** Held by a claim again, or by none. */
  update({ name, uid, block, claim, at, expiresAt }: EventData<'IPAllocationUpdated'>): void {
    const allocation = this.#allocation(name, uid);
    check(allocation.block === block, `allocation ${name} changes its block to ${block}`);
    if (claim !== null) {
      check(allocation.claim === undefined, `allocation ${name} has two claims`);
      this.#checkClaim(claim, uid);
      allocation.claim = claim.uid;
      allocation.lease = undefined;
      return;
    }
    check(allocation.claim !== undefined, `allocation ${name} is retained twice`);
    const { leaseMs } = allocation;
    const lease = leaseMs === null ? undefined : Date.parse(at) + leaseMs;
    const told = expiresAt === null ? undefined : Date.parse(expiresAt);
    check(told === lease, `allocation ${name} expires at ${expiresAt}`);
    allocation.claim = undefined;
    allocation.lease = expiresAt === null ? undefined : { endsAt: expiresAt, isAnnounced: false };
  }

  expire({ name, uid, at, releaseAt }: EventData<'RetentionExpiring'>): void {
    const allocation = this.#allocation(name, uid);
    const { lease, claim } = allocation;
    check(claim === undefined, `allocation ${name} is claimed and expires`);
    check(lease !== undefined && !lease.isAnnounced, `allocation ${name} has no lease to expire`);
    check(lease.endsAt <= at, `the lease of allocation ${name} is not over`);
    check(lease.endsAt <= releaseAt, `allocation ${name} has no grace`);
    allocation.lease = { endsAt: releaseAt, isAnnounced: true };
  }

  /** Invariant 6 for blocks: with their claim, by a deletion, or when the lease is over. */
  release(data: EventData<'IPAllocationDeleted'>, isAskedFor: boolean): void {
    const { name, uid, block, at, availableAt, endsGrant } = data;
    const allocation = this.#allocation(name, uid);
    check(allocation.block === block, `allocation ${name} gives back ${block}`);
    check(allocation.grantId === endsGrant?.grantId, `${block} ends another grant than its own`);
    const restMs = Date.parse(availableAt) - Date.parse(at);
    check(restMs === allocation.quarantineMs, `${block} rests ${restMs} ms`);
    if (allocation.claim === undefined && !isAskedFor) {
      const { lease } = allocation;
      const isOver = lease?.isAnnounced === true && lease.endsAt <= at;
      check(isOver, `allocation ${name} was retained and goes by itself`);
    }
    this.allocations.delete(name);
  }

  get left(): string[] {
    return [...this.claims.keys(), ...this.allocations.keys()];
  }

  #checkClaim({ name, uid }: { readonly name: string; readonly uid: string }, of: string): void {
    const claim = this.claims.get(name);
    check(claim?.uid === uid, `there is no IPClaim ${name} of uid ${uid}`);
    check(claim?.allocation === of, `IPClaim ${name} is bound to another allocation`);
  }

  #allocation(name: string, uid: string): Allocation {
    const allocation = this.allocations.get(name);
    check(allocation?.uid === uid, `there is no allocation ${name} of uid ${uid}`);
    return allocation as Allocation;
  }
}
