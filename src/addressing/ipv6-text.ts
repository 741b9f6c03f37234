/**
 * The text of IPv6 addresses, printed and read in a fraction of a microsecond. ip-address takes
 * about five for each, and a ledger prints and reads a few for every allocation. The tests compare
 * both functions with ip-address.
 */

const GROUPS = 8;
const COLON = 0x3a;

/** The canonical text of an address (RFC 5952, section 4), without dotted tails. */
export function formatIPv6(address: bigint): string {
  const groups = groupsOf(address);
  const gap = longestZeroRun(groups);
  if (gap.count < 2) return joined(groups, 0, GROUPS);
  return `${joined(groups, 0, gap.first)}::${joined(groups, gap.first + gap.count, GROUPS)}`;
}

/**
 * The value of an address that is written in groups of lower-case digits, with or without `::`.
 * Undefined for all other texts, valid ones among them: upper case and dotted tails.
 */
export function readIPv6(text: string): bigint | undefined {
  const groups = [0, 0, 0, 0, 0, 0, 0, 0];
  let count = 0;
  let digits = 0;
  let gap = -1;
  let i = 0;
  if (text.startsWith('::')) {
    gap = 0;
    i = 2;
  }
  for (; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === COLON) {
      // A colon ends a group, and a second one right after it begins the gap.
      if (digits === 0) return undefined;
      count += 1;
      digits = 0;
      if (text.charCodeAt(i + 1) !== COLON) continue;
      if (gap !== -1) return undefined;
      gap = count;
      i += 1;
    } else {
      const digit = digitValue(code);
      if (digit === -1 || digits === 4 || count === GROUPS) return undefined;
      groups[count] = (groups[count]! << 4) | digit;
      digits += 1;
    }
  }
  if (digits > 0) count += 1;
  else if (gap !== count) return undefined;
  if (gap === -1) return count === GROUPS ? addressOf(groups) : undefined;
  // The gap stands for at least one group of zeros.
  if (count >= GROUPS) return undefined;
  groups.copyWithin(GROUPS - (count - gap), gap, count);
  groups.fill(0, gap, GROUPS - (count - gap));
  return addressOf(groups);
}

function digitValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x61 + 10;
  return -1;
}

/** The longest run of zero groups, the first one of several (RFC 5952, section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { first: number; count: number } {
  let best = { first: 0, count: 0 };
  for (let first = 0; first < GROUPS; ) {
    let end = first;
    while (end < GROUPS && groups[end] === 0) end += 1;
    if (end - first > best.count) best = { first, count: end - first };
    first = end + 1;
  }
  return best;
}

function joined(groups: readonly number[], first: number, end: number): string {
  let text = '';
  for (let i = first; i < end; i += 1) {
    if (i > first) text += ':';
    text += groups[i]!.toString(16);
  }
  return text;
}

function groupsOf(address: bigint): number[] {
  const groups: number[] = [];
  for (let shift = 96n; shift >= 0n; shift -= 32n) {
    const word = Number(BigInt.asUintN(32, address >> shift));
    groups.push(word >>> 16, word & 0xffff);
  }
  return groups;
}

function addressOf(groups: readonly number[]): bigint {
  let value = 0n;
  for (let i = 0; i < GROUPS; i += 2) {
    value = (value << 32n) | BigInt(((groups[i]! << 16) | groups[i + 1]!) >>> 0);
  }
  return value;
}
