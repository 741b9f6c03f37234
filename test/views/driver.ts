import { formatPrefix } from '../../src/addressing/prefix.ts';
import {
  type Aggregate,
  platformAggregate,
  poolAggregate,
  projectAggregate,
  type SpaceState,
} from '../../src/application/aggregate.ts';
import type {
  Decision,
  DecisionContext,
  Grant,
  Need,
  WantedAddress,
} from '../../src/ledger/decision.ts';
import type { ClaimSpec, EventData, LedgerEvent } from '../../src/ledger/events.ts';
import { eventId, uuidOf } from '../../src/ledger/identifiers.ts';
import { type AddressingPlan, builtInPlan } from '../../src/ledger/plan.ts';
import type { PlatformCommand } from '../../src/ledger/platform/decide.ts';
import { offeringPools } from '../../src/ledger/platform/directory.ts';
import type { PlatformState } from '../../src/ledger/platform/state.ts';
import type { PoolCommand } from '../../src/ledger/pool/decide.ts';
import { holdKey } from '../../src/ledger/pool/holds.ts';
import { carveKey, type PoolState } from '../../src/ledger/pool/state.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import type { ProjectState } from '../../src/ledger/project/state.ts';
import type { Rejection } from '../../src/ledger/rejections.ts';
import { PLATFORM_STREAM, poolStream, projectOf, projectStream } from '../../src/ledger/streams.ts';
import { sealEvent } from '../../src/store/hash-chain.ts';
import type { EventToAppend, Store } from '../../src/store/store.ts';

/** Who asks again with the same key. */
export interface Key {
  readonly key: string;
  readonly requestHash: string;
  readonly code: number;
}

/** What became of a command: its events, where they stand, or its refusal. */
export interface Outcome {
  readonly commandId: string;
  readonly stream: string;
  readonly firstRevision: number;
  readonly events: readonly LedgerEvent[];
  readonly rejection: Rejection | undefined;
}

/** An outcome that has not happened yet. */
interface Decided extends Outcome {
  readonly append: () => Promise<void>;
}

interface Space<S extends SpaceState, C> {
  readonly stream: string;
  readonly aggregate: Aggregate<S, C>;
  state: S;
  hash: string;
}

/**
 * A ledger without processes: decides one command after the other with the real deciders and
 * appends their events. The steps of other streams are made by hand, so that a test can stop
 * between two of them.
 */
export class Driver {
  readonly store: Store;
  now = Date.parse('2026-01-01T00:00:00.000Z');
  readonly #platform = spaceOf(PLATFORM_STREAM, platformAggregate);
  readonly #pools = new Map<string, Space<PoolState, PoolCommand>>();
  readonly #projects = new Map<string, Space<ProjectState, ProjectCommand>>();
  #commands = 0;

  constructor(makeStore: (clock: () => Date) => Store) {
    this.store = makeStore(this.clock);
  }

  /** The same ledger as this one was when another store was closed, or copied. */
  async on(store: Store): Promise<Driver> {
    const driver = new Driver(() => store);
    driver.now = this.now;
    driver.#commands = this.#commands + 1_000;
    driver.head = await store.head();
    for await (const event of store.readAll(0n)) {
      const { stream, type, data, metadata } = event;
      const name = projectOf(stream);
      const space = (
        stream === PLATFORM_STREAM
          ? driver.#platform
          : name === undefined
            ? driver.#poolSpace(stream.slice(poolStream('').length))
            : driver.#projectSpace(name)
      ) as Space<SpaceState, unknown>;
      space.state = space.aggregate.evolve(space.state, { type, data } as LedgerEvent);
      space.hash = metadata.hash;
    }
    return driver;
  }

  readonly clock = () => new Date(this.now);

  /** Begins the log as a first start does, with two locations. */
  static async begin(
    makeStore: (clock: () => Date) => Store,
    plan: AddressingPlan = builtInPlan(),
  ): Promise<Driver> {
    const driver = new Driver(makeStore);
    await driver.platform({ type: 'OpenPlatform', plan });
    for (const { pool } of driver.#platform.state.roots) {
      const spec = plan.pools.find(({ name }) => name === pool.name);
      if (spec === undefined) throw new Error(`${pool.name} is not in the plan`);
      const { name, ...rest } = spec;
      await driver.pool(name, { type: 'OpenPool', name, uid: pool.uid, spec: rest, metadata: {} });
    }
    await driver.location('here');
    await driver.location('there');
    return driver;
  }

  /** Gives the ranges of closed projects back to their pool. */
  async returnEnded(): Promise<void> {
    for await (const { type, data } of this.store.readAll(0n)) {
      if (type !== 'AddressSpaceClosed') continue;
      for (const { grantId, pool, availableAt } of (data as EventData<typeof type>).ranges) {
        await this.pool(pool, { type: 'ReturnRange', grantId, availableAt });
      }
    }
  }

  /** Deletes a location, and has every project leave it that has nothing there any more. */
  async vacate(name: string): Promise<void> {
    const projects = [...(this.platformState.locations.get(name)?.joined.keys() ?? [])];
    const standing = projects.reduce((sum, project) => {
      const { interfaces } = this.projectState(project);
      return sum + interfaces.count((nic) => nic.spec.location.name === name);
    }, 0);
    await this.platform({ type: 'DeleteLocation', name, expect: {}, standing });
    const location = this.platformState.locations.get(name);
    if (!location?.deleting) return;
    for (const project of projects) {
      await this.project(project, { type: 'VacateLocation', location });
      const grantId = location.joined.get(project)?.grantId ?? '';
      if (this.projectState(project).endedJoins.get(name) !== grantId) continue;
      await this.platform({ type: 'LeaveLocation', location, project, grantId });
    }
  }

  location(name: string, projects = ['*']): Promise<Outcome> {
    const spec = { projects, draining: false };
    return this.platform({ type: 'CreateLocation', name, spec, metadata: {} });
  }

  platform(command: PlatformCommand): Promise<Outcome> {
    return this.#submit(this.#platform, command);
  }

  pool(name: string, command: PoolCommand): Promise<Outcome> {
    return this.#submit(this.#poolSpace(name), command);
  }

  /** Decides a command of a project, with the steps in other streams that it needs. */
  async project(name: string, command: ProjectCommand, key?: Key): Promise<Outcome> {
    const step = { project: name, command, key };
    const decided = this.decide(step, await this.grants(name, command));
    await decided.append();
    await this.followUp(name, decided.events);
    return decided;
  }

  /** Decides a command of a project; nothing has happened before its events are appended. */
  decide(
    { project, command, key }: { project: string; command: ProjectCommand; key?: Key | undefined },
    grants: readonly Grant[],
  ): Decided {
    return this.#prepare(this.#projectSpace(project), command, grants, key);
  }

  /** Has events happen in a project as one command that nobody has decided. */
  async happen(name: string, events: readonly LedgerEvent[]): Promise<void> {
    const space = this.#projectSpace(name);
    const sealed = seal(space, this.#nextId(), events, undefined);
    const { position } = await this.store.append(space.stream, space.state.revision, sealed);
    for (const event of events) space.state = space.aggregate.evolve(space.state, event);
    space.hash = sealed.at(-1)?.hash ?? '';
    this.head = position;
  }

  /** What a project's own events call for in it: those who wait are served, long work goes on. */
  async followUp(name: string, events: readonly LedgerEvent[]): Promise<void> {
    const space = this.#projectSpace(name);
    const { followUps, inTurn } = space.aggregate;
    for (const command of [...followUps(space.state, events), ...inTurn(space.state)]) {
      const decided = this.decide({ project: name, command }, await this.grants(name, command));
      await decided.append();
      if (decided.events.length > 0) await this.followUp(name, decided.events);
    }
  }

  /** Has other streams grant what a command of a project needs; gives what they have granted. */
  async grants(name: string, command: ProjectCommand): Promise<Grant[]> {
    const space = this.#projectSpace(name);
    const grants: Grant[] = [];
    for (;;) {
      const decision = this.#decide(space, command, grants, 'trial');
      if (decision.outcome !== 'needs') return grants;
      const granted = await this.#fulfil(name, space.state, decision.need);
      grants.push(...granted);
    }
  }

  /** Tries what waits in a project again. */
  serve(name: string): Promise<Outcome> {
    return this.project(name, { type: 'ServeWaiting', causes: undefined });
  }

  projectState(name: string): ProjectState {
    return this.#projectSpace(name).state;
  }

  /** Position of the last event that was appended here. */
  head = 0n;

  get platformState(): PlatformState {
    return this.#platform.state;
  }

  poolState(name: string): PoolState {
    return this.#poolSpace(name).state;
  }

  async #fulfil(name: string, state: ProjectState, need: Need): Promise<Grant[]> {
    const generation = state.namespace?.uid ?? '';
    if (need.type === 'LocationJoin') {
      const { location, endedGrant } = need;
      await this.platform({
        type: 'JoinLocation',
        ...{ location, project: name, generation, endedGrant },
      });
      return [];
    }
    if (need.type === 'Addresses') {
      const grants: Grant[] = [];
      for (const wanted of need.wanted) {
        grants.push(await this.#hold(name, generation, wanted));
        if (grants.at(-1)?.granted === undefined) break;
      }
      return grants;
    }
    const { className, childPool, length, scope, ordinal, abandonedGrant: abandoned } = need;
    const pool = 'tenant-ipv6';
    const asked = { type: 'Range' as const, generation, className, scope, ordinal };
    const command = { ...asked, type: 'CarveRange', pool, childPool, length, abandoned } as const;
    const { rejection } = await this.pool(pool, command);
    const carves = this.poolState(pool).carves;
    const carve = carves.get(carveKey(generation, className, scope, ordinal));
    const granted = carve && { id: carve.grantId, prefix: carve.prefix };
    return [{ ...asked, isExact: false, pool, granted, refusal: rejection }];
  }

  async #hold(project: string, generation: string, wanted: WantedAddress): Promise<Grant> {
    const { claim, ordinal, className, abandonedGrant: abandoned, family, length, block } = wanted;
    const [pool = ''] =
      className === undefined
        ? [wanted.pool]
        : offeringPools(this.platformState, className, generation);
    const asked = { project, generation, claim, ordinal, className, family, length };
    const { rejection: refusal } = await this.pool(pool, {
      ...{ type: 'HoldAddress', pool, ...asked, block, abandoned },
    });
    const hold = this.poolState(pool).holds.get(holdKey(generation, claim.uid, ordinal));
    const granted = hold && {
      ...{ id: hold.grantId, block: formatPrefix(hold.block), retentionLeaseMsMax: null },
    };
    return { type: 'Address', generation, claim: claim.uid, ordinal, pool, granted, refusal };
  }

  async #submit<S extends SpaceState, C>(space: Space<S, C>, command: C): Promise<Outcome> {
    const decided = this.#prepare(space, command);
    await decided.append();
    return decided;
  }

  #prepare<S extends SpaceState, C>(
    space: Space<S, C>,
    command: C,
    grants: readonly Grant[] = [],
    key?: Key,
  ): Decided {
    const commandId = this.#nextId();
    const decision = this.#decide(space, command, grants, commandId);
    const { stream, state } = space;
    const outcome = { commandId, stream, firstRevision: state.revision + 1 };
    if (decision.outcome === 'needs') throw new Error(`${decision.need.type} was not granted`);
    if (decision.outcome === 'rejected') {
      const { rejection } = decision;
      return { ...outcome, events: [], rejection, append: async () => {} };
    }
    const { events } = decision;
    const append = async () => {
      if (events.length === 0) return;
      const sealed = seal(space, commandId, events, key);
      const { position } = await this.store.append(stream, state.revision, sealed);
      this.head = position;
      space.state = decision.state;
      space.hash = sealed.at(-1)?.hash ?? '';
    };
    return { ...outcome, events, rejection: undefined, append };
  }

  #decide<S extends SpaceState, C>(
    { aggregate, state }: Space<S, C>,
    command: C,
    grants: readonly Grant[],
    commandId: string,
  ): Decision<S> {
    const atMs = Math.max(this.now, state.lastAtMs);
    const platform = this.#platform.state;
    const context: DecisionContext = { commandId, atMs, platform, grants };
    return aggregate.decide(command, state, context);
  }

  #poolSpace(name: string): Space<PoolState, PoolCommand> {
    const space = this.#pools.get(name) ?? spaceOf(poolStream(name), poolAggregate);
    this.#pools.set(name, space);
    return space;
  }

  #projectSpace(name: string): Space<ProjectState, ProjectCommand> {
    const space = this.#projects.get(name) ?? spaceOf(projectStream(name), projectAggregate(name));
    this.#projects.set(name, space);
    return space;
  }

  #nextId(): string {
    this.#commands += 1;
    return uuidOf('test command', this.#commands);
  }
}

function spaceOf<S extends SpaceState, C>(stream: string, aggregate: Aggregate<S, C>): Space<S, C> {
  return { stream, aggregate, state: aggregate.initial, hash: '' };
}

function seal<S extends SpaceState, C>(
  { stream, state, hash }: Space<S, C>,
  commandId: string,
  events: readonly LedgerEvent[],
  key: Key | undefined,
): EventToAppend[] {
  const sealed: EventToAppend[] = [];
  for (const [index, { type, data }] of events.entries()) {
    const metadata = {
      ...{ commandId, index, count: events.length },
      ...{ $correlationId: commandId, $causationId: commandId },
      actor: { issuer: 'test', subject: 'me', role: 'operator' },
      schemaVersion: 1,
      ...(key === undefined ? {} : { idempotency: key }),
    };
    const revision = state.revision + 1 + index;
    const place = { stream, revision, previousHash: sealed.at(-1)?.hash ?? hash };
    sealed.push(sealEvent({ ...place, id: eventId(commandId, index), type, data, metadata }));
  }
  return sealed;
}

/** A plan whose root pool has the range of one project only. */
export function smallPlan(): AddressingPlan {
  const plan = builtInPlan();
  return { ...plan, pools: plan.pools.map((pool) => ({ ...pool, cidr: 'fd20::/40' })) };
}

/** A plan in which what is retained is kept for a while, and then a minute more. */
export function leasedPlan(retentionLease = '1h'): AddressingPlan {
  const plan = builtInPlan();
  for (const { name, spec } of plan.classes) {
    if (!name.startsWith('tenant-endpoint-')) continue;
    Object.assign(spec, { retentionLease, retentionGrace: '1m' });
  }
  return plan;
}

/** The spec of a claim for a dual-stack interface in network `net` at `here`. */
export function claimSpec(changes: Partial<ClaimSpec> = {}): ClaimSpec {
  return {
    network: { name: 'net' },
    location: { name: 'here' },
    interfaceName: 'eth0',
    attachmentMode: 'Netns',
    ipFamilies: ['IPv6', 'IPv4'],
    reclaimPolicy: 'Delete',
    ...changes,
  };
}

/** Commands as tests write them. */
export const commands = {
  createNamespace: { type: 'CreateNamespace', metadata: {} },
  deleteNamespace: { type: 'DeleteNamespace', expect: {} },
  createNetwork: (name = 'net', ipFamilies: ClaimSpec['ipFamilies'] = ['IPv6', 'IPv4']) =>
    ({
      type: 'CreateNetwork',
      name,
      spec: { ipFamilies, mtu: 1460, ipam: { mode: 'Auto' } },
      metadata: {},
    }) as const,
  deleteNetwork: (name = 'net') => ({ type: 'DeleteNetwork', name, expect: {} }) as const,
  claim: (name: string, changes: Partial<ClaimSpec> = {}, metadata = {}) =>
    ({ type: 'RequestClaim', name, spec: claimSpec(changes), metadata }) as const,
  deleteClaim: (name: string) => ({ type: 'DeleteClaim', name, expect: {} }) as const,
  deleteInterface: (name: string) => ({ type: 'DeleteInterface', name, expect: {} }) as const,
  metadata: (kind: string, name: string, metadata: object) =>
    ({ type: 'ChangeMetadata', kind, name, expect: {}, metadata }) as const,
  report: (name: string, status: 'True' | 'False', at: string, more = {}) =>
    ({
      type: 'ReportInterfaceStatus',
      name,
      expect: {},
      status: {
        conditions: ['Prepared', 'Programmed'].map((type) => {
          const seen = { lastTransitionTime: at, observedGeneration: 1 };
          return { type, status, reason: 'Told', message: 'by the provider', ...seen };
        }),
        ...more,
      },
    }) as const,
} as const;
