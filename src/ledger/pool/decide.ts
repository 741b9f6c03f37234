import { type Decision, type DecisionContext, Draft, instant, rejected } from '../decision.ts';
import type { EventData } from '../events.ts';
import type { Rejection } from '../rejections.ts';
import { type CarveCommand, carveRange, returnRange } from './carves.ts';
import { evolvePool } from './evolve.ts';
import { confirmAddress, type HoldCommand, holdAddress, unholdAddress } from './holds.ts';
import type { PoolState } from './state.ts';

export type PoolCommand =
  | {
      readonly type: 'OpenPool';
      readonly name: string;
      readonly uid: string;
      readonly spec: EventData<'IPPoolCreated'>['spec'];
    }
  | CarveCommand
  | HoldCommand;

type PoolDraft = Draft<PoolState>;

/** Decides a command in an authored pool's stream. */
export function decidePool(
  command: PoolCommand,
  state: PoolState,
  context: DecisionContext,
): Decision<PoolState> {
  const draft = new Draft(state, evolvePool);
  const rejection = decideOn(draft, command, context);
  return rejection === undefined ? draft.decided() : rejected(rejection);
}

function decideOn(
  draft: PoolDraft,
  command: PoolCommand,
  context: DecisionContext,
): Rejection | undefined {
  switch (command.type) {
    case 'OpenPool':
      return openPool(draft, command, context);
    case 'CarveRange':
      return carveRange(draft, command, context);
    case 'ReturnRange':
      return returnRange(draft, command, context);
    case 'HoldAddress':
      return holdAddress(draft, command, context);
    case 'ConfirmAddress':
      return confirmAddress(draft, command, context);
    case 'UnholdAddress':
      return unholdAddress(draft, command, context);
  }
}

function openPool(
  draft: PoolDraft,
  command: Extract<PoolCommand, { type: 'OpenPool' }>,
  context: DecisionContext,
): undefined {
  if (draft.state.uid !== undefined) return;
  const at = instant(context.atMs);
  const { name, uid, spec } = command;
  draft.emit('AddressSpaceOpened', { at, kind: 'pool', name, generation: uid });
  draft.emit('IPPoolCreated', { at, name, uid, metadata: {}, spec });
  const className = spec.classNames[0] ?? '';
  draft.emit('RangeAdded', {
    at,
    pool: name,
    className,
    prefix: spec.cidr as string,
    scope: {},
    ordinal: 0,
  });
}
