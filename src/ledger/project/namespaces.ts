import { formatPrefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Expectation, instant } from '../decision.ts';
import type { StoredMetadata } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { poolsOwnedBy } from '../platform/directory.ts';
import { quarantinedUntil } from '../pool-space.ts';
import { inUse, type Rejection } from '../rejections.ts';
import { endNetwork } from './networks.ts';
import { findForChange } from './objects.ts';
import { type ProjectDraft, poolNamed } from './spaces.ts';
import type { ClaimRecord } from './state.ts';

export interface CreateNamespace {
  readonly type: 'CreateNamespace';
  readonly metadata: StoredMetadata;
}

export interface DeleteNamespace {
  readonly type: 'DeleteNamespace';
  readonly expect: Expectation;
}

/** How many names a refusal gives. */
const POOLS_NAMED_MAX = 5;

/** Opens a project. A name that was used before carries a new generation: its uid. */
export function createNamespace(
  draft: ProjectDraft,
  context: DecisionContext,
  command: CreateNamespace,
): Rejection | undefined {
  const { name } = draft.state;
  if (draft.state.namespace !== undefined) {
    const subject = { kind: 'Namespace', name };
    return { reason: 'AlreadyExists', subject, message: 'already exists' };
  }
  const at = instant(context.atMs);
  const uid = uuidOf(context.commandId, 'Namespace');
  draft.emit('AddressSpaceOpened', { at, kind: 'project', name, generation: uid });
  draft.emit('NamespaceCreated', { at, name, uid, metadata: command.metadata });
  return undefined;
}

/** Deletes a project that holds nothing; networks, contexts and waiting claims go with it. */
export function deleteNamespace(
  draft: ProjectDraft,
  context: DecisionContext,
  command: DeleteNamespace,
  objectsMax: number,
): Rejection | undefined {
  const { name, namespace } = draft.state;
  const found = findForChange('Namespace', namespace, name, command.expect);
  if ('rejection' in found) return found.rejection;
  if (found.object.deleting) return undefined;
  const used = usesOf(draft, context, found.object.uid);
  if (used !== undefined) return used;
  const trial = draft.fork();
  if (endNamespace(trial, context, objectsMax)) {
    draft.adopt(trial);
    return undefined;
  }
  const at = instant(context.atMs);
  draft.emit('DeletionRequested', { at, kind: 'Namespace', name, uid: found.object.uid });
  endNamespace(draft, context, objectsMax);
  return undefined;
}

/** What keeps a project from being deleted: what it holds, and the pools that it has brought. */
function usesOf(
  draft: ProjectDraft,
  { platform }: DecisionContext,
  uid: string,
): Rejection | undefined {
  const { name, interfaces, allocations } = draft.state;
  const isRetained = (one: { readonly claim: unknown }) => one.claim === undefined;
  const retained = [interfaces.count(isRetained), allocations.count(isRetained)] as const;
  const pools = poolsOwnedBy(platform, uid).map((pool) => pool.name);
  const messages: string[] = [];
  if (interfaces.size > 0 || allocations.size > 0) {
    messages.push(
      `it holds ${interfaces.size} interfaces, ${retained[0]} of them retained, ` +
        `and ${allocations.size} blocks of IPClaims, ${retained[1]} of them retained`,
    );
  }
  if (pools.length > 0) {
    messages.push(`it owns ${pools.length} pools: ${pools.slice(0, POOLS_NAMED_MAX).join(', ')}`);
  }
  if (messages.length === 0) return undefined;
  return inUse({ kind: 'Namespace', name }, messages.join('; '), {
    NetworkInterfaces: interfaces.size,
    RetainedNetworkInterfaces: retained[0],
    IPAllocations: allocations.size,
    RetainedIPAllocations: retained[1],
    IPPools: pools.length,
  });
}

/** Ends at most so many objects of a project, then the project. Returns whether it is gone. */
export function endNamespace(
  draft: ProjectDraft,
  context: DecisionContext,
  objectsMax: number,
): boolean {
  let left = objectsMax;
  const at = instant(context.atMs);
  const claims = draft.state.claims.valueSeq().filter(canGoOn).take(left);
  for (const { name, uid, finalizers } of claims.toArray().sort(byName)) {
    if (finalizers.length === 0) draft.emit('ClaimDeleted', { at, name, uid });
    else draft.emit('DeletionRequested', { at, kind: 'NetworkInterfaceClaim', name, uid });
    left -= 1;
  }
  const networks = [...draft.state.networks.values()].sort(byName);
  for (const { name, uid, finalizers, deleting } of networks) {
    if (left <= 0) return false;
    const before = draft.events.length;
    if (!endNetwork(draft, context, name, left) && finalizers.length > 0 && !deleting) {
      draft.emit('DeletionRequested', { at, kind: 'Network', name, uid });
    }
    left -= draft.events.length > before ? Math.min(left, draft.events.length - before) : 0;
  }
  return closeSpace(draft, context);
}

/** Whether the end of the project's claims has a step to take with this one. */
function canGoOn(claim: ClaimRecord): boolean {
  return claim.finalizers.length === 0 || !claim.deleting;
}

/** The order of a map depends on its past, which a state that was kept does not remember. */
function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** Closes the project's space once it is empty: from here on other streams take back their own. */
function closeSpace(draft: ProjectDraft, context: DecisionContext): boolean {
  const { namespace, claims, networks, name } = draft.state;
  if (namespace === undefined || claims.size > 0 || networks.size > 0) return false;
  if (namespace.finalizers.length > 0) return false;
  const at = instant(context.atMs);
  const granted = [...draft.state.grantedPools].sort().flatMap((pool) => {
    return poolNamed(draft.state, pool).ranges;
  });
  const ranges = granted.flatMap((range) => {
    if (range.grant === undefined) return [];
    const { id: grantId, pool } = range.grant;
    const prefix = formatPrefix(range.space.space.range);
    const availableAt = instant(quarantinedUntil(range, context.atMs));
    return [{ grantId, pool, prefix, availableAt }];
  });
  draft.emit('AddressSpaceClosed', { at, generation: namespace.uid, ranges });
  draft.emit('NamespaceDeleted', { at, name, uid: namespace.uid });
  return true;
}
