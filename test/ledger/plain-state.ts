import { isCollection, isKeyed, isOrdered } from 'immutable';
import { freeBlocks } from '../../src/addressing/free-space.ts';
import { itemsOf } from '../../src/addressing/ordered-set.ts';
import { formatPrefix } from '../../src/addressing/prefix.ts';
import type { TimedSpace } from '../../src/addressing/timed-space.ts';

/** A state as text: two states with the same text cannot be told apart by any decision. */
export function plainState(state: object): string {
  return JSON.stringify(plain(state));
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (isCollection(value)) {
    const items = [...(isKeyed(value) ? value.entries() : value.values())].map(plain);
    return isOrdered(value) ? items : items.map((item) => JSON.stringify(item)).sort();
  }
  if (Array.isArray(value)) return value.map(plain);
  if (isTimed(value)) {
    return {
      free: [...freeBlocks(value.space)].map(formatPrefix),
      resting: [...itemsOf(value.pending)].map((p) => [formatPrefix(p.block), p.availableAtMs]),
      sizes: [value.space.free, value.quarantined].map(String),
    };
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

function isTimed(value: object): value is TimedSpace {
  return 'outsideQuarantine' in value;
}
