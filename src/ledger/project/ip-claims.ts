import { formatPrefix, samePrefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Expectation, instant } from '../decision.ts';
import type { IPClaimSpec, ObjectRef, Scope, StoredMetadata } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { holdingPolicy } from '../ip-class.ts';
import type { Rejection, Subject } from '../rejections.ts';
import { type ClaimSource, claimSource } from './claim-sources.ts';
import { type ClaimedBlock, claimBlock } from './claimed-blocks.ts';
import { cappedPolicy } from './held-addresses.ts';
import { findForChange, forbiddenWhileTerminating, type Outcome } from './objects.ts';
import type { ProjectDraft } from './spaces.ts';
import type { AllocationRecord, IPClaimRecord } from './state.ts';
import { overQuota } from './usage.ts';

/**
 * Claims for one block, and the allocations that they are bound to. A claim is given its block in
 * the append that creates it, or refused; an allocation that is retained waits for a claim of its
 * name.
 */
export interface CreateIPClaim {
  readonly type: 'CreateIPClaim';
  readonly name: string;
  readonly spec: IPClaimSpec;
  readonly metadata: StoredMetadata;
  /** Whether an operator asks, to whom every class and pool is open. */
  readonly asOperator: boolean;
}

export interface DeleteIPClaim {
  readonly type: 'DeleteIPClaim';
  readonly name: string;
  readonly expect: Expectation;
}

export interface DeleteIPAllocation {
  readonly type: 'DeleteIPAllocation';
  readonly name: string;
  readonly expect: Expectation;
}

/** Creates a claim with its block, or binds the allocation that was retained under its name. */
export function createIPClaim(
  draft: ProjectDraft,
  context: DecisionContext,
  command: CreateIPClaim,
): Outcome {
  const { name, spec } = command;
  const subject = { kind: 'IPClaim', name };
  const terminating = forbiddenWhileTerminating(draft, subject);
  if (terminating !== undefined) return terminating;
  if (draft.state.ipClaims.has(name)) {
    return { reason: 'AlreadyExists', subject, message: 'already exists' };
  }
  const source = claimSource(draft, context, command);
  if ('refused' in source) return { ...source.refused, subject };
  const uid = uuidOf(context.commandId, 'IPClaim');
  const retained = draft.state.allocations.get(name);
  if (retained !== undefined) {
    return rebind(draft, context, command, source.done, { name, uid }, retained);
  }
  const { className } = source.done;
  const excess = overQuota(
    draft.state,
    context.platform,
    className === undefined ? [] : [className],
  );
  if (excess !== undefined) {
    return { reason: 'QuotaExceeded', subject, message: excess.message };
  }
  const claimed = claimBlock(draft, context, source.done, { name, uid });
  if ('need' in claimed) return claimed;
  if ('refused' in claimed) return { ...claimed.refused, subject };
  const allocation = { name, uid: uuidOf(context.commandId, 'IPAllocation') };
  emitCreated(draft, context, command, uid, allocation);
  emitAllocated(draft, context, spec, source.done, { name, uid }, allocation, claimed.done);
  return undefined;
}

function emitCreated(
  draft: ProjectDraft,
  context: DecisionContext,
  { name, spec, metadata }: CreateIPClaim,
  uid: string,
  allocation: ObjectRef,
): void {
  const platformRevision = context.platform.revision;
  const at = instant(context.atMs);
  draft.emit('IPClaimCreated', { at, name, uid, metadata, spec, allocation, platformRevision });
}

function emitAllocated(
  draft: ProjectDraft,
  context: DecisionContext,
  spec: IPClaimSpec,
  source: ClaimSource,
  claim: ObjectRef,
  allocation: ObjectRef,
  { pool, block, grant }: ClaimedBlock,
): void {
  const { className, ipClass, scope } = source;
  const policy = holdingPolicy(ipClass, block);
  draft.emit('IPAllocationCreated', {
    ...{ at: instant(context.atMs), ...allocation },
    ...{ pool, block: formatPrefix(block), family: block.family },
    ...(className === undefined ? {} : { className }),
    ...{ claim, scope },
    reclaimPolicy: spec.reclaimPolicy ?? ipClass?.spec.reclaimPolicy ?? 'Delete',
    policy: grant === undefined ? policy : cappedPolicy(policy, grant),
    ...(grant === undefined ? {} : { grant: { id: grant.id } }),
  });
}

/** A retained allocation serves a claim that asks for the same, and no other. */
function rebind(
  draft: ProjectDraft,
  context: DecisionContext,
  command: CreateIPClaim,
  source: ClaimSource,
  claim: ObjectRef,
  retained: AllocationRecord,
): Outcome {
  const differing = differenceOf(retained, source, command.spec);
  if (differing !== undefined) {
    const subject = { kind: 'IPClaim', name: command.name };
    const message = `the allocation that is retained under its name has ${differing}`;
    return { reason: 'RetainedAddressConflict', subject, message };
  }
  const { name, uid } = retained;
  emitCreated(draft, context, command, claim.uid, { name, uid });
  const { pool, block } = retained.holding;
  draft.emit('IPAllocationUpdated', {
    ...{ at: instant(context.atMs), name, uid, pool, block: formatPrefix(block) },
    ...{ claim, expiresAt: null },
  });
  return undefined;
}

/** What a retained allocation has that a claim does not ask for, in a fixed order. */
function differenceOf(
  { holding, scope, reclaimPolicy }: AllocationRecord,
  source: ClaimSource,
  spec: IPClaimSpec,
): string | undefined {
  const { className, pool, block } = holding;
  if (className !== source.className) return `class "${className ?? ''}"`;
  if (source.pool !== undefined && pool !== source.pool) return `a block of pool "${pool}"`;
  if (block.length !== source.length) return `the length /${block.length}`;
  if (!sameScope(scope, source.scope)) return `the scope ${JSON.stringify(scope)}`;
  const { wanted } = source;
  if (wanted !== undefined && !samePrefix(block, wanted)) return `the block ${formatPrefix(block)}`;
  const policy = spec.reclaimPolicy;
  if (policy !== undefined && policy !== reclaimPolicy) return `reclaim policy ${reclaimPolicy}`;
  return undefined;
}

function sameScope(a: Scope, b: Scope): boolean {
  return a.project === b.project && a.network === b.network && a.location === b.location;
}

/** Deletes a claim: its allocation is released or retained, as its policy says. */
export function deleteIPClaim(
  draft: ProjectDraft,
  context: DecisionContext,
  { name, expect }: DeleteIPClaim,
): Rejection | undefined {
  const kind = 'IPClaim';
  const found = findForChange(kind, draft.state.ipClaims.get(name), name, expect);
  if ('rejection' in found) return found.rejection;
  const { uid, deleting, finalizers } = found.object;
  if (deleting) return undefined;
  if (finalizers.length > 0) {
    draft.emit('DeletionRequested', { at: instant(context.atMs), kind, name, uid });
  } else {
    endIPClaim(draft, context, found.object);
  }
  return undefined;
}

/** Ends a claim that no finalizer holds any more. */
export function endIPClaim(
  draft: ProjectDraft,
  context: DecisionContext,
  claim: IPClaimRecord,
): void {
  const allocation = draft.state.allocations.get(claim.allocation);
  if (allocation === undefined) throw new Error(`allocation of ${claim.name} is not in the state`);
  if (allocation.reclaimPolicy === 'Retain') retainAllocation(draft, context, allocation);
  else releaseAllocation(draft, context, allocation);
  const { name, uid } = claim;
  draft.emit('IPClaimDeleted', { at: instant(context.atMs), name, uid });
}

/** Keeps an allocation for a claim of its name; the retention clock starts. */
function retainAllocation(
  draft: ProjectDraft,
  context: DecisionContext,
  { name, uid, holding }: AllocationRecord,
): void {
  const { pool, block, policy } = holding;
  const lease = policy.retentionLeaseMs;
  draft.emit('IPAllocationUpdated', {
    ...{ at: instant(context.atMs), name, uid, pool, block: formatPrefix(block) },
    claim: null,
    expiresAt: lease === null ? null : instant(context.atMs + lease),
  });
}

/** Ends an allocation; its block rests before anybody gets it. */
export function releaseAllocation(
  draft: ProjectDraft,
  context: DecisionContext,
  { name, uid, holding, scope }: AllocationRecord,
): void {
  const { pool, block, policy, grant } = holding;
  draft.emit('IPAllocationDeleted', {
    ...{ at: instant(context.atMs), name, uid, pool, block: formatPrefix(block), scope },
    availableAt: instant(context.atMs + policy.quarantineMs),
    ...(grant === undefined ? {} : { endsGrant: { grantId: grant } }),
  });
}

/** Deletes an allocation that is retained; one that a claim holds goes with its claim. */
export function deleteIPAllocation(
  draft: ProjectDraft,
  context: DecisionContext,
  { name, expect }: DeleteIPAllocation,
): Rejection | undefined {
  const found = findForChange('IPAllocation', draft.state.allocations.get(name), name, expect);
  if ('rejection' in found) return found.rejection;
  const { claim } = found.object;
  if (claim !== undefined) {
    const subject: Subject = { kind: 'IPAllocation', name };
    const message = `IPClaim "${claim.name}" is bound to it; delete the claim instead`;
    return { reason: 'InUse', subject, message };
  }
  releaseAllocation(draft, context, found.object);
  return undefined;
}
