import { Map as PersistentMap } from 'immutable';
import type { Scope } from '../events.ts';
import type { PoolSpace } from '../pool-space.ts';
import type { Hold } from './holds.ts';

/** The address space of one authored pool: the ranges it has carved for projects. */
export interface PoolState {
  readonly revision: number;
  readonly lastAtMs: number;
  readonly uid: string | undefined;
  readonly space: PoolSpace | undefined;
  /** Carves in force, by what they are for. */
  readonly carves: PersistentMap<string, Carve>;
  /** The same by the id of their grant. */
  readonly carveKeys: PersistentMap<string, string>;
  /** Holds in force, by what they are for. */
  readonly holds: PersistentMap<string, Hold>;
  /** The same by the id of their grant. */
  readonly holdKeys: PersistentMap<string, string>;
}

export interface Carve {
  readonly grantId: string;
  readonly prefix: string;
  readonly childPool: string;
}

export function initialPool(): PoolState {
  return {
    revision: -1,
    lastAtMs: 0,
    uid: undefined,
    space: undefined,
    carves: PersistentMap(),
    carveKeys: PersistentMap(),
    holds: PersistentMap(),
    holdKeys: PersistentMap(),
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

/** What the pool has to hand out. It is a fault to ask before the pool has been opened. */
export function spaceOf(state: PoolState): PoolSpace {
  if (state.space === undefined) throw new Error('the pool has not been opened');
  return state.space;
}
