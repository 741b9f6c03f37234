import { formatPrefix } from '../../src/addressing/prefix.ts';
import type {
  Decision,
  DecisionContext,
  Grant,
  Need,
  RangeGrant,
  WantedAddress,
} from '../../src/ledger/decision.ts';
import type { LedgerEvent } from '../../src/ledger/events.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { type AddressingPlan, builtInPlan } from '../../src/ledger/plan.ts';
import { decidePlatform, type PlatformCommand } from '../../src/ledger/platform/decide.ts';
import {
  classesOffered,
  offeringPools,
  poolsBeside,
  rootOf,
} from '../../src/ledger/platform/directory.ts';
import { initialPlatform, type PlatformState } from '../../src/ledger/platform/state.ts';
import { decidePool, type PoolCommand } from '../../src/ledger/pool/decide.ts';
import { holdKey } from '../../src/ledger/pool/holds.ts';
import { carveKey, initialPool, type PoolState } from '../../src/ledger/pool/state.ts';
import {
  decideProject,
  hasDeletion,
  type ProjectCommand,
} from '../../src/ledger/project/decide.ts';
import { nextRetentionDue } from '../../src/ledger/project/retention.ts';
import { generationOf, initialProject, type ProjectState } from '../../src/ledger/project/state.ts';
import { causesOf, maturedCauses, wokenBy } from '../../src/ledger/project/waiting.ts';
import type { Command } from './commands.ts';

const PLATFORM_COMMANDS = new Set(
  ['OpenPlatform', 'CreateLocation', 'UpdateLocation', 'DeleteLocation'].concat([
    ...['JoinLocation', 'LeaveLocation', 'CreateClass', 'UpdateClass', 'DeleteClass'],
    ...['RegisterPool', 'WidenRegistration', 'SettleRegistration', 'UnregisterPool'],
  ]),
);
const POOL_COMMANDS = new Set(
  ['OpenPool', 'CarveRange', 'ReturnRange'].concat([
    ...['HoldAddress', 'ConfirmAddress', 'UnholdAddress'],
    ...['UpdatePool', 'DeletePool'],
  ]),
);

/** Far more than anything in a small world takes. */
const ROUNDS_MAX = 1_000;

export type Stream = 'platform' | 'project' | `pool.${string}`;
export type Logged = LedgerEvent & { readonly stream: Stream };
export type AnyState = PlatformState | PoolState | ProjectState;
export type AnyDecision = Decision<PlatformState> | Decision<PoolState> | Decision<ProjectState>;

/** A decision as it is made: everything that went into it, and a way to make it once more. */
export interface Observed {
  readonly stream: Stream;
  readonly command: Command;
  readonly state: AnyState;
  readonly context: DecisionContext;
  decide(state: AnyState): AnyDecision;
}

/**
 * A small world: the platform, its pools and the project `alpha`, driven as the application drives
 * them. A need is answered by the stream that it names, after which the same command is decided
 * again; what a decision calls for in this or another stream is done by `settle`.
 */
export class World {
  atMs = Date.parse('2026-01-01T00:00:00.000Z');
  platform: PlatformState = initialPlatform();
  project: ProjectState = initialProject('alpha');
  readonly pools = new Map<string, PoolState>();
  /** Every event in the order of the log. */
  readonly log: Logged[] = [];
  /** Sees every decision before its events are in the log. */
  observe: (observed: Observed, decision: AnyDecision) => void = () => {};
  readonly #wakes: { atMs: number; cause: string }[] = [];
  #settled = 0;
  #commands = 0;

  readonly plan: AddressingPlan;

  constructor(plan: AddressingPlan = builtInPlan()) {
    this.plan = plan;
    this.run({ type: 'OpenPlatform', plan });
    for (const { name, ...spec } of plan.pools) {
      const { uid } = this.platform.roots.find(({ pool }) => pool.name === name)!.pool;
      this.onPool(name, { type: 'OpenPool', name, uid, spec, metadata: {} });
    }
    this.#settled = this.log.length;
  }

  /** The text of every address that an interface holds. */
  addressesOf(name: string): string[] {
    return this.project.interfaces.get(name)?.holdings.map((h) => formatPrefix(h.block)) ?? [];
  }

  /** Why a claim waits: undefined when it is bound. */
  waitOf(name: string): string | undefined {
    return this.project.claims.get(name)!.wait?.reason;
  }

  contextOf(grants: readonly Grant[] = []): DecisionContext {
    this.#commands += 1;
    const commandId = uuidOf('test', this.#commands);
    return { commandId, atMs: this.atMs, platform: this.platform, grants };
  }

  /** Decides a command with what other streams grant for it; nothing else happens. */
  run(command: Command): AnyDecision {
    const isLocation =
      command.type === 'ChangeMetadata' && ['Location', 'IPClass'].includes(command.kind);
    if (isLocation || PLATFORM_COMMANDS.has(command.type)) {
      const decide = (state: PlatformState, context: DecisionContext) =>
        decidePlatform(command as PlatformCommand, state, context);
      const decision = this.#decide('platform', command, this.platform, this.contextOf(), decide);
      if (decision.outcome === 'decided') this.platform = decision.state;
      return decision;
    }
    if (POOL_COMMANDS.has(command.type)) {
      const name = [...this.pools.keys()][0] as string;
      return this.onPool(name, command as PoolCommand);
    }
    return this.#runInProject(command as ProjectCommand);
  }

  /** Decides a command, then all that follows from it. */
  do(command: Command): AnyDecision {
    const decision = this.run(command);
    this.settle();
    return decision;
  }

  onPool(name: string, command: PoolCommand): Decision<PoolState> {
    const before = this.pools.get(name) ?? initialPool();
    const decide = (state: PoolState, context: DecisionContext) =>
      decidePool(command, state, context);
    const decision = this.#decide(`pool.${name}`, command, before, this.contextOf(), decide);
    if (decision.outcome === 'decided') this.pools.set(name, decision.state);
    return decision;
  }

  /** Decides a command of the project with what is at hand; a need is the caller's to fulfil. */
  inProject(command: ProjectCommand, context: DecisionContext): Decision<ProjectState> {
    const decide = (state: ProjectState, using: DecisionContext) =>
      decideProject(command, state, using);
    const decision = this.#decide('project', command, this.project, context, decide);
    if (decision.outcome === 'decided') this.project = decision.state;
    return decision;
  }

  /** Lets time pass, and whatever is due by then happen. */
  pass(ms: number): void {
    this.atMs += ms;
    const due = this.#wakes.filter(({ atMs }) => atMs <= this.atMs).map(({ cause }) => cause);
    this.#wakes.splice(0, Infinity, ...this.#wakes.filter(({ atMs }) => atMs > this.atMs));
    while ((nextRetentionDue(this.project) ?? Infinity) <= this.atMs) {
      this.run({ type: 'ExpireRetentions' });
    }
    this.#serve([...due, ...maturedCauses(this.project, this.atMs)]);
    this.settle();
  }

  /** Does what the events since the last time call for, until nothing is left to do. */
  settle(): void {
    while (this.#settled < this.log.length) {
      const events = this.log.slice(this.#settled);
      this.#settled = this.log.length;
      const own = events.filter(({ stream }) => stream === 'project');
      while (this.project.mtuLaggards !== undefined) this.run({ type: 'SpreadMtu' });
      if (own.length > 0 && hasDeletion(this.project)) this.run({ type: 'ContinueDeletion' });
      this.#serve(wokenBy(this.project, own));
      for (const event of events) this.#reactTo(event);
    }
  }

  #runInProject(command: ProjectCommand): Decision<ProjectState> {
    const context = this.contextOf();
    const grants: Grant[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const { platform, atMs } = this;
      const decision = this.inProject(command, { ...context, platform, atMs, grants });
      if (decision.outcome !== 'needs') return decision;
      this.fulfil(decision.need, grants);
    }
    throw new Error(`${command.type} needs more and more`);
  }

  /** Has the other stream grant what is needed; a grant of a range is added to the list. */
  fulfil(need: Need, grants: Grant[]): void {
    const generation = this.project.namespace?.uid ?? '';
    if (need.type === 'LocationJoin') {
      const { location, endedGrant } = need;
      this.run({ type: 'JoinLocation', location, project: 'alpha', generation, endedGrant });
      return;
    }
    if (need.type === 'Addresses') {
      for (const wanted of need.wanted) if (!this.#hold(wanted, grants)) return;
      return;
    }
    const { className, scope, ordinal, childPool, length, abandonedGrant: abandoned } = need;
    const { exact } = need;
    const isExact = exact !== undefined;
    const asked = { type: 'Range' as const, generation, className, scope, ordinal, isExact };
    let refused: Grant = { ...asked, pool: '', granted: undefined, refusal: undefined };
    const offered = () => offeringPools(this.platform, need.parentClassName, generation);
    for (const pool of exact?.pools ?? offered()) {
      const wanted = { childPool, length, abandoned, block: exact?.block };
      const carve = { ...asked, type: 'CarveRange', pool, ...wanted } as const;
      const root = rootOf(this.platform, pool);
      const key = carveKey(...keyOf(asked));
      let decision = this.onPool(root, carve);
      const found = decision.outcome === 'decided' ? decision.state.carves.get(key) : undefined;
      if (found !== undefined && exact !== undefined && found.prefix !== exact.block) {
        this.run({ type: 'AbandonGrant', grantId: found.grantId });
        const availableAt = this.project.abandonedGrants.get(found.grantId);
        if (availableAt === undefined) throw new Error(`${found.prefix} is in use by the network`);
        const left = { id: found.grantId, availableAt };
        decision = this.onPool(root, { ...carve, abandoned: left });
      }
      if (decision.outcome === 'decided') {
        const { grantId: id, prefix } = decision.state.carves.get(key)!;
        grants.push({ ...asked, pool, granted: { id, prefix }, refusal: undefined });
        return;
      }
      if (decision.outcome !== 'rejected') throw new Error(`a pool was asked: ${decision.outcome}`);
      refused = { ...asked, pool, granted: undefined, refusal: decision.rejection };
    }
    grants.push(refused);
  }

  /** Has the first pool that can hold what is wanted; gives whether one could. */
  #hold(wanted: WantedAddress, grants: Grant[]): boolean {
    const generation = this.project.namespace?.uid ?? '';
    const { claim, ordinal, className, abandonedGrant: abandoned } = wanted;
    const { family, length, block } = wanted;
    const grant = { type: 'Address', generation, claim: claim.uid, ordinal } as const;
    const pools = className === undefined ? [wanted.pool as string] : this.offering(className);
    let refusal: Extract<Grant, { type: 'Address' }>['refusal'];
    for (const pool of pools) {
      const asked = { project: 'alpha', generation, claim, ordinal, className, family, length };
      const hold = { type: 'HoldAddress', pool, ...asked, block, abandoned } as const;
      const decision = this.onPool(rootOf(this.platform, pool), hold);
      if (decision.outcome === 'decided') {
        const held = decision.state.holds.get(holdKey(generation, claim.uid, ordinal))!;
        const granted = { id: held.grantId, block: formatPrefix(held.block) };
        const given = { ...granted, retentionLeaseMsMax: null };
        grants.push({ ...grant, pool, granted: given, refusal: undefined });
        return true;
      }
      if (decision.outcome === 'rejected') refusal = decision.rejection;
    }
    grants.push({ ...grant, pool: pools.at(-1) ?? '', granted: undefined, refusal });
    return false;
  }

  offering(className: string): string[] {
    return offeringPools(this.platform, className, generationOf(this.project));
  }

  #serve(causes: readonly string[]): void {
    if (causes.length === 0 || this.project.namespace === undefined) return;
    let rounds = 0;
    for (let goesOn = true; goesOn; rounds += 1) {
      if (rounds === ROUNDS_MAX) throw new Error(`there is no end of serving ${causes}`);
      const decision = this.run({ type: 'ServeWaiting', causes });
      goesOn = decision.outcome === 'decided' && decision.unfinished === true;
    }
  }

  /** The second half of steps between streams, and news of other streams for those who wait. */
  #reactTo(event: Logged): void {
    if (event.type === 'NetworkContextDeleted' && event.data.endsGrant) {
      this.run({ type: 'LeaveLocation', project: 'alpha', ...event.data.endsGrant });
    } else if (event.type === 'RangeRemoved' && event.data.endsGrant) {
      this.#returnRange(event.data.endsGrant);
    } else if (event.type === 'AddressSpaceClosed') {
      for (const range of event.data.ranges) this.#returnRange(range);
    } else if (event.type === 'AddressAllocated' || event.type === 'IPAllocationCreated') {
      this.#confirm(event.data);
    } else if (event.type === 'AddressReleased' || event.type === 'IPAllocationDeleted') {
      this.#unhold(event.data.endsGrant?.grantId, event.data.availableAt);
      if (event.type === 'IPAllocationDeleted') this.#vacate(event.data.scope.location ?? '');
    } else if (event.type === 'GrantAbandoned') {
      this.#unhold(event.data.grantId, event.data.at);
    } else if (event.type === 'DeletionRequested' && event.stream === 'platform') {
      this.#vacate(event.data.name);
    } else if (event.type === 'InterfaceDeleted') {
      this.#vacate(event.data.networkContext.split('.')[1] as string);
    }
    if (event.stream === 'project') {
      this.#serve(foreignCausesOf(event));
      return;
    }
    const isBack = event.type === 'PrefixReturned' || event.type === 'AddressUnheld';
    const atMs = isBack ? Date.parse(event.data.availableAt) : 0;
    for (const cause of this.#causesOf(event)) {
      if (atMs <= this.atMs) this.#serve([cause]);
      else this.#wakes.push({ atMs, cause });
    }
  }

  /** A change of an authored pool is one for all who wait for a class that it offers. */
  #causesOf(event: Logged): string[] {
    const causes = causesOf(event);
    const pools = causes.flatMap((cause) => {
      const [kind, name = ''] = cause.split('/');
      return kind === 'pool' && event.stream !== 'platform' ? [name] : [];
    });
    const beside = pools.flatMap((pool) => poolsBeside(this.platform, pool));
    const offers = pools.flatMap((pool) => classesOffered(this.platform, pool));
    return [
      ...new Set([
        ...causes,
        ...beside.map((pool) => `pool/${pool}`),
        ...offers.map((name) => `offer/${name}`),
      ]),
    ];
  }

  #confirm({ pool, grant }: { pool: string; grant?: { id: string } | undefined }): void {
    if (grant !== undefined)
      this.onPool(rootOf(this.platform, pool), { type: 'ConfirmAddress', grantId: grant.id });
  }

  #unhold(grantId: string | undefined, availableAt: string): void {
    if (grantId === undefined) return;
    for (const [pool, { holdKeys }] of this.pools) {
      if (!holdKeys.has(grantId)) continue;
      this.onPool(pool, { type: 'UnholdAddress', grantId, availableAt });
    }
  }

  #vacate(name: string): void {
    const location = this.platform.locations.get(name);
    if (!location?.deleting) return;
    const { uid } = location;
    this.run({ type: 'VacateLocation', location: { name, uid } });
  }

  #returnRange(range: { pool: string; grantId: string; availableAt: string }): void {
    const { pool, grantId, availableAt } = range;
    this.onPool(rootOf(this.platform, pool), { type: 'ReturnRange', grantId, availableAt });
  }

  #decide<S extends AnyState>(
    stream: Stream,
    command: Command,
    state: S,
    context: DecisionContext,
    decide: (state: S, context: DecisionContext) => Decision<S>,
  ): Decision<S> {
    const decision = decide(state, context);
    const again = (other: AnyState) => decide(other as S, context) as AnyDecision;
    this.observe({ stream, command, state, context, decide: again }, decision as AnyDecision);
    if (decision.outcome === 'decided') {
      for (const event of decision.events) this.log.push({ ...event, stream });
    }
    return decision;
  }
}

/**
 * What somebody begins to wait for in another stream. It may have changed there while the wait was
 * on its way into the log, so that it is tried once more.
 */
function foreignCausesOf(event: LedgerEvent): string[] {
  if (event.type === 'NetworkUpdated') return event.data.waiting.flatMap(({ causes }) => causes);
  if (event.type !== 'ClaimQueued') return [];
  return /^(location|class|offer|quota)\//.test(event.data.cause) ? [event.data.cause] : [];
}

function keyOf(asked: Pick<RangeGrant, 'generation' | 'className' | 'scope' | 'ordinal'>) {
  return [asked.generation, asked.className, asked.scope, asked.ordinal] as const;
}
