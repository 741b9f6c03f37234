import { limits } from '../../limits.ts';
import type { DecisionContext } from '../decision.ts';
import type { LedgerEvent } from '../events.ts';
import type { IPPoolSpec } from '../ip-pool.ts';
import { nextMaturityOf } from '../pool-space.ts';
import { tryClaim } from './claims.ts';
import { retryRanges } from './networks.ts';
import type { Outcome } from './objects.ts';
import { NO_DEFAULT_CLASS } from './presences.ts';
import type { ProjectDraft } from './spaces.ts';
import type { ProjectState } from './state.ts';
import {
  ANY_POOL,
  isOneLine,
  isPool,
  OFFER_CAUSE,
  POOL_CAUSE,
  QUOTA_CAUSE,
} from './waiting-line.ts';

/** Tries what waits for something again, because it may have changed. */
export interface ServeWaiting {
  readonly type: 'ServeWaiting';
  /** What changed: `network/x`, `location/y`, `pool/z`; undefined tries everything that waits. */
  readonly causes: readonly string[] | undefined;
}

/**
 * Serves those who wait, first come first served. Claims that wait for one pool want the same, so
 * the first that cannot be met ends the line; other causes are tried for each claim. A claim that
 * cannot be met never blocks one that can: what another stream has to allow is asked for when
 * there is nothing else left to write.
 */
export function serveWaiting(
  draft: ProjectDraft,
  context: DecisionContext,
  command: ServeWaiting,
): Outcome {
  let need: Outcome;
  for (const cause of causesToTry(draft.state, command)) {
    need ??= retryRanges(draft, context, cause);
    for (const name of draft.state.waiting.get(cause)?.keySeq().toArray() ?? []) {
      if (draft.events.length >= limits.waitersServedPerAppendMax) {
        draft.unfinished = true;
        return undefined;
      }
      const tried = tryClaim(draft, context, name);
      if (tried === undefined) continue;
      if ('need' in tried) need ??= tried;
      else if (isOneLine(cause) && tried.unmet.cause === cause) break;
    }
  }
  if (draft.events.length === 0) return need;
  if (need !== undefined) draft.unfinished = true;
  return undefined;
}

function causesToTry(state: ProjectState, { causes }: ServeWaiting): readonly string[] {
  return (
    causes?.flatMap((one) => (one === ANY_POOL ? poolCauses(state) : one)) ?? everyCause(state)
  );
}

/** Everything that something in this project waits for. */
export function everyCause(state: ProjectState): string[] {
  return [...new Set([...state.waiting.keys(), ...rangeCauses(state)])].sort();
}

/** What these events may have changed for those who wait in this project. */
export function wokenBy(state: ProjectState, events: readonly LedgerEvent[]): string[] {
  if (state.waiting.isEmpty() && state.waitingNetworks.isEmpty()) return [];
  const ofNetworks = rangeCauses(state);
  const causes = [...new Set(events.flatMap(causesOf))].filter((cause) => {
    return state.waiting.has(cause) || ofNetworks.includes(cause);
  });
  return events.some(isRelease) ? [...causes, ...[...state.waitingQuotas].sort()] : causes;
}

/** Whether a project holds less after an event, of one class or another. */
function isRelease({ type }: LedgerEvent): boolean {
  return type === 'AddressReleased' || type === 'IPAllocationDeleted';
}

function rangeCauses(state: ProjectState): string[] {
  return [...state.waitingNetworks].flatMap((name) => {
    return state.networks.get(name)?.waiting.flatMap((wait) => wait.causes) ?? [];
  });
}

/** What an event may have changed for those who wait. */
export function causesOf(event: LedgerEvent): string[] {
  switch (event.type) {
    case 'NetworkCreated':
    case 'NetworkUpdated':
    case 'NetworkDeleted':
      return [`network/${event.data.name}`];
    case 'NetworkContextDeleted':
      return [`context/${event.data.name}`];
    case 'InterfaceReady':
    case 'InterfaceRebound':
    case 'InterfaceRetained':
    case 'InterfaceDeleted':
      return [`interface/${event.data.name}`];
    case 'AddressReleased':
    case 'IPAllocationDeleted':
    case 'RangeAdded':
    case 'RangeRemoved':
      return [`pool/${event.data.pool}`];
    case 'AddressUnheld':
    case 'ReservationLifted':
      return [`pool/${event.data.pool}`];
    case 'PrefixReturned':
      return [`pool/${event.data.pool}`, `pool/${event.data.childPool}`];
    case 'LocationCreated':
    case 'LocationUpdated':
    case 'LocationDeleted':
      return [`location/${event.data.name}`];
    case 'PoolRegistered':
    case 'PoolRegistrationChanged':
      return causesOfOffer(event.data.pool.name, event.data.spec);
    case 'IPPoolCreated':
    case 'IPPoolUpdated':
      return causesOfOffer(event.data.name, event.data.spec);
    case 'PoolUnregistered':
      return [`pool/${event.data.pool.name}`];
    case 'IPClassDeleted':
      return causesOfClass(event.data.name);
    case 'IPClassCreated':
    case 'IPClassUpdated': {
      const causes = causesOfClass(event.data.name);
      return event.data.isDefault ? [...causes, NO_DEFAULT_CLASS] : causes;
    }
    case 'DeletionRequested':
      return causesOfDeletion(event.data);
    default:
      return [];
  }
}

/**
 * A class that changes may be open to others, hand out other lengths, or more of them. Of its
 * length is what is wanted of the pools of another one; a default class says which these are.
 */
function causesOfClass(name: string): string[] {
  return [`class/${name}`, OFFER_CAUSE + name, QUOTA_CAUSE + name, ANY_POOL];
}

/** Who waits for a pool, or for any that offers a class, may be met by a pool that changes. */
function causesOfOffer(pool: string, { classNames }: IPPoolSpec): string[] {
  return [`pool/${pool}`, ...classNames.flatMap((name) => [`class/${name}`, `offer/${name}`])];
}

/** An object that is being deleted gives its waiters another reason before it gives them room. */
function causesOfDeletion({ kind, name }: { kind: string; name: string }): string[] {
  switch (kind) {
    case 'Network':
      return [`network/${name}`];
    case 'NetworkContext':
      return [`context/${name}`];
    case 'NetworkInterface':
      return [`interface/${name}`];
    case 'Location':
      return [`location/${name}`];
    default:
      return [];
  }
}

/** The next instant after this one at which a quarantine ends that somebody here waits for. */
export function nextWake(
  state: ProjectState,
  afterMs = Number.NEGATIVE_INFINITY,
): number | undefined {
  let next: number | undefined;
  for (const cause of poolCauses(state)) {
    const at = maturityOf(state, cause, afterMs);
    if (at !== undefined && (next === undefined || at < next)) next = at;
  }
  return next;
}

/** The pools that somebody waits for and where a quarantine has ended since, by this instant. */
export function maturedCauses(
  state: ProjectState,
  atMs: number,
  sinceMs = Number.NEGATIVE_INFINITY,
): string[] {
  return poolCauses(state).filter((cause) => {
    return (maturityOf(state, cause, sinceMs) ?? Number.POSITIVE_INFINITY) <= atMs;
  });
}

/** Causes that are pools. They are few, however many claims wait for other things. */
function poolCauses(state: ProjectState): string[] {
  const { waitingPools, waitingNetworks } = state;
  if (waitingPools.isEmpty() && waitingNetworks.isEmpty()) return [];
  return [...new Set([...waitingPools, ...rangeCauses(state).filter(isPool)])].sort();
}

function maturityOf(state: ProjectState, cause: string, afterMs: number): number | undefined {
  const pool = state.pools.get(cause.slice(POOL_CAUSE.length));
  return pool === undefined ? undefined : nextMaturityOf(pool, afterMs);
}
