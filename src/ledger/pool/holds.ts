import {
  contains,
  type Family,
  formatPrefix,
  type Prefix,
  parsePrefix,
} from '../../addressing/prefix.ts';
import { type DecisionContext, type Draft, type EndedGrant, instant } from '../decision.ts';
import type { EventData } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { findBlock, giveBackTo, isBlockFree, type PoolSpace, takeFrom } from '../pool-space.ts';
import type { Rejection } from '../rejections.ts';
import { type PoolState, spaceOf } from './state.ts';

/**
 * Addresses that an authored pool holds for claims of projects. A hold is a grant: the project
 * commits it by an event of its own, and it is taken back only after the project's stream holds the
 * event that ended its use, or fenced it.
 */

/** A hold in force. */
export interface Hold {
  readonly grantId: string;
  readonly pool: string;
  readonly block: Prefix;
  /** Whether the project is known to have committed it. */
  readonly confirmed: boolean;
}

/** What a hold is for: one generation of a project, a claim, the nth of its addresses. */
export function holdKey(generation: string, claimUid: string, ordinal: number): string {
  return [generation, claimUid, ordinal].join('/');
}

export type HoldCommand =
  | {
      readonly type: 'HoldAddress';
      readonly pool: string;
      readonly project: string;
      readonly generation: string;
      readonly claim: EventData<'AddressHeld'>['claim'];
      readonly ordinal: number;
      readonly className: string | undefined;
      readonly family: Family;
      readonly length: number;
      /** The very block that is asked for. */
      readonly block: string | undefined;
      /** A hold for the same thing that the project no longer uses: it is replaced. */
      readonly abandoned: EndedGrant | undefined;
    }
  | { readonly type: 'ConfirmAddress'; readonly grantId: string }
  | { readonly type: 'UnholdAddress'; readonly grantId: string; readonly availableAt: string };

type Of<T extends HoldCommand['type']> = Extract<HoldCommand, { type: T }>;
type PoolDraft = Draft<PoolState>;

// Evolve

export function addressHeld(state: PoolState, data: EventData<'AddressHeld'>, atMs: number) {
  const { pool, grant, claim, ordinal } = data;
  const block = parsePrefix(data.block);
  const key = holdKey(grant.generation, claim.uid, ordinal);
  const space = takeFrom(spaceOf(state), block, atMs);
  const hold: Hold = { grantId: grant.id, pool, block, confirmed: false };
  return {
    ...state,
    space: { ...space, held: space.held + 1 },
    holds: state.holds.set(key, hold),
    holdKeys: state.holdKeys.set(grant.id, key),
  };
}

export function addressConfirmed(state: PoolState, { grantId }: EventData<'AddressConfirmed'>) {
  const key = state.holdKeys.get(grantId, '');
  const hold = state.holds.get(key);
  if (hold === undefined) throw new Error(`hold ${grantId} is not in the state`);
  return { ...state, holds: state.holds.set(key, { ...hold, confirmed: true }) };
}

export function addressUnheld(state: PoolState, data: EventData<'AddressUnheld'>, atMs: number) {
  const { grantId, availableAt } = data;
  const block = parsePrefix(data.block);
  const key = state.holdKeys.get(grantId, '');
  const space = giveBackTo(spaceOf(state), block, atMs, Date.parse(availableAt));
  return {
    ...state,
    space: { ...space, held: space.held - 1 },
    holds: state.holds.delete(key),
    holdKeys: state.holdKeys.delete(grantId),
  };
}

// Decide

/** Holds a block for a claim; asked again for the same it finds the hold that is there. */
export function holdAddress(
  draft: PoolDraft,
  command: Of<'HoldAddress'>,
  context: DecisionContext,
): Rejection | undefined {
  const { pool, project, generation, claim, ordinal, className, family, abandoned } = command;
  const present = draft.state.holds.get(holdKey(generation, claim.uid, ordinal));
  if (present !== undefined) {
    if (present.grantId !== abandoned?.id) return undefined;
    unhold(draft, present, context.atMs, abandoned.availableAt);
  }
  const found = blockFor(spaceOf(draft.state), command, context.atMs);
  if ('reason' in found) return found;
  draft.emit('AddressHeld', {
    ...{ at: instant(context.atMs), pool, block: formatPrefix(found), family },
    ...(className === undefined ? {} : { className }),
    ...{ project, claim, ordinal },
    grant: { id: uuidOf(context.commandId, 'grant'), generation },
  });
  return undefined;
}

/** Notes that the project has committed a hold. */
export function confirmAddress(
  draft: PoolDraft,
  { grantId }: Of<'ConfirmAddress'>,
  context: DecisionContext,
): undefined {
  const hold = holdOf(draft.state, grantId);
  if (hold === undefined || hold.confirmed) return;
  const { pool, block } = hold;
  const at = instant(context.atMs);
  draft.emit('AddressConfirmed', { at, pool, block: formatPrefix(block), grantId });
}

/** Takes a hold back whose use the project has ended or fenced. */
export function unholdAddress(
  draft: PoolDraft,
  { grantId, availableAt }: Of<'UnholdAddress'>,
  context: DecisionContext,
): undefined {
  const hold = holdOf(draft.state, grantId);
  if (hold !== undefined) unhold(draft, hold, context.atMs, availableAt);
}

function holdOf(state: PoolState, grantId: string): Hold | undefined {
  const key = state.holdKeys.get(grantId);
  return key === undefined ? undefined : state.holds.get(key);
}

function unhold(draft: PoolDraft, hold: Hold, atMs: number, availableAt: string): void {
  const { pool, block, grantId } = hold;
  draft.emit('AddressUnheld', {
    ...{ at: instant(atMs), pool, block: formatPrefix(block), grantId },
    availableAt: instant(Math.max(atMs, Date.parse(availableAt))),
  });
}

/** The next block of the length that is asked for, or the very one; else why there is none. */
function blockFor(
  space: PoolSpace,
  { pool, length, block }: Of<'HoldAddress'>,
  atMs: number,
): Prefix | Rejection {
  const subject = { kind: 'IPPool', name: pool };
  if (block === undefined) {
    const found = findBlock(space, length, atMs);
    if (found !== undefined) return found;
    const message = `pool "${pool}" has no free /${length}`;
    return { reason: 'Exhausted', subject, message };
  }
  const wanted = parsePrefix(block);
  if (!space.ranges.some((range) => contains(range.space.space.range, wanted))) {
    const message = `${block} is not in pool "${pool}"`;
    return { reason: 'NoOfferingPool', subject, message };
  }
  if (isBlockFree(space, wanted, atMs)) return wanted;
  const message = `${block} is not free in pool "${pool}"`;
  return { reason: 'AddressTaken', subject, message };
}
