import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import { describe, expect, test } from 'vitest';
import {
  addressAt,
  childAt,
  comparePrefixes,
  contains,
  coverRange,
  type Family,
  familyWidth,
  formatAddress,
  formatPrefix,
  InvalidAddress,
  lastAddress,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixSize,
  samePrefix,
} from '../../src/addressing/prefix.ts';

const ALL_ONES = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
const MAX = { IPv4: (1n << 32n) - 1n, IPv6: (1n << 128n) - 1n };

const anyFamily = fc.constantFrom<Family>('IPv4', 'IPv6');
const anyPrefix = anyFamily.chain((family) =>
  fc
    .tuple(fc.bigInt({ min: 0n, max: MAX[family] }), fc.nat(familyWidth(family)))
    .map(([address, length]) => block(family, address, length))
    .filter((prefix) => !(family === 'IPv6' && prefix.start >> 32n === 0xffffn)),
);
/** Prefixes of one short run of addresses, so that pairs of them often touch. */
const nearbyPrefix = fc
  .tuple(anyFamily, fc.nat(15), fc.nat(4))
  .map(([family, address, bits]) => block(family, BigInt(address), familyWidth(family) - bits));

function block(family: Family, address: bigint, length: number): Prefix {
  const hostBits = BigInt(familyWidth(family) - length);
  return { family, start: (address >> hostBits) << hostBits, length };
}

describe('parsePrefix and formatPrefix', () => {
  test.each([
    ['0.0.0.0/0', 'IPv4', 0n, 0],
    ['10.0.0.0/8', 'IPv4', 0x0a00_0000n, 8],
    ['10.128.0.0/9', 'IPv4', 0x0a80_0000n, 9],
    ['192.0.2.254/31', 'IPv4', 0xc000_02fen, 31],
    ['0.0.0.0/32', 'IPv4', 0n, 32],
    ['255.255.255.255/32', 'IPv4', MAX.IPv4, 32],
    ['::/0', 'IPv6', 0n, 0],
    ['fd20::/20', 'IPv6', 0xfd20n << 112n, 20],
    ['::1/128', 'IPv6', 1n, 128],
    ['2001:db8::/127', 'IPv6', 0x2001_0db8n << 96n, 127],
    ['::fffe:0:0/96', 'IPv6', 0xfffen << 32n, 96],
    ['::1:0:0/96', 'IPv6', 1n << 32n, 96],
    [`${ALL_ONES}/128`, 'IPv6', MAX.IPv6, 128],
    [`${ALL_ONES.slice(0, -1)}e/127`, 'IPv6', MAX.IPv6 - 1n, 127],
  ] as const)('%s', (text, family, start, length) => {
    expect(parsePrefix(text)).toEqual({ family, start, length });
    expect(formatPrefix({ family, start, length })).toBe(text);
  });

  test.each([
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:0db8:0000:0000:0000:0000:0000:0000/32', '2001:db8::/32'],
    ['::0:0/128', '::/128'],
    ['0::/0', '::/0'],
    ['0:0:0:0:0:0:0:0/0', '::/0'],
    ['1:0:0:2:0:0:0:3/128', '1:0:0:2::3/128'],
    ['1:0:0:2:3:0:0:4/128', '1::2:3:0:0:4/128'],
    ['1:2:3:4:5:6:7::/112', '1:2:3:4:5:6:7:0/112'],
    ['64:ff9b::192.0.2.0/120', '64:ff9b::c000:200/120'],
    ['::FFFE:1.2.3.4/128', '::fffe:102:304/128'],
  ])('%s is another spelling of %s', (text, canonical) => {
    expect(formatPrefix(parsePrefix(text))).toBe(canonical);
  });

  test.each([
    ['10.0.0.1/24', 'has host bits set: did you mean 10.0.0.0/24?'],
    ['255.255.255.255/31', 'has host bits set: did you mean 255.255.255.254/31?'],
    ['128.0.0.0/0', 'has host bits set: did you mean 0.0.0.0/0?'],
    ['2001:db8::1/64', 'has host bits set: did you mean 2001:db8::/64?'],
    [`${ALL_ONES}/0`, 'has host bits set: did you mean ::/0?'],
    ['10.0.0.0', 'has no prefix length'],
    ['2001:db8::', 'has no prefix length'],
    ['', 'has no prefix length'],
    ['10.0.0.0/', 'has a wrong prefix length: it must be a number from 0 to 32'],
    ['10.0.0.0/33', 'has a wrong prefix length'],
    ['::/129', 'has a wrong prefix length: it must be a number from 0 to 128'],
    ['::/999', 'has a wrong prefix length'],
    ['::/-1', 'has a wrong prefix length'],
    ['::/+1', 'has a wrong prefix length'],
    ['::/1e1', 'has a wrong prefix length'],
    ['::/0x8', 'has a wrong prefix length'],
    ['::/8.0', 'has a wrong prefix length'],
    ['::/08', 'has a wrong prefix length'],
    ['10.0.0.0/08', 'has a wrong prefix length'],
    ['::/00', 'has a wrong prefix length'],
    ['::/0/1', 'has a wrong prefix length'],
    ['10.0.0.0/8/8', 'has a wrong prefix length'],
    ['10.0.0.0/8 ', 'has a wrong prefix length'],
    ['10.0.0.0/8\n', 'has a wrong prefix length'],
    ['::/٣', 'has a wrong prefix length'],
    [' 10.0.0.0/8', 'is not an IPv4 address'],
    ['10.0.0.0 /8', 'is not an IPv4 address'],
    [' ::/8', 'is not an IPv6 address'],
    ['::\t/8', 'is not an IPv6 address'],
    ['/8', 'is not an IPv4 address'],
    ['banana/8', 'is not an IPv4 address'],
    ['10.0.0/8', 'is not an IPv4 address'],
    ['10.0.0.0.0/8', 'is not an IPv4 address'],
    ['10.0.0.256/32', 'is not an IPv4 address'],
    [
      '010.0.0.0/8',
      'is not an IPv4 address: it must be four decimal numbers from 0 to 255 without leading zeros',
    ],
    [
      '10.00.0.0/8',
      'is not an IPv4 address: it must be four decimal numbers from 0 to 255 without leading zeros',
    ],
    ['0x0a.0.0.0/8', 'is not an IPv4 address'],
    ['167772160/8', 'is not an IPv4 address'],
    [':/8', 'is not an IPv6 address'],
    [':::/8', 'is not an IPv6 address'],
    ['1::2::3/128', 'is not an IPv6 address'],
    ['1:2:3:4:5:6:7/128', 'is not an IPv6 address'],
    ['1:2:3:4:5:6:7:8:9/128', 'is not an IPv6 address'],
    ['1:2:3:4:5:6:7:8::/128', 'is not an IPv6 address'],
    ['::1:2:3:4:5:6:7:8/128', 'is not an IPv6 address'],
    ['1:2:3:4:5:6:7:/128', 'is not an IPv6 address'],
    [':1:2:3:4:5:6:7/128', 'is not an IPv6 address'],
    ['2001:db8::00001/128', 'is not an IPv6 address'],
    ['2001:db8::g/128', 'is not an IPv6 address'],
    ['[2001:db8::]/32', 'is not an IPv6 address'],
    ['::01.2.3.4/128', 'is not an IPv6 address'],
    ['fe80::%eth0/64', 'has a zone id'],
    ['fe80::/64%eth0', 'has a zone id'],
    ['fe80::%/64', 'has a zone id'],
    ['::ffff:0:0/96', 'is IPv4-mapped: use IPv4, 0.0.0.0'],
    ['::ffff:10.0.0.1/128', 'is IPv4-mapped: use IPv4, 10.0.0.1'],
    ['::FFFF:a00:1/128', 'is IPv4-mapped: use IPv4, 10.0.0.1'],
    ['0:0:0:0:0:ffff:0a00:0001/128', 'is IPv4-mapped: use IPv4, 10.0.0.1'],
    ['0::ffff:255.255.255.255/128', 'is IPv4-mapped: use IPv4, 255.255.255.255'],
  ])('refuses %j', (text, problem) => {
    expect(() => parsePrefix(text)).toThrow(InvalidAddress);
    expect(() => parsePrefix(text)).toThrow(`${JSON.stringify(text)} ${problem}`);
  });

  test.each(['1', ':', '::', '0.', '%', '/', 'f:', '\n', '\ud800'])(
    'refuses a megabyte of %j fast and in a short message',
    (unit) => {
      const text = unit.repeat(2 ** 20 / unit.length);
      const began = performance.now();
      for (const parse of [parsePrefix, parseAddress]) {
        for (const whole of [text, `${text}/64`, `2001:db8::/${text}`]) {
          expect(() => parse(whole)).toThrow(/^.{1,400} is longer than 49 characters$/);
        }
      }
      expect(performance.now() - began).toBeLessThan(1_000);
    },
  );

  test('reads what it prints', () => {
    fc.assert(
      fc.property(anyPrefix, (prefix) => {
        expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
        expect(parseAddress(formatAddress(prefix)).start).toBe(prefix.start);
      }),
    );
  });

  test('agrees with ip-address on the canonical text of IPv4', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX.IPv4 }), (start) => {
        const text = Address4.fromBigInt(start).correctForm();
        expect(formatAddress({ family: 'IPv4', start, length: 32 })).toBe(text);
      }),
    );
  });
});

describe('parseAddress', () => {
  test.each([
    ['0.0.0.0', 'IPv4', 0n, 32],
    ['255.255.255.255', 'IPv4', MAX.IPv4, 32],
    ['::', 'IPv6', 0n, 128],
    [ALL_ONES, 'IPv6', MAX.IPv6, 128],
  ] as const)('%s', (text, family, start, length) => {
    expect(parseAddress(text)).toEqual({ family, start, length });
    expect(formatAddress({ family, start, length })).toBe(text);
  });

  test.each(['10.0.0.1/32', '::1/128', '', '1', ' ::1', '::1 ', '::ffff:1.2.3.4', 'fe80::1%eth0'])(
    'refuses %j',
    (text) => {
      expect(() => parseAddress(text)).toThrow(InvalidAddress);
    },
  );

  test('accepts what Node takes for an address, but for zones and IPv4-mapped ones', () => {
    const characters = fc.constantFrom(...'0123456789abcdefABCDEF::::....%/ g');
    const noise = fc.string({ unit: characters, maxLength: 20 });
    const groups = fc.array(fc.constantFrom('', '0', 'ffff', 'A', '00001', '1.2.3.4', '01.2.3.4'), {
      maxLength: 10,
    });
    const octets = fc.array(fc.constantFrom('0', '00', '7', '255', '256', ''), { maxLength: 5 });
    const text = fc.oneof(
      noise,
      groups.map((parts) => parts.join(':')),
      octets.map((parts) => parts.join('.')),
      fc.ipV6(),
      fc.ipV4(),
    );
    fc.assert(
      fc.property(text, (text) => {
        const isMapped = isIPv6(text) && new Address6(text).bigInt() >> 32n === 0xffffn;
        const isValid = (isIPv4(text) || isIPv6(text)) && !text.includes('%') && !isMapped;
        const address = outcome(() => parseAddress(text));
        if (!isValid) expect(address).toBeInstanceOf(InvalidAddress);
        else if (isIPv4(text)) expect(address).toEqual(host('IPv4', new Address4(text)));
        else expect(address).toEqual(host('IPv6', new Address6(text)));
      }),
      { numRuns: 2_000 },
    );
  });
});

function host(family: Family, address: Address4 | Address6): Prefix {
  return { family, start: address.bigInt(), length: familyWidth(family) };
}

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('the blocks of a prefix', () => {
  test.each([
    ['10.0.0.0/24', 0n, '10.0.0.0/32'],
    ['10.0.0.0/24', 255n, '10.0.0.255/32'],
    ['255.255.255.255/32', 0n, '255.255.255.255/32'],
    ['0.0.0.0/0', MAX.IPv4, '255.255.255.255/32'],
    ['::/0', MAX.IPv6, `${ALL_ONES}/128`],
    ['2001:db8::/127', 1n, '2001:db8::1/128'],
  ])('addressAt %s %d is %s', (prefix, offset, address) => {
    expect(formatPrefix(addressAt(parsePrefix(prefix), offset))).toBe(address);
  });

  test.each([
    ['10.0.0.0/24', -1n],
    ['10.0.0.0/24', 256n],
    ['255.255.255.255/32', 1n],
    ['0.0.0.0/0', MAX.IPv4 + 1n],
    ['::/0', MAX.IPv6 + 1n],
    [`${ALL_ONES}/128`, 1n],
  ])('addressAt %s has no %d', (prefix, offset) => {
    expect(() => addressAt(parsePrefix(prefix), offset)).toThrow(RangeError);
  });

  test.each([
    ['fd20::/20', 40, 1n, 'fd20:0:100::/40'],
    ['fd20::/64', 96, 0xffff_ffffn, 'fd20::ffff:ffff:0:0/96'],
    ['::/0', 0, 0n, '::/0'],
    ['::/0', 1, 1n, '8000::/1'],
    ['10.0.0.0/31', 31, 0n, '10.0.0.0/31'],
  ])('childAt %s /%d number %d is %s', (prefix, length, index, child) => {
    expect(formatPrefix(childAt(parsePrefix(prefix), length, index))).toBe(child);
  });

  test.each([
    ['10.0.0.0/24', 23, 0n],
    ['10.0.0.0/24', 33, 0n],
    ['10.0.0.0/24', 24.5, 0n],
    ['10.0.0.0/24', Number.NaN, 0n],
    ['10.0.0.0/24', 24, 1n],
    ['10.0.0.0/24', 26, 4n],
    ['10.0.0.0/24', 26, -1n],
    ['::/0', 129, 0n],
  ])('childAt %s /%d has no number %d', (prefix, length, index) => {
    expect(() => childAt(parsePrefix(prefix), length, index)).toThrow(RangeError);
  });

  test.each([
    ['10.0.0.0/24', 256n, 0x0a00_00ffn],
    ['0.0.0.0/0', MAX.IPv4 + 1n, MAX.IPv4],
    ['255.255.255.255/32', 1n, MAX.IPv4],
    ['::/0', MAX.IPv6 + 1n, MAX.IPv6],
    [`${ALL_ONES}/128`, 1n, MAX.IPv6],
  ])('%s has %d addresses, the last is %d', (prefix, size, last) => {
    expect(prefixSize(parsePrefix(prefix))).toBe(size);
    expect(lastAddress(parsePrefix(prefix))).toBe(last);
  });
});

describe('two prefixes', () => {
  test.each([
    ['10.0.0.0/8', '10.1.0.0/16', true, true],
    ['10.1.0.0/16', '10.0.0.0/8', false, true],
    ['10.0.0.0/8', '10.0.0.0/8', true, true],
    ['10.0.0.0/9', '10.128.0.0/9', false, false],
    ['0.0.0.0/0', '255.255.255.255/32', true, true],
    ['::/0', `${ALL_ONES}/128`, true, true],
    ['::/0', '0.0.0.0/0', false, false],
    ['0.0.0.0/0', '::/0', false, false],
    ['0.0.0.0/0', '::/128', false, false],
  ])('%s and %s: contains %s, overlaps %s', (outer, inner, isContained, isOverlapping) => {
    expect(contains(parsePrefix(outer), parsePrefix(inner))).toBe(isContained);
    expect(overlaps(parsePrefix(outer), parsePrefix(inner))).toBe(isOverlapping);
  });

  test('relate as the sets of their addresses do', () => {
    fc.assert(
      fc.property(nearbyPrefix, nearbyPrefix, (a, b) => {
        const inA = new Set(addressesOf(a));
        const isInside = addressesOf(b).every((address) => inA.has(address));
        expect(contains(a, b)).toBe(isInside);
        expect(overlaps(a, b)).toBe(addressesOf(b).some((address) => inA.has(address)));
        expect(samePrefix(a, b)).toBe(isInside && inA.size === addressesOf(b).length);
        expect(comparePrefixes(a, b) === 0).toBe(samePrefix(a, b));
        expect(comparePrefixes(a, b) < 0).toBe(comparePrefixes(b, a) > 0);
      }),
      { numRuns: 1_000 },
    );
  });

  test('are ordered by family, first address and length', () => {
    const ordered = [
      '0.0.0.0/0',
      '0.0.0.0/32',
      '9.0.0.0/8',
      '10.0.0.0/8',
      '10.0.0.0/9',
      '::/0',
      '::1/128',
    ];
    const shuffled = [3, 6, 0, 5, 1, 4, 2].map((i) => parsePrefix(ordered[i]!));
    expect(shuffled.sort(comparePrefixes).map(formatPrefix)).toEqual(ordered);
  });
});

describe('coverRange', () => {
  test.each([
    ['IPv4', 0n, 0n, []],
    ['IPv4', MAX.IPv4 + 1n, 0n, []],
    ['IPv4', 0n, MAX.IPv4 + 1n, ['0.0.0.0/0']],
    ['IPv4', MAX.IPv4, 1n, ['255.255.255.255/32']],
    ['IPv4', 1n, 3n, ['0.0.0.1/32', '0.0.0.2/31']],
    ['IPv4', 0x0a00_00fen, 4n, ['10.0.0.254/31', '10.0.1.0/31']],
    ['IPv6', 0n, MAX.IPv6 + 1n, ['::/0']],
    ['IPv6', MAX.IPv6 - 2n, 3n, [`${ALL_ONES.slice(0, -1)}d/128`, `${ALL_ONES.slice(0, -1)}e/127`]],
  ] as const)('%s from %d, %d addresses', (family, first, count, prefixes) => {
    expect(coverRange(family, first, count).map(formatPrefix)).toEqual(prefixes);
  });

  test('of all addresses but the first and the last takes each length below them twice', () => {
    const lengths = coverRange('IPv6', 1n, MAX.IPv6 - 1n).map((prefix) => prefix.length);
    const falling = Array.from({ length: 127 }, (_, i) => 128 - i);
    expect(lengths).toEqual([...falling, ...falling.toReversed()]);
  });

  test.each([
    ['IPv4', -1n, 1n],
    ['IPv4', 0n, -1n],
    ['IPv4', MAX.IPv4, 2n],
    ['IPv4', MAX.IPv4 + 2n, 0n],
    ['IPv6', 0n, MAX.IPv6 + 2n],
  ] as const)('refuses %s from %d, %d addresses', (family, first, count) => {
    expect(() => coverRange(family, first, count)).toThrow(RangeError);
  });

  test('covers exactly the run, in order, with the fewest prefixes', () => {
    const bases = [0n, 0x0a00_0000n, MAX.IPv4 - 127n];
    fc.assert(
      fc.property(fc.constantFrom(...bases), fc.nat(63), fc.nat(64), (base, offset, count) => {
        const first = base + BigInt(offset);
        const cover = coverRange('IPv4', first, BigInt(count));
        let next = first;
        for (const prefix of cover) {
          expect(prefix.start).toBe(next);
          expect(prefix.start % prefixSize(prefix)).toBe(0n);
          next = lastAddress(prefix) + 1n;
        }
        expect(next).toBe(first + BigInt(count));
        expect(cover.length).toBe(fewestAligned(offset, offset + count));
      }),
      { numRuns: 500 },
    );
  });
});

function addressesOf(prefix: Prefix): string[] {
  const count = Number(prefixSize(prefix));
  return Array.from({ length: count }, (_, i) => formatAddress(addressAt(prefix, BigInt(i))));
}

/** The least number of aligned powers of two that make up a run, by trying all of them. */
function fewestAligned(first: number, end: number): number {
  const fewest = new Map([[end, 0]]);
  for (let at = end - 1; at >= first; at -= 1) {
    let best = Number.POSITIVE_INFINITY;
    for (let size = 1; at % size === 0 && at + size <= end; size *= 2) {
      best = Math.min(best, 1 + fewest.get(at + size)!);
    }
    fewest.set(at, best);
  }
  return fewest.get(first)!;
}
