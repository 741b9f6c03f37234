import { isCollection } from 'immutable';
import type { Decision, DecisionContext } from '../ledger/decision.ts';
import type { LedgerEvent } from '../ledger/events.ts';
import { decidePlatform, type PlatformCommand } from '../ledger/platform/decide.ts';
import { evolvePlatform } from '../ledger/platform/evolve.ts';
import { initialPlatform, type PlatformState } from '../ledger/platform/state.ts';
import { decidePool, type PoolCommand } from '../ledger/pool/decide.ts';
import { evolvePool } from '../ledger/pool/evolve.ts';
import { initialPool, type PoolState } from '../ledger/pool/state.ts';
import { decideProject, hasDeletion, type ProjectCommand } from '../ledger/project/decide.ts';
import { evolveProject } from '../ledger/project/evolve.ts';
import { nextRetentionDue } from '../ledger/project/retention.ts';
import { initialProject, type ProjectState } from '../ledger/project/state.ts';
import { everyCause, maturedCauses, nextWake, wokenBy } from '../ledger/project/waiting.ts';

/** What every state of an address space has. */
export interface SpaceState {
  readonly revision: number;
  readonly lastAtMs: number;
}

/** How many entries the maps and sets of a state have: its size in memory is in proportion. */
export function objectsIn(state: SpaceState): number {
  let objects = 0;
  for (const value of Object.values(state)) if (isCollection(value)) objects += value.count();
  return objects;
}

/** A pure decider as a mailbox drives it. */
export interface Aggregate<S extends SpaceState, C> {
  readonly initial: S;
  evolve(state: S, event: LedgerEvent): S;
  decide(command: C, state: S, context: DecisionContext): Decision<S>;
  /** Commands that what has just happened calls for, before anything else is decided. */
  followUps(state: S, events: readonly LedgerEvent[]): readonly C[];
  /**
   * Steps of work that takes many appends and that nobody has to wait for: each is decided in turn
   * with what others ask for. The same step is always the same value.
   */
  inTurn(state: S): readonly C[];
  /** Commands that have come due since an instant; all that may be due when asked anew. */
  due(state: S, sinceMs: number, atMs: number, anew: boolean): readonly C[];
  /** The next instant after this one at which something comes due by itself. */
  nextDue(state: S, afterMs: number): number | undefined;
  /** The highest platform revision that a decision here was made under. */
  platformRevision(state: S): number;
}

export const platformAggregate: Aggregate<PlatformState, PlatformCommand> = {
  initial: initialPlatform(),
  evolve: evolvePlatform,
  decide: decidePlatform,
  followUps: () => [],
  inTurn: () => [],
  due: () => [],
  nextDue: () => undefined,
  platformRevision: () => -1,
};

export const poolAggregate: Aggregate<PoolState, PoolCommand> = {
  initial: initialPool(),
  evolve: evolvePool,
  decide: decidePool,
  followUps: () => [],
  inTurn: () => [],
  due: () => [],
  nextDue: () => undefined,
  platformRevision: () => -1,
};

/** The aggregate of one project: its waiting claims are served before any newcomer. */
export function projectAggregate(name: string): Aggregate<ProjectState, ProjectCommand> {
  return {
    initial: initialProject(name),
    evolve: evolveProject,
    decide: decideProject,
    followUps: projectFollowUps,
    inTurn: ({ mtuLaggards }) => (mtuLaggards === undefined ? [] : SPREAD_MTU),
    due: projectDue,
    nextDue: projectNextDue,
    platformRevision: (state) => state.platformRevision,
  };
}

const SPREAD_MTU: readonly ProjectCommand[] = [{ type: 'SpreadMtu' }];

function projectFollowUps(state: ProjectState, events: readonly LedgerEvent[]): ProjectCommand[] {
  const commands: ProjectCommand[] = [];
  if (hasDeletion(state) && events.some(bringsDeletionOn)) {
    commands.push({ type: 'ContinueDeletion' });
  }
  const causes = wokenBy(state, events);
  if (causes.length > 0) commands.push({ type: 'ServeWaiting', causes });
  return commands;
}

/** Whether an event may have made room for the next step of a deletion. */
function bringsDeletionOn(event: LedgerEvent): boolean {
  switch (event.type) {
    case 'DeletionRequested':
    case 'ObjectMetadataChanged':
    case 'ClaimDeleted':
    case 'NetworkContextDeleted':
    case 'NetworkDeleted':
      return true;
    default:
      return false;
  }
}

function projectDue(
  state: ProjectState,
  sinceMs: number,
  atMs: number,
  anew: boolean,
): ProjectCommand[] {
  const commands: ProjectCommand[] = [];
  const retentionDue = nextRetentionDue(state);
  if (retentionDue !== undefined && retentionDue <= atMs) {
    commands.push({ type: 'ExpireRetentions' });
  }
  if (anew && hasDeletion(state)) commands.push({ type: 'ContinueDeletion' });
  const causes = anew ? everyCause(state) : maturedCauses(state, atMs, sinceMs);
  if (causes.length > 0) commands.push({ type: 'ServeWaiting', causes });
  return commands;
}

function projectNextDue(state: ProjectState, afterMs: number): number | undefined {
  const wake = nextWake(state, afterMs);
  const retention = nextRetentionDue(state);
  return wake === undefined || retention === undefined
    ? (wake ?? retention)
    : Math.min(wake, retention);
}
