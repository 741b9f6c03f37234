import fc from 'fast-check';
import { Address6 } from 'ip-address';
import { describe, expect, test } from 'vitest';
import { formatIPv6, readIPv6 } from '../../src/addressing/ipv6-text.ts';

/** Eight groups, often zero, so that runs of zeros of all kinds come up. */
const groups = fc.array(
  fc.oneof(fc.constant(0), fc.constantFrom(1, 0xf, 0x10, 0xfff, 0x1000, 0xffff), fc.nat(0xffff)),
  { minLength: 8, maxLength: 8 },
);

function valueOfGroups(parts: readonly number[]): bigint {
  return parts.reduce((value, part) => (value << 16n) | BigInt(part), 0n);
}

describe('IPv6 text', () => {
  test('is printed as ip-address prints it, and read back', () => {
    fc.assert(
      fc.property(groups, (parts) => {
        const address = valueOfGroups(parts);
        const text = formatIPv6(address);
        expect(text).toBe(Address6.fromBigInt(address).correctForm());
        expect(readIPv6(text)).toBe(address);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is printed as ip-address prints it for every pattern of zero groups', () => {
    for (let pattern = 0; pattern < 256; pattern += 1) {
      const parts = Array.from({ length: 8 }, (_, i) => (pattern >> i) & 1);
      const address = valueOfGroups(parts);
      expect(formatIPv6(address)).toBe(Address6.fromBigInt(address).correctForm());
      expect(readIPv6(formatIPv6(address))).toBe(address);
    }
  });

  test('is read to the value that ip-address reads, or left to it', () => {
    const group = fc.constantFrom('', '', '0', '1', '0a', '00b', 'ffff', '00001', 'A', '1.2.3.4');
    const text = fc.array(group, { maxLength: 11 }).map((parts) => parts.join(':'));
    fc.assert(
      fc.property(text, (text) => {
        const value = readIPv6(text);
        if (Address6.isValid(text) && !/[A-Z.]/.test(text)) {
          expect(value).toBe(new Address6(text).bigInt());
        } else {
          expect(value).toBeUndefined();
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
