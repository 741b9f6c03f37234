import { limits } from '../../limits.ts';
import { type DecisionContext, instant } from '../decision.ts';
import { releaseInterface } from './interfaces.ts';
import { releaseAllocation } from './ip-claims.ts';
import { firstDue, type Lease } from './leases.ts';
import type { ProjectDraft } from './spaces.ts';
import type { AllocationRecord, InterfaceRecord, ProjectState } from './state.ts';

/**
 * Does what is due of retained objects: one whose lease is over is announced as expiring, and one
 * whose grace period is over, too, is released. Both are decisions of the project's stream, as is
 * the claim that binds the object again, so that of the two one comes first and the other finds it
 * done. What one append does not hold is due still when the next one is decided.
 */
export interface ExpireRetentions {
  readonly type: 'ExpireRetentions';
}

export function expireRetentions(draft: ProjectDraft, context: DecisionContext): undefined {
  for (;;) {
    const lease = firstDue(draft.state.leases);
    if (lease === undefined || lease.dueMs > context.atMs) return;
    if (draft.events.length >= limits.retentionEventsPerAppendMax) return;
    if (lease.isExpiring) release(draft, context, lease);
    else announce(draft, context, lease);
  }
}

/** The next instant at which something is due of a retained object. */
export function nextRetentionDue(state: ProjectState): number | undefined {
  return firstDue(state.leases)?.dueMs;
}

/** However late: an object that was retained while nobody served is announced before it goes. */
function announce(draft: ProjectDraft, context: DecisionContext, lease: Lease): void {
  const { kind, name, dueMs, graceMs } = lease;
  const releaseAt = instant(dueMs + graceMs);
  const { uid } = retainedObject(draft.state, lease);
  draft.emit('RetentionExpiring', { at: instant(context.atMs), kind, name, uid, releaseAt });
}

function release(draft: ProjectDraft, context: DecisionContext, { kind, name }: Lease): void {
  const { interfaces, allocations } = draft.state;
  if (kind === 'NetworkInterface') {
    releaseInterface(draft, context, interfaces.get(name) as InterfaceRecord);
  } else {
    releaseAllocation(draft, context, allocations.get(name) as AllocationRecord);
  }
}

function retainedObject({ interfaces, allocations }: ProjectState, { kind, name }: Lease) {
  const object = kind === 'NetworkInterface' ? interfaces.get(name) : allocations.get(name);
  if (object === undefined) throw new Error(`${kind} ${name} is not in the state`);
  return object;
}
