import { type FreeSpace, freeSpace, give, isFree, isUsed, take } from './free-space.ts';
import { firstOf, has, lastOf, type OrderedSet, withItem, withoutItem } from './ordered-set.ts';
import { comparePrefixes, formatPrefix, type Prefix, prefixSize } from './prefix.ts';

/**
 * Free space whose returned blocks may stay in quarantine until an instant. Instants are whole
 * milliseconds, given from outside: nothing here reads a clock. To search at an instant, mature
 * first: `lowestFree(matured(timed, atMs).space, length)`. A value never changes.
 */
export interface TimedSpace {
  /** What can be taken now: blocks in quarantine are in use as far as this knows. */
  readonly space: FreeSpace;
  /** The blocks in quarantine by the instant at which it ends. */
  readonly pending: OrderedSet<PendingBlock>;
  /**
   * The same range, where only blocks in quarantine are taken. It keeps a block from being given
   * back twice, after which its quarantine would end in the hands of the next holder.
   */
  readonly outsideQuarantine: FreeSpace;
  /** The instant at which the last quarantine ends; 0 when nothing is in quarantine. */
  readonly pendingUntil: number;
  /** How many addresses are in quarantine. */
  readonly quarantined: bigint;
}

/** A block in quarantine until an instant. */
export interface PendingBlock {
  readonly block: Prefix;
  readonly availableAtMs: number;
}

/** A range that is wholly free. */
export function timedSpace(range: Prefix): TimedSpace {
  const space = freeSpace(range);
  return withPending(space, undefined, space);
}

/**
 * The space at an instant: every block whose quarantine ends at or before it is free. The same
 * value when there is none.
 */
export function matured(timed: TimedSpace, atMs: number): TimedSpace {
  let { space, pending, outsideQuarantine } = timed;
  let next = firstOf(pending);
  while (next !== undefined && next.availableAtMs <= atMs) {
    space = give(space, next.block);
    pending = withoutItem(pending, next, byInstant);
    outsideQuarantine = give(outsideQuarantine, next.block);
    next = firstOf(pending);
  }
  return pending === timed.pending ? timed : withPending(space, pending, outsideQuarantine);
}

/** The space without this block. Throws unless it is wholly free: a fault of the caller. */
export function takeBlock(timed: TimedSpace, block: Prefix): TimedSpace {
  return { ...timed, space: take(timed.space, block) };
}

/**
 * The space with this block free again at once. Throws unless all of it is held, which a block in
 * quarantine is not: a fault of the caller.
 */
export function giveBlock(timed: TimedSpace, block: Prefix): TimedSpace {
  requireHeld(timed, block);
  return { ...timed, space: give(timed.space, block) };
}

/**
 * The space with this block in quarantine until an instant, in whole milliseconds. Throws unless
 * all of it is held, which a block in quarantine is not: a fault of the caller.
 */
export function giveBlockAt(timed: TimedSpace, block: Prefix, availableAtMs: number): TimedSpace {
  if (!Number.isSafeInteger(availableAtMs)) {
    throw new RangeError(`${availableAtMs} is not an instant in whole milliseconds`);
  }
  requireHeld(timed, block);
  const pending = withItem(timed.pending, { block, availableAtMs }, byInstant);
  return withPending(timed.space, pending, take(timed.outsideQuarantine, block));
}

/**
 * The space with this block's quarantine ended early: the block is free. Undefined when this block
 * is not in quarantine until this very instant, be it that it has matured or was given otherwise.
 */
export function liftBlock(
  timed: TimedSpace,
  block: Prefix,
  availableAtMs: number,
): TimedSpace | undefined {
  const item = { block, availableAtMs };
  if (!has(timed.pending, item, byInstant)) return undefined;
  const pending = withoutItem(timed.pending, item, byInstant);
  return withPending(give(timed.space, block), pending, give(timed.outsideQuarantine, block));
}

/** The instant at which the next quarantine ends, or undefined when nothing is in quarantine. */
export function nextMaturity(timed: TimedSpace): number | undefined {
  return firstOf(timed.pending)?.availableAtMs;
}

function withPending(
  space: FreeSpace,
  pending: OrderedSet<PendingBlock>,
  outsideQuarantine: FreeSpace,
): TimedSpace {
  return {
    space,
    pending,
    outsideQuarantine,
    pendingUntil: lastOf(pending)?.availableAtMs ?? 0,
    quarantined: prefixSize(space.range) - outsideQuarantine.free,
  };
}

function requireHeld(timed: TimedSpace, block: Prefix): void {
  if (!isUsed(timed.space, block) || !isFree(timed.outsideQuarantine, block)) {
    const range = formatPrefix(timed.space.range);
    throw new Error(`${formatPrefix(block)} is not a wholly held block of ${range}`);
  }
}

function byInstant(a: PendingBlock, b: PendingBlock): number {
  if (a.availableAtMs !== b.availableAtMs) return a.availableAtMs < b.availableAtMs ? -1 : 1;
  return comparePrefixes(a.block, b.block);
}
