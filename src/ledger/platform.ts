import { Map as PersistentMap } from 'immutable';
import { type Prefix, parsePrefix } from '../addressing/prefix.ts';
import {
  type Decision,
  type DecisionContext,
  Draft,
  type Expectation,
  expectationProblem,
  finalizerProblem,
  instant,
  rejected,
} from './decision.ts';
import type { EventData, LedgerEvent, LocationSpec, ObjectRef, StoredMetadata } from './events.ts';
import { uuidOf } from './identifiers.ts';
import type { IPClass } from './ip-class.ts';
import type { AddressingPlan } from './plan.ts';
import type { Rejection } from './rejections.ts';

/**
 * The platform's address space: what spans projects and pools. It decides classes, locations and
 * which projects have joined one, and which ranges are roots.
 */

// State

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

/** The default class of a family, or undefined when there is none. */
export function defaultClass(platform: PlatformState, family: string): IPClass | undefined {
  return platform.classes.find((c) => c.isDefault && c.spec.ipFamily === family);
}

/** The authored pools that pools of this class are carved from, in the order of their names. */
export function offeringPools(platform: PlatformState, className: string): string[] {
  return (platform.plan?.pools ?? [])
    .filter((pool) => pool.classNames.includes(className))
    .map((pool) => pool.name)
    .sort();
}

/** Whether a location takes this project's claims. */
export function isOpenTo(location: LocationRecord, project: string): boolean {
  return location.spec.projects.includes('*') || location.spec.projects.includes(project);
}

// Evolve

/** The state after an event of the platform's stream. */
export function evolvePlatform(state: PlatformState, event: LedgerEvent): PlatformState {
  const revision = state.revision + 1;
  const lastAtMs = Math.max(state.lastAtMs, Date.parse(event.data.at));
  return applyToPlatform({ ...state, revision, lastAtMs }, event);
}

function applyToPlatform(state: PlatformState, event: LedgerEvent): PlatformState {
  const { revision } = state;
  switch (event.type) {
    case 'AddressSpaceOpened':
      return { ...state, generation: event.data.generation, plan: event.data.plan };
    case 'IPClassCreated': {
      const { name, uid, isDefault, spec } = event.data;
      const record = { name, uid, revision, isDefault, spec };
      return { ...state, classes: state.classes.set(name, record) };
    }
    case 'RootRangeRegistered': {
      const root = { pool: event.data.pool, prefix: parsePrefix(event.data.prefix) };
      return { ...state, roots: [...state.roots, root] };
    }
    case 'LocationCreated':
      return withLocation(state, locationRecord(event.data, revision));
    case 'LocationDeleted':
      return { ...state, locations: state.locations.delete(event.data.name) };
    case 'LocationUpdated':
      return onLocation(state, event.data.name, (location) => {
        const { spec, metadata } = event.data;
        const finalizers =
          metadata === undefined ? location.finalizers : (metadata.finalizers ?? []);
        return { ...location, revision, spec, finalizers };
      });
    case 'ObjectMetadataChanged':
      return onLocation(state, event.data.name, (location) => ({
        ...location,
        revision,
        finalizers: event.data.metadata.finalizers ?? [],
      }));
    case 'DeletionRequested':
      return onLocation(state, event.data.name, (location) => ({
        ...location,
        revision,
        deleting: true,
      }));
    case 'LocationJoined': {
      const { project, generation, grantId } = event.data;
      return onLocation(state, event.data.location.name, (location) => ({
        ...location,
        joined: location.joined.set(project, { generation, grantId }),
      }));
    }
    case 'LocationLeft':
      return onLocation(state, event.data.location.name, (location) => ({
        ...location,
        joined: location.joined.delete(event.data.project),
      }));
    default:
      throw new Error(`${event.type} is no event of the platform's stream`);
  }
}

function locationRecord(data: EventData<'LocationCreated'>, revision: number): LocationRecord {
  const { name, uid, spec, metadata } = data;
  const finalizers = metadata.finalizers ?? [];
  return { name, uid, revision, spec, finalizers, deleting: false, joined: PersistentMap() };
}

function withLocation(state: PlatformState, location: LocationRecord): PlatformState {
  return { ...state, locations: state.locations.set(location.name, location) };
}

function onLocation(
  state: PlatformState,
  name: string,
  change: (location: LocationRecord) => LocationRecord,
): PlatformState {
  const location = state.locations.get(name);
  if (location === undefined) throw new Error(`location ${name} is not in the state`);
  return withLocation(state, change(location));
}

// Decide

export type PlatformCommand =
  | { readonly type: 'OpenPlatform'; readonly plan: AddressingPlan }
  | {
      readonly type: 'CreateLocation';
      readonly name: string;
      readonly spec: LocationSpec;
      readonly metadata: StoredMetadata;
    }
  | {
      readonly type: 'UpdateLocation';
      readonly name: string;
      readonly expect: Expectation;
      readonly spec: LocationSpec;
      readonly metadata: StoredMetadata;
    }
  | {
      readonly type: 'ChangeMetadata';
      readonly kind: string;
      readonly name: string;
      readonly expect: Expectation;
      readonly metadata: StoredMetadata;
    }
  | {
      readonly type: 'DeleteLocation';
      readonly name: string;
      readonly expect: Expectation;
      /** Interfaces that stand there, counted in the views at the log's head. */
      readonly standing: number;
    }
  | {
      readonly type: 'JoinLocation';
      readonly location: ObjectRef;
      readonly project: string;
      readonly generation: string;
      readonly endedGrant: string | undefined;
    }
  | {
      readonly type: 'LeaveLocation';
      readonly location: ObjectRef;
      readonly project: string;
      readonly grantId: string;
    };

type PlatformDraft = Draft<PlatformState>;

/** Decides a command in the platform's stream. */
export function decidePlatform(
  command: PlatformCommand,
  state: PlatformState,
  context: DecisionContext,
): Decision<PlatformState> {
  const draft = new Draft(state, evolvePlatform);
  const rejection = decideOn(draft, command, context);
  return rejection === undefined ? draft.decided() : rejected(rejection);
}

function decideOn(
  draft: PlatformDraft,
  command: PlatformCommand,
  context: DecisionContext,
): Rejection | undefined {
  switch (command.type) {
    case 'ChangeMetadata':
      if (command.kind !== 'Location') {
        throw new Error(`${command.kind} is no kind of the platform`);
      }
      return changeLocation(draft, command, context);
    case 'OpenPlatform':
      return openPlatform(draft, command.plan, context);
    case 'CreateLocation':
      return createLocation(draft, command, context);
    case 'JoinLocation':
      return joinLocation(draft, command, context);
    case 'LeaveLocation':
      return leaveLocation(draft, command, context);
    default:
      return changeLocation(draft, command, context);
  }
}

function openPlatform(draft: PlatformDraft, plan: AddressingPlan, context: DecisionContext) {
  if (draft.state.generation !== undefined) return undefined;
  const at = instant(context.atMs);
  const generation = uuidOf(context.commandId, 'platform');
  draft.emit('AddressSpaceOpened', { at, kind: 'platform', name: 'platform', generation, plan });
  for (const { name, spec, default: isDefault } of plan.classes) {
    const uid = uuidOf(context.commandId, 'IPClass', name);
    draft.emit('IPClassCreated', { at, name, uid, metadata: {}, isDefault, spec });
  }
  for (const { name, cidr } of plan.pools) {
    const uid = uuidOf(context.commandId, 'IPPool', name);
    draft.emit('RootRangeRegistered', { at, pool: { name, uid }, prefix: cidr });
  }
  return undefined;
}

function createLocation(
  draft: PlatformDraft,
  command: Extract<PlatformCommand, { type: 'CreateLocation' }>,
  context: DecisionContext,
): Rejection | undefined {
  const { name, spec, metadata } = command;
  if (draft.state.locations.has(name)) {
    const subject = { kind: 'Location', name };
    return { reason: 'AlreadyExists', subject, message: 'already exists' };
  }
  const uid = uuidOf(context.commandId, 'Location');
  draft.emit('LocationCreated', { at: instant(context.atMs), name, uid, spec, metadata });
  return undefined;
}

function changeLocation(
  draft: PlatformDraft,
  command: Extract<
    PlatformCommand,
    { type: 'UpdateLocation' | 'ChangeMetadata' | 'DeleteLocation' }
  >,
  context: DecisionContext,
): Rejection | undefined {
  const at = instant(context.atMs);
  const { name } = command;
  const kind = 'Location';
  const location = draft.state.locations.get(name);
  if (location === undefined) {
    return { reason: 'NotFound', subject: { kind, name }, message: 'not found' };
  }
  const stale = expectationProblem(kind, location, command.expect);
  if (stale !== undefined) return stale;
  if (command.type === 'DeleteLocation') {
    return deleteLocation(draft, location, command.standing, at);
  }
  const { metadata } = command;
  const forbidden = finalizerProblem(kind, location, metadata);
  if (forbidden !== undefined) return forbidden;
  const { uid } = location;
  if (command.type === 'UpdateLocation') {
    draft.emit('LocationUpdated', { at, name, uid, spec: command.spec, metadata });
  } else {
    draft.emit('ObjectMetadataChanged', { at, kind, name, uid, metadata });
  }
  return finishDeletion(draft, name, at);
}

function deleteLocation(
  draft: PlatformDraft,
  location: LocationRecord,
  standing: number,
  at: string,
): Rejection | undefined {
  const { name, uid, finalizers, joined, deleting } = location;
  if (deleting) return undefined;
  const kind = 'Location';
  if (standing > 0) {
    const message = `${standing} interfaces stand there`;
    return { reason: 'InUse', subject: { kind, name }, message };
  }
  if (finalizers.length > 0 || joined.size > 0) {
    draft.emit('DeletionRequested', { at, kind, name, uid });
  } else {
    draft.emit('LocationDeleted', { at, name, uid });
  }
  return undefined;
}

/** A location that is being deleted goes once nobody has joined it and no finalizer is left. */
function finishDeletion(draft: PlatformDraft, name: string, at: string): undefined {
  const location = draft.state.locations.get(name);
  if (!location?.deleting || location.finalizers.length > 0 || location.joined.size > 0) return;
  draft.emit('LocationDeleted', { at, name, uid: location.uid });
}

function joinLocation(
  draft: PlatformDraft,
  command: Extract<PlatformCommand, { type: 'JoinLocation' }>,
  context: DecisionContext,
): Rejection | undefined {
  const { project, generation, endedGrant } = command;
  const location = draft.state.locations.get(command.location.name);
  const subject = { kind: 'Location', name: command.location.name };
  if (location === undefined || location.uid !== command.location.uid || location.deleting) {
    return { reason: 'NotFound', subject, message: 'not found' };
  }
  const present = location.joined.get(project);
  if (present?.generation === generation && present.grantId !== endedGrant) return undefined;
  draft.emit('LocationJoined', {
    at: instant(context.atMs),
    location: command.location,
    project,
    generation,
    grantId: uuidOf(context.commandId, 'grant'),
  });
  return undefined;
}

function leaveLocation(
  draft: PlatformDraft,
  command: Extract<PlatformCommand, { type: 'LeaveLocation' }>,
  context: DecisionContext,
): undefined {
  const { project, grantId } = command;
  const at = instant(context.atMs);
  const location = draft.state.locations.get(command.location.name);
  if (location?.joined.get(project)?.grantId !== grantId) return;
  const { name, uid } = location;
  draft.emit('LocationLeft', { at, location: { name, uid }, project, grantId });
  finishDeletion(draft, name, at);
}
