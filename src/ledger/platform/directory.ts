import { contains, formatPrefix, type Prefix } from '../../addressing/prefix.ts';
import { uuidOf } from '../identifiers.ts';
import { describedPool } from '../ip-pool.ts';
import type { PlatformState, RegisteredPool } from './state.ts';

/** What decisions elsewhere read of the authored pools. */

/** The pools that a project's blocks of this class come from, in the order of their names. */
export function offeringPools(
  platform: PlatformState,
  className: string,
  generation: string,
): string[] {
  return platform.pools
    .valueSeq()
    .filter((pool) => isOffering(pool, className, generation))
    .map(({ name }) => name)
    .toArray()
    .sort();
}

/** Why nothing of a class is given while others wait for it, with the first pool that offers it. */
export function othersWait(platform: PlatformState, className: string, generation: string): string {
  const [name] = offeringPools(platform, className, generation);
  const pool = name === undefined ? undefined : platform.pools.get(name);
  const where = pool === undefined ? '' : ` of ${describedPool(pool.name, pool.spec)}`;
  return `others wait for an address${where} for class "${className}"`;
}

/** The classes that an authored pool offers. */
export function classesOffered(platform: PlatformState, pool: string): readonly string[] {
  return platform.pools.get(pool)?.spec.classNames ?? [];
}

/** A pool with an owner serves that life of that project and no other. */
function isOffering(pool: RegisteredPool, className: string, generation: string): boolean {
  const { spec, owner } = pool;
  if (spec.draining === true || !spec.classNames.includes(className)) return false;
  return spec.projectRef === undefined || owner === generation;
}

/** The pool whose stream decides about this one: itself, where nothing else is known. */
export function rootOf(platform: PlatformState, pool: string): string {
  return platform.pools.get(pool)?.root ?? pool;
}

/** The pools that a life of a project has brought itself, in the order of their names. */
export function poolsOwnedBy({ pools }: PlatformState, generation: string): RegisteredPool[] {
  const owned = pools.valueSeq().filter(({ owner }) => owner === generation);
  return owned.toArray().sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The pools that a life of a project owns and that may have a prefix. Which part of its root a
 * child has is known to the root's stream alone.
 */
export function ownedPoolsAround(
  platform: PlatformState,
  generation: string,
  wanted: Prefix,
): string[] {
  const around = platform.roots.filter(({ prefix }) => contains(prefix, wanted));
  return poolsOwnedBy(platform, generation)
    .filter(({ root }) => around.some(({ pool }) => pool.name === root))
    .map(({ name }) => name);
}

/** The pools that offer some class which this one offers too: their waiters may be helped by it. */
export function poolsBeside(platform: PlatformState, name: string): string[] {
  const offered = platform.pools.get(name)?.spec.classNames ?? [];
  const beside = platform.pools
    .valueSeq()
    .filter(({ spec }) => spec.classNames.some((one) => offered.includes(one)));
  return beside
    .map((pool) => pool.name)
    .toArray()
    .sort();
}

/** The registered ranges of a root by their text, each with the id that is its grant. */
export function grantsOfRanges(platform: PlatformState, name: string): Record<string, string> {
  const own = platform.roots.filter(({ pool }) => pool.name === name);
  return Object.fromEntries(
    own.map(({ pool, prefix, revision }) => {
      const text = formatPrefix(prefix);
      return [text, uuidOf('RootRange', pool.uid, text, revision)];
    }),
  );
}

/** The names of all authored pools: the roots, then their children, then theirs, and so on. */
export function poolGenerations({ pools }: PlatformState): string[][] {
  const generations: string[][] = [];
  for (const { name } of pools.values()) {
    let depth = 0;
    for (let at = pools.get(name); at?.spec.parentPoolRef !== undefined; depth += 1) {
      at = pools.get(at.spec.parentPoolRef.name);
    }
    generations[depth] = [...(generations[depth] ?? []), name];
  }
  return Array.from(generations, (names) => (names ?? []).sort());
}
