import { contains, parsePrefix, prefixSize } from '../../src/addressing/prefix.ts';
import type { EventType, LedgerEvent } from '../../src/ledger/events.ts';
import { projectOf } from '../../src/ledger/streams.ts';
import type { RecordedEvent } from '../../src/store/store.ts';
import type { PoolCounts } from '../../src/views/views.ts';

interface Block {
  state: string;
  readonly size: bigint;
  readonly holder: string;
  /** Of a block in quarantine. */
  readonly availableAtMs: number;
}

interface Pool {
  readonly project: string;
  readonly ranges: Map<string, bigint>;
  readonly blocks: Map<string, Block>;
}

/** Adds up what pools hold the slow way, from all events of a log: to compare the views with. */
export class NaiveCounts {
  readonly pools = new Map<string, Pool>();

  constructor(events: readonly RecordedEvent[]) {
    for (const { stream, type, data } of events) {
      this.#apply(projectOf(stream) ?? '', { type: type as EventType, data } as LedgerEvent);
    }
  }

  counts(name: string, nowMs: number): PoolCounts | undefined {
    const pool = this.pools.get(name);
    if (pool === undefined) return undefined;
    const sum = { Reserved: 0n, Held: 0n, Retained: 0n, Carved: 0n, Quarantined: 0n };
    for (const { state, size, availableAtMs } of pool.blocks.values()) {
      if (state !== 'Quarantined' || availableAtMs > nowMs) sum[state as keyof typeof sum] += size;
    }
    const total = [...pool.ranges.values()].reduce((all, size) => all + size, 0n);
    const used = Object.values(sum).reduce((all, size) => all + size, 0n);
    return {
      total: String(total),
      reserved: String(sum.Reserved),
      held: String(sum.Held),
      retained: String(sum.Retained),
      quarantined: String(sum.Quarantined),
      carved: String(sum.Carved),
      free: String(total - used),
    };
  }

  #apply(project: string, { type, data }: LedgerEvent): void {
    switch (type) {
      case 'RangeAdded':
        this.#addRange(project, data.pool, data.prefix);
        break;
      case 'RangeRemoved':
        this.#removeRange(data.pool, data.prefix);
        if (this.#pool(data.pool).ranges.size === 0) this.pools.delete(data.pool);
        break;
      case 'PrefixCarved':
        this.#hold(data.pool, data.prefix, 'Carved', '');
        if (data.grant === undefined) this.#addRange(project, data.childPool, data.prefix);
        break;
      case 'PrefixReturned':
        this.#release(data.pool, data.prefix, data.availableAt);
        if (data.grantId === undefined) this.pools.delete(data.childPool);
        break;
      case 'PrefixReserved':
        this.#hold(data.pool, data.prefix, 'Reserved', '');
        break;
      case 'ReservationLifted':
        this.#pool(data.pool).blocks.delete(data.prefix);
        break;
      case 'AddressHeld':
        this.#hold(data.pool, data.block, 'Held', data.claim.uid);
        break;
      case 'AddressUnheld':
        this.#release(data.pool, data.block, data.availableAt);
        break;
      case 'AddressAllocated':
        this.#hold(data.pool, data.block, 'Held', data.interface.uid);
        break;
      case 'AddressReleased':
        this.#release(data.pool, data.block, data.availableAt);
        break;
      case 'InterfaceRetained':
        this.#restate(data.uid, 'Retained');
        break;
      case 'InterfaceRebound':
        this.#restate(data.uid, 'Held');
        break;
      case 'AddressSpaceClosed':
        for (const [name, pool] of this.pools)
          if (pool.project === project) this.pools.delete(name);
    }
  }

  #pool(name: string): Pool {
    const pool = this.pools.get(name);
    if (pool === undefined) throw new Error(`there is no pool ${name}`);
    return pool;
  }

  #addRange(project: string, name: string, prefix: string): void {
    const pool = this.pools.get(name) ?? { project, ranges: new Map(), blocks: new Map() };
    pool.ranges.set(prefix, sizeOf(prefix));
    this.pools.set(name, pool);
  }

  /** With it goes what was withheld in it. */
  #removeRange(name: string, prefix: string): void {
    const { ranges, blocks } = this.#pool(name);
    const range = parsePrefix(prefix);
    ranges.delete(prefix);
    for (const block of blocks.keys()) {
      if (contains(range, parsePrefix(block))) blocks.delete(block);
    }
  }

  #hold(pool: string, block: string, state: string, holder: string): void {
    const size = sizeOf(block);
    this.#pool(pool).blocks.set(block, { state, size, holder, availableAtMs: 0 });
  }

  #release(pool: string, block: string, availableAt: string): void {
    const availableAtMs = Date.parse(availableAt);
    const released = { state: 'Quarantined', size: sizeOf(block), holder: '', availableAtMs };
    this.#pool(pool).blocks.set(block, released);
  }

  #restate(holder: string, state: string): void {
    for (const { blocks } of this.pools.values()) {
      for (const block of blocks.values()) if (block.holder === holder) block.state = state;
    }
  }
}

function sizeOf(cidr: string): bigint {
  return prefixSize(parsePrefix(cidr));
}
