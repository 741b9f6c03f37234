const OCTETS = 4;
const DOT = 0x2e;
const ZERO = 0x30;

/**
 * The value of an address in four decimal numbers from 0 to 255 without leading zeros; undefined
 * for every other text. A ledger reads one for every allocation: ip-address takes two microseconds
 * for it. The tests compare with ip-address.
 */
export function readIPv4(text: string): bigint | undefined {
  let address = 0;
  let octets = 0;
  let octet = -1;
  for (let i = 0; i <= text.length; i += 1) {
    const code = i === text.length ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (octet === -1 || octets === OCTETS) return undefined;
      address = address * 256 + octet;
      octets += 1;
      octet = -1;
      continue;
    }
    const digit = code - ZERO;
    // Nothing follows a leading zero.
    if (digit < 0 || digit > 9 || octet === 0) return undefined;
    octet = octet === -1 ? digit : octet * 10 + digit;
    if (octet > 255) return undefined;
  }
  return octets === OCTETS ? BigInt(address) : undefined;
}
