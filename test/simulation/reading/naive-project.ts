import type { EventData } from '../../../src/ledger/events.ts';
import { addresses, liesIn, meet } from './blocks.ts';
import { check } from './check.ts';
import { NaiveAllocations } from './naive-allocations.ts';

interface Holding {
  readonly pool: string;
  readonly block: string;
  readonly quarantineMs: number;
  readonly leaseMs: number | null;
  readonly grantId: string | undefined;
}

interface Interface {
  readonly uid: string;
  readonly holdings: readonly Holding[];
  readonly released: Set<string>;
  readonly context: string;
  claim: string | undefined;
  finalizers: readonly string[];
  deleting: boolean;
  /** Of a retained one with a lease: when it ends, and whether that has been announced. */
  lease: { readonly endsAt: string; readonly isAnnounced: boolean } | undefined;
}

interface Claim {
  readonly uid: string;
  /** The number of its request among all of them. */
  readonly turn: number;
  bound: string | undefined;
  deleting: boolean;
  /** What it waits for. */
  cause: string | undefined;
}

interface Context {
  readonly network: string;
  readonly location: string;
  readonly grantId: string;
  readonly interfaces: Set<string>;
}

/** One life of a project, as its events tell it. */
export class NaiveProject {
  readonly name: string;
  readonly generation: string;
  readonly claims = new Map<string, Claim>();
  readonly interfaces = new Map<string, Interface>();
  readonly contexts = new Map<string, Context>();
  readonly networks = new Map<string, string>();
  readonly blocks = new NaiveAllocations();
  /** What has been allocated for an interface that is not there yet. */
  #allocating: (Holding & { readonly interface: string; readonly claim: string })[] = [];
  #turns = 0;

  constructor(name: string, generation: string) {
    this.name = name;
    this.generation = generation;
  }

  requestClaim({ name, uid }: EventData<'ClaimRequested'>): void {
    check(!this.claims.has(name), `claim ${name} is there already`);
    this.#turns += 1;
    const turn = this.#turns;
    this.claims.set(name, { uid, turn, bound: undefined, deleting: false, cause: undefined });
  }

  queueClaim({ name, uid, cause }: EventData<'ClaimQueued'>): void {
    const claim = this.#claim(name, uid);
    check(claim.bound === undefined && !claim.deleting, `claim ${name} does not wait`);
    claim.cause = cause;
  }

  /** Invariant 5: a claim that goes leaves no interface bound. */
  deleteClaim({ name, uid }: EventData<'ClaimDeleted'>): void {
    const { bound } = this.#claim(name, uid);
    const nic = bound === undefined ? undefined : this.interfaces.get(bound);
    const isLeft = nic !== undefined && nic.claim === uid && !nic.deleting;
    check(!isLeft, `claim ${name} goes and leaves ${bound} bound`);
    this.claims.delete(name);
  }

  allocate(data: EventData<'AddressAllocated'>): void {
    const { pool, block, policy, claim, grant } = data;
    this.#claim(claim.name, claim.uid);
    const isNew = !this.interfaces.has(data.interface.name);
    check(isNew, `interface ${data.interface.name} is there already and is given ${block}`);
    this.#checkTurn(claim.name, `pool/${pool}`);
    const { quarantineMs, retentionLeaseMs: leaseMs } = policy;
    const of = { interface: data.interface.uid, claim: claim.uid };
    const isTaken = this.#allocating.some((one) => one.pool === pool && one.block === block);
    check(!isTaken, `${block} is allocated twice`);
    this.#allocating.push({ pool, block, quarantineMs, leaseMs, grantId: grant?.id, ...of });
  }

  release(data: EventData<'AddressReleased'>): void {
    const { pool, block, at, availableAt, endsGrant } = data;
    const { name, uid } = data.interface;
    const nic = this.#interface(name, uid);
    check(nic.finalizers.length === 0, `${name} is released while finalizers hold it`);
    const holding = nic.holdings.find((one) => one.pool === pool && one.block === block);
    check(holding !== undefined, `${name} releases ${block}, which it does not hold`);
    check(!nic.released.has(`${pool} ${block}`), `${name} releases ${block} twice`);
    check(holding.grantId === endsGrant?.grantId, `${block} ends another grant than its own`);
    const restMs = Date.parse(availableAt) - Date.parse(at);
    check(restMs === holding.quarantineMs, `${block} rests ${restMs} ms`);
    nic.released.add(`${pool} ${block}`);
  }

  publish(data: EventData<'InterfaceReady'>): void {
    const { name, uid, claim, spec, networkContext } = data;
    check(!this.interfaces.has(name), `interface ${name} is there already`);
    const holdings = this.#allocating;
    this.#allocating = [];
    const isIts = holdings.every((one) => one.interface === uid && one.claim === claim.uid);
    check(isIts, `interface ${name} is given what was allocated for another`);
    const shown = [...spec.addresses, ...(spec.externalAddresses ?? [])].map((one) => one.address);
    const text = (block: string) => JSON.stringify(Object.values(addresses(block)).map(String));
    const wanted = holdings.map(({ block }) => text(block)).sort();
    check(`${wanted}` === `${shown.map(text).sort()}`, `${name} shows other addresses`);
    checkAddresses(name, spec.addresses);
    const context = this.#context(networkContext);
    const { network, location } = spec;
    const isThere = context.network === network.name && context.location === location.name;
    check(isThere, `${name} stands in ${networkContext}`);
    context.interfaces.add(uid);
    const free = { claim: undefined, finalizers: [], deleting: false, lease: undefined };
    this.interfaces.set(name, {
      uid,
      holdings,
      released: new Set(),
      context: networkContext,
      ...free,
    });
    this.bind(name, claim);
  }

  /** Invariant 5: one binding per claim, one claim per interface. */
  bind(nicName: string, { name, uid }: { readonly name: string; readonly uid: string }): void {
    const claim = this.#claim(name, uid);
    check(claim.bound === undefined, `claim ${name} is bound to ${claim.bound} already`);
    check(!claim.deleting, `claim ${name} is bound while it is being deleted`);
    const nic = this.interfaces.get(nicName);
    check(nic !== undefined, `there is no interface ${nicName}`);
    check(nic.claim === undefined, `interface ${nicName} has two claims`);
    check(!nic.deleting, `interface ${nicName} is bound while it is being deleted`);
    claim.bound = nicName;
    claim.cause = undefined;
    nic.claim = uid;
    nic.lease = undefined;
  }

  rebind({ name, uid, claim }: EventData<'InterfaceRebound'>): void {
    this.#interface(name, uid);
    this.bind(name, claim);
  }

  retain({ name, uid, claim, at, expiresAt }: EventData<'InterfaceRetained'>): void {
    const nic = this.#interface(name, uid);
    check(nic.claim === claim.uid, `interface ${name} was bound to another claim`);
    nic.claim = undefined;
    const leases = nic.holdings.flatMap(({ leaseMs }) => (leaseMs === null ? [] : [leaseMs]));
    const lease = leases.length === 0 ? undefined : Date.parse(at) + Math.min(...leases);
    const told = expiresAt === null ? undefined : Date.parse(expiresAt);
    check(told === lease, `interface ${name} expires at ${expiresAt}`);
    nic.lease = expiresAt === null ? undefined : { endsAt: expiresAt, isAnnounced: false };
  }

  expire(data: EventData<'RetentionExpiring'>): void {
    const { kind, name, uid, at, releaseAt } = data;
    if (kind === 'IPAllocation') {
      this.blocks.expire(data);
      return;
    }
    const nic = this.#interface(name, uid);
    check(nic.claim === undefined, `interface ${name} is claimed and expires`);
    const { lease } = nic;
    check(lease !== undefined && !lease.isAnnounced, `interface ${name} has no lease to expire`);
    check(lease.endsAt <= at, `the lease of interface ${name} is not over`);
    check(lease.endsAt <= releaseAt, `interface ${name} has no grace`);
    nic.lease = { endsAt: releaseAt, isAnnounced: true };
  }

  /**
   * Invariant 6: what no claim holds leaves by a deletion that somebody asked for, or when its
   * lease is over.
   */
  deleteInterface(data: EventData<'InterfaceDeleted'>, isAskedFor: boolean): void {
    const { name, uid, at, networkContext } = data;
    const nic = this.#interface(name, uid);
    check(nic.released.size === nic.holdings.length, `interface ${name} goes with its addresses`);
    check(nic.context === networkContext, `interface ${name} stood elsewhere`);
    if (nic.claim === undefined && !isAskedFor) {
      const isOver = nic.lease?.isAnnounced === true && nic.lease.endsAt <= at;
      check(isOver, `interface ${name} was retained and goes by itself`);
    }
    this.#context(networkContext).interfaces.delete(uid);
    this.interfaces.delete(name);
  }

  addContext(data: EventData<'NetworkContextCreated'>): void {
    const { name, network, location, grantId } = data;
    check(!this.contexts.has(name), `context ${name} is there already`);
    check(this.networks.get(network.name) === network.uid, `${name} has no network`);
    const of = { network: network.name, location: location.name, grantId };
    this.contexts.set(name, { ...of, interfaces: new Set() });
  }

  deleteContext({ name, endsGrant }: EventData<'NetworkContextDeleted'>): Context {
    const context = this.#context(name);
    check(context.interfaces.size === 0, `${name} goes while interfaces stand in it`);
    this.contexts.delete(name);
    const isLast = ![...this.contexts.values()].some(({ grantId }) => grantId === context.grantId);
    check(isLast === (endsGrant !== undefined), `${name} ends the join if it is the last`);
    return context;
  }

  deleteNetwork(name: string): void {
    const isUsed = [...this.contexts.values()].some(({ network }) => network === name);
    check(!isUsed, `network ${name} goes and leaves contexts`);
    check(this.networks.delete(name), `there is no network ${name}`);
  }

  requestDeletion({ kind, name, uid }: EventData<'DeletionRequested'>): void {
    if (kind === 'NetworkInterfaceClaim') this.#claim(name, uid).deleting = true;
    if (kind === 'NetworkInterface') this.#interface(name, uid).deleting = true;
  }

  changeMetadata({ kind, name, uid, metadata }: EventData<'ObjectMetadataChanged'>): void {
    if (kind !== 'NetworkInterface') return;
    this.#interface(name, uid).finalizers = metadata.finalizers ?? [];
  }

  checkClosed(): void {
    const { claims, interfaces, contexts, networks } = this;
    const left = [claims, interfaces, contexts, networks].flatMap((one) => [...one.keys()]);
    left.push(...this.blocks.left);
    check(left.length === 0, `${left} outlive project ${this.name}`);
  }

  /** What the project's waiting claims wait for. */
  get causes(): string[] {
    return [...this.claims.values()].flatMap(({ cause }) => cause ?? []);
  }

  holdingsOf(nicName: string): readonly Holding[] {
    return this.interfaces.get(nicName)?.holdings ?? [];
  }

  /** After each append: nothing was allocated that no interface shows. */
  checkWhole(): void {
    const [left] = this.#allocating;
    check(left === undefined, `${left?.block} of ${this.name} is held by nobody`);
  }

  /** Whoever began to wait for a pool earlier is served earlier. */
  #checkTurn(name: string, cause: string): void {
    const turn = this.claims.get(name)?.turn ?? 0;
    for (const [other, claim] of this.claims) {
      const isPassed = claim.cause === cause && claim.turn < turn && !claim.deleting;
      check(!isPassed, `claim ${name} overtakes ${other}, which waits for ${cause}`);
    }
  }

  #claim(name: string, uid: string): Claim {
    const claim = this.claims.get(name);
    check(claim?.uid === uid, `there is no claim ${name} of uid ${uid}`);
    return claim as Claim;
  }

  #interface(name: string, uid: string): Interface {
    const nic = this.interfaces.get(name);
    check(nic?.uid === uid, `there is no interface ${name} of uid ${uid}`);
    return nic as Interface;
  }

  #context(name: string): Context {
    const context = this.contexts.get(name);
    check(context !== undefined, `there is no context ${name}`);
    return context;
  }
}

function checkAddresses(
  name: string,
  shown: EventData<'InterfaceReady'>['spec']['addresses'],
): void {
  check(new Set(shown.map(({ family }) => family)).size === shown.length, `${name} has two`);
  check(shown.filter(({ primary }) => primary).length === 1, `one address of ${name} is primary`);
  for (const { address, subnet, gateway } of shown) {
    check(liesIn(subnet, address), `${address} is not in ${subnet}`);
    check(!meet(addresses(address), addresses(gateway)), `${address} is the gateway`);
  }
}
