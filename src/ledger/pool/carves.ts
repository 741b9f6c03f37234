import { formatPrefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Draft, type EndedGrant, instant } from '../decision.ts';
import type { Scope } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { findBlock } from '../pool-space.ts';
import type { Rejection } from '../rejections.ts';
import { type Carve, carveKey, type PoolState, spaceOf } from './state.ts';

/** Ranges that an authored pool carves for projects, and takes back. */

export type CarveCommand =
  | {
      readonly type: 'CarveRange';
      readonly generation: string;
      readonly className: string;
      readonly childPool: string;
      readonly length: number;
      readonly scope: Scope;
      readonly ordinal: number;
      /** A grant for the same thing that the project no longer uses: it is replaced. */
      readonly abandoned: EndedGrant | undefined;
    }
  | { readonly type: 'ReturnRange'; readonly grantId: string; readonly availableAt: string };

type PoolDraft = Draft<PoolState>;

export function carveRange(
  draft: PoolDraft,
  command: Extract<CarveCommand, { type: 'CarveRange' }>,
  context: DecisionContext,
): Rejection | undefined {
  const { generation, className, childPool, length, scope, ordinal, abandoned } = command;
  const present = draft.state.carves.get(carveKey(generation, className, scope, ordinal));
  if (present !== undefined) {
    if (present.grantId !== abandoned?.id) return undefined;
    giveBack(draft, present, context.atMs, Date.parse(abandoned.availableAt));
  }
  const space = spaceOf(draft.state);
  const block = findBlock(space, length, context.atMs);
  if (block === undefined) {
    const subject = { kind: 'IPPool', name: space.name };
    const message = `pool "${space.name}" has no free /${length} for class "${className}"`;
    return { reason: 'Exhausted', subject, message };
  }
  const id = uuidOf(context.commandId, 'grant');
  draft.emit('PrefixCarved', {
    at: instant(context.atMs),
    pool: space.name,
    prefix: formatPrefix(block),
    childPool,
    className,
    scope,
    grant: { id, generation, ordinal },
  });
  return undefined;
}

export function returnRange(
  draft: PoolDraft,
  command: Extract<CarveCommand, { type: 'ReturnRange' }>,
  context: DecisionContext,
): undefined {
  const key = draft.state.carveKeys.get(command.grantId);
  const carve = key === undefined ? undefined : draft.state.carves.get(key);
  if (carve === undefined) return;
  giveBack(draft, carve, context.atMs, Date.parse(command.availableAt));
}

function giveBack(draft: PoolDraft, carve: Carve, atMs: number, availableAtMs: number): void {
  draft.emit('PrefixReturned', {
    at: instant(atMs),
    pool: spaceOf(draft.state).name,
    prefix: carve.prefix,
    childPool: carve.childPool,
    availableAt: instant(Math.max(atMs, availableAtMs)),
    grantId: carve.grantId,
  });
}
