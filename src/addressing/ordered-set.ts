/**
 * A persistent set in an order of its items: a weight-balanced binary search tree. Adding and
 * removing copy the path to the item, so that each costs the logarithm of the size and older values
 * stay as they are. Undefined is the empty set. All operations on one set need the same order.
 *
 * The balance is that of Hirai and Yamamoto, "Balancing weight-balanced trees" (2011): no half
 * weighs more than three times the other, where a weight is the size and one.
 */
export type OrderedSet<T> = SetNode<T> | undefined;

/** Negative when `a` comes first, positive when `b` does, 0 when they are the same item. */
export type Order<T> = (a: T, b: T) => number;

interface SetNode<T> {
  readonly item: T;
  readonly left: OrderedSet<T>;
  readonly right: OrderedSet<T>;
  readonly size: number;
}

const HEAVIER_MAX = 3;
const SINGLE_ROTATION_BELOW = 2;

/** How many items the set has. */
export function sizeOf<T>(set: OrderedSet<T>): number {
  return set === undefined ? 0 : set.size;
}

/** The first item, or undefined when the set is empty. */
export function firstOf<T>(set: OrderedSet<T>): T | undefined {
  let node = set;
  while (node?.left !== undefined) node = node.left;
  return node?.item;
}

/** The last item, or undefined when the set is empty. */
export function lastOf<T>(set: OrderedSet<T>): T | undefined {
  let node = set;
  while (node?.right !== undefined) node = node.right;
  return node?.item;
}

/** Whether the item is in the set. */
export function has<T>(set: OrderedSet<T>, item: T, order: Order<T>): boolean {
  let node = set;
  while (node !== undefined) {
    const side = order(item, node.item);
    if (side === 0) return true;
    node = side < 0 ? node.left : node.right;
  }
  return false;
}

/** The items in order. */
export function* itemsOf<T>(set: OrderedSet<T>): Generator<T> {
  if (set === undefined) return;
  yield* itemsOf(set.left);
  yield set.item;
  yield* itemsOf(set.right);
}

/** The set of items that are in order already, each once. */
export function orderedSetOf<T>(items: readonly T[]): OrderedSet<T> {
  return between(items, 0, items.length);
}

function between<T>(items: readonly T[], from: number, to: number): OrderedSet<T> {
  if (from === to) return undefined;
  const middle = (from + to) >>> 1;
  return joined(between(items, from, middle), items[middle] as T, between(items, middle + 1, to));
}

/** The set with this item. The same value when it is in already. */
export function withItem<T>(set: OrderedSet<T>, item: T, order: Order<T>): SetNode<T> {
  if (set === undefined) return joined(undefined, item, undefined);
  const side = order(item, set.item);
  if (side === 0) return set;
  if (side < 0) {
    const left = withItem(set.left, item, order);
    return left === set.left ? set : balanced(left, set.item, set.right);
  }
  const right = withItem(set.right, item, order);
  return right === set.right ? set : balanced(set.left, set.item, right);
}

/** The set without this item. The same value when it is not in. */
export function withoutItem<T>(set: OrderedSet<T>, item: T, order: Order<T>): OrderedSet<T> {
  if (set === undefined) return undefined;
  const side = order(item, set.item);
  if (side < 0) {
    const left = withoutItem(set.left, item, order);
    return left === set.left ? set : balanced(left, set.item, set.right);
  }
  if (side > 0) {
    const right = withoutItem(set.right, item, order);
    return right === set.right ? set : balanced(set.left, set.item, right);
  }
  if (set.left === undefined) return set.right;
  if (set.right === undefined) return set.left;
  const next = firstOf(set.right) as T;
  return balanced(set.left, next, withoutItem(set.right, next, order));
}

function joined<T>(left: OrderedSet<T>, item: T, right: OrderedSet<T>): SetNode<T> {
  return { item, left, right, size: sizeOf(left) + 1 + sizeOf(right) };
}

/** Joins two halves, of which one may have gained or lost one item since they were in balance. */
function balanced<T>(left: OrderedSet<T>, item: T, right: OrderedSet<T>): SetNode<T> {
  if (right !== undefined && isTooHeavy(right, left)) {
    const { left: inner, right: outer } = right;
    if (inner === undefined || suitsSingle(inner, outer)) {
      return joined(joined(left, item, inner), right.item, outer);
    }
    const before = joined(left, item, inner.left);
    return joined(before, inner.item, joined(inner.right, right.item, outer));
  }
  if (left !== undefined && isTooHeavy(left, right)) {
    const { left: outer, right: inner } = left;
    if (inner === undefined || suitsSingle(inner, outer)) {
      return joined(outer, left.item, joined(inner, item, right));
    }
    const after = joined(inner.right, item, right);
    return joined(joined(outer, left.item, inner.left), inner.item, after);
  }
  return joined(left, item, right);
}

function isTooHeavy<T>(heavy: OrderedSet<T>, light: OrderedSet<T>): boolean {
  return weight(heavy) > HEAVIER_MAX * weight(light);
}

function suitsSingle<T>(inner: OrderedSet<T>, outer: OrderedSet<T>): boolean {
  return weight(inner) < SINGLE_ROTATION_BELOW * weight(outer);
}

function weight<T>(set: OrderedSet<T>): number {
  return sizeOf(set) + 1;
}
