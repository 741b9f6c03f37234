import { intervalOf } from '../../faults/audit.ts';
import { check } from './check.ts';

interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

type BlockKind = 'held' | 'carved' | 'reserved';

interface Block extends Interval {
  readonly kind: BlockKind;
  readonly holder: string;
  isRetained: boolean;
  /** Its holder has given it up, and the pool has not taken it back yet: until when it rests. */
  overUntilMs: number | undefined;
}

interface Rest extends Interval {
  readonly untilMs: number;
  /** Until when readers are shown that it rests. */
  readonly shownUntilMs: number;
}

interface Range extends Interval {
  readonly text: string;
  /** What another stream has granted it by. */
  readonly grantId: string | undefined;
}

/** Sizes of a pool's parts, in addresses, as the views tell them. */
export interface Counts {
  readonly total: string;
  readonly reserved: string;
  readonly held: string;
  readonly retained: string;
  readonly quarantined: string;
  readonly carved: string;
  readonly free: string;
}

export function meet(a: Interval, b: Interval): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function isWithin(outer: Interval, inner: Interval): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

function sizeOf({ first, last }: Interval): bigint {
  return last - first + 1n;
}

/** Whether one CIDR text or bare address lies in another. */
export function liesIn(outer: string, inner: string): boolean {
  return isWithin(intervalOf(outer), intervalOf(inner));
}

/** First and last address of a CIDR text, or of a bare address. */
export function addresses(text: string): Interval {
  return intervalOf(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);
}

/** A pool as plain lists: what it is made of, what is taken of it, and what rests. */
export class NaivePool {
  readonly name: string;
  /** The stream that decides about it. */
  readonly stream: string;
  /** The pool whose carve it is, where the same stream decides about both. */
  readonly parent: NaivePool | undefined;
  readonly ranges: Range[] = [];
  readonly blocks = new Map<string, Block>();
  #resting: Rest[] = [];

  constructor(name: string, stream: string, parent?: NaivePool) {
    this.name = name;
    this.stream = stream;
    this.parent = parent;
  }

  addRange(text: string, grantId: string | undefined): void {
    const range = { ...intervalOf(text), text, grantId };
    const isNew = !this.ranges.some((other) => meet(other, range));
    check(isNew, `${this.name} has ${text} already`);
    this.ranges.push(range);
  }

  removeRange(text: string): void {
    const index = this.ranges.findIndex((range) => range.text === text);
    check(index >= 0, `${this.name} has no range ${text}`);
    const [range] = this.ranges.splice(index, 1) as [Range];
    for (const [block, taken] of this.blocks) {
      if (!meet(range, taken)) continue;
      check(taken.kind === 'reserved', `${text} goes while ${block} is ${taken.kind}`);
      this.blocks.delete(block);
    }
    this.#resting = this.#resting.filter((rest) => !meet(range, rest));
  }

  /** Invariants 1 and 4: no block meets another one, and none is given before its rest is over. */
  take(text: string, at: string, kind: BlockKind, holder: string): void {
    const block = intervalOf(text);
    const isInside = this.ranges.some((range) => isWithin(range, block));
    check(isInside, `${text} is not in ${this.name}`);
    for (const [other, taken] of this.blocks) {
      const problem = () => `${text} of ${this.name} for ${holder} meets ${other}`;
      check(!meet(block, taken), () => `${problem()} of ${taken.holder}`);
    }
    const atMs = Date.parse(at);
    const early = this.#resting.some((rest) => rest.untilMs > atMs && meet(block, rest));
    check(!early, () => `${text} of ${this.name} is given to ${holder} while it rests`);
    this.#resting = this.#resting.filter((rest) => !isWithin(block, rest));
    this.blocks.set(text, { ...block, kind, holder, isRetained: false, overUntilMs: undefined });
  }

  giveBack(text: string, holder: string, at: string, availableAt: string): void {
    const present = this.blocks.get(text)?.holder;
    check(present === holder, `${holder} gives back ${text} of ${this.name}, held by ${present}`);
    check(availableAt >= at, `${text} is available before it is back`);
    const shownUntilMs = this.blocks.get(text)?.overUntilMs ?? restUntil(at, availableAt);
    this.blocks.delete(text);
    const untilMs = Date.parse(availableAt);
    this.#resting.push({ ...intervalOf(text), untilMs, shownUntilMs });
  }

  /** Whoever a block was held for has given it up: readers are shown that, the pool acts later. */
  giveUp(text: string, at: string, availableAt: string): void {
    const block = this.blocks.get(text);
    check(block !== undefined, `${text} of ${this.name} is given up and is not held`);
    block.overUntilMs = restUntil(at, availableAt);
  }

  lift(text: string): void {
    check(this.blocks.get(text)?.kind === 'reserved', `${text} is not reserved`);
    this.blocks.delete(text);
  }

  /** Invariant 2: a pool that goes has nothing in it but what was withheld from the start. */
  checkUnused(): void {
    for (const [text, { kind, holder }] of this.blocks) {
      check(kind === 'reserved', () => `${this.name} goes while ${text} is ${kind} by ${holder}`);
    }
  }

  /** The instant at which the last of what rests in a range, or anywhere, is free again. */
  latestRestMs(text?: string): number {
    const range = text === undefined ? undefined : intervalOf(text);
    const inside = this.#resting.filter((rest) => range === undefined || meet(range, rest));
    return Math.max(0, ...inside.map(({ untilMs }) => untilMs));
  }

  counts(nowMs: number): Counts {
    const sums = { reserved: 0n, held: 0n, retained: 0n, carved: 0n };
    let quarantined = 0n;
    for (const block of this.blocks.values()) {
      const { isRetained, kind, overUntilMs } = block;
      if (overUntilMs === undefined) sums[isRetained ? 'retained' : kind] += sizeOf(block);
      else if (overUntilMs > nowMs) quarantined += sizeOf(block);
    }
    for (const rest of this.#resting) if (rest.shownUntilMs > nowMs) quarantined += sizeOf(rest);
    const total = this.ranges.reduce((sum, range) => sum + sizeOf(range), 0n);
    const { reserved, held, retained, carved } = sums;
    const free = total - reserved - held - retained - carved - quarantined;
    const text = { total, reserved, held, retained, quarantined, carved, free };
    return Object.fromEntries(
      Object.entries(text).map(([name, size]) => [name, String(size)]),
    ) as unknown as Counts;
  }
}

/** What is available at once does not rest. */
function restUntil(at: string, availableAt: string): number {
  return availableAt <= at ? 0 : Date.parse(availableAt);
}
