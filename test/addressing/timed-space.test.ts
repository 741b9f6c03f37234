import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freeBlocks, isFree, lowestFree } from '../../src/addressing/free-space.ts';
import { itemsOf } from '../../src/addressing/ordered-set.ts';
import { formatPrefix, type Prefix, parsePrefix, prefixSize } from '../../src/addressing/prefix.ts';
import {
  giveBlock,
  giveBlockAt,
  liftBlock,
  matured,
  nextMaturity,
  type TimedSpace,
  takeBlock,
  timedSpace,
} from '../../src/addressing/timed-space.ts';
import {
  blockOfCells,
  CELLS,
  lengthOfCells,
  NaiveSpace,
  outsideOf,
  texts,
  WINDOWS,
  type Window,
} from './naive-space.ts';

const range = parsePrefix('10.0.0.0/24');
const a = parsePrefix('10.0.0.0/26');
const b = parsePrefix('10.0.0.64/26');
const held = [a, b].reduce(takeBlock, timedSpace(range));

/** The blocks in quarantine as text, by the instant at which it ends. */
function quarantine(timed: TimedSpace): string[] {
  return [...itemsOf(timed.pending)].map((p) => `${formatPrefix(p.block)} at ${p.availableAtMs}`);
}

describe('a timed space', () => {
  test('that is new is free and has nothing in quarantine', () => {
    const timed = timedSpace(range);
    expect(texts(freeBlocks(timed.space))).toEqual(['10.0.0.0/24']);
    expect(timed.pendingUntil).toBe(0);
    expect(timed.quarantined).toBe(0n);
    expect(nextMaturity(timed)).toBeUndefined();
    expect(matured(timed, Number.MAX_SAFE_INTEGER)).toBe(timed);
  });

  test('frees a block at its instant and not a millisecond before', () => {
    const timed = giveBlockAt(giveBlockAt(held, a, 2_000), b, 1_000);
    expect([nextMaturity(timed), timed.pendingUntil]).toEqual([1_000, 2_000]);
    expect(timed.quarantined).toBe(128n);
    expect(matured(timed, 999)).toBe(timed);

    const first = matured(timed, 1_000);
    expect(texts(freeBlocks(first.space))).toEqual(['10.0.0.64/26', '10.0.0.128/25']);
    expect([nextMaturity(first), first.pendingUntil]).toEqual([2_000, 2_000]);
    expect(first.quarantined).toBe(64n);
    expect(matured(first, 1_999)).toBe(first);

    const second = matured(first, 2_000);
    expect(second).toStrictEqual(timedSpace(range));
    expect(matured(timed, 5_000)).toStrictEqual(second);
    expect(timed.quarantined).toBe(128n);
  });

  test('gives blocks back at once without touching the quarantine', () => {
    const timed = giveBlock(giveBlockAt(held, a, 1_000), b);
    expect(texts(freeBlocks(timed.space))).toEqual(['10.0.0.64/26', '10.0.0.128/25']);
    expect(quarantine(timed)).toEqual(['10.0.0.0/26 at 1000']);
  });

  test('does not hand out what is in quarantine', () => {
    const timed = giveBlockAt(held, a, 1_000);
    expect(isFree(timed.space, a)).toBe(false);
    expect(() => takeBlock(timed, a)).toThrow('is not a wholly free block');
    expect(lowestFree(timed.space, 26)).toEqual(parsePrefix('10.0.0.128/26'));
  });

  test('keeps blocks of one instant apart', () => {
    const timed = giveBlockAt(giveBlockAt(held, b, 1_000), a, 1_000);
    expect(quarantine(timed)).toEqual(['10.0.0.0/26 at 1000', '10.0.0.64/26 at 1000']);
    const lifted = liftBlock(timed, a, 1_000)!;
    expect(quarantine(lifted)).toEqual(['10.0.0.64/26 at 1000']);
    expect(matured(lifted, 1_000)).toStrictEqual(timedSpace(range));
  });

  test.each(['10.0.0.0/26', '10.0.0.0/27', '10.0.0.0/32', '10.0.0.0/25', '10.0.0.128/26', '::/26'])(
    'refuses to take %s back, of which a part is free or in quarantine',
    (text) => {
      const timed = giveBlockAt(held, a, 1_000);
      const block = parsePrefix(text);
      const refusal = `${text} is not a wholly held block of 10.0.0.0/24`;
      expect(() => giveBlock(timed, block)).toThrow(refusal);
      expect(() => giveBlockAt(timed, block, 1_000)).toThrow(refusal);
      expect(() => giveBlockAt(timed, block, 2_000)).toThrow(refusal);
    },
  );

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 0.5])('refuses the instant %d', (instant) => {
    expect(() => giveBlockAt(held, a, instant)).toThrow(RangeError);
  });
});

describe('liftBlock', () => {
  test('frees the block early, and its instant then frees nothing', () => {
    const timed = giveBlockAt(giveBlockAt(held, a, 2_000), b, 1_000);
    const lifted = liftBlock(timed, a, 2_000)!;
    expect(isFree(lifted.space, a)).toBe(true);
    expect(lifted.pendingUntil).toBe(1_000);
    const taken = takeBlock(lifted, a);
    expect(isFree(matured(taken, 9_000).space, a)).toBe(false);
  });

  test('tells two quarantines of one block, taken and given in between, apart', () => {
    const again = takeBlock(liftBlock(giveBlockAt(held, a, 1_000), a, 1_000)!, a);
    const timed = giveBlockAt(again, a, 3_000);
    expect(liftBlock(timed, a, 1_000)).toBeUndefined();
    expect(matured(timed, 1_000)).toBe(timed);
    expect(isFree(matured(timed, 3_000).space, a)).toBe(true);
    expect(isFree(liftBlock(timed, a, 3_000)!.space, a)).toBe(true);
  });

  test('has nothing to end for another block, another instant, or after it has ended', () => {
    const timed = giveBlockAt(held, a, 1_000);
    expect(liftBlock(timed, a, 999)).toBeUndefined();
    expect(liftBlock(timed, a, Number.NaN)).toBeUndefined();
    expect(liftBlock(timed, b, 1_000)).toBeUndefined();
    expect(liftBlock(timed, parsePrefix('10.0.0.0/27'), 1_000)).toBeUndefined();
    expect(liftBlock(timed, parsePrefix('10.0.0.0/25'), 1_000)).toBeUndefined();
    expect(liftBlock(liftBlock(timed, a, 1_000)!, a, 1_000)).toBeUndefined();
    expect(liftBlock(matured(timed, 1_000), a, 1_000)).toBeUndefined();
  });
});

interface Step {
  readonly kind: 'take' | 'give' | 'giveAt' | 'mature' | 'lift' | 'liftWrong';
  readonly cell: number;
  readonly bits: number;
  readonly afterMs: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'take',
      'take',
      'give',
      'giveAt',
      'giveAt',
      'mature',
      'lift',
      'liftWrong',
    ),
    cell: fc.nat(CELLS - 1),
    bits: fc.nat(4),
    afterMs: fc.nat(12),
  }),
  { minLength: 1, maxLength: 60 },
);

interface Entry {
  readonly block: Prefix;
  readonly at: number;
}

/** What is free, held and in quarantine, as lists; the clock only ever goes forward. */
class NaiveTimedSpace {
  readonly free: NaiveSpace;
  readonly held: NaiveSpace;
  pending: Entry[] = [];
  nowMs = 1_000;

  constructor(at: Window) {
    this.free = new NaiveSpace(at);
    this.held = new NaiveSpace(at, Array(CELLS).fill(false));
  }

  take(block: Prefix): void {
    this.free.set(block, false);
    this.held.set(block, true);
  }

  give(block: Prefix): void {
    this.held.set(block, false);
    this.free.set(block, true);
  }

  giveAt(block: Prefix, at: number): void {
    this.held.set(block, false);
    this.pending.push({ block, at });
  }

  end(isOver: (entry: Entry) => boolean): void {
    for (const { block } of this.pending.filter(isOver)) this.free.set(block, true);
    this.pending = this.pending.filter((entry) => !isOver(entry));
  }
}

function stepped(before: TimedSpace, naive: NaiveTimedSpace, step: Step): TimedSpace {
  const timed = matured(before, naive.nowMs);
  const block = blockOfCells(naive.free.at, step.cell, step.bits);
  const at = naive.nowMs + step.afterMs;
  const chosen = naive.pending[step.cell % Math.max(naive.pending.length, 1)];
  switch (step.kind) {
    case 'take': {
      const found = lowestFree(timed.space, lengthOfCells(naive.free.at, step.bits));
      if (found === undefined) return timed;
      naive.take(found);
      return takeBlock(timed, found);
    }
    case 'give':
    case 'giveAt': {
      const isNow = step.kind === 'give';
      const change = () => (isNow ? giveBlock(timed, block) : giveBlockAt(timed, block, at));
      if (!naive.held.areAll(block, true)) {
        expect(change).toThrow('is not a wholly held block');
        return timed;
      }
      if (isNow) naive.give(block);
      else naive.giveAt(block, at);
      return change();
    }
    case 'mature':
      naive.nowMs = at;
      return timed;
    case 'lift': {
      if (chosen === undefined) return timed;
      naive.end((entry) => entry === chosen);
      return liftBlock(timed, chosen.block, chosen.at)!;
    }
    case 'liftWrong': {
      const isPending = naive.pending.some(
        (entry) => entry.at === at && formatPrefix(entry.block) === formatPrefix(block),
      );
      if (!isPending) expect(liftBlock(timed, block, at)).toBeUndefined();
      if (chosen) expect(liftBlock(timed, chosen.block, chosen.at + 100)).toBeUndefined();
      return timed;
    }
  }
}

/** The facts of a space at an instant, from either side. */
function facts(timed: TimedSpace) {
  return {
    free: texts(freeBlocks(timed.space)),
    freeCount: timed.space.free,
    pending: quarantine(timed).sort(),
    pendingUntil: timed.pendingUntil,
    nextMaturity: nextMaturity(timed),
    quarantined: timed.quarantined,
  };
}

function naiveFacts({ free, pending }: NaiveTimedSpace): ReturnType<typeof facts> {
  const instants = pending.map((entry) => entry.at);
  return {
    free: texts(free.regions()),
    freeCount: free.freeAddresses(),
    pending: pending.map(({ block, at }) => `${formatPrefix(block)} at ${at}`).sort(),
    pendingUntil: Math.max(0, ...instants),
    nextMaturity: instants.length === 0 ? undefined : Math.min(...instants),
    quarantined: pending.reduce((sum, { block }) => sum + prefixSize(block), 0n),
  };
}

describe('any sequence of steps', () => {
  const named = WINDOWS.map((at): [string, string, Window] => {
    return [formatPrefix(at.window), formatPrefix(at.range), at];
  });

  test.each(named)('in %s of %s answers as lists do', (_window, _range, at) => {
    const empty = outsideOf(at).reduce(takeBlock, timedSpace(at.range));
    fc.assert(
      fc.property(steps, (sequence) => {
        const naive = new NaiveTimedSpace(at);
        const versions = [{ timed: empty, facts: facts(empty) }];
        for (const step of sequence) {
          const next = stepped(versions.at(-1)!.timed, naive, step);
          naive.end((entry) => entry.at <= naive.nowMs);
          const timed = matured(next, naive.nowMs);
          expect(facts(timed)).toEqual(naiveFacts(naive));
          versions.push({ timed: next, facts: facts(next) });
        }
        for (const { timed, facts: known } of versions) expect(facts(timed)).toEqual(known);
      }),
      { numRuns: 25 },
    );
  });
});
