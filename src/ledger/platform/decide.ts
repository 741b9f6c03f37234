import { type Decision, type DecisionContext, Draft, instant, rejected } from '../decision.ts';
import { uuidOf } from '../identifiers.ts';
import type { AddressingPlan } from '../plan.ts';
import type { Rejection } from '../rejections.ts';
import { type ClassCommand, createClass, deleteClass, updateClass } from './classes.ts';
import { evolvePlatform } from './evolve.ts';
import {
  changeLocation,
  createLocation,
  joinLocation,
  type LocationCommand,
  leaveLocation,
} from './locations.ts';
import {
  type PoolDirectoryCommand,
  registerPool,
  settleRegistration,
  unregisterPool,
  widenRegistration,
} from './pools.ts';
import type { PlatformState } from './state.ts';

export type PlatformCommand =
  | { readonly type: 'OpenPlatform'; readonly plan: AddressingPlan }
  | ClassCommand
  | PoolDirectoryCommand
  | LocationCommand;

type PlatformDraft = Draft<PlatformState>;

/** Decides a command in the platform's stream. */
export function decidePlatform(
  command: PlatformCommand,
  state: PlatformState,
  context: DecisionContext,
): Decision<PlatformState> {
  const draft = new Draft(state, evolvePlatform);
  const rejection = decideOn(draft, command, context);
  return rejection === undefined ? draft.decided() : rejected(rejection);
}

function decideOn(
  draft: PlatformDraft,
  command: PlatformCommand,
  context: DecisionContext,
): Rejection | undefined {
  switch (command.type) {
    case 'ChangeMetadata':
      if (command.kind === 'IPClass') return updateClass(draft, command, context);
      if (command.kind === 'Location') return changeLocation(draft, command, context);
      throw new Error(`${command.kind} is no kind of the platform`);
    case 'CreateClass':
      return createClass(draft, command, context);
    case 'UpdateClass':
      return updateClass(draft, command, context);
    case 'DeleteClass':
      return deleteClass(draft, command, context);
    case 'RegisterPool':
      return registerPool(draft, command, context);
    case 'WidenRegistration':
      return widenRegistration(draft, command, context);
    case 'SettleRegistration':
      return settleRegistration(draft, command, context);
    case 'UnregisterPool':
      return unregisterPool(draft, command, context);
    case 'OpenPlatform':
      return openPlatform(draft, command.plan, context);
    case 'CreateLocation':
      return createLocation(draft, command, context);
    case 'JoinLocation':
      return joinLocation(draft, command, context);
    case 'LeaveLocation':
      return leaveLocation(draft, command, context);
    default:
      return changeLocation(draft, command, context);
  }
}

function openPlatform(draft: PlatformDraft, plan: AddressingPlan, context: DecisionContext) {
  if (draft.state.generation !== undefined) return undefined;
  const at = instant(context.atMs);
  const generation = uuidOf(context.commandId, 'platform');
  draft.emit('AddressSpaceOpened', { at, kind: 'platform', name: 'platform', generation, plan });
  for (const { name, spec, default: isDefault } of plan.classes) {
    const uid = uuidOf(context.commandId, 'IPClass', name);
    draft.emit('IPClassCreated', { at, name, uid, metadata: {}, isDefault, spec });
  }
  for (const { name, cidr } of plan.pools) {
    const uid = uuidOf(context.commandId, 'IPPool', name);
    draft.emit('RootRangeRegistered', { at, pool: { name, uid }, prefix: cidr });
  }
  return undefined;
}
