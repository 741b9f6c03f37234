import { parsePrefix } from '../../addressing/prefix.ts';
import type { AddressGrant, DecisionContext, Need, WantedAddress } from '../decision.ts';
import { instant } from '../decision.ts';
import type { HoldingPolicy } from '../ip-class.ts';
import type { ProjectDraft } from './spaces.ts';
import type { ProjectState } from './state.ts';

/**
 * Addresses that authored pools hold for claims of the project. The pools are asked for all that a
 * claim lacks at once; the append that names a hold commits it, and whatever was given and is not
 * used is fenced by the append that does without it.
 */

/** An address that a pool holds for a claim. */
export type HeldAddress = AddressGrant & {
  readonly granted: NonNullable<AddressGrant['granted']>;
};

/** What a claim wants of authored pools, but for what became of it before. */
export type Wish = Omit<WantedAddress, 'abandonedGrant'>;

/** All that is wished for, or what is needed for it, or the refusal that makes all of it vain. */
export function heldFor(
  draft: ProjectDraft,
  context: DecisionContext,
  wishes: readonly Wish[],
):
  | { readonly done: readonly HeldAddress[] }
  | { readonly need: Need }
  | { readonly refusal: AddressGrant } {
  const held: HeldAddress[] = [];
  const wanted: WantedAddress[] = [];
  for (const wish of wishes) {
    const grant = newestGrant(draft.state, context, wish);
    if (grant?.granted === undefined) {
      if (grant !== undefined) return { refusal: grant };
      wanted.push({ ...wish, abandonedGrant: undefined });
      continue;
    }
    const { id } = grant.granted;
    const availableAt = fencedUntil(draft.state, id);
    if (availableAt === undefined) held.push(grant as HeldAddress);
    else wanted.push({ ...wish, abandonedGrant: { id, availableAt } });
  }
  return wanted.length > 0 ? { need: { type: 'Addresses', wanted } } : { done: held };
}

/** The newest counts: an earlier one may have been abandoned while the command was on its way. */
function newestGrant(
  state: ProjectState,
  context: DecisionContext,
  { claim, ordinal }: Wish,
): AddressGrant | undefined {
  return context.grants.findLast(
    (grant): grant is AddressGrant =>
      grant.type === 'Address' &&
      grant.generation === state.namespace?.uid &&
      grant.claim === claim.uid &&
      grant.ordinal === ordinal,
  );
}

/** The instant from which on anybody may use what a grant gave; undefined while it is in force. */
function fencedUntil(state: ProjectState, grantId: string): string | undefined {
  return state.abandonedGrants.get(grantId) ?? state.endedHolds.get(grantId);
}

/** The policy of a class as it applies in a pool, which may cap how long a holding is retained. */
export function cappedPolicy(
  policy: HoldingPolicy,
  { retentionLeaseMsMax: cap }: HeldAddress['granted'],
): HoldingPolicy {
  const lease = policy.retentionLeaseMs;
  if (cap === null) return policy;
  return { ...policy, retentionLeaseMs: lease === null ? cap : Math.min(lease, cap) };
}

/** The block of a held address. */
export function blockOf({ granted }: HeldAddress) {
  return parsePrefix(granted.block);
}

/** Fences what pools have given for a command and nothing was committed with. */
export function abandonUnused(draft: ProjectDraft, context: DecisionContext): void {
  for (const grant of context.grants) {
    if (grant.type !== 'Address' || grant.granted === undefined) continue;
    if (grant.generation === draft.state.namespace?.uid) {
      abandonHold(draft, context, grant.granted.id);
    }
  }
}

/** From here on a commit that names the hold is refused; one that was made stands. */
function abandonHold(draft: ProjectDraft, context: DecisionContext, grantId: string): void {
  const { heldGrants } = draft.state;
  if (heldGrants.has(grantId) || fencedUntil(draft.state, grantId) !== undefined) return;
  draft.emit('GrantAbandoned', { at: instant(context.atMs), grantId });
}
