import type { Logger } from 'pino';
import type { EventData, EventType, LedgerEvent } from '../ledger/events.ts';
import {
  classesOffered,
  poolGenerations,
  poolsBeside,
  rootOf,
} from '../ledger/platform/directory.ts';
import { isOpenTo } from '../ledger/platform/locations.ts';
import type { HoldCommand } from '../ledger/pool/holds.ts';
import { nextMaturityOf } from '../ledger/pool-space.ts';
import { NO_DEFAULT_CLASS } from '../ledger/project/presences.ts';
import { causesOf } from '../ledger/project/waiting.ts';
import { ANY_POOL } from '../ledger/project/waiting-line.ts';
import { spaceOf } from '../ledger/streams.ts';
import { limits } from '../limits.ts';
import type { RecordedEvent } from '../store/store.ts';
import type { OpenGrant, Views } from '../views/views.ts';
import type { Ledger } from './ledger.ts';
import { Steps } from './steps.ts';

/**
 * The second half of every step between streams, and what a crash has left half-way. The log's
 * events name the work; every decision about it is made by the streams themselves, so doing a
 * piece of work twice, late or by two processes does no harm.
 */
export class Recovery {
  readonly #ledger: Ledger;
  readonly #views: Views;
  readonly #clock: () => Date;
  readonly #steps: Steps;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #look: NodeJS.Timeout | undefined;
  /** Grants that nobody had committed at the last look. */
  #seen: ReadonlySet<string> = new Set();
  /** What other processes have decided since the last look, by project. */
  #followed = new Map<string, LedgerEvent[]>();
  #dueTimer: NodeJS.Timeout | undefined;
  /** Up to which instant ends of quarantines have been looked for, by root. */
  readonly #watchedMs = new Map<string, number>();

  constructor(deps: { ledger: Ledger; views: Views; log: Logger; clock: () => Date }) {
    this.#ledger = deps.ledger;
    this.#views = deps.views;
    this.#clock = deps.clock;
    this.#steps = new Steps(deps.log);
  }

  /**
   * Finishes or undoes what the log shows as begun. Resolves when all of it has been tried; what
   * did not work is tried again while the service runs.
   */
  async start(): Promise<void> {
    await this.#settlePools();
    this.#look = setInterval(() => this.#lookAround(), limits.unfinishedLookMs);
    this.#look.unref();
    await Promise.all([
      ...this.#views.openGrants().map((grant) => this.#settleLater(grant)),
      ...this.#views.projectsAtDeletedLocations().map(({ project, location }) => {
        return this.#do('vacate', [project, location.uid], () => this.#vacate(project, location));
      }),
    ]);
    // What waits is served before anything new, so that nobody has to wait until it is in memory.
    for (const project of this.#views.unfinishedProjects()) this.#load(project);
    await this.#loadDue();
  }

  /** Does what events that the views have applied call for in other streams. */
  react(events: readonly RecordedEvent[]): void {
    for (const event of events) this.#reactTo(event);
  }

  async close(): Promise<void> {
    clearTimeout(this.#dueTimer);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    clearInterval(this.#look);
    await this.#steps.close();
  }

  /**
   * Settles grants that stood open at the last look already: whoever asked for them has failed, in
   * this process or in another one. Should it still be at work it asks for others. And takes up
   * what is unfinished where another process has decided: it may have ended right after.
   */
  #lookAround(): Promise<void> {
    return this.#do('look', [], async () => {
      const open = this.#views.openGrants().filter(({ type }) => GIVEN.has(type));
      for (const grant of open) if (this.#seen.has(grant.grantId)) this.#settleLater(grant);
      this.#seen = new Set(open.map(({ grantId }) => grantId));
      const followed = this.#followed;
      this.#followed = new Map();
      if (followed.size === 0) return;
      for (const project of this.#views.unfinishedProjects()) {
        const events = followed.get(project);
        if (events === undefined) continue;
        const isMuch = events.length > limits.followedEventsMax;
        const resume = () => this.#ledger.resumeProject(project, isMuch ? undefined : events);
        this.#do('resume', [project], resume);
      }
    });
  }

  /** Remembers what another process has decided, up to where all of it is as well looked at. */
  #follow(project: string, event: RecordedEvent): void {
    const events = this.#followed.get(project) ?? [];
    if (events.length <= limits.followedEventsMax) events.push(event as unknown as LedgerEvent);
    this.#followed.set(project, events);
  }

  #reactTo(event: RecordedEvent): void {
    const space = spaceOf(event.stream);
    if (space?.kind === 'project') this.#reactToProject(space.name, event);
    else if (space?.kind === 'platform') this.#followPlatform(event);
    else if (space?.kind === 'pool') this.#reactToPool(space.name, event);
  }

  /** Whatever may help those who wait for a pool, or for one that offers what it offers. */
  #reactToPool(root: string, event: RecordedEvent): void {
    if (is(event, 'IPPoolCreated') || is(event, 'IPPoolUpdated') || is(event, 'IPPoolDeleted')) {
      this.#settlePool(event.data.name);
    }
    const causes = causesOf(event as unknown as LedgerEvent);
    if (causes.length === 0) return;
    for (const cause of causes) this.#wakeWith(cause);
    if (is(event, 'PrefixReturned') || is(event, 'AddressUnheld')) this.#watchPool(root);
  }

  /** What another process has decided in the platform is read before anything rests on it. */
  #followPlatform(event: RecordedEvent): void {
    if (event.revision <= this.#ledger.platformState.revision) {
      this.#reactToPlatform(event);
      return;
    }
    this.#do('platform', [String(event.revision)], async () => {
      await this.#ledger.platformUpTo(event.revision);
      this.#reactToPlatform(event);
    });
  }

  #reactToPlatform(event: RecordedEvent): void {
    if (is(event, 'DeletionRequested') && event.data.kind === 'Location') {
      const { name, uid } = event.data;
      for (const project of this.#ledger.platformState.locations.get(name)?.joined.keys() ?? []) {
        this.#do('vacate', [project, uid], () => this.#vacate(project, { name, uid }));
      }
    }
    if (is(event, 'PoolRegistered') || is(event, 'PoolRegistrationChanged')) {
      this.#settlePool(event.data.pool.name);
    }
    for (const cause of causesOf(event as unknown as LedgerEvent)) this.#wake(cause);
  }

  #reactToProject(project: string, event: RecordedEvent): void {
    if (!this.#ledger.hasDecided(project, event.revision)) this.#follow(project, event);
    this.#reactToHold(project, event);
    if (is(event, 'NetworkContextDeleted') && event.data.endsGrant !== undefined) {
      const { grantId, location } = event.data.endsGrant;
      this.#settleLater({ type: 'LocationEnded', location, project, grantId });
    } else if (is(event, 'AddressSpaceClosed')) {
      // Also what was granted to this generation and never committed.
      this.#do('close', [project], async () => {
        for (const grant of this.#views.openGrants()) {
          if (grant.type === 'RangeEnded' || grant.project === project) this.#settleLater(grant);
        }
      });
    } else if (is(event, 'RangeRemoved') && event.data.endsGrant !== undefined) {
      this.#settleLater({ type: 'RangeEnded', ...event.data.endsGrant });
    } else if (is(event, 'InterfaceDeleted')) {
      const { networkContext } = event.data;
      this.#leaveIfGoing(project, networkContext.slice(networkContext.indexOf('.') + 1));
    } else if (is(event, 'IPAllocationDeleted')) {
      this.#leaveIfGoing(project, event.data.scope.location);
    } else if (is(event, 'ClaimQueued')) {
      this.#recheck(project, [event.data.cause]);
    } else if (is(event, 'NetworkUpdated')) {
      this.#recheck(
        project,
        event.data.waiting.flatMap(({ causes }) => causes),
      );
    }
  }

  /** Something is gone from a location: if the location is going, so may be its presences. */
  #leaveIfGoing(project: string, name = ''): void {
    const location = this.#ledger.platformState.locations.get(name);
    if (!location?.deleting) return;
    this.#do('vacate', [project, location.uid], () => this.#vacate(project, location));
  }

  /** What a project says of an address that an authored pool holds is told to that pool. */
  #reactToHold(project: string, event: RecordedEvent): void {
    if (is(event, 'AddressAllocated') || is(event, 'IPAllocationCreated')) {
      const { pool, grant } = event.data;
      if (grant === undefined) return;
      this.#settleLater({ type: 'AddressCommitted', pool, project, grantId: grant.id });
    } else if (is(event, 'AddressReleased') || is(event, 'IPAllocationDeleted')) {
      const { pool, endsGrant, availableAt } = event.data;
      if (endsGrant === undefined) return;
      this.#settleLater({ type: 'AddressEnded', pool, project, ...endsGrant, availableAt });
    } else if (is(event, 'GrantAbandoned')) {
      const { grantId } = event.data;
      this.#do('unhold', [grantId], async () => {
        const grant = this.#views.openGrant(grantId);
        if (grant?.type === 'AddressEnded' || grant?.type === 'RangeEnded') {
          this.#settleLater(grant);
        }
      });
    }
  }

  /**
   * A wait that has just become visible may rest on another stream's past: what it waits for can
   * have come between its decision and now, when nobody could know that it waits.
   */
  #recheck(project: string, causes: readonly string[]): void {
    const { pools, locations, classes } = this.#ledger.platformState;
    for (const cause of causes) {
      const name = cause.slice(cause.indexOf('/') + 1);
      const location = cause.startsWith('location/') ? locations.get(name) : undefined;
      const isUsable =
        location !== undefined &&
        !location.deleting &&
        !location.spec.draining &&
        isOpenTo(location, project);
      const isThere =
        cause === NO_DEFAULT_CLASS || (cause.startsWith('class/') && classes.has(name));
      const isOffer = cause.startsWith('offer/') || cause.startsWith('quota/');
      const isPool = cause.startsWith('pool/') && pools.has(name);
      if (isUsable || isThere || isPool || isOffer) this.#serve(project, cause);
    }
  }

  #do(kind: string, key: readonly string[], step: () => Promise<void>): Promise<void> {
    return this.#steps.add([kind, ...key].join(' '), step);
  }

  /** A project that is in memory does by itself what is due in it. */
  #load(project: string): Promise<void> {
    return this.#do('load', [project], async () => {
      await this.#ledger.projectState(project);
    });
  }

  /**
   * Loads the projects in which something is due of what is retained, now and whenever it is so
   * again. Those in memory would not miss it; those that nobody has used since the start would, and
   * those of a ledger that has ended.
   */
  #loadDue(): Promise<void> {
    return this.#do('due', [], async () => {
      const nowMs = this.#clock().getTime();
      const next = this.#views.nextDueAfter(nowMs);
      const delay = next === undefined ? limits.timerMsMax : next - nowMs + 1;
      clearTimeout(this.#dueTimer);
      this.#dueTimer = setTimeout(() => this.#loadDue(), Math.min(delay, limits.timerMsMax));
      this.#dueTimer.unref();
      for (const project of this.#views.projectsDueBy(nowMs)) this.#load(project);
    });
  }

  #settleLater(grant: OpenGrant): Promise<void> {
    return this.#do('settle', [grant.type, grant.grantId], () => this.#settle(grant));
  }

  /** Lets every project try again what waits for this, in the order in which it began to wait. */
  #wake(cause: string): Promise<void> {
    return this.#do('wake', [cause], async () => {
      const projects = new Set(this.#views.projectsWaitingFor(cause));
      // Who began to wait for a pool under the class as it was may not be in the views yet.
      if (cause === ANY_POOL) for (const name of this.#ledger.waitingProjects) projects.add(name);
      for (const project of projects) this.#serve(project, cause);
    });
  }

  #serve(project: string, cause: string): Promise<void> {
    return this.#do('serve', [project, cause], async () => {
      const command = { type: 'ServeWaiting', causes: [cause] } as const;
      await this.#ledger.project(project, command, this.#ledger.own());
    });
  }

  /** Wakes who waits for this; a pool's change is one for those who wait for pools beside it. */
  #wakeWith(cause: string): void {
    const [kind, name = ''] = cause.split('/');
    const pool = kind === 'pool' ? name : '';
    const { platformState } = this.#ledger;
    const beside = poolsBeside(platformState, pool).map((other) => `pool/${other}`);
    const offers = classesOffered(platformState, pool).map((className) => `offer/${className}`);
    for (const one of new Set([cause, ...beside, ...offers])) this.#wake(one);
  }

  /** Wakes those who wait for pools of a root whenever a quarantine in them ends. */
  #watchPool(root: string): Promise<void> {
    return this.#do('watch', [root], async () => {
      const { pools } = await this.#ledger.refreshPool(root);
      const nowMs = this.#clock().getTime();
      const sinceMs = this.#watchedMs.get(root) ?? Number.NEGATIVE_INFINITY;
      this.#watchedMs.set(root, nowMs);
      let next = Number.POSITIVE_INFINITY;
      for (const { name, space } of pools.values()) {
        if ((nextMaturityOf(space, sinceMs) ?? nowMs + 1) <= nowMs) this.#wakeWith(`pool/${name}`);
        next = Math.min(next, nextMaturityOf(space, nowMs) ?? next);
      }
      clearTimeout(this.#timers.get(root));
      if (next === Number.POSITIVE_INFINITY) return;
      const delay = Math.min(next - nowMs + 1, limits.timerMsMax);
      const timer = setTimeout(() => this.#watchPool(root), delay);
      timer.unref();
      this.#timers.set(root, timer);
    });
  }

  /** Opens what is registered and not open, the parent of a pool before the pool. */
  async #settlePools(): Promise<void> {
    const { platformState } = this.#ledger;
    for (const generation of poolGenerations(platformState)) {
      await Promise.all(generation.map((name) => this.#settlePool(name)));
    }
    const roots = new Set(platformState.pools.valueSeq().map(({ root }) => root));
    for (const root of roots) this.#watchPool(root);
  }

  #settlePool(name: string): Promise<void> {
    return this.#do('pool', [name], () => this.#ledger.settlePool(name));
  }

  /** Ends a grant: one that was never committed is fenced in the project's stream first. */
  async #settle(grant: OpenGrant): Promise<void> {
    const { grantId } = grant;
    switch (grant.type) {
      case 'RangeEnded': {
        const { availableAt } = grant;
        await this.#returnRange(grant.pool, grantId, availableAt);
        return;
      }
      case 'RangeGranted':
        if (await this.#isCommitted(grant.project, grantId)) return;
        await this.#returnRange(grant.pool, grantId, this.#clock().toISOString());
        return;
      case 'AddressGranted':
        await this.#settleHold(grant);
        return;
      case 'AddressCommitted':
        await this.#onHold(grant.pool, { type: 'ConfirmAddress', grantId });
        return;
      case 'AddressEnded':
        await this.#unhold(grant.pool, grantId, grant.availableAt);
        return;
      case 'LocationGranted':
        if (await this.#isCommitted(grant.project, grantId)) return;
        await this.#leave(grant.location, grant.project, grantId);
        return;
      case 'LocationEnded':
        await this.#leave(grant.location, grant.project, grantId);
    }
  }

  /** A hold that nothing was committed with is fenced; one that is in use is the pool's to know. */
  async #settleHold(grant: Extract<OpenGrant, { type: 'AddressGranted' }>): Promise<void> {
    const { project, pool, grantId } = grant;
    await this.#ledger.project(project, { type: 'AbandonGrant', grantId }, this.#ledger.own());
    const { heldGrants, endedHolds } = await this.#ledger.projectState(project);
    if (heldGrants.has(grantId)) return;
    await this.#unhold(pool, grantId, endedHolds.get(grantId) ?? this.#clock().toISOString());
  }

  async #unhold(pool: string, grantId: string, availableAt: string): Promise<void> {
    await this.#onHold(pool, { type: 'UnholdAddress', grantId, availableAt });
  }

  /** The pool is read up to its end first: what it holds may have been asked for elsewhere. */
  async #onHold(pool: string, command: HoldCommand): Promise<void> {
    const root = rootOf(this.#ledger.platformState, pool);
    await this.#ledger.refreshPool(root);
    await this.#ledger.pool(root, command, this.#ledger.own());
  }

  async #isCommitted(project: string, grantId: string): Promise<boolean> {
    await this.#ledger.project(project, { type: 'AbandonGrant', grantId }, this.#ledger.own());
    const state = await this.#ledger.projectState(project);
    return !state.abandonedGrants.has(grantId);
  }

  async #returnRange(pool: string, grantId: string, availableAt: string): Promise<void> {
    const command = { type: 'ReturnRange', grantId, availableAt } as const;
    const root = rootOf(this.#ledger.platformState, pool);
    await this.#ledger.pool(root, command, this.#ledger.own());
  }

  async #leave(
    location: { readonly name: string; readonly uid: string },
    project: string,
    grantId: string,
  ): Promise<void> {
    const command = { type: 'LeaveLocation', location, project, grantId } as const;
    await this.#ledger.platform(command, this.#ledger.own());
  }

  async #vacate(
    project: string,
    location: { readonly name: string; readonly uid: string },
  ): Promise<void> {
    const { name, uid } = location;
    const command = { type: 'VacateLocation', location: { name, uid } } as const;
    await this.#ledger.project(project, command, this.#ledger.own());
    const { joins, endedJoins } = await this.#ledger.projectState(project);
    if (joins.get(name)?.location.uid === uid) return;
    // A join that no presence stands on any more, or that none was ever made with.
    const grantId = this.#ledger.platformState.locations.get(name)?.joined.get(project)?.grantId;
    if (grantId === undefined) return;
    const isOver = endedJoins.get(name) === grantId || !(await this.#isCommitted(project, grantId));
    if (isOver) await this.#leave(location, project, grantId);
  }
}

/** What a stream has given and the other one has not answered. */
const GIVEN: ReadonlySet<OpenGrant['type']> = new Set([
  ...(['RangeGranted', 'AddressGranted', 'LocationGranted'] as const),
]);

function is<T extends EventType>(
  event: RecordedEvent,
  type: T,
): event is RecordedEvent & { readonly data: EventData<T> } {
  return event.type === type;
}
