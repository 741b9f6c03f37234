/**
 * A set of depths from 1 to 128 below the root of a trie: bit `d - 1` for depth `d`, in four words
 * of 32 bits because an IPv6 address has 128 of them. `m0` holds depths 1 to 32, and so on.
 */
export interface Depths {
  readonly m0: number;
  readonly m1: number;
  readonly m2: number;
  readonly m3: number;
}

/** The depth of single addresses below the root of all IPv6 addresses. */
export const DEPTH_MAX = 128;

const ONLY = Array.from({ length: DEPTH_MAX + 1 }, (_, depth) => depthsBetween(depth, depth));
const UP_TO = Array.from({ length: DEPTH_MAX + 1 }, (_, depth) => depthsBetween(1, depth));

/** The set of this one depth; depth 0 is in no set, so that its set is empty. */
export function onlyDepth(depth: number): Depths {
  return ONLY[depth]!;
}

/** The set of all depths from 1 to this one. */
export function depthsUpTo(depth: number): Depths {
  return UP_TO[depth]!;
}

/** Whether the two sets have a depth in common. */
export function meets(a: Depths, b: Depths): boolean {
  return ((a.m0 & b.m0) | (a.m1 & b.m1) | (a.m2 & b.m2) | (a.m3 & b.m3)) !== 0;
}

/** The greatest depth of the set that is not above the limit; 0 when there is none. */
export function deepestUpTo(depths: Depths, limit: number): number {
  const { m0, m1, m2, m3 } = depthsUpTo(limit);
  if ((depths.m3 & m3) !== 0) return 128 - Math.clz32(depths.m3 & m3);
  if ((depths.m2 & m2) !== 0) return 96 - Math.clz32(depths.m2 & m2);
  if ((depths.m1 & m1) !== 0) return 64 - Math.clz32(depths.m1 & m1);
  return 32 - Math.clz32(depths.m0 & m0);
}

function depthsBetween(first: number, last: number): Depths {
  const words = [0, 0, 0, 0];
  for (let depth = Math.max(first, 1); depth <= last; depth += 1) {
    words[(depth - 1) >>> 5]! |= 1 << (depth - 1);
  }
  const [m0, m1, m2, m3] = words as [number, number, number, number];
  return { m0, m1, m2, m3 };
}
