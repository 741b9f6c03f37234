import {
  contains,
  coverRange,
  familyWidth,
  formatPrefix,
  lastAddress,
  type Prefix,
  parsePrefix,
  prefixSize,
} from '../../src/addressing/prefix.ts';

/**
 * A range of any size of which only a small window is ever free, so that a list of its cells says
 * all about it. A cell is one of the 2^CELL_BITS equal blocks of the window.
 */
export interface Window {
  readonly range: Prefix;
  readonly window: Prefix;
}

export const CELL_BITS = 6;
export const CELLS = 2 ** CELL_BITS;

/** Windows at both ends of both families, as whole ranges, and deep inside the largest ranges. */
export const WINDOWS: readonly Window[] = [
  ['10.0.0.0/24', '10.0.0.0/24'],
  ['0.0.0.0/26', '0.0.0.0/26'],
  ['255.255.255.192/26', '255.255.255.192/26'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['0.0.0.0/0', '255.255.255.192/26'],
  ['2001:db8::1200/120', '2001:db8::1200/120'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0/122', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0/122'],
  ['::/0', '::/0'],
  ['::/0', '::/122'],
  ['::/0', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0/122'],
  ['::/0', '8000:1:8000:1:8000:1:8000:40/122'],
  ['fd20:1:2:3::/64', 'fd20:1:2:3:7fff:fff8::/93'],
  ['fd20:1:2:3::/64', 'fd20:1:2:3:7fff:ffff:e000:0/99'],
].map(([range, window]) => ({ range: parsePrefix(range!), window: parsePrefix(window!) }));

/** The length of a block of 2^bits cells. */
export function lengthOfCells({ window }: Window, bits: number): number {
  return window.length + CELL_BITS - bits;
}

/** The block of 2^bits cells that holds this cell. */
export function blockOfCells(at: Window, cell: number, bits: number): Prefix {
  const { family } = at.range;
  const start = at.window.start + BigInt((cell >> bits) << bits) * cellSize(at);
  return { family, start, length: lengthOfCells(at, bits) };
}

/** The numbers of the first cell of a block of cells, and of the cell after it. */
function cellsOf(at: Window, block: Prefix): [number, number] {
  const first = Number((block.start - at.window.start) / cellSize(at));
  return [first, first + 2 ** (lengthOfCells(at, 0) - block.length)];
}

function cellSize({ window }: Window): bigint {
  return prefixSize(window) >> BigInt(CELL_BITS);
}

/** The fewest blocks that cover the range but for the window. */
export function outsideOf({ range, window }: Window): Prefix[] {
  const before = coverRange(range.family, range.start, window.start - range.start);
  const next = lastAddress(window) + 1n;
  return [...before, ...coverRange(range.family, next, lastAddress(range) + 1n - next)];
}

/** Which cells are free, one by one, with every answer found by looking at all of them. */
export class NaiveSpace {
  readonly at: Window;
  readonly free: boolean[];

  constructor(at: Window, free: readonly boolean[] = Array(CELLS).fill(true)) {
    this.at = at;
    this.free = [...free];
  }

  set(block: Prefix, free: boolean): void {
    this.free.fill(free, ...cellsOf(this.at, block));
  }

  areAll(block: Prefix, free: boolean): boolean {
    return this.free.slice(...cellsOf(this.at, block)).every((cell) => cell === free);
  }

  freeAddresses(): bigint {
    return BigInt(this.free.filter(Boolean).length) * cellSize(this.at);
  }

  lowestFree(length: number): Prefix | undefined {
    const block = this.freeBlocksOf(Math.min(length, lengthOfCells(this.at, 0)))[0];
    return block && { ...block, length };
  }

  bestFit(length: number): Prefix | undefined {
    const holding = this.regions().filter((region) => region.length <= length);
    const smallest = holding.toSorted((a, b) => b.length - a.length)[0];
    return smallest && { ...smallest, length };
  }

  /** The maximal free blocks in order: those free blocks that no larger one holds. */
  regions(): Prefix[] {
    const regions: Prefix[] = [];
    for (let bits = CELL_BITS; bits >= 0; bits -= 1) {
      for (const block of this.freeBlocksOf(lengthOfCells(this.at, bits))) {
        if (!regions.some((region) => contains(region, block))) regions.push(block);
      }
    }
    return regions.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** All aligned free blocks of this length, which is not longer than that of a cell, in order. */
  private freeBlocksOf(length: number): Prefix[] {
    const bits = lengthOfCells(this.at, 0) - length;
    if (bits > CELL_BITS) return [];
    const count = CELLS >> bits;
    const blocks = Array.from({ length: count }, (_, i) => blockOfCells(this.at, i << bits, bits));
    return blocks.filter((block) => this.areAll(block, true));
  }
}

/** Prefixes as text, for comparisons that read well when they fail. */
export function texts(prefixes: Iterable<Prefix>): string[] {
  return Array.from(prefixes, formatPrefix);
}

/** The lengths that blocks of a family can have, from the window's parent to single addresses. */
export function lengthsAround({ range, window }: Window): number[] {
  const first = Math.max(window.length - 1, range.length);
  const last = Math.min(window.length + CELL_BITS + 1, familyWidth(range.family));
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
