import type { EventData, EventType, LedgerEvent } from '../../src/ledger/events.ts';
import { NaiveHolds } from './naive-holds.ts';

interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

interface Block extends Interval {
  readonly kind: 'held' | 'carved' | 'reserved';
  readonly holder: string;
}

interface Rest extends Interval {
  readonly until: number;
}

interface Pool {
  readonly ranges: (Interval & { readonly text: string; readonly grantId: string | undefined })[];
  readonly blocks: Map<string, Block>;
  readonly resting: Rest[];
}

interface Interface {
  readonly uid: string;
  readonly addresses: Map<string, number>;
  readonly context: string;
  claim: string | undefined;
  finalizers: readonly string[];
  /** Of a retained one: when its lease ends, and whether that has been announced. */
  lease?: { readonly endsAt: string; readonly isAnnounced: boolean } | undefined;
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

/** Sizes of a pool's parts, in addresses. */
export interface Counts {
  readonly total: bigint;
  readonly held: bigint;
  readonly carved: bigint;
  readonly reserved: bigint;
  readonly quarantined: bigint;
}

/**
 * A second opinion on the ledger, which reads events and nothing else: plain lists of intervals,
 * with no idea of how blocks are found or decisions made. It throws at the first event that breaks
 * an invariant. One platform, its authored pools and one project.
 */
export class NaiveLedger {
  readonly pools = new Map<string, Pool>();
  readonly #claims = new Map<string, Claim>();
  readonly #interfaces = new Map<string, Interface>();
  readonly #contexts = new Map<string, { grantId: string; interfaces: number }>();
  readonly #networks = new Set<string>();
  readonly #joins = new Map<string, string>();
  /** Grants that the project has given up, and until when what they granted has to rest. */
  readonly #ended = new Map<string, number>();
  readonly holds = new NaiveHolds();
  readonly #allocations = new Map<string, string>();
  #allocating = new Map<string, number>();
  #lastAt = '';
  #turns = 0;

  apply(stream: string, event: LedgerEvent): void {
    if (stream === 'project') {
      check(event.data.at >= this.#lastAt, 'time runs backwards');
      this.#lastAt = event.data.at;
    }
    this.holds.apply(event);
    const isIn = (types: readonly EventType[]) => types.includes(event.type);
    if (isIn(['AddressAllocated', 'AddressReleased'])) this.#onAddress(event);
    else if (isIn(['AddressHeld', 'AddressUnheld'])) this.#onHold(event);
    else if (event.type.startsWith('IPAllocation')) this.#onAllocation(event);
    else if (isIn(['LocationJoined', 'LocationLeft'])) this.#onJoin(event);
    else if (event.type.startsWith('Interface')) this.#onInterface(event);
    else if (/^(Prefix|Range|ReservationLifted)/.test(event.type)) {
      this.#onRange(stream, event);
    } else this.#onObject(stream, event);
  }

  /** Whether an interface or claim holds anything at all. */
  get isEmpty(): boolean {
    return this.#interfaces.size + this.#claims.size + this.#allocations.size === 0;
  }

  countsOf(name: string, atMs: number): Counts {
    const { ranges, blocks, resting } = this.#pool(name);
    const sum = (parts: readonly Interval[]) =>
      parts.reduce((total, { first, last }) => total + last - first + 1n, 0n);
    const of = (kind: Block['kind']) => sum([...blocks.values()].filter((b) => b.kind === kind));
    return {
      total: sum(ranges),
      held: of('held'),
      carved: of('carved'),
      reserved: of('reserved'),
      quarantined: sum(resting.filter(({ until }) => until > atMs)),
    };
  }

  #pool(name: string): Pool {
    const pool = this.pools.get(name);
    if (pool === undefined) throw new Error(`there is no pool ${name}`);
    return pool;
  }

  #take(pool: string, text: string, at: string, kind: Block['kind'], holder: string): void {
    const { ranges, blocks, resting } = this.#pool(pool);
    const block = intervalOf(text);
    check(
      ranges.some((range) => isWithin(range, block)),
      `${text} is not in ${pool}`,
    );
    for (const [other, taken] of blocks) {
      check(!meet(block, taken), `${text} for ${holder} meets ${other} of ${taken.holder}`);
    }
    const early = resting.find((rest) => meet(block, rest) && rest.until > Date.parse(at));
    check(early === undefined, `${text} is given to ${holder} while it rests`);
    blocks.set(text, { ...block, kind, holder });
  }

  #giveBack(pool: string, text: string, holder: string, at: string, availableAt: string): void {
    const { blocks, resting } = this.#pool(pool);
    check(blocks.get(text)?.holder === holder, `${holder} does not hold ${text} of ${pool}`);
    check(availableAt >= at, `${text} is available before it is given back`);
    blocks.delete(text);
    resting.push({ ...intervalOf(text), until: Date.parse(availableAt) });
  }

  #onRange(stream: string, event: LedgerEvent): void {
    switch (event.type) {
      case 'RangeAdded':
        this.#addRange(stream, event.data);
        break;
      case 'RangeRemoved': {
        const { pool, endsGrant } = event.data;
        if (stream !== 'project') {
          this.#removeRange(event.data);
          break;
        }
        this.#checkUnused(pool);
        const [range] = this.#pool(pool).ranges;
        check(range?.grantId === endsGrant?.grantId, 'it ends the grant of its range');
        if (endsGrant !== undefined) this.#endGrant(endsGrant.grantId, pool, endsGrant.availableAt);
        this.pools.delete(pool);
        break;
      }
      case 'PrefixCarved': {
        const { pool, prefix, at, childPool, grant } = event.data;
        this.#take(pool, prefix, at, 'carved', grant?.id ?? childPool);
        if (grant !== undefined) break;
        check(!this.pools.has(childPool), `${childPool} has two carves`);
        const range = { ...intervalOf(prefix), text: prefix, grantId: undefined };
        this.pools.set(childPool, { ranges: [range], blocks: new Map(), resting: [] });
        break;
      }
      case 'PrefixReserved': {
        const { pool, prefix, at, reason } = event.data;
        this.#take(pool, prefix, at, 'reserved', reason);
        break;
      }
      case 'ReservationLifted': {
        const { pool, prefix } = event.data;
        const { blocks } = this.#pool(pool);
        check(blocks.get(prefix)?.kind === 'reserved', `${prefix} of ${pool} is not withheld`);
        blocks.delete(prefix);
        break;
      }
      case 'PrefixReturned':
        this.#returnPrefix(event.data);
    }
  }

  /** An authored pool gives up a range of which nothing is in use; the last one ends it. */
  #removeRange({ pool, prefix, at }: EventData<'RangeRemoved'>): void {
    const { ranges, blocks, resting } = this.#pool(pool);
    const range = ranges.find(({ text }) => text === prefix);
    if (range === undefined) throw new Error(`${pool} has no range ${prefix}`);
    check(this.#latestRest(pool, range) <= Date.parse(at), `${prefix} goes while it rests`);
    for (const [text, block] of blocks) {
      if (!meet(range, block)) continue;
      check(block.kind === 'reserved', `${prefix} of ${pool} goes while ${text} is in use`);
      blocks.delete(text);
    }
    const left = ranges.filter((one) => one !== range);
    if (left.length === 0) this.pools.delete(pool);
    else this.pools.set(pool, { ranges: left, blocks, resting });
  }

  #addRange(stream: string, data: EventData<'RangeAdded'>): void {
    const { pool, prefix, grant } = data;
    const present: Pool = this.pools.get(pool) ?? { ranges: [], blocks: new Map(), resting: [] };
    const range = { ...intervalOf(prefix), text: prefix, grantId: grant?.id };
    check(!present.ranges.some((other) => meet(other, range)), `${pool} has ${prefix} already`);
    if (stream !== 'project') {
      const authored = [...this.pools].filter(([name]) => !name.includes('.'));
      const other = authored.find(([, { ranges }]) => ranges.some((one) => meet(one, range)));
      check(other === undefined, `${prefix} of ${pool} is a range of ${other?.[0]}, too`);
    } else if (grant !== undefined) {
      const carve = this.#pool(grant.pool).blocks.get(prefix);
      check(carve?.holder === grant.id, `${prefix} is not granted by ${grant.pool}`);
      check(!this.#ended.has(grant.id), `the grant of ${prefix} has ended`);
      const others = [...this.pools.values()].flatMap(({ ranges }) => ranges);
      check(!others.some(({ grantId }) => grantId === grant.id), `${prefix} is committed twice`);
    }
    present.ranges.push(range);
    this.pools.set(pool, present);
  }

  #returnPrefix(data: EventData<'PrefixReturned'>): void {
    const { pool, prefix, at, childPool, grantId, availableAt } = data;
    this.#giveBack(pool, prefix, grantId ?? childPool, at, availableAt);
    const until = Date.parse(availableAt);
    if (grantId === undefined) {
      this.#checkUnused(childPool);
      const latest = this.#latestRest(childPool);
      check(until >= latest, `${prefix} is back before what rests inside it`);
      this.pools.delete(childPool);
    } else {
      const inUse = [...this.pools.values()].some(({ ranges }) => {
        return ranges.some((range) => range.grantId === grantId);
      });
      check(!inUse, `${prefix} is taken back while it is in use`);
      check(until >= (this.#ended.get(grantId) ?? 0), `${prefix} is back too early`);
    }
  }

  /** A pool that goes may have nothing in it but what was withheld from the start. */
  #checkUnused(name: string): void {
    for (const [text, { kind }] of this.#pool(name).blocks) {
      check(kind === 'reserved', `${name} goes while ${text} is in use`);
    }
  }

  #latestRest(pool: string, range?: Interval): number {
    const inside = this.#pool(pool).resting.filter(
      (rest) => range === undefined || meet(range, rest),
    );
    return Math.max(0, ...inside.map(({ until }) => until));
  }

  #endGrant(grantId: string, pool: string, availableAt: string): void {
    const range = this.#pool(pool).ranges.find((one) => one.grantId === grantId);
    check(range !== undefined, `${pool} has no range of grant ${grantId}`);
    const until = Date.parse(availableAt);
    check(until >= this.#latestRest(pool, range), `a range of ${pool} is back too early`);
    this.#ended.set(grantId, until);
  }

  #onAddress(event: LedgerEvent): void {
    if (event.type === 'AddressAllocated') {
      const { pool, block, at, policy, claim } = event.data;
      const holder = event.data.interface.uid;
      check(this.#claims.get(claim.name)?.uid === claim.uid, `${claim.name} is no claim`);
      check(!this.#interfaces.has(event.data.interface.name), 'the interface is there already');
      if (event.data.grant === undefined) {
        this.#checkTurn(claim.name, `pool/${pool}`);
        this.#take(pool, block, at, 'held', holder);
      } else {
        this.#checkTurn(claim.name, `offer/${event.data.className}`);
      }
      this.#allocating.set(block, policy.quarantineMs);
    } else if (event.type === 'AddressReleased') {
      const { pool, block, at, availableAt } = event.data;
      const { name, uid } = event.data.interface;
      const nic = this.#interface(name, uid);
      check(nic.finalizers.length === 0, `${name} is released while finalizers hold it`);
      const restMs = Date.parse(availableAt) - Date.parse(at);
      check(restMs === nic.addresses.get(block), `${block} does not rest as it should`);
      nic.addresses.delete(block);
      if (event.data.endsGrant === undefined) this.#giveBack(pool, block, uid, at, availableAt);
    }
  }

  /** A block of an authored pool is taken by its hold, whoever commits it. */
  #onHold(event: LedgerEvent): void {
    if (event.type === 'AddressHeld') {
      const { pool, block, at, grant } = event.data;
      this.#take(pool, block, at, 'held', grant.id);
    } else if (event.type === 'AddressUnheld') {
      const { pool, block, at, grantId, availableAt } = event.data;
      this.#giveBack(pool, block, grantId, at, availableAt);
    }
  }

  #onAllocation(event: LedgerEvent): void {
    if (event.type === 'IPAllocationCreated') {
      const { name, uid, pool, block, at, grant } = event.data;
      check(!this.#allocations.has(name), `${name} holds a block already`);
      if (grant === undefined) this.#take(pool, block, at, 'held', uid);
      this.#allocations.set(name, uid);
    } else if (event.type === 'IPAllocationDeleted') {
      const { name, uid, pool, block, at, availableAt, endsGrant } = event.data;
      check(this.#allocations.get(name) === uid, `${name} is another allocation`);
      if (endsGrant === undefined) this.#giveBack(pool, block, uid, at, availableAt);
      this.#allocations.delete(name);
    }
  }

  /** Whoever began to wait for a pool earlier is served earlier. */
  #checkTurn(name: string, cause: string): void {
    const turn = this.#claims.get(name)?.turn ?? 0;
    for (const [other, claim] of this.#claims) {
      const waits = claim.cause === cause && claim.turn < turn && !claim.deleting;
      check(!waits, `${name} overtakes ${other}`);
    }
  }

  #interface(name: string, uid: string): Interface {
    const nic = this.#interfaces.get(name);
    if (nic?.uid !== uid) throw new Error(`there is no interface ${name} of this uid`);
    return nic;
  }

  #onInterface(event: LedgerEvent): void {
    switch (event.type) {
      case 'InterfaceReady': {
        const { name, uid, claim, spec, networkContext: context } = event.data;
        const { externalAddresses: external = [] } = spec;
        const bare = external.map(({ address }) => `${address}/32`);
        const published = [...spec.addresses.map(({ address }) => address), ...bare].sort();
        check(`${published}` === `${[...this.#allocating.keys()].sort()}`, 'addresses differ');
        const families = new Set(spec.addresses.map(({ family }) => family));
        check(families.size === spec.addresses.length, 'a family has two addresses');
        check(spec.addresses.filter(({ primary }) => primary).length === 1, 'one is primary');
        for (const { address, subnet, gateway } of spec.addresses) {
          check(isWithin(intervalOf(subnet), intervalOf(address)), `${address} leaves its subnet`);
          check(!meet(intervalOf(address), intervalOf(gateway)), `${address} is the gateway`);
        }
        const addresses = this.#allocating;
        this.#allocating = new Map();
        this.#interfaces.set(name, { uid, addresses, context, claim: undefined, finalizers: [] });
        this.#context(context).interfaces += 1;
        this.#bind(claim, name);
        break;
      }
      case 'InterfaceRebound':
        this.#interface(event.data.name, event.data.uid).lease = undefined;
        this.#bind(event.data.claim, event.data.name);
        break;
      case 'InterfaceRetained': {
        const nic = this.#interface(event.data.name, event.data.uid);
        check(nic.claim === event.data.claim.uid, 'it was bound to another claim');
        nic.claim = undefined;
        const { expiresAt: endsAt } = event.data;
        if (endsAt !== null) nic.lease = { endsAt, isAnnounced: false };
        break;
      }
      case 'RetentionExpiring': {
        const { name, uid, at, releaseAt } = event.data;
        const nic = this.#interface(name, uid);
        check(nic.claim === undefined, `${name} is claimed and expires`);
        check(nic.lease?.isAnnounced === false, `${name} has no lease to expire`);
        const { endsAt } = nic.lease ?? {};
        check(endsAt !== undefined && endsAt <= at, `the lease of ${name} is not over`);
        check(endsAt !== undefined && endsAt <= releaseAt, `${name} has no grace`);
        nic.lease = { endsAt: releaseAt, isAnnounced: true };
        break;
      }
      case 'InterfaceDeleted': {
        const { name, uid, networkContext } = event.data;
        const nic = this.#interface(name, uid);
        check(nic.addresses.size === 0, `${name} goes with its addresses`);
        check(nic.context === networkContext, `${name} stood elsewhere`);
        this.#context(networkContext).interfaces -= 1;
        this.#interfaces.delete(name);
      }
    }
  }

  #context(name: string) {
    const context = this.#contexts.get(name);
    if (context === undefined) throw new Error(`there is no context ${name}`);
    return context;
  }

  #bind({ name, uid }: { name: string; uid: string }, nicName: string): void {
    const claim = this.#claims.get(name);
    const nic = this.#interfaces.get(nicName);
    check(claim?.uid === uid && claim.bound === undefined, `${name} is bound already`);
    check(!claim?.deleting, `${name} is bound while it is being deleted`);
    check(nic?.claim === undefined, `${nicName} has two claims`);
    if (claim !== undefined) Object.assign(claim, { bound: nicName, cause: undefined });
    if (nic !== undefined) nic.claim = uid;
  }

  #onJoin(event: LedgerEvent): void {
    if (event.type === 'LocationJoined') {
      this.#joins.set(event.data.location.uid, event.data.grantId);
    } else if (event.type === 'LocationLeft') {
      const { grantId, location } = event.data;
      check(this.#joins.get(location.uid) === grantId, 'another join is in force');
      const inUse = [...this.#contexts.values()].some((context) => context.grantId === grantId);
      check(!inUse, `${location.name} is left while contexts stand there`);
      this.#joins.delete(location.uid);
    }
  }

  #onObject(stream: string, event: LedgerEvent): void {
    switch (event.type) {
      case 'ClaimRequested':
        check(!this.#claims.has(event.data.name), `${event.data.name} is there already`);
        this.#turns += 1;
        this.#claims.set(event.data.name, {
          uid: event.data.uid,
          turn: this.#turns,
          bound: undefined,
          deleting: false,
          cause: undefined,
        });
        break;
      case 'ClaimQueued': {
        const claim = this.#claims.get(event.data.name);
        check(claim?.bound === undefined && !claim?.deleting, 'it does not wait');
        if (claim !== undefined) claim.cause = event.data.cause;
        break;
      }
      case 'ClaimDeleted': {
        const { name, uid } = event.data;
        const bound = this.#claims.get(name)?.bound;
        const nic = bound === undefined ? undefined : this.#interfaces.get(bound);
        const isHeld = nic?.claim === uid && nic.finalizers.length === 0;
        check(!isHeld, `${name} goes and leaves its interface bound`);
        this.#claims.delete(name);
        break;
      }
      case 'NetworkCreated':
        this.#networks.add(event.data.name);
        break;
      case 'NetworkDeleted':
        this.#networks.delete(event.data.name);
        for (const pool of this.pools.keys()) {
          check(pool.split('.')[2] !== event.data.name, `${pool} outlives its network`);
        }
        break;
      case 'NetworkContextCreated': {
        const { name, location, grantId } = event.data;
        check(this.#joins.get(location.uid) === grantId, `${name} names a join not in force`);
        check(!this.#ended.has(grantId), `${name} names a join that has ended`);
        check(!this.#contexts.has(name), `${name} is there already`);
        this.#contexts.set(name, { grantId, interfaces: 0 });
        break;
      }
      case 'NetworkContextDeleted': {
        const { name, endsGrant } = event.data;
        const { grantId, interfaces } = this.#context(name);
        check(interfaces === 0, `${name} goes while interfaces stand in it`);
        this.#contexts.delete(name);
        const isLast = ![...this.#contexts.values()].some((other) => other.grantId === grantId);
        check(isLast === (endsGrant !== undefined), `${name} ends the join if it is the last`);
        if (endsGrant !== undefined) this.#ended.set(grantId, 0);
        break;
      }
      case 'GrantAbandoned': {
        const { grantId } = event.data;
        const isJoin = [...this.#contexts.values()].some((context) => context.grantId === grantId);
        const ranges = [...this.pools.values()].flatMap((pool) => pool.ranges);
        const isRange = ranges.some((range) => range.grantId === grantId);
        check(!isJoin && !isRange, 'a grant that is in use is abandoned');
        if (!this.#ended.has(grantId)) this.#ended.set(grantId, 0);
        break;
      }
      default:
        this.#onMetadata(event);
        if (stream === 'project') this.#onLife(event);
    }
  }

  #onMetadata(event: LedgerEvent): void {
    if (event.type === 'DeletionRequested' && event.data.kind === 'NetworkInterfaceClaim') {
      const claim = this.#claims.get(event.data.name);
      if (claim !== undefined) claim.deleting = true;
    } else if (event.type === 'ObjectMetadataChanged' && event.data.kind === 'NetworkInterface') {
      const nic = this.#interface(event.data.name, event.data.uid);
      nic.finalizers = event.data.metadata.finalizers ?? [];
    }
  }

  #onLife(event: LedgerEvent): void {
    if (event.type !== 'AddressSpaceClosed') return;
    check(this.isEmpty && this.#networks.size === 0, 'the project is closed and not empty');
    const own = [...this.pools].filter(([name, { ranges }]) => {
      return name.includes('.') && ranges.some(({ grantId }) => grantId);
    });
    const ranges = own.flatMap(([, pool]) => pool.ranges.map(({ grantId }) => grantId)).sort();
    const named = event.data.ranges.map(({ grantId }) => grantId).sort();
    check(`${ranges}` === `${named}`, 'a range of the project is not given back');
    for (const { grantId, availableAt } of event.data.ranges) {
      const [name] = own.find(([, pool]) => pool.ranges.some((r) => r.grantId === grantId))!;
      this.#endGrant(grantId, name, availableAt);
    }
    for (const [name] of own) {
      this.#checkUnused(name);
      this.pools.delete(name);
    }
    const left = [...this.pools.keys()].filter((name) => name.includes('.'));
    check(left.length === 0, `${left} outlive the project`);
  }
}

function check(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Error(problem);
}

function meet(a: Interval, b: Interval): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function isWithin(outer: Interval, inner: Interval): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/** First and last address of a CIDR text, or of a bare address. */
function intervalOf(text: string): Interval {
  const [address = '', length] = text.split('/');
  const isV6 = address.includes(':');
  const first = isV6 ? v6(address) : joined(address.split('.').map(Number), 8n);
  const width = isV6 ? 128 : 32;
  return { first, last: first + (1n << BigInt(width - Number(length ?? width))) - 1n };
}

function v6(address: string): bigint {
  const [head, tail] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const gap = tail === undefined ? [] : Array(8 - head!.length - tail.length).fill('0');
  const groups = [...head!, ...gap, ...(tail ?? [])];
  return joined(
    groups.map((group) => Number.parseInt(group, 16)),
    16n,
  );
}

function joined(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((sum, part) => (sum << bits) + BigInt(part), 0n);
}
