import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  firstOf,
  has,
  itemsOf,
  lastOf,
  type OrderedSet,
  orderedSetOf,
  sizeOf,
  withItem,
  withoutItem,
} from '../../src/addressing/ordered-set.ts';

const ascending = (a: number, b: number) => a - b;

/** Whether no half anywhere is over three times as heavy as the other, and all sizes are right. */
function isBalanced(set: OrderedSet<number>): boolean {
  if (set === undefined) return true;
  const [left, right] = [sizeOf(set.left) + 1, sizeOf(set.right) + 1];
  if (set.size !== left + right - 1) return false;
  if (Math.max(left, right) > 3 * Math.min(left, right)) return false;
  return isBalanced(set.left) && isBalanced(set.right);
}

function heightOf(set: OrderedSet<number>): number {
  return set === undefined ? 0 : 1 + Math.max(heightOf(set.left), heightOf(set.right));
}

/** Every tree in balance of these even numbers in a row; odd ones then fit anywhere. */
function balancedTrees(first: number, size: number): OrderedSet<number>[] {
  if (size === 0) return [undefined];
  const trees: OrderedSet<number>[] = [];
  for (let before = 0; before < size; before += 1) {
    const after = size - 1 - before;
    if (Math.max(before, after) + 1 > 3 * (Math.min(before, after) + 1)) continue;
    const item = first + 2 * before;
    for (const left of balancedTrees(first, before)) {
      for (const right of balancedTrees(item + 2, after)) trees.push({ item, left, right, size });
    }
  }
  return trees;
}

describe('an ordered set', () => {
  test('that is empty has no items', () => {
    expect(firstOf(undefined)).toBeUndefined();
    expect(lastOf(undefined)).toBeUndefined();
    expect(sizeOf(undefined)).toBe(0);
    expect([...itemsOf(undefined)]).toEqual([]);
    expect(has(undefined, 1, ascending)).toBe(false);
    expect(withoutItem(undefined, 1, ascending)).toBeUndefined();
  });

  test('is made of a sorted list, in balance', () => {
    for (let size = 0; size < 70; size += 1) {
      const items = Array.from({ length: size }, (_, n) => n);
      const set = orderedSetOf(items);
      expect([...itemsOf(set)]).toEqual(items);
      expect(isBalanced(set)).toBe(true);
    }
  });

  test('answers as a list does, in every version', () => {
    const step = fc.record({ adds: fc.boolean(), item: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const versions: { set: OrderedSet<number>; list: number[] }[] = [];
        let set: OrderedSet<number>;
        let list: number[] = [];
        for (const { adds, item } of steps) {
          const isSame = list.includes(item) === adds;
          const before = set;
          set = (adds ? withItem : withoutItem)(set, item, ascending);
          if (isSame) expect(set).toBe(before);
          list = list.filter((other) => other !== item).concat(adds ? [item] : []);
          list.sort(ascending);
          expect(isBalanced(set)).toBe(true);
          expect(has(set, item, ascending)).toBe(adds);
          expect([firstOf(set), lastOf(set), sizeOf(set)]).toEqual([
            list[0],
            list.at(-1),
            list.length,
          ]);
          versions.push({ set, list });
        }
        for (const { set, list } of versions) expect([...itemsOf(set)]).toEqual(list);
      }),
      { numRuns: 100 },
    );
  });

  test('stays in balance from every tree in balance of up to 12 items', () => {
    const offBalance: string[] = [];
    for (let size = 0; size <= 12; size += 1) {
      for (const tree of balancedTrees(0, size)) {
        for (let item = -1; item < 2 * size; item += 1) {
          const changed = (item % 2 === 0 ? withoutItem : withItem)(tree, item, ascending);
          if (!isBalanced(changed)) offBalance.push(JSON.stringify({ tree, item }));
        }
      }
    }
    expect(offBalance).toEqual([]);
  });

  test.each([
    ['rising', (i: number) => i],
    ['falling', (i: number) => -i],
    ['outside in', (i: number) => (i % 2 === 0 ? i : 10_000 - i)],
  ])('stays flat when items come %s and leave from the front', (_, itemAt) => {
    let set: OrderedSet<number>;
    for (let i = 0; i < 2_000; i += 1) set = withItem(set, itemAt(i), ascending);
    expect(heightOf(set)).toBeLessThanOrEqual(2.41 * Math.log2(2_001));
    for (let i = 0; i < 1_900; i += 1) set = withoutItem(set, firstOf(set)!, ascending);
    expect(sizeOf(set)).toBe(100);
    expect(heightOf(set)).toBeLessThanOrEqual(2.41 * Math.log2(101));
  });
});
