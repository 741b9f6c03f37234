import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bestFit,
  type FreeSpace,
  freeBlocks,
  freeSpace,
  give,
  isFree,
  isUsed,
  lowestFree,
  take,
} from '../../src/addressing/free-space.ts';
import { childAt, formatPrefix, type Prefix, parsePrefix } from '../../src/addressing/prefix.ts';
import {
  blockOfCells,
  CELL_BITS,
  CELLS,
  lengthOfCells,
  lengthsAround,
  NaiveSpace,
  outsideOf,
  texts,
  WINDOWS,
  type Window,
} from './naive-space.ts';

const LAST_IPV6 = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';

/** The space where these blocks, as text, are taken. */
function spaceWithout(range: string, ...blocks: string[]): FreeSpace {
  return blocks.map(parsePrefix).reduce(take, freeSpace(parsePrefix(range)));
}

/** Takes the lowest block until there is none, and returns all as text. */
function drained(space: FreeSpace, length: number): string[] {
  const blocks: Prefix[] = [];
  let rest = space;
  for (let next = lowestFree(rest, length); next; next = lowestFree(rest, length)) {
    blocks.push(next);
    rest = take(rest, next);
  }
  return texts(blocks);
}

describe('lowestFree', () => {
  test.each([
    ['0.0.0.0/0', 0, '0.0.0.0/0'],
    ['0.0.0.0/0', 32, '0.0.0.0/32'],
    ['::/0', 0, '::/0'],
    ['::/0', 128, '::/128'],
    ['10.0.0.0/31', 31, '10.0.0.0/31'],
    ['10.0.0.0/31', 32, '10.0.0.0/32'],
    ['10.0.0.0/32', 32, '10.0.0.0/32'],
    ['255.255.255.255/32', 32, '255.255.255.255/32'],
    ['2001:db8::/127', 128, '2001:db8::/128'],
    ['fd20:1:2:3::/64', 96, 'fd20:1:2:3::/96'],
    [`${LAST_IPV6}/128`, 128, `${LAST_IPV6}/128`],
  ])('of all of %s with length %d is %s', (range, length, block) => {
    const space = spaceWithout(range);
    expect(texts([lowestFree(space, length)!])).toEqual([block]);
    expect(bestFit(space, length)).toEqual(lowestFree(space, length));
  });

  test.each([
    ['10.0.0.0/8', 7],
    ['10.0.0.0/32', 31],
    ['::/1', 0],
    ['2001:db8::/128', 127],
  ])('of %s with the shorter length %d is nothing', (range, length) => {
    expect(lowestFree(spaceWithout(range), length)).toBeUndefined();
    expect(bestFit(spaceWithout(range), length)).toBeUndefined();
  });

  test.each([
    ['10.0.0.0/8', 33],
    ['10.0.0.0/8', -1],
    ['10.0.0.0/8', 8.5],
    ['10.0.0.0/8', Number.NaN],
    ['::/0', 129],
  ])('of %s refuses the length %d', (range, length) => {
    expect(() => lowestFree(spaceWithout(range), length)).toThrow(RangeError);
    expect(() => bestFit(spaceWithout(range), length)).toThrow(RangeError);
  });

  test('goes up to the last address of the family and not around it', () => {
    expect(drained(spaceWithout('255.255.255.252/30'), 32)).toEqual([
      '255.255.255.252/32',
      '255.255.255.253/32',
      '255.255.255.254/32',
      '255.255.255.255/32',
    ]);
    expect(drained(spaceWithout(`${LAST_IPV6.slice(0, -1)}e/127`), 128)).toEqual([
      `${LAST_IPV6.slice(0, -1)}e/128`,
      `${LAST_IPV6}/128`,
    ]);
    expect(drained(spaceWithout('255.255.255.255/32'), 32)).toEqual(['255.255.255.255/32']);
    expect(drained(spaceWithout('0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/2'), 3)).toEqual([
      '192.0.0.0/3',
      '224.0.0.0/3',
    ]);
  });

  test('of a full space is nothing, at any length', () => {
    for (const range of ['0.0.0.0/0', '10.0.0.0/24', '10.0.0.1/32', '::/0', '::1/128']) {
      const space = spaceWithout(range, range);
      expect(space.free).toBe(0n);
      expect(texts(freeBlocks(space))).toEqual([]);
      for (let length = 0; length <= (range.includes(':') ? 128 : 32); length += 1) {
        expect(lowestFree(space, length)).toBeUndefined();
        expect(bestFit(space, length)).toBeUndefined();
      }
    }
  });

  test('needs an aligned block, not just as many addresses', () => {
    const space = spaceWithout('10.0.0.0/30', '10.0.0.0/32', '10.0.0.3/32');
    expect(space.free).toBe(2n);
    expect(lowestFree(space, 31)).toBeUndefined();
    expect(texts([lowestFree(space, 32)!])).toEqual(['10.0.0.1/32']);
  });

  test('fills the gaps of a fragmented space from below', () => {
    const range = parsePrefix('fd20:1:2:3::/64');
    const blocks = Array.from({ length: 1_000 }, (_, i) => childAt(range, 96, BigInt(i)));
    const full = blocks.reduce(take, freeSpace(range));
    const gaps = blocks.filter((_, i) => i % 2 === 1);
    let space = gaps.reduce(give, full);
    for (const gap of gaps) {
      expect(lowestFree(space, 96)).toEqual(gap);
      space = take(space, gap);
    }
    expect(space).toStrictEqual(full);
    expect(lowestFree(space, 96)).toEqual(childAt(range, 96, 1_000n));
  });
});

describe('bestFit', () => {
  // Free are a /26, a /28 and two /30s, in this order of their addresses.
  const space = ['10.0.0.0/26', '10.0.0.80/28', '10.0.0.132/30', '10.0.0.140/30']
    .map(parsePrefix)
    .reduce(give, spaceWithout('10.0.0.0/24', '10.0.0.0/24'));

  test.each([
    [32, '10.0.0.132/32', '10.0.0.0/32'],
    [30, '10.0.0.132/30', '10.0.0.0/30'],
    [29, '10.0.0.80/29', '10.0.0.0/29'],
    [28, '10.0.0.80/28', '10.0.0.0/28'],
    [27, '10.0.0.0/27', '10.0.0.0/27'],
    [26, '10.0.0.0/26', '10.0.0.0/26'],
  ])('with length %d is %s, where the lowest is %s', (length, best, lowest) => {
    expect(texts([bestFit(space, length)!])).toEqual([best]);
    expect(texts([lowestFree(space, length)!])).toEqual([lowest]);
  });

  test('with a length that no region holds is nothing', () => {
    expect(bestFit(space, 25)).toBeUndefined();
  });
});

describe('take and give', () => {
  test.each([
    ['10.0.0.0/24', '10.0.0.64/26'],
    ['10.0.0.0/24', '10.0.0.0/23'],
    ['10.0.0.0/24', '10.0.0.64/27'],
    ['10.0.0.0/24', '10.0.0.0/25'],
    ['10.0.0.0/24', '10.0.0.0/24'],
    ['10.0.0.0/24', '10.0.1.0/26'],
    ['10.0.0.0/24', '::a00:0/128'],
  ])('of %s without 10.0.0.64/26 refuse to take %s', (range, block) => {
    const space = spaceWithout(range, '10.0.0.64/26');
    expect(isFree(space, parsePrefix(block))).toBe(false);
    expect(() => take(space, parsePrefix(block))).toThrow(
      `${block} is not a wholly free block of ${range}`,
    );
  });

  test.each([
    ['10.0.0.0/24', '10.0.0.0/26'],
    ['10.0.0.0/24', '10.0.0.0/25'],
    ['10.0.0.0/24', '10.0.0.0/24'],
    ['10.0.0.0/24', '0.0.0.0/0'],
    ['10.0.0.0/24', '10.0.1.64/26'],
    ['10.0.0.0/24', '::a00:40/122'],
  ])('of %s without 10.0.0.64/26 refuse to give %s', (range, block) => {
    const space = spaceWithout(range, '10.0.0.64/26');
    expect(isUsed(space, parsePrefix(block))).toBe(false);
    expect(() => give(space, parsePrefix(block))).toThrow(
      `${block} is not a wholly used block of ${range}`,
    );
  });

  test('give back parts of what was taken, and more than one at once', () => {
    const space = spaceWithout('10.0.0.0/24', '10.0.0.0/26', '10.0.0.64/26');
    const parted = give(space, parsePrefix('10.0.0.32/30'));
    expect(texts(freeBlocks(parted))).toEqual(['10.0.0.32/30', '10.0.0.128/25']);
    expect(give(space, parsePrefix('10.0.0.0/25'))).toStrictEqual(spaceWithout('10.0.0.0/24'));
  });

  test('work on the first and the last address of the largest space', () => {
    const ends = ['::/128', `${LAST_IPV6}/128`].map(parsePrefix);
    const space = ends.reduce(take, spaceWithout('::/0'));
    expect(space.free).toBe((1n << 128n) - 2n);
    expect(ends.some((end) => isFree(space, end))).toBe(false);
    expect(ends.every((end) => isUsed(space, end))).toBe(true);
    expect(formatPrefix(lowestFree(space, 128)!)).toBe('::1/128');
    expect([...freeBlocks(space)]).toHaveLength(2 * 127);
    expect(ends.reduce(give, space)).toStrictEqual(spaceWithout('::/0'));
  });
});

interface Step {
  readonly kind: 'lowest' | 'best' | 'take' | 'give';
  readonly cell: number;
  readonly bits: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('lowest', 'best', 'take', 'give', 'give'),
    cell: fc.nat(CELLS - 1),
    bits: fc.oneof(fc.nat(2), fc.nat(CELL_BITS)),
  }),
  { minLength: 1, maxLength: 40 },
);

function expectSameAnswers(space: FreeSpace, naive: NaiveSpace): void {
  expect(texts(freeBlocks(space))).toEqual(texts(naive.regions()));
  expect(space.free).toBe(naive.freeAddresses());
  for (const length of lengthsAround(naive.at)) {
    expect(lowestFree(space, length)).toEqual(naive.lowestFree(length));
    expect(bestFit(space, length)).toEqual(naive.bestFit(length));
  }
}

/** Does a step in both, where it can be done; expects it to be refused where it cannot. */
function stepped(space: FreeSpace, naive: NaiveSpace, step: Step): FreeSpace {
  const block = blockOfCells(naive.at, step.cell, step.bits);
  const length = lengthOfCells(naive.at, step.bits);
  if (step.kind === 'lowest' || step.kind === 'best') {
    const found = step.kind === 'lowest' ? lowestFree(space, length) : bestFit(space, length);
    if (found === undefined) return space;
    naive.set(found, false);
    return take(space, found);
  }
  const taking = step.kind === 'take';
  const change = taking ? take : give;
  const isAllowed = naive.areAll(block, taking);
  expect(taking ? isFree(space, block) : isUsed(space, block)).toBe(isAllowed);
  if (!isAllowed) {
    expect(() => change(space, block)).toThrow('is not a wholly');
    return space;
  }
  naive.set(block, !taking);
  return change(space, block);
}

/** The window's cells taken one by one, from the last. */
function rebuilt(naive: NaiveSpace, empty: FreeSpace): FreeSpace {
  let space = empty;
  for (let cell = CELLS - 1; cell >= 0; cell -= 1) {
    if (!naive.free[cell]) space = take(space, blockOfCells(naive.at, cell, 0));
  }
  return space;
}

describe('any sequence of steps', () => {
  const named = WINDOWS.map((at): [string, string, Window] => {
    return [formatPrefix(at.window), formatPrefix(at.range), at];
  });

  test.each(named)('in %s of %s answers as a list of cells does', (_window, _range, at) => {
    const empty = outsideOf(at).reduce(take, freeSpace(at.range));
    fc.assert(
      fc.property(steps, (sequence) => {
        const naive = new NaiveSpace(at);
        const versions = [{ space: empty, free: [...naive.free] }];
        for (const step of sequence) {
          const space = stepped(versions.at(-1)!.space, naive, step);
          expectSameAnswers(space, naive);
          versions.push({ space, free: [...naive.free] });
        }
        for (const { space, free } of versions) {
          expect(texts(freeBlocks(space))).toEqual(texts(new NaiveSpace(at, free).regions()));
        }
        expect(versions.at(-1)!.space).toStrictEqual(rebuilt(naive, empty));
      }),
      { numRuns: 25 },
    );
  });
});
