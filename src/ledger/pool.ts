import { Map as PersistentMap } from 'immutable';
import { formatPrefix, parsePrefix } from '../addressing/prefix.ts';
import {
  type Decision,
  type DecisionContext,
  Draft,
  type EndedGrant,
  instant,
  rejected,
} from './decision.ts';
import type { EventData, LedgerEvent, Scope } from './events.ts';
import { uuidOf } from './identifiers.ts';
import { findBlock, giveBackTo, type PoolSpace, poolRange, takeFrom } from './pool-space.ts';
import type { Rejection } from './rejections.ts';

/** The address space of one authored pool: the ranges it has carved for projects. */

// State

export interface PoolState {
  readonly revision: number;
  readonly lastAtMs: number;
  readonly uid: string | undefined;
  readonly space: PoolSpace | undefined;
  /** Carves in force, by what they are for. */
  readonly carves: PersistentMap<string, Carve>;
  /** The same by the id of their grant. */
  readonly carveKeys: PersistentMap<string, string>;
}

export interface Carve {
  readonly grantId: string;
  readonly prefix: string;
  readonly childPool: string;
}

export function initialPool(): PoolState {
  return {
    revision: -1,
    lastAtMs: 0,
    uid: undefined,
    space: undefined,
    carves: PersistentMap(),
    carveKeys: PersistentMap(),
  };
}

/** What a carve is for: one generation of a project, a class, a scope, the nth of its kind. */
export function carveKey(
  generation: string,
  className: string,
  scope: Scope,
  ordinal: number,
): string {
  return [generation, className, scope.project, scope.network, scope.location, ordinal].join('/');
}

// Evolve

/** The state after an event of an authored pool's stream. */
export function evolvePool(state: PoolState, event: LedgerEvent): PoolState {
  const atMs = Date.parse(event.data.at);
  const moved = {
    ...state,
    revision: state.revision + 1,
    lastAtMs: Math.max(state.lastAtMs, atMs),
  };
  switch (event.type) {
    case 'AddressSpaceOpened':
      return moved;
    case 'IPPoolCreated':
      return { ...moved, uid: event.data.uid, space: emptySpace(event.data) };
    case 'RangeAdded': {
      const space = spaceOf(state);
      const range = poolRange(event.data.prefix, event.data.ordinal, undefined);
      return { ...moved, space: { ...space, ranges: [...space.ranges, range] } };
    }
    case 'PrefixCarved':
      return carved(moved, event.data, atMs);
    case 'PrefixReturned':
      return returned(moved, event.data, atMs);
    default:
      throw new Error(`${event.type} is no event of a pool's stream`);
  }
}

function emptySpace(data: EventData<'IPPoolCreated'>): PoolSpace {
  const { name, spec } = data;
  return {
    name,
    className: spec.classNames[0] ?? '',
    family: spec.ipFamily,
    scope: {},
    parent: undefined,
    ranges: [],
    held: 0,
    children: 0,
  };
}

function spaceOf(state: PoolState): PoolSpace {
  if (state.space === undefined) throw new Error('the pool has not been opened');
  return state.space;
}

function carved(state: PoolState, data: EventData<'PrefixCarved'>, atMs: number): PoolState {
  const { prefix, childPool, className, scope, grant } = data;
  if (grant === undefined) throw new Error(`carve of ${prefix} names no grant`);
  const key = carveKey(grant.generation, className, scope, grant.ordinal);
  const space = takeFrom(spaceOf(state), parsePrefix(prefix), atMs);
  return {
    ...state,
    space: { ...space, children: space.children + 1 },
    carves: state.carves.set(key, { grantId: grant.id, prefix, childPool }),
    carveKeys: state.carveKeys.set(grant.id, key),
  };
}

function returned(state: PoolState, data: EventData<'PrefixReturned'>, atMs: number): PoolState {
  const { grantId = '', prefix, availableAt } = data;
  const block = parsePrefix(prefix);
  const space = giveBackTo(spaceOf(state), block, atMs, Date.parse(availableAt));
  const key = state.carveKeys.get(grantId, '');
  return {
    ...state,
    space: { ...space, children: space.children - 1 },
    carves: state.carves.delete(key),
    carveKeys: state.carveKeys.delete(grantId),
  };
}

// Decide

export type PoolCommand =
  | {
      readonly type: 'OpenPool';
      readonly name: string;
      readonly uid: string;
      readonly spec: EventData<'IPPoolCreated'>['spec'];
    }
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

function carveRange(
  draft: PoolDraft,
  command: Extract<PoolCommand, { type: 'CarveRange' }>,
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

function returnRange(
  draft: PoolDraft,
  command: Extract<PoolCommand, { type: 'ReturnRange' }>,
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
