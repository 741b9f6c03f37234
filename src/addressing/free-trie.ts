import { DEPTH_MAX, type Depths, meets, onlyDepth } from './depths.ts';

/**
 * A persistent binary trie over the blocks of one range: which of them are free. A node at depth
 * `d` stands for one of the 2^d equal blocks of the range. It is a leaf when that block is wholly
 * free or wholly used, else a branch with a node for each half. Two leaves of a kind never hang
 * under one branch; so equal sets of free addresses have equal tries, and every free leaf is a
 * maximal free block, a region.
 *
 * Every node is also the set of the depths at which it has regions: a free leaf the set of its own
 * depth, a branch the union of its halves. Going into the first half that has a region of a wanted
 * depth finds the lowest one, in one step for each bit of its offset, however full the space is.
 */
export type Node = Leaf | Branch;

interface Leaf extends Depths {
  readonly left: undefined;
  readonly right: undefined;
}

interface Branch extends Depths {
  readonly left: Node;
  readonly right: Node;
}

/** The way from the root to a block: a bit for each depth, the first in the top bit of a word. */
export interface Path {
  readonly length: number;
  readonly words: readonly number[];
}

const NO_DEPTHS = onlyDepth(0);
const USED: Leaf = leaf(NO_DEPTHS);
const FREE = Array.from({ length: DEPTH_MAX + 1 }, (_, depth) => leaf(onlyDepth(depth)));

/** The trie of a range that is wholly free. */
export function wholeTrie(): Node {
  return FREE[0]!;
}

/** Whether the node is one wholly free block. */
export function isFreeLeaf(node: Node): boolean {
  return node.left === undefined && node !== USED;
}

/** Whether the node is one wholly used block. */
export function isUsedLeaf(node: Node): boolean {
  return node === USED;
}

/** The node of a block, or the leaf above it that it is a part of. */
export function nodeAt(root: Node, path: Path): Node {
  let node = root;
  for (let depth = 0; depth < path.length && node.left !== undefined; depth += 1) {
    node = goesRight(path, depth) ? node.right : node.left;
  }
  return node;
}

/**
 * The trie with one block made free or used, sharing all nodes off its path. Undefined when the
 * block is not wholly the opposite before.
 */
export function painted(root: Node, path: Path, free: boolean): Node | undefined {
  const state = nodeAt(root, path);
  if (free ? state !== USED : !isFreeLeaf(state)) return undefined;
  return paintedFrom(root, path, free, 0);
}

function paintedFrom(node: Node, path: Path, free: boolean, depth: number): Node {
  if (depth === path.length) return leafOf(free, depth);
  const below = depth + 1;
  const left = node.left ?? leafOf(!free, below);
  const right = node.right ?? leafOf(!free, below);
  return goesRight(path, depth)
    ? joined(left, paintedFrom(right, path, free, below), depth)
    : joined(paintedFrom(left, path, free, below), right, depth);
}

/**
 * The depth of the lowest region at one of the wanted depths, and its number among the blocks of
 * that depth. Undefined when there is none; a wholly free range counts as wanted always.
 */
export function lowestRegion(
  root: Node,
  wanted: Depths,
): { depth: number; index: bigint } | undefined {
  if (root !== FREE[0] && !meets(root, wanted)) return undefined;
  let node = root;
  let depth = 0;
  // The bits of the index gather in a number, which is moved to the bigint when it is full.
  let index = 0n;
  let word = 0;
  while (node.left !== undefined) {
    const inLeft = meets(node.left, wanted);
    node = inLeft ? node.left : node.right;
    word = (word << 1) | (inLeft ? 0 : 1);
    depth += 1;
    if ((depth & 31) === 0) {
      index = (index << 32n) | BigInt(word >>> 0);
      word = 0;
    }
  }
  return { depth, index: (index << BigInt(depth & 31)) | BigInt(word) };
}

/** The regions in order, each with its depth and its number among the blocks of that depth. */
export function* regions(root: Node): Generator<{ depth: number; index: bigint }> {
  const waiting = [{ node: root, depth: 0, index: 0n }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const { node, depth, index } = at;
    if (node.left !== undefined) {
      waiting.push({ node: node.right, depth: depth + 1, index: index * 2n + 1n });
      waiting.push({ node: node.left, depth: depth + 1, index: index * 2n });
    } else if (node !== USED) {
      yield { depth, index };
    }
  }
}

/** Whether a value is a trie of this kind. */
export function isTrie(value: object): value is Node {
  return 'm0' in value && 'left' in value;
}

/** The trie as text, in which each node stands before its halves. Equal tries have one text. */
export function trieText(root: Node): string {
  if (root.left !== undefined) return `/${trieText(root.left)}${trieText(root.right)}`;
  return root === USED ? 'u' : 'f';
}

/** The trie of a text. Throws when it is none. */
export function trieOf(text: string): Node {
  const rest = { text, at: 0 };
  const root = nodeFrom(rest, 0);
  if (rest.at !== text.length) throw new Error('a trie ends before its text');
  return root;
}

function nodeFrom(rest: { readonly text: string; at: number }, depth: number): Node {
  const mark = rest.text[rest.at];
  rest.at += 1;
  if (mark === 'u' || mark === 'f') return leafOf(mark === 'f', depth);
  if (mark !== '/' || depth === DEPTH_MAX) throw new Error('this is no text of a trie');
  const left = nodeFrom(rest, depth + 1);
  return joined(left, nodeFrom(rest, depth + 1), depth);
}

function joined(left: Node, right: Node, depth: number): Node {
  if (left === right && left.left === undefined) return leafOf(left !== USED, depth);
  return {
    left,
    right,
    m0: left.m0 | right.m0,
    m1: left.m1 | right.m1,
    m2: left.m2 | right.m2,
    m3: left.m3 | right.m3,
  };
}

function leafOf(free: boolean, depth: number): Leaf {
  return free ? FREE[depth]! : USED;
}

function leaf({ m0, m1, m2, m3 }: Depths): Leaf {
  return { left: undefined, right: undefined, m0, m1, m2, m3 };
}

function goesRight(path: Path, depth: number): boolean {
  return path.words[depth >>> 5]! << depth < 0;
}
