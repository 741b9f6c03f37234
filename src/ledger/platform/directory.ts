import type { PlatformState } from './state.ts';

/** The authored pools that pools of this class are carved from, in the order of their names. */
export function offeringPools(platform: PlatformState, className: string): string[] {
  return (platform.plan?.pools ?? [])
    .filter((pool) => pool.classNames.includes(className))
    .map((pool) => pool.name)
    .sort();
}

/** The classes that an authored pool offers. */
export function classesOffered(platform: PlatformState, pool: string): readonly string[] {
  return platform.plan?.pools.find(({ name }) => name === pool)?.classNames ?? [];
}
