import { prefixSize } from '../addressing/prefix.ts';
import { offeringPools } from '../ledger/platform/directory.ts';
import type { PlatformState } from '../ledger/platform/state.ts';
import type { PoolState } from '../ledger/pool/state.ts';

/**
 * The pools that offer a class to a life of a project, in the order in which they are asked: by
 * name, or the emptiest first, as the class says.
 */
export async function poolsToAsk(
  platform: PlatformState,
  className: string,
  generation: string,
  stateOf: (pool: string) => Promise<PoolState>,
): Promise<readonly string[]> {
  const names = offeringPools(platform, className, generation);
  if (platform.classes.get(className)?.spec.strategy !== 'LeastUtilized') return names;
  const fullness = new Map<string, number>();
  for (const name of names) fullness.set(name, fullnessOf(await stateOf(name), name));
  const of = (name: string) => fullness.get(name) ?? 1;
  return names.toSorted((a, b) => of(a) - of(b));
}

/** The part of a pool that is not free, from 0 to 1. */
function fullnessOf({ pools }: PoolState, name: string): number {
  const ranges = pools.get(name)?.space.ranges ?? [];
  const total = ranges.reduce((sum, { space: { space } }) => sum + prefixSize(space.range), 0n);
  const free = ranges.reduce((sum, { space: { space } }) => sum + space.free, 0n);
  return total === 0n ? 1 : 1 - Number((free * 1_000_000n) / total) / 1_000_000;
}
