import { Map as PersistentMap } from 'immutable';
import type { Prefix } from '../../addressing/prefix.ts';
import type { LocationSpec, ObjectRef, StoredMetadata } from '../events.ts';
import type { IPClass } from '../ip-class.ts';
import type { IPPoolSpec } from '../ip-pool.ts';
import type { AddressingPlan } from '../plan.ts';

/**
 * The platform's address space: what spans projects and pools. It decides classes, locations and
 * which projects have joined one, the names of authored pools and what they offer, and which ranges
 * are roots.
 */
export interface PlatformState {
  /** Revision of the last event; -1 before the first. */
  readonly revision: number;
  readonly lastAtMs: number;
  readonly generation: string | undefined;
  readonly plan: AddressingPlan | undefined;
  readonly classes: PersistentMap<string, ClassRecord>;
  readonly locations: PersistentMap<string, LocationRecord>;
  /** The directory of authored pools, by name. */
  readonly pools: PersistentMap<string, RegisteredPool>;
  readonly roots: readonly RootRange[];
}

export interface ClassRecord extends IPClass {
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

export interface LocationRecord extends ObjectRef {
  readonly revision: number;
  readonly spec: LocationSpec;
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
  /** Projects with a presence here, by name, each with the grant that is in force. */
  readonly joined: PersistentMap<string, { readonly generation: string; readonly grantId: string }>;
}

/** An authored pool as decisions elsewhere read it. The pool itself is its root's stream's. */
export interface RegisteredPool extends ObjectRef {
  /** The pool whose stream decides about this one. */
  readonly root: string;
  readonly spec: IPPoolSpec;
  /** The life of the project that owns it; undefined when the platform does. */
  readonly owner: string | undefined;
  /** What it was asked to begin with, for whoever has to open it. */
  readonly metadata: StoredMetadata;
  /** Platform revision of what was said of it last. */
  readonly revision: number;
}

export interface RootRange {
  readonly pool: ObjectRef;
  readonly prefix: Prefix;
  /** Platform revision of its registration: which of several of the same range it is. */
  readonly revision: number;
}

export function initialPlatform(): PlatformState {
  return {
    revision: -1,
    lastAtMs: 0,
    generation: undefined,
    plan: undefined,
    classes: PersistentMap(),
    locations: PersistentMap(),
    pools: PersistentMap(),
    roots: [],
  };
}
