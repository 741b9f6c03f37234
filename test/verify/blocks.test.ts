import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../../src/addressing/prefix.ts';
import { blockOf, extentOf, meet, textOf } from '../../src/verify/intervals.ts';
import { SortedBlocks } from '../../src/verify/sorted-blocks.ts';

/** A block of some size, at a multiple of it. */
function blocks(bits: number, hostBitsMax: number) {
  return fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }), fc.nat(hostBitsMax))
    .map(([at, hostBits]) => ({ first: (at >> BigInt(hostBits)) << BigInt(hostBits), hostBits }));
}

describe('blocks as texts', () => {
  it.each([
    { family: 4 as const, bits: 32, named: 'IPv4' as const },
    { family: 6 as const, bits: 128, named: 'IPv6' as const },
  ])('are written and read as the program does, in IPv$family', ({ family, bits, named }) => {
    // Zeros are what IPv6 has rules about.
    const sparse = fc.tuple(blocks(bits, bits), fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }));
    fc.assert(
      fc.property(sparse, fc.constantFrom(0, 16, 32, 64), ([block, mask], shift) => {
        const first = block.first & (mask << BigInt(shift)) & ((1n << BigInt(bits)) - 1n);
        const aligned = (first >> BigInt(block.hostBits)) << BigInt(block.hostBits);
        const prefix = { family: named, start: aligned, length: bits - block.hostBits };
        const text = textOf({ first: aligned, hostBits: block.hostBits }, family);
        expect(text).toBe(formatPrefix(prefix));
        expect(blockOf(text)).toEqual({ first: aligned, hostBits: block.hostBits });
      }),
    );
  });
});

describe('sorted blocks', () => {
  it('find what a list finds, whatever is added and removed', () => {
    // Few addresses, so that blocks meet; many blocks, so that lists are split.
    const action = fc.tuple(blocks(14, 3), fc.integer({ min: 0, max: 5 }));
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 3_000 }), (actions) => {
        const sorted = new SortedBlocks<{ first: bigint; hostBits: number }>();
        const listed = new Map<string, { first: bigint; hostBits: number }>();
        const keyOf = ({ first, hostBits }: { first: bigint; hostBits: number }) =>
          `${first}/${hostBits}`;
        for (const [block, kind] of actions) {
          const met = [...listed.values()].filter((one) => meet(extentOf(one), extentOf(block)));
          const found = sorted.meeting(extentOf(block));
          expect(found.map(keyOf).sort()).toEqual(met.map(keyOf).sort());
          expect(sorted.get(block)).toEqual(listed.get(keyOf(block)));
          if (met.length === 0) {
            sorted.add(block);
            listed.set(keyOf(block), block);
          } else if (kind === 0) {
            for (const one of met) {
              sorted.delete(one);
              listed.delete(keyOf(one));
            }
          }
        }
        expect(sorted.size).toBe(listed.size);
        const firsts = [...sorted].map(({ first }) => first);
        expect(firsts).toEqual(firsts.toSorted((a, b) => (a < b ? -1 : 1)));
      }),
      { numRuns: 15 },
    );
  });
});
