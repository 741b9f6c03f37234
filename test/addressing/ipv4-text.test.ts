import fc from 'fast-check';
import { Address4 } from 'ip-address';
import { expect, test } from 'vitest';
import { readIPv4 } from '../../src/addressing/ipv4-text.ts';

test('IPv4 text is read to the value that ip-address reads, or refused as there', () => {
  const part = fc.constantFrom('0', '1', '9', '10', '99', '255', '256', '00', '01', '', 'a', '+1');
  const near = fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.'));
  const any = fc.ipV4();
  const other = fc.string({ maxLength: 9 });
  fc.assert(
    fc.property(fc.oneof(near, any, other), (text) => {
      const isWellFormed = Address4.isValid(text) && !text.includes('/');
      expect(readIPv4(text)).toBe(isWellFormed ? new Address4(text).bigInt() : undefined);
    }),
    { numRuns: 5_000 },
  );
});
