import { Map as PersistentMap } from 'immutable';
import type { Prefix } from '../../addressing/prefix.ts';
import type { LocationSpec, ObjectRef } from '../events.ts';
import type { IPClass } from '../ip-class.ts';
import type { AddressingPlan } from '../plan.ts';

/**
 * The platform's address space: what spans projects and pools. It decides classes, locations and
 * which projects have joined one, and which ranges are roots.
 */
export interface PlatformState {
  /** Revision of the last event; -1 before the first. */
  readonly revision: number;
  readonly lastAtMs: number;
  readonly generation: string | undefined;
  readonly plan: AddressingPlan | undefined;
  readonly classes: PersistentMap<string, IPClass>;
  readonly locations: PersistentMap<string, LocationRecord>;
  readonly roots: readonly RootRange[];
}

export interface LocationRecord extends ObjectRef {
  readonly revision: number;
  readonly spec: LocationSpec;
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
  /** Projects with a presence here, by name, each with the grant that is in force. */
  readonly joined: PersistentMap<string, { readonly generation: string; readonly grantId: string }>;
}

export interface RootRange {
  readonly pool: ObjectRef;
  readonly prefix: Prefix;
}

export function initialPlatform(): PlatformState {
  return {
    revision: -1,
    lastAtMs: 0,
    generation: undefined,
    plan: undefined,
    classes: PersistentMap(),
    locations: PersistentMap(),
    roots: [],
  };
}
