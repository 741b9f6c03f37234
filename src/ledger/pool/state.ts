import { Map as PersistentMap, Set as PersistentSet } from 'immutable';
import type { ObjectRef, Scope } from '../events.ts';
import type { IPPoolSpec } from '../ip-pool.ts';
import type { PoolSpace } from '../pool-space.ts';
import type { Hold } from './holds.ts';

/**
 * The address space of one authored root: the pools that operators have made in it, and the ranges
 * that are carved from them for projects.
 */
export interface PoolState {
  readonly revision: number;
  readonly lastAtMs: number;
  /** The root and its authored children, by name. */
  readonly pools: PersistentMap<string, PoolRecord>;
  /** Carves for projects that are in force, by what they are for. */
  readonly carves: PersistentMap<string, Carve>;
  /** The same by the id of their grant. */
  readonly carveKeys: PersistentMap<string, string>;
  /** Holds in force, by what they are for. */
  readonly holds: PersistentMap<string, Hold>;
  /** The same by the id of their grant. */
  readonly holdKeys: PersistentMap<string, string>;
  /**
   * Registrations of the platform that nothing is made with any more, used up or abandoned: uids of
   * pools, and ids of further ranges.
   */
  readonly endedGrants: PersistentSet<string>;
}

export interface PoolRecord extends ObjectRef {
  /** Revision of the event that last changed the object. */
  readonly revision: number;
  readonly spec: IPPoolSpec;
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
  readonly space: PoolSpace;
  /** Blocks that are withheld, each with its reason. */
  readonly reserved: PersistentMap<string, string>;
}

export interface Carve {
  readonly grantId: string;
  /** The pool that it was carved from. */
  readonly pool: string;
  readonly prefix: string;
  readonly childPool: string;
}

export function initialPool(): PoolState {
  return {
    revision: -1,
    lastAtMs: 0,
    pools: PersistentMap(),
    carves: PersistentMap(),
    carveKeys: PersistentMap(),
    holds: PersistentMap(),
    holdKeys: PersistentMap(),
    endedGrants: PersistentSet(),
  };
}

/** What a carve is for: one generation of a project, a class, a scope, the nth of its kind. */
export function carveKey(
  generation: string,
  className: string,
  scope: Scope,
  ordinal: number,
): string {
  return [generation, className, scope.project, scope.network, scope.location, ordinal].join('/');
}

/** The pool of this name. It is a fault to ask for one that is not there. */
export function poolNamed(state: PoolState, name: string): PoolRecord {
  const pool = state.pools.get(name);
  if (pool === undefined) throw new Error(`pool ${name} is not in the state`);
  return pool;
}

export function withPool(state: PoolState, pool: PoolRecord): PoolState {
  return { ...state, pools: state.pools.set(pool.name, pool) };
}

export function onPool(
  state: PoolState,
  name: string,
  change: (pool: PoolRecord) => PoolRecord,
): PoolState {
  return withPool(state, change(poolNamed(state, name)));
}

/** The state with another picture of what one pool has to hand out. */
export function onSpace(
  state: PoolState,
  name: string,
  change: (space: PoolSpace) => PoolSpace,
): PoolState {
  return onPool(state, name, (pool) => ({ ...pool, space: change(pool.space) }));
}

/** Whether a pool hands out nothing new: what is there stays. */
export function isDraining({ spec, deleting }: PoolRecord): boolean {
  return deleting || spec.draining === true;
}

/** How many pools operators have carved from this one. */
export function childrenOf(state: PoolState, name: string): number {
  return state.pools.count(({ spec }) => spec.parentPoolRef?.name === name);
}
