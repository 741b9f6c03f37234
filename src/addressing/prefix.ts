import { Address6 } from 'ip-address';
import { readIPv4 } from './ipv4-text.ts';
import { formatIPv6, readIPv6 } from './ipv6-text.ts';

/** The two kinds of addresses: 32 bits (RFC 791) and 128 bits (RFC 4291). */
export type Family = 'IPv4' | 'IPv6';

/** An aligned block of addresses: all that share the first `length` bits of `start`. */
export interface Prefix {
  readonly family: Family;
  /** The first address as a number; the bits after `length` are zero. */
  readonly start: bigint;
  readonly length: number;
}

/** A text that is no address or prefix. The message says why, in words for an API user. */
export class InvalidAddress extends Error {
  constructor(text: string, problem: string) {
    super(`${quoted(text)} ${problem}`);
    this.name = 'InvalidAddress';
  }
}

/** The longest IPv6 text, 45 characters with a dotted tail, and `/128`. */
const TEXT_CHARS_MAX = 49;
const LENGTH_TEXT = /^(?:0|[1-9]\d{0,2})$/;
/** The first 96 bits of `::ffff:0:0/96`, the IPv4-mapped addresses (RFC 4291, section 2.5.5.2). */
const MAPPED_HIGH_BITS = 0xffffn;

/** Bits of an address: 32 or 128. */
export function familyWidth(family: Family): 32 | 128 {
  return family === 'IPv4' ? 32 : 128;
}

/**
 * Reads a prefix such as `10.0.0.0/8` or `2001:db8::/32`. Any valid spelling of an IPv6 address is
 * accepted (RFC 4291, section 2.2). Throws InvalidAddress for anything else, and for host bits, a
 * missing length, leading zeros, zone ids and IPv4-mapped addresses, which would give one address
 * two names.
 */
export function parsePrefix(text: string): Prefix {
  refuseHopeless(text);
  const slash = text.indexOf('/');
  if (slash === -1) throw new InvalidAddress(text, 'has no prefix length');
  const host = hostOf(text, text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  const length = Number(lengthText);
  if (!LENGTH_TEXT.test(lengthText) || length > host.length) {
    const wanted = `a number from 0 to ${host.length} without leading zeros`;
    throw new InvalidAddress(text, `has a wrong prefix length: it must be ${wanted}`);
  }
  const start = withoutHostBits(host, length);
  const prefix = { family: host.family, start, length };
  if (start !== host.start) {
    throw new InvalidAddress(text, `has host bits set: did you mean ${formatPrefix(prefix)}?`);
  }
  return prefix;
}

/**
 * Reads a bare address as the prefix of that one address: a /32 or a /128. Throws InvalidAddress
 * as parsePrefix does, and for a text with a prefix length.
 */
export function parseAddress(text: string): Prefix {
  refuseHopeless(text);
  if (text.includes('/')) throw new InvalidAddress(text, 'has a prefix length: give it without');
  return hostOf(text, text);
}

/** The canonical text: dotted decimal or RFC 5952, with `/length`. */
export function formatPrefix(prefix: Prefix): string {
  // Joined, not added up: a text of added parts is serialised the slow way, with all around it.
  return [formatAddress(prefix), prefix.length].join('/');
}

/** The canonical text of the first address, without a length: dotted decimal or RFC 5952. */
export function formatAddress(prefix: Prefix): string {
  return prefix.family === 'IPv4' ? formatIPv4(prefix.start) : formatIPv6(prefix.start);
}

/** The one address at this offset, as a /32 or /128. Throws RangeError outside the prefix. */
export function addressAt(prefix: Prefix, offset: bigint): Prefix {
  return childAt(prefix, familyWidth(prefix.family), offset);
}

/**
 * The block number `index`, from 0, of those of this length that the prefix divides into. Throws
 * RangeError when there is none: the length is shorter than the prefix's or longer than an
 * address, or the index is outside.
 */
export function childAt(prefix: Prefix, length: number, index: bigint): Prefix {
  const { family } = prefix;
  const width = familyWidth(family);
  if (!Number.isInteger(length) || length < prefix.length || length > width) {
    throw new RangeError(`${formatPrefix(prefix)} has no blocks of length ${length}`);
  }
  // Nothing is left of a number that fits into the bits between; a negative one keeps its sign.
  if (index >> BigInt(length - prefix.length) !== 0n) {
    throw new RangeError(`${formatPrefix(prefix)} has no /${length} number ${index}`);
  }
  return { family, start: prefix.start + (index << BigInt(width - length)), length };
}

/** How many addresses the prefix has. */
export function prefixSize(prefix: Prefix): bigint {
  return 1n << BigInt(familyWidth(prefix.family) - prefix.length);
}

/** The last address as a number. */
export function lastAddress(prefix: Prefix): bigint {
  return prefix.start + prefixSize(prefix) - 1n;
}

/** Whether every address of `inner` is one of `outer`; so a prefix contains itself. */
export function contains(outer: Prefix, inner: Prefix): boolean {
  return (
    outer.family === inner.family &&
    outer.length <= inner.length &&
    withoutHostBits(inner, outer.length) === outer.start
  );
}

/** Whether the two have an address in common. Aligned blocks do only if one contains the other. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.length <= b.length ? contains(a, b) : contains(b, a);
}

/** Whether the two are the same block. */
export function samePrefix(a: Prefix, b: Prefix): boolean {
  return a.length === b.length && a.start === b.start && a.family === b.family;
}

/** Orders by family (IPv4 first), then first address, then length: a parent before its parts. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  if (a.family !== b.family) return a.family === 'IPv4' ? -1 : 1;
  if (a.start !== b.start) return a.start < b.start ? -1 : 1;
  return a.length - b.length;
}

/**
 * The fewest prefixes that cover exactly the `count` addresses from `first` on, in order; none for
 * a count of zero. Throws RangeError when the run leaves the family's addresses.
 */
export function coverRange(family: Family, first: bigint, count: bigint): Prefix[] {
  const width = familyWidth(family);
  const end = first + count;
  if (first < 0n || count < 0n || end > 1n << BigInt(width)) {
    throw new RangeError(`${count} addresses from ${first} on are not all ${family}`);
  }
  const prefixes: Prefix[] = [];
  for (let start = first; start < end; ) {
    // The largest block that starts here is as wide as `start` is aligned and the rest allows.
    let hostBits = 0;
    let size = 1n;
    while ((start & size) === 0n && start + size * 2n <= end) {
      hostBits += 1;
      size *= 2n;
    }
    prefixes.push({ family, start, length: width - hostBits });
    start += size;
  }
  return prefixes;
}

/** What no later step should see: texts of any size, and zone ids, which ip-address reads. */
function refuseHopeless(text: string): void {
  if (text.length > TEXT_CHARS_MAX) {
    throw new InvalidAddress(text, `is longer than ${TEXT_CHARS_MAX} characters`);
  }
  if (text.includes('%')) throw new InvalidAddress(text, 'has a zone id: give it without');
}

function hostOf(text: string, addressText: string): Prefix {
  if (!addressText.includes(':')) {
    return { family: 'IPv4', start: ipv4Value(text, addressText), length: 32 };
  }
  // Reading IPv6 with ip-address takes several microseconds, and a ledger reads a few prefixes for
  // every allocation. Plain groups of digits are read here, all other spellings there.
  const start = readIPv6(addressText) ?? ipv6Value(text, addressText);
  if (start >> 32n === MAPPED_HIGH_BITS) {
    throw new InvalidAddress(text, `is IPv4-mapped: use IPv4, ${formatIPv4(start & 0xffffffffn)}`);
  }
  return { family: 'IPv6', start, length: 128 };
}

function ipv4Value(text: string, addressText: string): bigint {
  const value = readIPv4(addressText);
  if (value !== undefined) return value;
  const wanted = 'four decimal numbers from 0 to 255 without leading zeros';
  throw new InvalidAddress(text, `is not an IPv4 address: it must be ${wanted}`);
}

function ipv6Value(text: string, addressText: string): bigint {
  try {
    return new Address6(addressText).bigInt();
  } catch {
    throw new InvalidAddress(text, 'is not an IPv6 address');
  }
}

function formatIPv4(address: bigint): string {
  const n = Number(address);
  return `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

function withoutHostBits(prefix: Prefix, length: number): bigint {
  const hostBits = BigInt(familyWidth(prefix.family) - length);
  return (prefix.start >> hostBits) << hostBits;
}

/** The text in quotes and escaped, cut to a length that fits a message. */
function quoted(text: string): string {
  const shown = text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
  return JSON.stringify(shown);
}
