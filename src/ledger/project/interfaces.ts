import { formatPrefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Expectation, instant } from '../decision.ts';
import type { ObjectRef, ProviderStatus, StoredMetadata } from '../events.ts';
import type { Rejection } from '../rejections.ts';
import { shortestLease } from './leases.ts';
import { findForChange } from './objects.ts';
import type { ProjectDraft } from './spaces.ts';
import type { InterfaceRecord } from './state.ts';

export interface DeleteInterface {
  readonly type: 'DeleteInterface';
  readonly name: string;
  readonly expect: Expectation;
}

export interface ReportInterfaceStatus {
  readonly type: 'ReportInterfaceStatus';
  readonly name: string;
  readonly expect: Expectation;
  readonly status: ProviderStatus;
  /** Who has written which field, where the API keeps it. */
  readonly managedFields?: StoredMetadata['managedFields'];
}

/** Deletes an interface that no living claim holds; its addresses go into quarantine. */
export function deleteInterface(
  draft: ProjectDraft,
  context: DecisionContext,
  command: DeleteInterface,
): Rejection | undefined {
  const { name, expect } = command;
  const found = findForChange('NetworkInterface', draft.state.interfaces.get(name), name, expect);
  if ('rejection' in found) return found.rejection;
  const nic = found.object;
  if (nic.deleting) return undefined;
  if (nic.claim !== undefined) {
    const message = `claim "${nic.claim.name}" is bound to it; delete the claim instead`;
    return { reason: 'InUse', subject: { kind: 'NetworkInterface', name }, message };
  }
  releaseInterface(draft, context, nic);
  return undefined;
}

/**
 * Releases an interface's addresses and ends it. One with finalizers is only marked: its addresses
 * stay its own until a provider has torn it down.
 */
export function releaseInterface(
  draft: ProjectDraft,
  context: DecisionContext,
  nic: InterfaceRecord,
): void {
  const at = instant(context.atMs);
  const { name, uid } = nic;
  if (nic.finalizers.length > 0) {
    if (!nic.deleting) {
      draft.emit('DeletionRequested', { at, kind: 'NetworkInterface', name, uid });
    }
    return;
  }
  for (const { pool, block, policy, grant } of nic.holdings) {
    const availableAt = instant(context.atMs + policy.quarantineMs);
    draft.emit('AddressReleased', {
      ...{ at, pool, block: formatPrefix(block), interface: { name, uid }, availableAt },
      ...(grant === undefined ? {} : { endsGrant: { grantId: grant } }),
    });
  }
  draft.emit('InterfaceDeleted', { at, name, uid, networkContext: nic.presence });
}

/** Keeps an interface with its addresses for a claim of its name; the retention clock starts. */
export function retainInterface(
  draft: ProjectDraft,
  context: DecisionContext,
  nic: InterfaceRecord,
  claim: ObjectRef,
): void {
  const lease = shortestLease(nic.holdings);
  const expiresAt = lease === undefined ? null : instant(context.atMs + lease.leaseMs);
  const { name, uid } = nic;
  draft.emit('InterfaceRetained', { at: instant(context.atMs), name, uid, claim, expiresAt });
}

/** Records what a provider reports; the claim that is bound shows it too. */
export function reportInterfaceStatus(
  draft: ProjectDraft,
  context: DecisionContext,
  command: ReportInterfaceStatus,
): Rejection | undefined {
  const { name, expect, status, managedFields } = command;
  const found = findForChange('NetworkInterface', draft.state.interfaces.get(name), name, expect);
  if ('rejection' in found) return found.rejection;
  const { uid, claim } = found.object;
  const living = claim !== undefined && draft.state.claims.get(claim.name)?.uid === claim.uid;
  draft.emit('InterfaceStatusReported', {
    at: instant(context.atMs),
    name,
    uid,
    claim: living ? claim : null,
    status,
    ...(managedFields === undefined ? {} : { managedFields }),
  });
  return undefined;
}
