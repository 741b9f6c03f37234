import { type Decision, type DecisionContext, Draft, rejected } from '../decision.ts';
import type { Rejection } from '../rejections.ts';
import { type CarveCommand, carveRange, returnRange } from './carves.ts';
import { evolvePool } from './evolve.ts';
import { confirmAddress, type HoldCommand, holdAddress, unholdAddress } from './holds.ts';
import {
  abandonGrant,
  changePoolMetadata,
  deletePool,
  openPool,
  type PoolLifeCommand,
  updatePool,
} from './life.ts';
import type { PoolState } from './state.ts';

export type PoolCommand = PoolLifeCommand | CarveCommand | HoldCommand;

/** Decides a command in the stream of an authored root. */
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
  draft: Draft<PoolState>,
  command: PoolCommand,
  context: DecisionContext,
): Rejection | undefined {
  switch (command.type) {
    case 'OpenPool':
      return openPool(draft, command, context);
    case 'UpdatePool':
      return updatePool(draft, command, context);
    case 'ChangeMetadata':
      return changePoolMetadata(draft, command, context);
    case 'DeletePool':
      return deletePool(draft, command, context);
    case 'AbandonGrant':
      return abandonGrant(draft, command, context);
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
