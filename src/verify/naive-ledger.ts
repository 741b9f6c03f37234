import type { EventData, EventType, LedgerEvent } from '../ledger/events.ts';
import { NaiveGrants } from './naive-grants.ts';
import { type NaiveObject, NaiveObjects, SpecifiedObjects } from './naive-objects.ts';
import { NaivePool, nameOf } from './naive-pool.ts';
import type { NaiveProject } from './naive-project.ts';
import { check } from './violation.ts';

/** The namespace of what is of no project. */
export const SYSTEM_NAMESPACE = 'netalloc-system';

/** What is read of an event. */
export interface ReadEvent {
  readonly stream: string;
  readonly type: string;
  readonly data: object;
  readonly metadata: object;
}

/** What a reader of one type of event is given. */
interface Read<T extends EventType> {
  readonly stream: string;
  /** The project, or the root pool, whose stream it is. */
  readonly name: string;
  readonly data: EventData<T>;
  /** Whether somebody outside of the ledger has asked for what the event is a part of. */
  readonly isAskedFor: boolean;
}

/** How each type of event of a kind of stream is read. */
export type Readers = {
  readonly [T in EventType]?: (ledger: NaiveLedger, event: Read<T>) => void;
};

/** Reads an event with the reader of its type. */
export function readWith(
  readers: Readers,
  ledger: NaiveLedger,
  type: string,
  event: Read<EventType>,
): void {
  const known = Object.hasOwn(readers, type) ? readers[type as LedgerEvent['type']] : undefined;
  const expected = () => `an event that belongs into ${event.stream}`;
  check('event', known !== undefined, expected, type);
  (known as (ledger: NaiveLedger, event: Read<EventType>) => void)(ledger, event);
}

/** The present of the whole ledger as plain maps and lists. */
export class NaiveLedger {
  readonly grants = new NaiveGrants();
  readonly pools = new Map<string, NaivePool>();
  readonly projects = new Map<string, NaiveProject>();
  readonly namespaces = new NaiveObjects<NaiveObject>('Namespace');
  readonly locations = new SpecifiedObjects('Location');
  readonly classes = new SpecifiedObjects('IPClass');
  readonly authoredPools = new SpecifiedObjects('IPPool');
  /** Location uid and project, and the join that is in force. */
  readonly joins = new Map<string, string>();
  /** Ranges of root pools, and whose they are. */
  readonly rootRanges = new Map<string, string>();
  /** Names of authored pools that are registered with the platform, with their uids. */
  readonly registered = new Map<string, string>();
  /** Registrations that a root's stream has given up. */
  readonly givenUp = new Set<string>();
  /** Pools whose counts have changed since they were last asked about. */
  readonly touched = new Set<string>();
  readonly #poolsOfStream = new Map<string, Set<NaivePool>>();

  /** A pool about which this stream decides. */
  pool(name: string, stream: string): NaivePool {
    const pool = this.pools.get(name);
    check('range', pool !== undefined, `there is a pool ${name}`, 'there is none');
    const expected = () => `${stream} decides about pools of its own`;
    check('isolation', pool.stream === stream, expected, () => `${name} is of ${pool.stream}`);
    this.touched.add(name);
    return pool;
  }

  /** A pool of another stream, where that has granted a block of it. */
  poolElsewhere(name: string): NaivePool {
    const pool = this.pools.get(name);
    check('range', pool !== undefined, `there is a pool ${name}`, 'there is none');
    this.touched.add(name);
    return pool;
  }

  addPool(pool: NaivePool): void {
    const { name, stream } = pool;
    const other = this.pools.get(name);
    const found = () => `${other?.stream} has one of that name`;
    check('range', other === undefined, `pool ${name} is a new one`, found);
    this.pools.set(name, pool);
    this.touched.add(name);
    const ofStream = this.#poolsOfStream.get(stream);
    if (ofStream === undefined) this.#poolsOfStream.set(stream, new Set([pool]));
    else ofStream.add(pool);
  }

  removePool(pool: NaivePool): void {
    this.pools.delete(pool.name);
    this.touched.add(pool.name);
    this.#poolsOfStream.get(pool.stream)?.delete(pool);
  }

  poolsOfStream(stream: string): readonly NaivePool[] {
    return [...(this.#poolsOfStream.get(stream) ?? [])];
  }

  /** A child pool begins with the block that was carved for it: each carve has one child. */
  carveChild(data: EventData<'PrefixCarved'>, stream: string, namespace: string): void {
    const { pool, prefix, at, childPool, className, scope } = data;
    const parent = this.pool(pool, stream);
    const holder = { kind: 'IPPool', namespace, name: childPool, uid: '' };
    parent.take(prefix, at, { state: 'Carved', holder, className, key: childPool });
    const child = new NaivePool(childPool, { stream, className, scope }, parent);
    child.addRange(prefix);
    this.addPool(child);
  }

  returnChild(data: EventData<'PrefixReturned'>, stream: string): void {
    const { pool, prefix, at, childPool, availableAt } = data;
    const child = this.pool(childPool, stream);
    child.checkUnused();
    const restMs = child.latestRestMs();
    checkRested(prefix, restMs, availableAt);
    this.pool(pool, stream).giveBack(prefix, childPool, at, availableAt);
    this.removePool(child);
  }

  /**
   * Carves once more, over all pools at once: each range is registered, or is a block that another
   * pool has carved for it. With blocks that overlap nothing in their pool, nothing overlaps.
   */
  checkRanges(): void {
    for (const pool of this.pools.values()) {
      for (const { text, grant } of pool.ranges) {
        if (grant !== undefined) this.#checkCarved(pool, text, grant.pool, grant.id);
        else if (pool.parent !== undefined) {
          this.#checkCarved(pool, text, pool.parent.name, pool.name);
        } else if (!pool.name.includes('.')) {
          const owner = this.rootRanges.get(text);
          const expected = `${text} is registered for ${pool.name}`;
          check('range', owner === pool.name, expected, `it is of ${owner ?? 'nobody'}`);
        }
      }
    }
  }

  #checkCarved(child: NaivePool, text: string, parent: string, key: string): void {
    const carve = this.poolElsewhere(parent).taken(text);
    const isIts = carve.state === 'Carved' && carve.key === key;
    const expected = () => `${parent} has carved ${text} for ${child.name}`;
    check('range', isIts, expected, () => `it is ${carve.state} by ${nameOf(carve.holder)}`);
  }
}

/** A range goes back when nothing rests in it any more, or rests itself as long as that does. */
export function checkRested(prefix: string, restMs: number, availableAt: string): void {
  const isRested = Date.parse(availableAt) >= restMs;
  const expected = () => `${prefix} is not available before ${new Date(restMs).toISOString()}`;
  check('release', isRested, expected, `it is at ${availableAt}`);
}
