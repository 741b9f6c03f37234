import { limits } from '../../limits.ts';
import {
  type Decision,
  type DecisionContext,
  Draft,
  type Expectation,
  finalizerProblem,
  instant,
  rejected,
} from '../decision.ts';
import type { ObjectRef, StoredMetadata } from '../events.ts';
import type { Rejection } from '../rejections.ts';
import {
  type DeleteClaim,
  deleteClaim,
  endClaim,
  type RequestClaim,
  requestClaim,
} from './claims.ts';
import { evolveProject } from './evolve.ts';
import { abandonUnused } from './held-addresses.ts';
import {
  type DeleteInterface,
  deleteInterface,
  type ReportInterfaceStatus,
  releaseInterface,
  reportInterfaceStatus,
} from './interfaces.ts';
import {
  type CreateIPClaim,
  createIPClaim,
  type DeleteIPAllocation,
  type DeleteIPClaim,
  deleteIPAllocation,
  deleteIPClaim,
  endIPClaim,
} from './ip-claims.ts';
import { type SpreadMtu, spreadMtu } from './mtu.ts';
import {
  type CreateNamespace,
  createNamespace,
  type DeleteNamespace,
  deleteNamespace,
  endNamespace,
} from './namespaces.ts';
import {
  type CreateNetwork,
  createNetwork,
  type DeleteNetwork,
  deleteNetwork,
  endNetwork,
  type UpdateNetwork,
  updateNetwork,
} from './networks.ts';
import { findForChange, type Outcome } from './objects.ts';
import {
  type CreateNetworkContext,
  createNetworkContext,
  type DeleteNetworkContext,
  deleteNetworkContext,
  endPresence,
  vacateLocation,
} from './presences.ts';
import { type ExpireRetentions, expireRetentions } from './retention.ts';
import { type ProjectDraft, poolNamed, type ReturnEmptyPool, returnEmptyPool } from './spaces.ts';
import type {
  ClaimRecord,
  InterfaceRecord,
  IPClaimRecord,
  PresenceRecord,
  ProjectState,
} from './state.ts';
import { type ServeWaiting, serveWaiting } from './waiting.ts';

/** Replaces an object's metadata; the last finalizer of one that is being deleted ends it. */
export interface ChangeMetadata {
  readonly type: 'ChangeMetadata';
  readonly kind: string;
  readonly name: string;
  readonly expect: Expectation;
  readonly metadata: StoredMetadata;
}

/** Records an answer that nothing else in the log proves, so that nobody gives another one. */
export interface SettleCommand {
  readonly type: 'SettleCommand';
  readonly code: number;
  /** Why it is refused; absent when things were already so. */
  readonly refusal?: { readonly reason: string; readonly message: string };
}

export type ProjectCommand =
  | CreateNamespace
  | DeleteNamespace
  | CreateNetwork
  | UpdateNetwork
  | DeleteNetwork
  | CreateNetworkContext
  | DeleteNetworkContext
  | RequestClaim
  | DeleteClaim
  | DeleteInterface
  | ReportInterfaceStatus
  | CreateIPClaim
  | DeleteIPClaim
  | DeleteIPAllocation
  | ChangeMetadata
  | ServeWaiting
  | ExpireRetentions
  | SpreadMtu
  | ReturnEmptyPool
  | SettleCommand
  /** Goes on with deletions that did not fit one append. */
  | { readonly type: 'ContinueDeletion' }
  /** Fences a grant of another stream that nothing here was committed with. */
  | { readonly type: 'AbandonGrant'; readonly grantId: string }
  /** Removes the project's empty presences at a location that is going. */
  | { readonly type: 'VacateLocation'; readonly location: ObjectRef };

/** Decides a command in a project's stream. */
export function decideProject(
  command: ProjectCommand,
  state: ProjectState,
  context: DecisionContext,
): Decision<ProjectState> {
  const draft = new Draft(state, evolveProject);
  const outcome = decideOn(draft, command, context);
  if (outcome === undefined) {
    abandonUnused(draft, context);
    return draft.decided();
  }
  return 'need' in outcome ? { outcome: 'needs', need: outcome.need } : rejected(outcome);
}

function decideOn(draft: ProjectDraft, command: ProjectCommand, context: DecisionContext): Outcome {
  const objectsMax = limits.deletionObjectsPerAppendMax;
  switch (command.type) {
    case 'CreateNamespace':
      return createNamespace(draft, context, command);
    case 'DeleteNamespace':
      return deleteNamespace(draft, context, command, objectsMax);
    case 'CreateNetwork':
      return createNetwork(draft, context, command);
    case 'UpdateNetwork':
      return updateNetwork(draft, context, command, objectsMax);
    case 'DeleteNetwork':
      return deleteNetwork(draft, context, command, objectsMax);
    case 'CreateNetworkContext':
      return createNetworkContext(draft, context, command);
    case 'DeleteNetworkContext':
      return deleteNetworkContext(draft, context, command);
    case 'RequestClaim':
      return requestClaim(draft, context, command);
    case 'DeleteClaim':
      return deleteClaim(draft, context, command);
    case 'DeleteInterface':
      return deleteInterface(draft, context, command);
    case 'ReportInterfaceStatus':
      return reportInterfaceStatus(draft, context, command);
    case 'CreateIPClaim':
      return createIPClaim(draft, context, command);
    case 'DeleteIPClaim':
      return deleteIPClaim(draft, context, command);
    case 'DeleteIPAllocation':
      return deleteIPAllocation(draft, context, command);
    case 'ChangeMetadata':
      return changeMetadata(draft, context, command);
    case 'ServeWaiting':
      return serveWaiting(draft, context, command);
    case 'SpreadMtu':
      return spreadMtu(draft, context);
    case 'ExpireRetentions':
      return expireRetentions(draft, context);
    case 'ContinueDeletion':
      return continueDeletion(draft, context, objectsMax);
    case 'AbandonGrant':
      return abandonGrant(draft, context, command.grantId);
    case 'ReturnPool':
      return returnEmptyPool(draft, context, command);
    case 'VacateLocation':
      return vacateLocation(draft, context, command.location, objectsMax);
    case 'SettleCommand':
      draft.emit('CommandSettled', {
        ...{ at: instant(context.atMs), code: command.code },
        ...command.refusal,
      });
      return undefined;
  }
}

function changeMetadata(
  draft: ProjectDraft,
  context: DecisionContext,
  command: ChangeMetadata,
): Rejection | undefined {
  const { kind, name, expect, metadata } = command;
  const found = findForChange(kind, objectOf(draft.state, kind, name), name, expect);
  if ('rejection' in found) return found.rejection;
  const forbidden = finalizerProblem(kind, found.object, metadata);
  if (forbidden !== undefined) return forbidden;
  const { uid, deleting } = found.object;
  const at = instant(context.atMs);
  draft.emit('ObjectMetadataChanged', { at, kind, name, uid, metadata });
  if (deleting && (metadata.finalizers ?? []).length === 0) end(draft, context, kind, name);
  return undefined;
}

function objectOf(state: ProjectState, kind: string, name: string) {
  switch (kind) {
    case 'Namespace':
      return state.namespace;
    case 'Network':
      return state.networks.get(name);
    case 'NetworkContext':
      return state.presences.get(name);
    case 'NetworkInterfaceClaim':
      return state.claims.get(name);
    case 'NetworkInterface':
      return state.interfaces.get(name);
    case 'IPClaim':
      return state.ipClaims.get(name);
    default:
      throw new Error(`${kind} is no kind of a project`);
  }
}

/** Ends an object that is being deleted and that no finalizer holds any more. */
function end(draft: ProjectDraft, context: DecisionContext, kind: string, name: string): void {
  const { claims, interfaces, ipClaims, presences } = draft.state;
  const objectsMax = limits.deletionObjectsPerAppendMax;
  switch (kind) {
    case 'Namespace':
      endNamespace(draft, context, objectsMax);
      break;
    case 'Network':
      endNetwork(draft, context, name, objectsMax);
      break;
    case 'NetworkContext':
      endPresence(draft, context, presences.get(name) as PresenceRecord);
      break;
    case 'NetworkInterfaceClaim':
      endClaim(draft, context, claims.get(name) as ClaimRecord);
      break;
    case 'IPClaim':
      endIPClaim(draft, context, ipClaims.get(name) as IPClaimRecord);
      break;
    case 'NetworkInterface':
      releaseInterface(draft, context, interfaces.get(name) as InterfaceRecord);
  }
}

function continueDeletion(
  draft: ProjectDraft,
  context: DecisionContext,
  objectsMax: number,
): undefined {
  if (draft.state.namespace?.deleting) {
    endNamespace(draft, context, objectsMax);
    return;
  }
  for (const name of [...draft.state.deletingNetworks].sort()) {
    if (draft.events.length < objectsMax) endNetwork(draft, context, name, objectsMax);
  }
}

/** Whether a deletion is under way that another append may bring on. */
export function hasDeletion(state: ProjectState): boolean {
  return state.namespace?.deleting === true || !state.deletingNetworks.isEmpty();
}

/** From here on a commit that names the grant is refused; one that was made stands. */
function abandonGrant(draft: ProjectDraft, context: DecisionContext, grantId: string): undefined {
  const { state } = draft;
  const committed =
    state.heldGrants.has(grantId) ||
    state.endedHolds.has(grantId) ||
    state.joins.some((join) => join.grantId === grantId) ||
    state.grantedPools.some((name) =>
      poolNamed(state, name).ranges.some(({ grant }) => grant?.id === grantId),
    );
  if (committed || state.abandonedGrants.has(grantId)) return;
  draft.emit('GrantAbandoned', { at: instant(context.atMs), grantId });
}
