import { expect, test } from 'vitest';
import {
  DEPTH_MAX,
  type Depths,
  deepestUpTo,
  depthsUpTo,
  meets,
  onlyDepth,
} from '../../src/addressing/depths.ts';

function union(a: Depths, b: Depths): Depths {
  return { m0: a.m0 | b.m0, m1: a.m1 | b.m1, m2: a.m2 | b.m2, m3: a.m3 | b.m3 };
}

test('a set of one depth meets the sets that hold it and no others', () => {
  for (let depth = 1; depth <= DEPTH_MAX; depth += 1) {
    for (let limit = 0; limit <= DEPTH_MAX; limit += 1) {
      expect(meets(onlyDepth(depth), depthsUpTo(limit))).toBe(depth <= limit);
      expect(meets(onlyDepth(depth), onlyDepth(limit))).toBe(depth === limit);
      expect(deepestUpTo(onlyDepth(depth), limit)).toBe(depth <= limit ? depth : 0);
    }
  }
});

test('the deepest depth within a limit is found across words', () => {
  const depths = [1, 31, 32, 33, 64, 65, 96, 97, 127, 128];
  const set = depths.map(onlyDepth).reduce(union);
  for (let limit = 0; limit <= DEPTH_MAX; limit += 1) {
    expect(deepestUpTo(set, limit)).toBe(depths.findLast((depth) => depth <= limit) ?? 0);
  }
});
