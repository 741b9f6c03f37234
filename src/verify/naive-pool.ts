import type { Scope } from '../ledger/events.ts';
import {
  type Block,
  blockOf,
  extentOf,
  type Interval,
  intervalOf,
  isV6,
  isWithin,
  meet,
  textOf,
} from './intervals.ts';
import { SortedBlocks } from './sorted-blocks.ts';
import { check } from './violation.ts';

export type BlockState = 'Held' | 'Retained' | 'Reserved' | 'Carved';

/** Whoever readers are shown to have a block. */
export interface Holder {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What is to be known of a block that is taken. */
interface Taking {
  readonly state: BlockState;
  readonly holder: Holder;
  readonly className: string;
  /** What has to be named to give it back: a grant, a child pool, or a uid. */
  readonly key: string;
}

export interface TakenBlock extends Block, Taking {
  state: BlockState;
  holder: Holder;
  /** Its holder has given it up, and the pool has not taken it back yet: until when it rests. */
  overUntilMs: number | undefined;
}

interface Rest extends Block {
  readonly untilMs: number;
  /** Until when readers are shown that it rests. */
  readonly shownUntilMs: number;
}

interface Range extends Interval {
  readonly text: string;
  /** What another stream has granted it by. */
  readonly grant: Grant | undefined;
}

interface Grant {
  readonly id: string;
  readonly pool: string;
}

/** Sizes of a pool's parts, in addresses. */
export interface NaiveCounts {
  readonly total: string;
  readonly reserved: string;
  readonly held: string;
  readonly retained: string;
  readonly quarantined: string;
  readonly carved: string;
  readonly free: string;
}

/** A pool as plain lists: what it is made of, what is taken of it, and what rests. */
export class NaivePool {
  readonly name: string;
  /** The stream that decides about it. */
  readonly stream: string;
  readonly className: string;
  readonly scope: Scope;
  /** The pool whose carve it is, where the same stream decides about both. */
  readonly parent: NaivePool | undefined;
  readonly ranges: Range[] = [];
  readonly blocks = new SortedBlocks<TakenBlock>();
  readonly #resting = new SortedBlocks<Rest>();
  /** The class that was written last: mostly all blocks of a pool are of one, as one text. */
  #lastClass = '';

  constructor(
    name: string,
    of: { readonly stream: string; readonly className: string; readonly scope: Scope },
    parent?: NaivePool,
  ) {
    this.name = name;
    this.stream = of.stream;
    this.className = of.className;
    this.scope = of.scope;
    this.parent = parent;
  }

  get family(): 4 | 6 {
    return isV6(this.ranges[0]?.text ?? '') ? 6 : 4;
  }

  addRange(text: string, grant?: Grant): void {
    const range = { ...intervalOf(text), text, grant };
    const other = this.ranges.find((one) => meet(one, range));
    const found = () => `${this.name} has ${other?.text} already`;
    check('overlap', other === undefined, `${text} is new to ${this.name}`, found);
    this.ranges.push(range);
  }

  removeRange(text: string): void {
    const index = this.ranges.findIndex((range) => range.text === text);
    check('range', index >= 0, `a range ${text} of ${this.name}`, 'it has no such range');
    const [range] = this.ranges.splice(index, 1) as [Range];
    for (const block of this.blocks.meeting(range)) {
      const found = () => `${this.textOf(block, range.text)} is ${described(block)}`;
      check('counts', block.state === 'Reserved', `nothing is left in ${text}`, found);
      this.blocks.delete(block);
    }
    for (const rest of this.#resting.meeting(range)) this.#resting.delete(rest);
  }

  /** No block meets another one, and none is given before its rest is over. */
  take(text: string, at: string, taking: Taking): void {
    const { state, holder, className, key } = taking;
    const block = blockOf(text);
    const extent = extentOf(block);
    const isInside = this.ranges.some((range) => isWithin(range, extent));
    const ranges = () => this.ranges.map((range) => range.text).join(', ') || 'nothing';
    check('range', isInside, `${text} lies in ${this.name}`, () => `that has ${ranges()}`);
    const [other] = this.blocks.meeting(extent);
    const whose = () => (other === undefined ? '' : this.#toldOf(other));
    check('overlap', other === undefined, () => `${text} of ${this.name} is free`, whose);
    const atMs = Date.parse(at);
    for (const rest of this.#resting.meeting(extent)) {
      const until = () => `${text} of ${this.name} rests until ${instant(rest.untilMs)}`;
      const given = () => `it is given to ${nameOf(holder)} at ${at}`;
      check('release', rest.untilMs <= atMs, until, given);
      this.#resting.delete(rest);
    }
    if (className !== this.#lastClass) this.#lastClass = className;
    const taken = { state, holder, className: this.#lastClass, key, overUntilMs: undefined };
    this.blocks.add({ first: block.first, hostBits: block.hostBits, ...taken });
  }

  /** The block of a text, if it is taken. */
  find(text: string): TakenBlock | undefined {
    return this.blocks.get(blockOf(text));
  }

  /** A block that is taken; whatever happens to it has to find it so. */
  taken(text: string): TakenBlock {
    const block = this.find(text);
    const found = () => this.#toldOf(this.blocks.meeting(intervalOf(text))[0]);
    check('release', block !== undefined, () => `${text} of ${this.name} is taken`, found);
    return block;
  }

  giveBack(text: string, key: string, at: string, availableAt: string): void {
    const block = this.taken(text);
    const found = () => `it is ${described(block)} by ${block.key}`;
    check('release', block.key === key, () => `${text} of ${this.name} is taken by ${key}`, found);
    check('release', availableAt >= at, () => `${text} rests from ${at} on`, availableAt);
    const shownUntilMs = block.overUntilMs ?? restUntil(at, availableAt);
    this.blocks.delete(block);
    const { first, hostBits } = block;
    this.#resting.add({ first, hostBits, untilMs: Date.parse(availableAt), shownUntilMs });
  }

  /** Whoever a block was held for has given it up: readers are shown that, the pool acts later. */
  giveUp(text: string, at: string, availableAt: string): void {
    this.taken(text).overUntilMs = restUntil(at, availableAt);
  }

  lift(text: string): void {
    const block = this.taken(text);
    check('release', block.state === 'Reserved', `${text} is reserved`, () => described(block));
    this.blocks.delete(block);
  }

  /** A pool that goes has nothing in it but what was withheld from the start. */
  checkUnused(): void {
    for (const block of this.blocks) {
      const found = () => `${this.textOf(block)} is ${described(block)}`;
      const expected = `${this.name} goes when nothing is left in it`;
      check('counts', block.state === 'Reserved', expected, found);
    }
  }

  /** The instant at which the last of what rests in a range, or anywhere, is free again. */
  latestRestMs(text?: string): number {
    const resting = text === undefined ? this.#resting : this.#resting.meeting(intervalOf(text));
    let latestMs = 0;
    for (const { untilMs } of resting) latestMs = Math.max(latestMs, untilMs);
    return latestMs;
  }

  /** What readers are shown to rest at an instant, and until when. */
  *restingAt(nowMs: number): Generator<readonly [block: Block, untilMs: number]> {
    for (const block of this.blocks) {
      const { overUntilMs } = block;
      if (overUntilMs !== undefined && overUntilMs > nowMs) yield [block, overUntilMs];
    }
    for (const rest of this.#resting) {
      if (rest.shownUntilMs > nowMs) yield [rest, rest.shownUntilMs];
    }
  }

  counts(nowMs: number): NaiveCounts {
    const sums = { Reserved: 0n, Held: 0n, Retained: 0n, Carved: 0n };
    for (const block of this.blocks) {
      if (block.overUntilMs === undefined) sums[block.state] += sizeOf(block);
    }
    let quarantined = 0n;
    for (const [block] of this.restingAt(nowMs)) quarantined += sizeOf(block);
    const total = this.ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
    const { Reserved: reserved, Held: held, Retained: retained, Carved: carved } = sums;
    const free = total - reserved - held - retained - carved - quarantined;
    const sizes = { total, reserved, held, retained, quarantined, carved, free };
    return Object.fromEntries(
      Object.entries(sizes).map(([name, size]) => [name, String(size)]),
    ) as unknown as NaiveCounts;
  }

  /** A block as people read it; `like` is a text of its family, where the pool has no range. */
  textOf(block: Block, like = this.ranges[0]?.text ?? ''): string {
    return textOf(block, isV6(like) ? 6 : 4);
  }

  #toldOf(block: TakenBlock | undefined): string {
    if (block === undefined) return 'it is free';
    return `${this.textOf(block)} is ${described(block)} by ${nameOf(block.holder)}`;
  }
}

function sizeOf({ hostBits }: Block): bigint {
  return 1n << BigInt(hostBits);
}

function described({ state }: Taking): string {
  return state.toLowerCase();
}

export function nameOf({ kind, namespace, name }: Holder): string {
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

/** What is available at once does not rest. */
function restUntil(at: string, availableAt: string): number {
  return availableAt <= at ? 0 : Date.parse(availableAt);
}
