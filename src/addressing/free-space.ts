import { deepestUpTo, depthsUpTo, onlyDepth } from './depths.ts';
import {
  isFreeLeaf,
  isUsedLeaf,
  lowestRegion,
  type Node,
  nodeAt,
  type Path,
  painted,
  regions,
  wholeTrie,
} from './free-trie.ts';
import { childAt, contains, familyWidth, formatPrefix, type Prefix, prefixSize } from './prefix.ts';

/**
 * The free blocks of one range. A value never changes: taking and giving return new ones that
 * share structure with it, so that a decision which is dropped costs nothing. The cost of every
 * operation grows with the bits between the range's length and the block's and with nothing else,
 * neither with the size of the range nor with what is in use.
 */
export interface FreeSpace {
  readonly range: Prefix;
  readonly root: Node;
  /** How many addresses are free. */
  readonly free: bigint;
}

/** A range that is wholly free. */
export function freeSpace(range: Prefix): FreeSpace {
  return { range, root: wholeTrie(), free: prefixSize(range) };
}

/**
 * The lowest free block of this length, or undefined when there is none. Throws RangeError for a
 * length that the family does not have.
 */
export function lowestFree(space: FreeSpace, length: number): Prefix | undefined {
  const depth = depthOf(space, length);
  if (depth < 0) return undefined;
  const region = lowestRegion(space.root, depthsUpTo(depth));
  return region && lowestIn(space, region, length);
}

/**
 * The lowest block of this length in the smallest region that holds one, in the lowest of several
 * of that size; so that large regions stay whole. A region is a maximal aligned free block.
 * Undefined when there is none. Throws RangeError for a length that the family does not have.
 */
export function bestFit(space: FreeSpace, length: number): Prefix | undefined {
  const depth = depthOf(space, length);
  if (depth < 0) return undefined;
  const region = lowestRegion(space.root, onlyDepth(deepestUpTo(space.root, depth)));
  return region && lowestIn(space, region, length);
}

/** Whether the block lies in the range and all of it is free. */
export function isFree(space: FreeSpace, block: Prefix): boolean {
  const path = pathTo(space, block);
  return path !== undefined && isFreeLeaf(nodeAt(space.root, path));
}

/** Whether the block lies in the range and none of it is free. */
export function isUsed(space: FreeSpace, block: Prefix): boolean {
  const path = pathTo(space, block);
  return path !== undefined && isUsedLeaf(nodeAt(space.root, path));
}

/** The space without this block. Throws unless the block is wholly free: a fault of the caller. */
export function take(space: FreeSpace, block: Prefix): FreeSpace {
  return { ...space, root: repainted(space, block, false), free: space.free - prefixSize(block) };
}

/** The space with this block again. Throws unless it is wholly used: a fault of the caller. */
export function give(space: FreeSpace, block: Prefix): FreeSpace {
  return { ...space, root: repainted(space, block, true), free: space.free + prefixSize(block) };
}

/** The regions in order: the fewest aligned blocks that make up all that is free. */
export function* freeBlocks(space: FreeSpace): Generator<Prefix> {
  for (const { depth, index } of regions(space.root)) {
    yield childAt(space.range, space.range.length + depth, index);
  }
}

function repainted(space: FreeSpace, block: Prefix, free: boolean): Node {
  const path = pathTo(space, block);
  const root = path && painted(space.root, path, free);
  if (root === undefined) {
    const [wanted, range] = [free ? 'used' : 'free', formatPrefix(space.range)];
    throw new Error(`${formatPrefix(block)} is not a wholly ${wanted} block of ${range}`);
  }
  return root;
}

/** Negative for blocks larger than the range. */
function depthOf(space: FreeSpace, length: number): number {
  const width = familyWidth(space.range.family);
  if (!Number.isInteger(length) || length < 0 || length > width) {
    throw new RangeError(`${space.range.family} has no prefixes of length ${length}`);
  }
  return length - space.range.length;
}

function lowestIn(
  space: FreeSpace,
  region: { depth: number; index: bigint },
  length: number,
): Prefix {
  const { family, start, length: rangeLength } = space.range;
  const hostBits = familyWidth(family) - rangeLength - region.depth;
  return { family, start: start + (region.index << BigInt(hostBits)), length };
}

/** Undefined for a block that does not lie in the range. */
function pathTo(space: FreeSpace, block: Prefix): Path | undefined {
  const { range } = space;
  if (!contains(range, block)) return undefined;
  const length = block.length - range.length;
  // The index of the block has `length` bits; they are moved up to fill whole words.
  const wordCount = (length + 31) >>> 5;
  const hostBits = familyWidth(range.family) - block.length;
  let rest = ((block.start - range.start) >> BigInt(hostBits)) << BigInt(wordCount * 32 - length);
  const words: number[] = [];
  for (let i = 0; i < wordCount; i += 1) {
    words.unshift(Number(BigInt.asIntN(32, rest)));
    rest >>= 32n;
  }
  return { length, words };
}
