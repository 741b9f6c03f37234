import { deepStrictEqual } from 'node:assert';
import type { Grant } from '../ledger/decision.ts';
import type { LedgerEvent } from '../ledger/events.ts';
import type { AddressingPlan } from '../ledger/plan.ts';
import type { PlatformCommand } from '../ledger/platform/decide.ts';
import type { PlatformState } from '../ledger/platform/state.ts';
import type { PoolCommand } from '../ledger/pool/decide.ts';
import type { AuthoredPoolCommand } from '../ledger/pool/life.ts';
import type { PoolState } from '../ledger/pool/state.ts';
import type { ProjectCommand } from '../ledger/project/decide.ts';
import type { ProjectState } from '../ledger/project/state.ts';
import { everyCause } from '../ledger/project/waiting.ts';
import { PLATFORM_STREAM, poolStream, projectStream } from '../ledger/streams.ts';
import { limits } from '../limits.ts';
import {
  platformAggregate,
  poolAggregate,
  projectAggregate,
  type SpaceState,
} from './aggregate.ts';
import { AuthoredPools } from './authored-pools.ts';
import { fulfil } from './grants.ts';
import { Mailbox, type MailboxDeps, type Settled } from './mailbox.ts';
import { type LedgerAnswer, type LedgerRequest, LedgerUnavailable } from './request.ts';
import { Residents } from './residents.ts';

export type LedgerDeps = Omit<MailboxDeps, 'platform' | 'refreshPlatform'>;

/** A start with another addressing plan than the one that the log was begun with. */
export class PlanDiffers extends Error {
  override readonly name = 'PlanDiffers';
}

/** The commands' way to their streams: one mailbox a stream, and the steps between streams. */
export class Ledger {
  readonly #deps: MailboxDeps;
  readonly #platform: Mailbox<PlatformState, PlatformCommand>;
  readonly #projects: Residents<ProjectState, ProjectCommand>;
  readonly #pools = new Map<string, Mailbox<PoolState, PoolCommand>>();
  readonly #authoredPools = new AuthoredPools(this);

  private constructor(deps: LedgerDeps) {
    this.#deps = {
      ...deps,
      platform: () => this.#platform.state,
      refreshPlatform: async () => {
        await this.#platform.refresh();
      },
    };
    this.#platform = new Mailbox(PLATFORM_STREAM, platformAggregate, this.#deps);
    this.#projects = new Residents((name) => this.#newMailbox(name), deps.clock);
  }

  /**
   * Opens the ledger on a log. An empty log begins with the plan; one that has begun with another
   * plan than the given one is refused with PlanDiffers.
   */
  static async open(deps: LedgerDeps, plan: AddressingPlan, isGiven: boolean): Promise<Ledger> {
    const ledger = new Ledger(deps);
    const state = await ledger.#platform.load();
    if (state.generation === undefined) {
      const settled = await ledger.#platform.submit({ type: 'OpenPlatform', plan }, ledger.own());
      if (settled.outcome !== 'decided') throw new Error('the platform could not be opened');
    } else if (isGiven) {
      refuseOtherPlan(state.plan, plan);
    }
    return ledger;
  }

  get platformState(): PlatformState {
    return this.#platform.state;
  }

  /** Resolves when the platform's state here holds what stands at this revision. */
  async platformUpTo(revision: number): Promise<void> {
    if (this.platformState.revision < revision) await this.#platform.refresh();
  }

  /** The platform's state with what others have appended since. */
  refreshPlatform(): Promise<PlatformState> {
    return this.#platform.refresh();
  }

  /** What became of a keyed command, by all that is in the log before the platform's end. */
  async answered({ commandId, idempotency }: LedgerRequest): Promise<Settled<never> | undefined> {
    if (idempotency === undefined) return undefined;
    const answer = await this.#platform.answered(commandId);
    return answer && { outcome: 'repeated', answer };
  }

  /** Names of the projects that are held in memory, the one that was used last at the end. */
  get openProjects(): string[] {
    return this.#projects.names;
  }

  /** Those of them in which something waits, or may begin to with what is being decided now. */
  get waitingProjects(): string[] {
    return this.openProjects.filter((name) => {
      const mailbox = this.#projects.peek(name);
      return mailbox?.isIdle === false || (mailbox && everyCause(mailbox.state).length > 0);
    });
  }

  get newId(): () => string {
    return this.#deps.newId;
  }

  /** A request of the ledger itself. */
  own(causationId?: string): LedgerRequest {
    const commandId = this.#deps.newId();
    const actor = { issuer: 'netalloc', subject: 'ledger', role: 'system' };
    const request = { commandId, correlationId: commandId, actor, dryRun: false };
    return causationId === undefined ? request : { ...request, causationId };
  }

  /** Decides a command of the platform. */
  async platform(command: PlatformCommand, request: LedgerRequest): Promise<LedgerAnswer> {
    return toAnswer(PLATFORM_STREAM, await this.#platform.submit(command, request));
  }

  /** Decides what the platform would make of a command, and gives the state that it would have. */
  tryPlatform(command: PlatformCommand, request: LedgerRequest): Promise<Settled<PlatformState>> {
    return this.#platform.submit(command, { ...request, dryRun: true });
  }

  /** Makes, changes or deletes an authored pool, in the platform's stream and its root's. */
  async authoredPool(command: AuthoredPoolCommand, request: LedgerRequest): Promise<LedgerAnswer> {
    const { name } = command;
    const answer = await this.#authoredPools.submit(command, request);
    if (answer !== undefined) return toAnswer(poolStream(answer.root), answer.settled);
    const subject = { kind: 'IPPool', name };
    return {
      outcome: 'rejected',
      rejection: { reason: 'NotFound', subject, message: 'not found' },
    };
  }

  /** Finishes or undoes what is half done of an authored pool. */
  settlePool(name: string): Promise<void> {
    return this.#authoredPools.settle(name);
  }

  /** Decides a command in the stream of an authored root, and gives its state with the answer. */
  async pool(
    root: string,
    command: PoolCommand,
    request: LedgerRequest,
  ): Promise<Settled<PoolState>> {
    return this.#poolMailbox(root).submit(command, request);
  }

  /**
   * Decides a command of a project. What other streams have to grant first is asked of them, a
   * bounded number of times; a dry run only asks what they would grant.
   */
  async project(
    name: string,
    command: ProjectCommand,
    request: LedgerRequest,
  ): Promise<LedgerAnswer> {
    const grants: Grant[] = [];
    let settled: Settled<ProjectState> | undefined;
    let dryPlatform: PlatformState | undefined;
    try {
      for (let attempt = 0; attempt < limits.grantAttemptsMax; attempt += 1) {
        settled = undefined;
        settled = await this.#projects.get(name).submit(command, request, grants, dryPlatform);
        if (settled.outcome !== 'needs') return toAnswer(projectStream(name), settled);
        const granted = await fulfil(this, name, settled.state, settled.need, request);
        grants.push(...(granted.grants ?? []));
        dryPlatform = granted.dryPlatform ?? dryPlatform;
      }
    } finally {
      // A decision fences what it was given and does not use; without one the ledger has to.
      if (settled?.outcome !== 'decided') await this.#abandon(name, grants, request);
      this.#projects.dropUnborn(name);
    }
    throw new LedgerUnavailable('other streams changed faster than the command was decided');
  }

  /** Fences what pools have given nobody but a command which has come to nothing. */
  async #abandon(
    name: string,
    grants: readonly Grant[],
    { dryRun, commandId }: LedgerRequest,
  ): Promise<void> {
    if (dryRun) return;
    for (const grant of grants) {
      // The next range of a project is there for whoever asks next; a very prefix is in the way.
      const isKept = grant.type === 'Range' && !grant.isExact;
      if (isKept || grant.granted === undefined) continue;
      const command = { type: 'AbandonGrant', grantId: grant.granted.id } as const;
      try {
        await this.#projects.get(name).submit(command, this.own(commandId));
      } catch (err) {
        // The hold is found in the log, where it stands open, and fenced later.
        this.#deps.log.warn({ err, ...command }, 'a grant could not be given back at once');
      }
    }
  }

  /** The instant of a decision on a state that nobody has asked its mailbox for. */
  nowMs({ lastAtMs }: SpaceState): number {
    return Math.max(this.#deps.clock().getTime(), lastAtMs);
  }

  /** The state of a project as far as it is durable. */
  projectState(name: string): Promise<ProjectState> {
    return this.#projects.get(name).load();
  }

  /**
   * Does what events of another process call for in a project, should that process have ended
   * before it did so; without a word of which, takes up whatever is unfinished there.
   */
  async resumeProject(name: string, events: readonly LedgerEvent[] | undefined): Promise<void> {
    await this.#projects.get(name).resume(events);
  }

  /** Whether what stands at this revision of a project was decided here. */
  hasDecided(project: string, revision: number): boolean {
    return this.#projects.peek(project)?.hasDecided(revision) ?? false;
  }

  /** The namespace of a project as the log has it now; undefined when there is none. */
  async namespaceOf(name: string): Promise<ProjectState['namespace']> {
    try {
      return (await this.#projects.get(name).refresh()).namespace;
    } finally {
      this.#projects.dropUnborn(name);
    }
  }

  /** The state of an authored root as far as it is durable. */
  poolState(root: string): Promise<PoolState> {
    return this.#poolMailbox(root).load();
  }

  /** The same, with what others have appended since. */
  refreshPool(name: string): Promise<PoolState> {
    return this.#poolMailbox(name).refresh();
  }

  /** Decides what was accepted, then takes nothing more. */
  async close(): Promise<void> {
    const others = [...this.#pools.values(), this.#platform];
    await Promise.all([this.#projects.close(), ...others.map((mailbox) => mailbox.close())]);
  }

  #newMailbox(name: string): Mailbox<ProjectState, ProjectCommand> {
    const mailbox = new Mailbox(projectStream(name), projectAggregate(name), this.#deps);
    mailbox.onNeed = (command) => this.project(name, command, this.own());
    return mailbox;
  }

  #poolMailbox(name: string): Mailbox<PoolState, PoolCommand> {
    const present = this.#pools.get(name);
    if (present !== undefined) return present;
    const mailbox = new Mailbox(poolStream(name), poolAggregate, this.#deps);
    this.#pools.set(name, mailbox);
    return mailbox;
  }
}

function toAnswer(stream: string, settled: Settled<unknown>): LedgerAnswer {
  switch (settled.outcome) {
    case 'decided': {
      const { events, firstRevision, revision, position } = settled;
      return { outcome: 'decided', stream, events, firstRevision, revision, position };
    }
    case 'repeated':
      return { outcome: 'repeated', ...settled.answer };
    case 'rejected':
      return settled;
    case 'needs':
      throw new Error(`${stream} needs what it cannot be given`);
  }
}

function refuseOtherPlan(recorded: AddressingPlan | undefined, given: AddressingPlan): void {
  try {
    deepStrictEqual(given, JSON.parse(JSON.stringify(recorded)));
  } catch (error) {
    throw new PlanDiffers(
      'the plan file differs from the addressing plan that this log was begun with; ' +
        `a plan is recorded once:\n${(error as Error).message}`,
    );
  }
}
