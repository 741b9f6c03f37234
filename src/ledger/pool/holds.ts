import { type Family, formatPrefix, type Prefix, parsePrefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Draft, type EndedGrant, instant } from '../decision.ts';
import type { EventData } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { giveBackTo, takeFrom } from '../pool-space.ts';
import type { Rejection } from '../rejections.ts';
import { blockOf } from './carves.ts';
import { onSpace, type PoolState } from './state.ts';

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
  const hold: Hold = { grantId: grant.id, pool, block, confirmed: false };
  const taken = onSpace(state, pool, (space) => ({
    ...takeFrom(space, block, atMs),
    held: space.held + 1,
  }));
  return {
    ...taken,
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
  const { pool, grantId, availableAt } = data;
  const block = parsePrefix(data.block);
  const key = state.holdKeys.get(grantId, '');
  const given = onSpace(state, pool, (space) => ({
    ...giveBackTo(space, block, atMs, Date.parse(availableAt)),
    held: space.held - 1,
  }));
  return {
    ...given,
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
  const wanted = command.block === undefined ? undefined : parsePrefix(command.block);
  const found = blockOf(draft.state, pool, command.length, context.atMs, { wanted });
  if ('rejection' in found) return found.rejection;
  draft.emit('AddressHeld', {
    ...{ at: instant(context.atMs), pool, block: formatPrefix(found.block), family },
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
