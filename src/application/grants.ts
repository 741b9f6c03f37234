import type { Grant, Need } from '../ledger/decision.ts';
import { decidePlatform } from '../ledger/platform/decide.ts';
import { offeringPools, rootOf } from '../ledger/platform/directory.ts';
import type { PlatformState } from '../ledger/platform/state.ts';
import { type Carve, carveKey, type PoolState } from '../ledger/pool/state.ts';
import { generationOf, type ProjectState } from '../ledger/project/state.ts';
import { holdAddresses } from './holds.ts';
import type { Ledger } from './ledger.ts';
import type { Settled } from './mailbox.ts';
import type { LedgerRequest } from './request.ts';

/** What another stream gave; the project's committing event names it. */
export interface Granted {
  readonly grants?: readonly Grant[];
  /** For a dry run: the platform as it would be. */
  readonly dryPlatform?: PlatformState;
}

/**
 * The first half of a step between streams: the other stream records a grant before the project
 * commits. Asking again finds the grant that is there, unless the project has abandoned it.
 */
export function fulfil(
  ledger: Ledger,
  project: string,
  state: ProjectState,
  need: Need,
  request: LedgerRequest,
): Promise<Granted> {
  // The step is a command of its own: repeated with the client's key it must get a new grant.
  const step = { ...ledger.own(request.commandId), dryRun: request.dryRun };
  const traced = { ...step, correlationId: request.correlationId, actor: request.actor };
  switch (need.type) {
    case 'Range':
      return grantRange(ledger, state, need, traced);
    case 'LocationJoin':
      return joinLocation(ledger, project, state, need, traced);
    case 'Addresses':
      return holdAddresses(ledger, state, need.wanted, traced);
  }
}

async function grantRange(
  ledger: Ledger,
  state: ProjectState,
  need: Extract<Need, { type: 'Range' }>,
  request: LedgerRequest,
): Promise<Granted> {
  const generation = generationOf(state);
  const { className, childPool, length, scope, ordinal, abandonedGrant } = need;
  const asked = { type: 'Range', generation, className, scope, ordinal } as const;
  const { platformState } = ledger;
  const pools = offeringPools(platformState, need.parentClassName, generation);
  let message = `no pool offers IPClass "${need.parentClassName}"`;
  let refusing = need.parentClassName;
  for (const pool of pools) {
    const settled = await ledger.pool(
      rootOf(platformState, pool),
      { ...asked, type: 'CarveRange', pool, childPool, length, abandoned: abandonedGrant },
      { ...request, commandId: ledger.newId() },
    );
    const carve = carveOf(settled, carveKey(generation, className, scope, ordinal));
    if (carve !== undefined) {
      // It may be from another pool of that root, which was asked before.
      const granted = { id: carve.grantId, prefix: carve.prefix };
      return { grants: [{ ...asked, pool: carve.pool, granted, message: '' }] };
    }
    refusing = pool;
    if (settled.outcome === 'rejected') message = settled.rejection.message;
  }
  return { grants: [{ ...asked, pool: refusing, granted: undefined, message }] };
}

function carveOf(settled: Settled<PoolState>, key: string): Carve | undefined {
  return settled.outcome === 'decided' ? settled.state.carves.get(key) : undefined;
}

async function joinLocation(
  ledger: Ledger,
  project: string,
  state: ProjectState,
  need: Extract<Need, { type: 'LocationJoin' }>,
  request: LedgerRequest,
): Promise<Granted> {
  const { location, endedGrant } = need;
  const generation = generationOf(state);
  const command = { type: 'JoinLocation', location, project, generation, endedGrant } as const;
  if (!request.dryRun) {
    // A refusal shows in the platform's state, which the next attempt is decided under.
    await ledger.platform(command, request);
    return {};
  }
  const platform = ledger.platformState;
  const context = { commandId: request.commandId, atMs: platform.lastAtMs, platform, grants: [] };
  const decision = decidePlatform(command, platform, context);
  return decision.outcome === 'decided' ? { dryPlatform: decision.state } : {};
}
