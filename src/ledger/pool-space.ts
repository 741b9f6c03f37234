import { bestFit, isFree, lowestFree } from '../addressing/free-space.ts';
import {
  contains,
  type Family,
  formatPrefix,
  type Prefix,
  parsePrefix,
} from '../addressing/prefix.ts';
import {
  giveBlockAt,
  matured,
  nextMaturity,
  type TimedSpace,
  takeBlock,
  timedSpace,
} from '../addressing/timed-space.ts';
import type { EventData, Scope } from './events.ts';

/** The writer's picture of one pool: its ranges in order, and what is free in each. */
export interface PoolSpace {
  readonly name: string;
  readonly className: string;
  readonly family: Family;
  readonly scope: Scope;
  /** The pool of the same address space that this one was carved from. */
  readonly parent: { readonly pool: string; readonly block: Prefix } | undefined;
  readonly ranges: readonly PoolRange[];
  /** Blocks held by interfaces, and pools carved from this one: it stays while there are any. */
  readonly held: number;
  readonly children: number;
  /** Class and policy of the newest holding: holdings of equal ones share these values. */
  readonly newest?: Pick<EventData<'AddressAllocated'>, 'className' | 'policy'>;
}

export interface PoolRange {
  readonly ordinal: number;
  readonly space: TimedSpace;
  /** The grant of the authored pool that this range came from. */
  readonly grant: { readonly id: string; readonly pool: string } | undefined;
}

export function poolRange(
  prefix: string,
  ordinal: number,
  grant: { readonly id: string; readonly pool: string } | undefined,
): PoolRange {
  return { ordinal, space: timedSpace(parsePrefix(prefix)), grant };
}

/** The block to hand out at this instant, ranges in order; undefined when none has room. */
export function findBlock(
  pool: PoolSpace,
  length: number,
  atMs: number,
  strategy: 'FirstFit' | 'BestFit' = 'FirstFit',
): Prefix | undefined {
  const search = strategy === 'FirstFit' ? lowestFree : bestFit;
  for (const { space } of pool.ranges) {
    if (length < space.space.range.length) continue;
    const block = search(matured(space, atMs).space, length);
    if (block !== undefined) return block;
  }
  return undefined;
}

/** Whether the whole block lies in one of the pool's ranges. */
export function isWithin({ ranges }: PoolSpace, block: Prefix): boolean {
  return ranges.some(({ space }) => contains(space.space.range, block));
}

/** Whether the whole block lies in the pool and is free at this instant. */
export function isBlockFree(pool: PoolSpace, block: Prefix, atMs: number): boolean {
  return pool.ranges.some(
    ({ space }) => contains(space.space.range, block) && isFree(matured(space, atMs).space, block),
  );
}

/** The pool without this block. The block must be free: a fault otherwise. */
export function takeFrom(pool: PoolSpace, block: Prefix, atMs: number): PoolSpace {
  return onRangeOf(pool, block, (space) => takeBlock(matured(space, atMs), block));
}

/** The pool with this block given back, to be used again from an instant on. */
export function giveBackTo(
  pool: PoolSpace,
  block: Prefix,
  atMs: number,
  availableAtMs: number,
): PoolSpace {
  return onRangeOf(pool, block, (space) => giveBlockAt(matured(space, atMs), block, availableAtMs));
}

/** The instant until which something inside a range is in quarantine. */
export function quarantinedUntil(range: PoolRange, atMs: number): number {
  return Math.max(atMs, range.space.pendingUntil);
}

/** The next instant at which a quarantine of this pool ends. */
export function nextMaturityOf(
  pool: PoolSpace,
  afterMs = Number.NEGATIVE_INFINITY,
): number | undefined {
  let next: number | undefined;
  for (const { space } of pool.ranges) {
    const at = nextMaturity(matured(space, afterMs));
    if (at !== undefined && (next === undefined || at < next)) next = at;
  }
  return next;
}

function onRangeOf(
  pool: PoolSpace,
  block: Prefix,
  change: (space: TimedSpace) => TimedSpace,
): PoolSpace {
  const index = pool.ranges.findIndex(({ space }) => contains(space.space.range, block));
  const range = pool.ranges[index];
  if (range === undefined) {
    throw new Error(`pool ${pool.name} has no range that holds ${formatPrefix(block)}`);
  }
  const ranges = pool.ranges.with(index, { ...range, space: change(range.space) });
  return { ...pool, ranges };
}
