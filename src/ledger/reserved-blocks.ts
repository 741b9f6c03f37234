import {
  coverRange,
  familyWidth,
  formatPrefix,
  lastAddress,
  type Prefix,
} from '../addressing/prefix.ts';

/** How much is withheld from both ends of a range, in units of one length. */
export interface EdgeReservations {
  readonly leading: number;
  readonly trailing: number;
  readonly unitPrefixLength: number;
}

/** A block that is withheld from allocation, and why. */
export interface ReservedBlock {
  readonly prefix: string;
  readonly reason: string;
}

/** The blocks that are withheld from the first and last units of a range. */
export function edgeBlocks(
  range: Prefix,
  reservations: EdgeReservations | undefined,
  ofWhat: string,
): ReservedBlock[] {
  if (reservations === undefined) return [];
  const { leading, trailing, unitPrefixLength } = reservations;
  const unit = 1n << BigInt(familyWidth(range.family) - unitPrefixLength);
  const units = `/${unitPrefixLength} of every ${ofWhat}`;
  const cover = (first: bigint, size: bigint, reason: string) =>
    coverRange(range.family, first, size).map((block) => ({ prefix: formatPrefix(block), reason }));
  const trailingSize = BigInt(trailing) * unit;
  return [
    ...cover(range.start, BigInt(leading) * unit, `first ${leading} ${units}`),
    ...cover(lastAddress(range) + 1n - trailingSize, trailingSize, `last ${trailing} ${units}`),
  ];
}

/** How many addresses a range has beside what is withheld from its ends; negative when too few. */
export function sizeWithoutEdges(range: Prefix, reservations: EdgeReservations): bigint {
  const { leading, trailing, unitPrefixLength } = reservations;
  const width = familyWidth(range.family);
  const size = 1n << BigInt(width - range.length);
  return size - (BigInt(leading + trailing) << BigInt(width - unitPrefixLength));
}
