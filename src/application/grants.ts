import { type EndedGrant, type Grant, instant, type Need } from '../ledger/decision.ts';
import { decidePlatform } from '../ledger/platform/decide.ts';
import { rootOf } from '../ledger/platform/directory.ts';
import type { PlatformState } from '../ledger/platform/state.ts';
import { type Carve, carveKey } from '../ledger/pool/state.ts';
import { generationOf, type ProjectState } from '../ledger/project/state.ts';
import { holdAddresses } from './holds.ts';
import type { Ledger } from './ledger.ts';
import { poolsToAsk } from './pool-choice.ts';
import { type Refusal, weightOf } from './refusal-weight.ts';
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
  const { className, parentClassName, scope, ordinal, exact } = need;
  const isExact = exact !== undefined;
  const asked = { type: 'Range', generation, className, scope, ordinal, isExact } as const;
  const { platformState } = ledger;
  const stateOf = (pool: string) => ledger.poolState(rootOf(platformState, pool));
  const offered = () => poolsToAsk(platformState, parentClassName, generation, stateOf);
  let refusal: Refusal | undefined;
  let refusing = parentClassName;
  for (const pool of exact?.pools ?? (await offered())) {
    const answer = await carveFrom(pool, { ledger, state, need, request });
    if ('prefix' in answer) {
      // It may be from another pool of that root, which was asked before.
      const granted = { id: answer.grantId, prefix: answer.prefix };
      return { grants: [{ ...asked, pool: answer.pool, granted, refusal: undefined }] };
    }
    if (refusal !== undefined && weightOf(refusal) > weightOf(answer)) continue;
    refusal = answer;
    refusing = pool;
  }
  const nobody = `no pool offers IPClass "${parentClassName}"`;
  refusal ??= { reason: 'NoOfferingPool', message: nobody };
  return { grants: [{ ...asked, pool: refusing, granted: undefined, refusal }] };
}

interface Asking {
  readonly ledger: Ledger;
  readonly state: ProjectState;
  readonly need: Extract<Need, { type: 'Range' }>;
  readonly request: LedgerRequest;
}

/** A pool's carve for what is needed: the one that it has already, or a new one. */
async function carveFrom(pool: string, asking: Asking): Promise<Carve | Refusal> {
  const { exact, abandonedGrant } = asking.need;
  const carve = await askForCarve(pool, asking, abandonedGrant);
  if (exact === undefined || !('prefix' in carve) || carve.prefix === exact.block) return carve;
  // An earlier attempt asked for another prefix, and came to nothing before it could say so.
  const ended = await abandon(carve.grantId, asking);
  if (ended !== undefined) return askForCarve(pool, asking, ended);
  return { reason: 'AddressTaken', message: `${carve.prefix} is in use there already` };
}

async function askForCarve(
  pool: string,
  { ledger, state, need, request }: Asking,
  abandoned: EndedGrant | undefined,
): Promise<Carve | Refusal> {
  const generation = generationOf(state);
  const { className, childPool, length, scope, ordinal, exact } = need;
  const asked = { generation, className, childPool, length, scope, ordinal };
  const settled = await ledger.pool(
    rootOf(ledger.platformState, pool),
    { type: 'CarveRange', pool, ...asked, block: exact?.block, abandoned },
    { ...request, commandId: ledger.newId() },
  );
  if (settled.outcome === 'rejected') return settled.rejection;
  if (settled.outcome !== 'decided') throw new Error(`a pool was asked and ${settled.outcome}`);
  const carve = settled.state.carves.get(carveKey(generation, className, scope, ordinal));
  if (carve === undefined) throw new Error(`pool ${pool} carves nothing for ${childPool}`);
  return carve;
}

/** Fences a carve that the project has not committed; undefined when it has. */
async function abandon(
  id: string,
  { ledger, state, request }: Asking,
): Promise<EndedGrant | undefined> {
  const { name } = state;
  if (request.dryRun) return { id, availableAt: instant(ledger.nowMs(state)) };
  const command = { type: 'AbandonGrant', grantId: id } as const;
  await ledger.project(name, command, ledger.own(request.commandId));
  const availableAt = (await ledger.projectState(name)).abandonedGrants.get(id);
  return availableAt === undefined ? undefined : { id, availableAt };
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
