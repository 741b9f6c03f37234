import {
  type DecisionContext,
  type Draft,
  type Expectation,
  expectationProblem,
  finalizerProblem,
  instant,
} from '../decision.ts';
import type { LocationSpec, ObjectRef, StoredMetadata } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { inUse, type Rejection } from '../rejections.ts';
import type { LocationRecord, PlatformState } from './state.ts';

/** Where workloads run, and which projects have joined a location. */

/** Whether a location takes this project's claims. */
export function isOpenTo(location: LocationRecord, project: string): boolean {
  return location.spec.projects.includes('*') || location.spec.projects.includes(project);
}

export type LocationCommand =
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
      /** What stands there, counted in the views at the log's head. */
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

export function createLocation(
  draft: PlatformDraft,
  command: Extract<LocationCommand, { type: 'CreateLocation' }>,
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

export function changeLocation(
  draft: PlatformDraft,
  command: Extract<
    LocationCommand,
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
    const message = `${standing} interfaces or blocks of IPClaims stand there`;
    return inUse({ kind, name }, message, { Holdings: standing });
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

export function joinLocation(
  draft: PlatformDraft,
  command: Extract<LocationCommand, { type: 'JoinLocation' }>,
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

export function leaveLocation(
  draft: PlatformDraft,
  command: Extract<LocationCommand, { type: 'LeaveLocation' }>,
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
