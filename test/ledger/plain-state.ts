import { Collection, isKeyed } from 'immutable';
import { type FreeSpace, freeBlocks } from '../../src/addressing/free-space.ts';
import { itemsOf } from '../../src/addressing/ordered-set.ts';
import { formatPrefix } from '../../src/addressing/prefix.ts';
import type { TimedSpace } from '../../src/addressing/timed-space.ts';

/** A state as JSON: two states with the same text cannot be told apart by any decision. */
export function plainState(state: object): string {
  return JSON.stringify(state, (_key, value) => plain(value));
}

/** JSON.stringify hands over the values as they are but for `toJSON`, which no state has. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (isTimed(value)) {
    return {
      free: [...freeBlocks(value.space)].map(formatPrefix),
      resting: [...itemsOf(value.pending)].map((p) => [formatPrefix(p.block), p.availableAtMs]),
      sizes: [value.space.free, value.quarantined],
    };
  }
  return value;
}

function isTimed(value: unknown): value is TimedSpace {
  return typeof value === 'object' && value !== null && 'outsideQuarantine' in value;
}
