import type { Logger } from 'pino';
import type { EventData, EventType } from '../ledger/events.ts';
import { causesOf } from '../ledger/project/waiting.ts';
import { projectOf, spaceOf } from '../ledger/streams.ts';
import { limits } from '../limits.ts';
import type { RecordedEvent } from '../store/store.ts';
import type { OpenGrant, Views } from '../views/views.ts';
import type { Ledger } from './ledger.ts';

/**
 * The second half of every step between streams, and what a crash has left half-way. The log's
 * events name the work; every decision about it is made by the streams themselves, so doing a
 * piece of work twice, late or by two processes does no harm.
 */
export class Recovery {
  readonly #ledger: Ledger;
  readonly #views: Views;
  readonly #log: Logger;
  readonly #clock: () => Date;
  readonly #timers = new Set<NodeJS.Timeout>();
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(deps: { ledger: Ledger; views: Views; log: Logger; clock: () => Date }) {
    this.#ledger = deps.ledger;
    this.#views = deps.views;
    this.#log = deps.log;
    this.#clock = deps.clock;
  }

  /** Finishes or undoes what the log shows as begun. Resolves when all of it is done. */
  async start(): Promise<void> {
    for (const { pool } of this.#ledger.platformState.roots)
      this.#do(() => this.#openPool(pool.name));
    for (const grant of this.#views.openGrants()) this.#do(() => this.#settle(grant));
    for (const { project, location } of this.#views.projectsAtDeletedLocations()) {
      this.#do(() => this.#vacate(project, location));
    }
    for (const project of this.#views.unfinishedProjects()) {
      this.#do(async () => {
        await this.#ledger.projectState(project);
      });
    }
    await this.#work;
  }

  /** Does what events that the views have applied call for in other streams. */
  react(events: readonly RecordedEvent[]): void {
    for (const event of events) this.#reactTo(event);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#work;
  }

  #reactTo(event: RecordedEvent): void {
    const project = projectOf(event.stream);
    if (project !== undefined) {
      this.#reactToProject(project, event);
      return;
    }
    if (is(event, 'DeletionRequested')) {
      const { name, uid } = event.data;
      const joined = this.#ledger.platformState.locations.get(name)?.joined.keys() ?? [];
      for (const one of [...joined]) this.#do(() => this.#vacate(one, { name, uid }));
    }
    const wakes = causesOf(event as unknown as Parameters<typeof causesOf>[0]);
    const atMs = is(event, 'PrefixReturned') ? Date.parse(event.data.availableAt) : 0;
    if (spaceOf(event.stream)?.kind === 'platform' || is(event, 'PrefixReturned')) {
      for (const cause of wakes) this.#at(atMs, () => this.#wake(cause));
    }
  }

  #reactToProject(project: string, event: RecordedEvent): void {
    if (is(event, 'NetworkContextDeleted') && event.data.endsGrant !== undefined) {
      const { grantId, location } = event.data.endsGrant;
      this.#do(() => this.#settle({ type: 'LocationEnded', location, project, grantId }));
    } else if (is(event, 'AddressSpaceClosed')) {
      for (const { grantId, pool, availableAt } of event.data.ranges) {
        this.#do(() => this.#settle({ type: 'RangeEnded', pool, grantId, availableAt }));
      }
    } else if (is(event, 'InterfaceDeleted')) {
      const { networkContext } = event.data;
      const name = networkContext.slice(networkContext.indexOf('.') + 1);
      const location = this.#ledger.platformState.locations.get(name);
      if (location?.deleting) this.#do(() => this.#vacate(project, location));
    }
  }

  /** One piece of work after the other; what fails is tried again until it is done. */
  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      for (let attempt = 1; !this.#closed; attempt += 1) {
        try {
          await work();
          return;
        } catch (err) {
          this.#log.warn({ err, attempt }, 'a step between streams failed and is tried again');
          await this.#pause(Math.min(limits.appendRetryDelayMsMax, 20 * 2 ** attempt));
        }
      }
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  #at(atMs: number, work: () => Promise<void>): void {
    const delay = atMs - this.#clock().getTime();
    if (delay <= 0) {
      this.#do(work);
      return;
    }
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#at(atMs, work);
      },
      Math.min(delay + 1, limits.timerMsMax),
    );
    timer.unref();
    this.#timers.add(timer);
  }

  async #openPool(name: string): Promise<void> {
    const { plan, roots } = this.#ledger.platformState;
    const spec = plan?.pools.find((pool) => pool.name === name);
    const uid = roots.find(({ pool }) => pool.name === name)?.pool.uid;
    if (spec === undefined || uid === undefined) throw new Error(`pool ${name} is not in the plan`);
    const { ipFamily, cidr, classNames } = spec;
    const command = { type: 'OpenPool', name, uid, spec: { ipFamily, cidr, classNames } } as const;
    await this.#ledger.pool(name, command, this.#ledger.own());
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
      case 'LocationGranted':
        if (await this.#isCommitted(grant.project, grantId)) return;
        await this.#leave(grant.location, grant.project, grantId);
        return;
      case 'LocationEnded':
        await this.#leave(grant.location, grant.project, grantId);
    }
  }

  async #isCommitted(project: string, grantId: string): Promise<boolean> {
    await this.#ledger.project(project, { type: 'AbandonGrant', grantId }, this.#ledger.own());
    const state = await this.#ledger.projectState(project);
    return !state.abandonedGrants.has(grantId);
  }

  async #returnRange(pool: string, grantId: string, availableAt: string): Promise<void> {
    const command = { type: 'ReturnRange', grantId, availableAt } as const;
    await this.#ledger.pool(pool, command, this.#ledger.own());
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

  /** Lets every project try again what waits for this, in the order in which it began to wait. */
  async #wake(cause: string): Promise<void> {
    for (const project of this.#views.projectsWaitingFor(cause)) {
      await this.#ledger.project(
        project,
        { type: 'ServeWaiting', causes: [cause] },
        this.#ledger.own(),
      );
    }
  }
}

function is<T extends EventType>(
  event: RecordedEvent,
  type: T,
): event is RecordedEvent & { readonly data: EventData<T> } {
  return event.type === type;
}
