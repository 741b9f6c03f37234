import { uuidOf } from '../../src/ledger/identifiers.ts';
import { carveKey } from '../../src/ledger/pool/state.ts';
import {
  type ClaimParts,
  type Command,
  claim,
  createProject,
  location,
  network,
} from './commands.ts';
import type { World } from './world.ts';

/** What most tests begin with: a project with the network `net`, and the location `us`. */
export const ready: readonly Command[] = [createProject, location('us'), network('net')];

export const ONLY_IPV6 = { ipFamilies: ['IPv6'] } satisfies ClaimParts;
export const ONLY_IPV4 = { ipFamilies: ['IPv4'] } satisfies ClaimParts;

/** Claims `<prefix>-0`, `<prefix>-1` and so on. */
export function claims(count: number, parts: ClaimParts = {}, prefix = 'c'): Command[] {
  return Array.from({ length: count }, (_, n) => claim(`${prefix}-${n}`, parts));
}

/** A range for another project than the one of this world. */
export function carveForOther(ordinal: number, length: number, abandoned?: string, pool = 'root') {
  const scope = { project: 'other' };
  const asked = { generation: uuidOf('other'), className: 'project6', scope, ordinal };
  const ended = abandoned === undefined ? undefined : { id: abandoned, availableAt: AT_START };
  return { type: 'CarveRange', pool, ...asked, childPool: 'p', length, abandoned: ended } as const;
}

export const AT_START = '2026-01-01T00:00:00.000Z';

/** Other projects take all that a root pool has left, in ranges of this length. */
export function fillRoot(length: number, pool = 'root') {
  return (world: World): void => {
    for (let ordinal = 0; ; ordinal += 1) {
      const carve = carveForOther(ordinal, length, undefined, pool);
      if (world.onPool(pool, carve).outcome === 'rejected') return;
    }
  };
}

/** The range that such a project has got. */
export function rangeOfOther(world: World, ordinal: number, pool = 'root') {
  const { generation, className, scope } = carveForOther(ordinal, 0);
  return world.pools.get(pool)!.carves.get(carveKey(generation, className, scope, ordinal))!;
}

/** One of these projects gives its first range back. */
export function returnToRoot(availableAt = AT_START, pool = 'root') {
  return (world: World): void => {
    const { grantId } = rangeOfOther(world, 0, pool);
    world.onPool(pool, { type: 'ReturnRange', grantId, availableAt });
    world.settle();
  };
}
