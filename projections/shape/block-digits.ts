import { type Family, familyWidth, type Prefix } from '../../src/addressing/prefix.ts';

/** An address as hexadecimal digits, 8 or 32 of them, so that they sort as addresses do. */
export function digitsOf(family: Family, address: bigint): string {
  return address.toString(16).padStart(familyWidth(family) / 4, '0');
}

/** The block that begins at these digits. */
export function blockAt(digits: string, length: number): Prefix {
  const family = digits.length * 4 === familyWidth('IPv4') ? 'IPv4' : 'IPv6';
  return { family, start: BigInt(`0x${digits}`), length };
}
