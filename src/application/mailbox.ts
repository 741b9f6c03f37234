import type { Logger } from 'pino';
import type { Decision, DecisionContext, Grant, Need } from '../ledger/decision.ts';
import type { LedgerEvent } from '../ledger/events.ts';
import { SCHEMA_VERSION } from '../ledger/events.ts';
import { eventId } from '../ledger/identifiers.ts';
import type { PlatformState } from '../ledger/platform/state.ts';
import type { Rejection } from '../ledger/rejections.ts';
import { limits } from '../limits.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';
import { sealCommand } from '../store/hash-chain.ts';
import {
  type EventToAppend,
  type Position,
  type RecordedEvent,
  type Store,
  StoreFull,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../store/store.ts';
import type { AnsweredCommand } from '../views/views.ts';
import { type Aggregate, objectsIn, type SpaceState } from './aggregate.ts';
import { type LedgerRequest, LedgerUnavailable } from './request.ts';
import { readOn, readState, type StreamState, unborn } from './stream-state.ts';

/** What a mailbox needs from the rest of the process. */
export interface MailboxDeps {
  readonly store: Store;
  /** Without them every state is made of the whole stream. */
  readonly snapshots?: Snapshots;
  readonly log: Logger;
  readonly clock: () => Date;
  readonly newId: () => string;
  /** A number from 0 to 1, for jitter. */
  readonly random: () => number;
  readonly platform: () => PlatformState;
  /** Reads the platform's stream up to its end. */
  readonly refreshPlatform: () => Promise<void>;
  /** Resolves when this process's views have reached a position. */
  readonly viewed: (position: Position) => Promise<void>;
  readonly answered: (commandId: string) => AnsweredCommand | undefined;
}

/** What a mailbox answers: a decision that is durable, or why there is none. */
export type Settled<S> =
  | {
      readonly outcome: 'decided';
      readonly events: readonly LedgerEvent[];
      readonly firstRevision: number;
      readonly revision: number;
      readonly position: Position;
      /** The state after it. */
      readonly state: S;
    }
  | { readonly outcome: 'repeated'; readonly answer: AnsweredCommand }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection }
  | { readonly outcome: 'needs'; readonly need: Need; readonly state: S };

interface Entry<S, C> {
  readonly command: C;
  readonly request: LedgerRequest;
  readonly grants: readonly Grant[];
  /** For a dry run: the platform as other steps of it would leave it. */
  readonly dryPlatform: PlatformState | undefined;
  readonly resolve: (settled: Settled<S>) => void;
  readonly reject: (error: unknown) => void;
}

/** Commands decided one after another, whose events go into the log with one append. */
interface Batch<S, C> {
  /** The attempt that its events' ids tell: decided again they are other events. */
  readonly attempt: string;
  /** When it was begun: the instant of all its decisions, but for those of a later state. */
  readonly atMs: number;
  state: S;
  hash: string;
  bytes: number;
  readonly sealed: EventToAppend[];
  readonly decided: { entry: Entry<S, C>; settled: Settled<S> }[];
  readonly commandIds: Set<string>;
}

/**
 * The one writer of a stream in this process. It holds the folded state, decides waiting commands
 * one after another on the evolving state and appends all their events at once; answers leave only
 * when the append is durable. That nothing is decided twice is the expected revision's doing; the
 * mailbox is there for speed.
 */
export class Mailbox<S extends SpaceState, C> {
  readonly #stream: string;
  readonly #aggregate: Aggregate<S, C>;
  readonly #deps: MailboxDeps;
  readonly #queue: Entry<S, C>[] = [];
  #state: S;
  #hash = '';
  #position: Position = 0n;
  #loaded = false;
  /** The last revision that was read and not decided here. */
  #readUpTo = -1;
  /** The revision at which a snapshot was last read or written. */
  #kept = -1;
  /** Whether others may have appended what decisions here have to see. */
  #stale = false;
  /** Whether something that the ledger owes by itself has failed and is to be tried again. */
  #owing = false;
  /** What others have decided and have perhaps not gone on with. */
  readonly #unanswered: LedgerEvent[] = [];
  /** Steps of long work that have been lined up and are not shown yet. */
  readonly #lined = new Set<C>();
  /** Up to which instant what is due by itself has been looked for. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Whether something has failed since it was last tried. */
  #hasFailed = false;
  /** Conflicts since the last append that succeeded. */
  #conflicts = 0;
  /** Appends during which another process is taken to write here as well, after a conflict. */
  #shared = 0;
  /** How long the last append took; after it, others are let by for about as long as they need. */
  #appendMs = 0;
  #yields = false;
  #loads: { resolve: (state: S) => void; reject: (error: unknown) => void }[] = [];
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Carries out a command of the ledger's own that another stream has to allow first. */
  onNeed: (command: C) => Promise<unknown> = async () => {};

  constructor(stream: string, aggregate: Aggregate<S, C>, deps: MailboxDeps) {
    this.#stream = stream;
    this.#aggregate = aggregate;
    this.#deps = deps;
    this.#state = aggregate.initial;
  }

  /** The state as far as it is durable and has been read. */
  get state(): S {
    return this.#state;
  }

  /** Whether the stream is known to have no event. */
  get isUnborn(): boolean {
    return this.#loaded && this.#state.revision < 0;
  }

  /** Whether what stands at this revision was decided here, and all that it calls for with it. */
  hasDecided(revision: number): boolean {
    return revision > this.#readUpTo && revision <= this.#state.revision;
  }

  get isIdle(): boolean {
    return this.#running === undefined && this.#queue.length === 0;
  }

  /** Whether it can be dropped: nothing is being done, and nothing has to be done once more. */
  get isAtRest(): boolean {
    return this.isIdle && !this.#owing && this.#lined.size === 0;
  }

  /** The next instant at which something comes due by itself. */
  get nextDueMs(): number | undefined {
    return this.#aggregate.nextDue(this.#state, this.#dueMs);
  }

  /** Resolves once nothing is being decided. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Decides a command. Rejects with LedgerUnavailable when it cannot be decided now. */
  submit(
    command: C,
    request: LedgerRequest,
    grants: readonly Grant[] = [],
    dryPlatform?: PlatformState,
  ): Promise<Settled<S>> {
    if (this.#closed) return Promise.reject(new LedgerUnavailable('the ledger is shutting down'));
    if (this.#queue.length >= limits.mailboxCommandsMax) {
      const message = `too many commands wait for ${this.#stream}`;
      return Promise.reject(new LedgerUnavailable(message));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ command, request, grants, dryPlatform, resolve, reject });
      this.#start();
    });
  }

  /** The state once the stream has been read up to its end. Rejects when it cannot be read. */
  load(): Promise<S> {
    if (this.#loaded && !this.#stale) return Promise.resolve(this.#state);
    if (this.#closed) return Promise.reject(new LedgerUnavailable('the ledger is shutting down'));
    return new Promise((resolve, reject) => {
      this.#loads.push({ resolve, reject });
      this.#start();
    });
  }

  /** The same, with what others have appended since. */
  refresh(): Promise<S> {
    this.#stale = true;
    return this.load();
  }

  /** What became of a keyed command that was carried out before what is decided here. */
  async answered(commandId: string): Promise<AnsweredCommand | undefined> {
    await this.#deps.viewed(this.#position);
    return this.#deps.answered(commandId);
  }

  /**
   * The same, and does what events of others call for, should that still be undone; without a word
   * of which, whatever is unfinished.
   */
  resume(events: readonly LedgerEvent[] | undefined): Promise<S> {
    if (events === undefined) this.#owing = true;
    else this.#unanswered.push(...events);
    return this.refresh();
  }

  /**
   * Keeps a snapshot when enough has happened since the last one. Writing it takes as long as there
   * are objects in it, so that a larger state waits for more, and for less when it leaves memory.
   */
  async keep(leaves: boolean): Promise<void> {
    const { revision } = this.#state;
    const events = leaves ? limits.snapshotEventsMin : limits.snapshotEventsMax;
    const share = leaves ? limits.snapshotObjectsPerEventMax : limits.snapshotObjectsPerEventMin;
    const enough = Math.max(events, objectsIn(this.#state) / share);
    if (!this.#loaded || revision - this.#kept < enough) return;
    this.#kept = revision;
    const { state } = this;
    const snapshot = { state, revision, hash: this.#hash, position: this.#position };
    await this.#deps.snapshots?.write(this.#stream, snapshot);
  }

  /** Decides what was accepted, then takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.idle();
  }

  #start(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#run()
      .catch((error) => this.#failAll(error))
      .finally(() => {
        this.#running = undefined;
        if (this.#queue.length > 0 || this.#loads.length > 0) this.#start();
        else this.#rest();
      });
  }

  #rest(): void {
    this.#schedule();
    if (!this.#closed) this.keep(false);
  }

  async #run(): Promise<void> {
    // Commands that arrive in one turn of the event loop are decided together.
    await new Promise((resolve) => setImmediate(resolve));
    do await this.#turn();
    while (this.#queue.length > 0 || this.#stale);
  }

  /** One batch: decided, appended, answered. */
  async #turn(): Promise<void> {
    await this.#letOthersBy();
    await this.#bringUpToDate();
    const { platform, refreshPlatform } = this.#deps;
    if (this.#aggregate.platformRevision(this.#state) > platform().revision) {
      await refreshPlatform();
    }
    await this.#awaitKeys();
    const batch = this.#decideBatch();
    const holds = batch.sealed.length > 0 ? this.#append(batch) : this.#isUpToDate(batch);
    if (!(await holds)) return;
    this.#settle(batch);
    this.#lineUp();
  }

  /**
   * Puts the next step of work that takes many appends behind what waits: whoever asks meanwhile is
   * held up by one step, and the step after it comes when the views have shown it.
   */
  #lineUp(): void {
    if (this.#closed) return;
    for (const command of this.#aggregate.inTurn(this.#state)) {
      if (this.#lined.has(command)) continue;
      this.#lined.add(command);
      const entry = this.#ownEntry(command, 'clock');
      const resolve: typeof entry.resolve = (settled) => {
        this.#lined.delete(command);
        entry.resolve(settled);
        this.#lineUp();
        this.#start();
      };
      const reject = (error: unknown) => {
        this.#lined.delete(command);
        entry.reject(error);
      };
      this.#queue.push({ ...entry, resolve, reject });
    }
  }

  /**
   * Who has just written a stream that others write as well lets them by, and then reads what they
   * have written. Else the one that is ahead stays so: the others always read first.
   */
  async #letOthersBy(): Promise<void> {
    if (!this.#yields || this.#closed) return;
    this.#yields = false;
    this.#shared -= 1;
    this.#stale = true;
    const { sharedStreamPauseMsMax, sharedStreamPauseRatio } = limits;
    const pauseMs = this.#appendMs * sharedStreamPauseRatio * (1 + this.#deps.random());
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, sharedStreamPauseMsMax)));
  }

  /** Reads what decisions have to see, and puts what is due by itself before what waits. */
  async #bringUpToDate(): Promise<void> {
    const anew = !this.#loaded;
    if (anew || this.#stale) {
      this.#stale = false;
      const { store, snapshots } = this.#deps;
      if (anew) {
        const read = await readState(store, snapshots, this.#stream, this.#aggregate);
        this.#take(read);
        this.#kept = read.snapshotRevision;
      } else {
        await this.#readTail();
      }
      this.#loaded = true;
    }
    for (const { resolve } of this.#loads.splice(0)) resolve(this.#state);
    this.#lineUp();
    const atMs = this.#deps.clock().getTime();
    const commands = [
      ...this.#aggregate.due(this.#state, this.#dueMs, atMs, anew || this.#owing),
      ...this.#aggregate.followUps(this.#state, this.#unanswered.splice(0)),
    ];
    this.#dueMs = atMs;
    this.#owing = false;
    this.#queue.unshift(...commands.map((command) => this.#ownEntry(command, 'clock')));
  }

  /** A keyed command is decided only when the view of keys shows all that it is decided on. */
  async #awaitKeys(): Promise<void> {
    const isKeyed = ({ request }: Entry<S, C>) => request.idempotency !== undefined;
    if (!this.#queue.some(isKeyed)) return;
    try {
      await this.#deps.viewed(this.#position);
    } catch (error) {
      const refusal = new LedgerUnavailable('the views are behind', 1, { cause: error });
      for (const entry of this.#queue.filter(isKeyed)) entry.reject(refusal);
      const others = this.#queue.filter((entry) => !isKeyed(entry));
      this.#queue.splice(0, this.#queue.length, ...others);
    }
  }

  #decideBatch(): Batch<S, C> {
    const batch: Batch<S, C> = {
      attempt: this.#deps.newId(),
      atMs: this.#deps.clock().getTime(),
      state: this.#state,
      hash: this.#hash,
      bytes: 0,
      sealed: [],
      decided: [],
      commandIds: new Set(),
    };
    while (this.#queue.length > 0 && batch.decided.length < limits.mailboxBatchCommandsMax) {
      const entry = this.#queue[0] as Entry<S, C>;
      if (batch.commandIds.has(entry.request.commandId)) break;
      if (!this.#decideInto(batch, entry)) break;
      this.#queue.shift();
    }
    return batch;
  }

  /** Decides one command on the batch's state. False when its events need another append. */
  #decideInto(batch: Batch<S, C>, entry: Entry<S, C>): boolean {
    const { request } = entry;
    const done = request.idempotency && this.#deps.answered(request.commandId);
    if (done !== undefined) {
      batch.decided.push({ entry, settled: { outcome: 'repeated', answer: done } });
      return true;
    }
    let decision: ReturnType<Aggregate<S, C>['decide']>;
    let sealed: EventToAppend[];
    try {
      decision = this.#aggregate.decide(entry.command, batch.state, this.#contextOf(batch, entry));
      if (decision.outcome !== 'decided') {
        const { state } = batch;
        const settled: Settled<S> =
          decision.outcome === 'needs' ? { ...decision, state } : decision;
        batch.decided.push({ entry, settled });
        return true;
      }
      sealed = request.dryRun ? [] : this.#seal(batch, decision.events, request);
    } catch (error) {
      entry.reject(error);
      return true;
    }
    const bytes = sealed.reduce((sum, event) => sum + Buffer.byteLength(event.body), 0);
    const events = batch.sealed.length + sealed.length;
    if (batch.bytes + bytes > limits.appendBytesMax || events > limits.appendEventsMax) {
      if (batch.sealed.length > 0) return false;
      entry.reject(new RangeError(`the decision of one command has ${bytes} bytes`));
      return true;
    }
    const firstRevision = batch.state.revision + 1;
    const revision = firstRevision + decision.events.length - 1;
    const { state } = decision;
    const settled = {
      outcome: 'decided',
      events: decision.events,
      firstRevision,
      revision,
    } as const;
    batch.decided.push({ entry, settled: { ...settled, position: 0n, state } });
    if (request.dryRun || sealed.length === 0) return true;
    batch.state = state;
    batch.bytes += bytes;
    batch.sealed.push(...sealed);
    batch.hash = (sealed.at(-1) as EventToAppend).hash;
    batch.commandIds.add(request.commandId);
    this.#followUp(entry.command, decision, sealed.at(-1) as EventToAppend);
    return true;
  }

  /** What a decision calls for, the rest of its own work first, comes before what else waits. */
  #followUp(
    command: C,
    decision: Extract<Decision<S>, { outcome: 'decided' }>,
    cause: EventToAppend,
  ): void {
    const commands = this.#aggregate.followUps(decision.state, decision.events);
    const rest = decision.unfinished ? [command, ...commands] : commands;
    const own = rest.map((one) => this.#ownEntry(one, cause.id));
    // The entry that is being decided is still first in the queue.
    this.#queue.splice(1, 0, ...own);
  }

  /** A command of the ledger itself: nobody waits for its answer. */
  #ownEntry(command: C, causationId: string): Entry<S, C> {
    const commandId = this.#deps.newId();
    const actor = { issuer: 'netalloc', subject: 'ledger', role: 'system' };
    const request = { commandId, correlationId: commandId, causationId, actor, dryRun: false };
    return {
      command,
      request,
      grants: [],
      dryPlatform: undefined,
      resolve: (settled) => {
        if (settled.outcome !== 'needs') this.#failures = 0;
        else this.onNeed(command).catch((error) => this.#owe(error));
      },
      reject: (error) => this.#owe(error),
    };
  }

  /** What the ledger owes by itself is tried again after a while, until it is done. */
  #owe(error: unknown): void {
    if (this.#closed) return;
    // One bad moment fails many of them at once: it counts as one failure.
    if (!this.#hasFailed) this.#failures += 1;
    this.#hasFailed = true;
    this.#owing = true;
    this.#deps.log.warn({ err: error, stream: this.#stream }, 'a step of the ledger failed');
    if (this.#running === undefined) this.#schedule();
  }

  #contextOf(batch: Batch<S, C>, entry: Entry<S, C>): DecisionContext {
    return {
      commandId: entry.request.commandId,
      atMs: Math.max(batch.atMs, batch.state.lastAtMs),
      platform: entry.dryPlatform ?? this.#deps.platform(),
      grants: entry.grants,
    };
  }

  #seal(
    batch: Batch<S, C>,
    events: readonly LedgerEvent[],
    request: LedgerRequest,
  ): EventToAppend[] {
    const { commandId, correlationId, causationId, actor, reason, idempotency } = request;
    return sealCommand({
      ...{ stream: this.#stream, revision: batch.state.revision + 1 },
      ...{ previousHash: batch.hash, commandId },
      events: events.map(({ type, data }, index) => {
        return { id: eventId(commandId, index, batch.attempt), type, data };
      }),
      metadata: {
        $correlationId: correlationId,
        $causationId: causationId ?? commandId,
        actor,
        ...(reason === undefined ? {} : { reason }),
        schemaVersion: SCHEMA_VERSION,
        ...(idempotency === undefined ? {} : { idempotency }),
      },
    });
  }

  /**
   * Whether answers that no append proves rest on the stream's end: a refusal, or that things are
   * already so. False when others have written: what was decided waits to be decided again.
   */
  async #isUpToDate({ decided }: Batch<S, C>): Promise<boolean> {
    const restsOnState = ({ outcome }: Settled<S>) => !['needs', 'repeated'].includes(outcome);
    if (!decided.some(({ settled }) => restsOnState(settled))) return true;
    const entries = decided.map(({ entry }) => entry);
    try {
      const tail = await this.#readTail();
      if (tail.length === 0) {
        this.#conflicts = 0;
        return true;
      }
      this.#countConflict();
      this.#queue.unshift(...entries);
    } catch (error) {
      const refusal = unavailable(error);
      for (const entry of entries) entry.reject(refusal);
    }
    return false;
  }

  #countConflict(): void {
    this.#conflicts += 1;
    this.#shared = limits.sharedStreamAppends;
    if (this.#conflicts <= limits.conflictAttemptsMax) return;
    throw new LedgerUnavailable(`others write to ${this.#stream} without a pause`);
  }

  /**
   * Appends a batch; after an unknown outcome the identical batch again. False when another writer
   * was first: the state has been read anew, and what is not in the log yet waits to be decided.
   */
  async #append(batch: Batch<S, C>): Promise<boolean> {
    const untilMs = this.#deps.clock().getTime() + limits.appendRetriesMsMax;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const begunMs = this.#deps.clock().getTime();
        const appended = await this.#deps.store.append(
          this.#stream,
          this.#state.revision,
          batch.sealed,
        );
        this.#state = batch.state;
        this.#hash = batch.hash;
        this.#position = appended.position;
        this.#conflicts = 0;
        this.#appendMs = this.#deps.clock().getTime() - begunMs;
        this.#yields = this.#shared > 0;
        return true;
      } catch (error) {
        if (error instanceof WrongExpectedRevision) {
          await this.#resolveConflict(batch, error).catch((fault) =>
            this.#refuseBatch(batch, fault),
          );
          return false;
        }
        const isLate = this.#deps.clock().getTime() >= untilMs;
        const isLast = isLate || attempt === limits.appendAttemptsMax;
        if (error instanceof StoreUnavailable && !isLast) {
          await this.#backOff(attempt);
          continue;
        }
        this.#refuseBatch(batch, error);
        return false;
      }
    }
  }

  async #backOff(attempt: number): Promise<void> {
    const { appendRetryDelayMsMin, appendRetryDelayMsMax } = limits;
    const bound = Math.min(appendRetryDelayMsMax, appendRetryDelayMsMin * 2 ** attempt);
    const delay = appendRetryDelayMsMin + this.#deps.random() * (bound - appendRetryDelayMsMin);
    await new Promise((resolve) => setTimeout(resolve, delay));
  }

  /** Commands found in the new tail have succeeded; only the others are decided again. */
  async #resolveConflict(batch: Batch<S, C>, error: WrongExpectedRevision): Promise<void> {
    this.#countConflict();
    const tail = await this.#readTailUpTo(error.actual);
    const again: Entry<S, C>[] = [];
    const done: Batch<S, C>['decided'] = [];
    for (const { entry, settled } of batch.decided) {
      const { commandId, dryRun } = entry.request;
      const own = tail.filter((event) => event.metadata.commandId === commandId);
      const last = own.at(-1);
      if (last === undefined || dryRun || settled.outcome !== 'decided') {
        again.push(entry);
        continue;
      }
      const { revision, position } = last;
      const events = own.map((event) => ({ type: event.type, data: event.data }) as LedgerEvent);
      const firstRevision = (own[0] as RecordedEvent).revision;
      const { state } = settled;
      const found = { events, firstRevision, revision, position, state };
      done.push({ entry, settled: { outcome: 'decided', ...found } });
    }
    this.#answer(done);
    this.#queue.unshift(...again);
  }

  #refuseBatch(batch: Batch<S, C>, error: unknown): void {
    // Unless the store says that nothing was written, only the log can tell.
    if (!(error instanceof StoreFull)) {
      this.#forget();
      this.#owe(error);
    }
    const refusal = unavailable(error);
    for (const { entry } of batch.decided) entry.reject(refusal);
  }

  #forget(): void {
    this.#take(unborn(this.#aggregate));
    this.#conflicts = 0;
    this.#loaded = false;
  }

  #failAll(error: unknown): void {
    this.#forget();
    const refusal = unavailable(error);
    for (const entry of this.#queue.splice(0)) entry.reject(refusal);
    for (const { reject } of this.#loads.splice(0)) reject(refusal);
    this.#owe(error);
  }

  #settle({ decided }: Batch<S, C>): void {
    const position = this.#position;
    this.#answer(
      decided.map(({ entry, settled }) => ({
        entry,
        settled: settled.outcome === 'decided' ? { ...settled, position } : settled,
      })),
    );
  }

  /** Answers leave when the views of this process show what they rest on. */
  #answer(answers: Batch<S, C>['decided']): void {
    this.#deps.viewed(this.#position).then(
      () => {
        for (const { entry, settled } of answers) entry.resolve(settled);
      },
      (error) => {
        for (const { entry } of answers) entry.reject(error);
      },
    );
  }

  /** Reads what has been appended since, by whomever, and gives it. */
  async #readTail(): Promise<RecordedEvent[]> {
    const tail: RecordedEvent[] = [];
    const at = { state: this.#state, hash: this.#hash, position: this.#position };
    const keep = (page: readonly RecordedEvent[]) => tail.push(...page);
    this.#take(await readOn(this.#deps.store, this.#stream, this.#aggregate, at, keep));
    return tail;
  }

  /**
   * The same, up to what an append has met there. A cluster's leader refuses for what it has taken,
   * and does not show that before the others have it as well; and one that no longer leads, without
   * knowing it, refuses for an end that is not the end.
   */
  async #readTailUpTo(revision: number): Promise<RecordedEvent[]> {
    const tail: RecordedEvent[] = [];
    if (revision <= this.#state.revision) {
      throw new StoreUnavailable(`${this.#stream} has gone back to revision ${revision}`);
    }
    for (let attempt = 1; ; attempt += 1) {
      tail.push(...(await this.#readTail()));
      if (this.#state.revision >= revision) return tail;
      if (attempt === limits.appendAttemptsMax) {
        throw new StoreUnavailable(`${this.#stream} does not show revision ${revision}`);
      }
      await this.#backOff(attempt);
    }
  }

  #take({ state, hash, position }: StreamState<S>): void {
    if (state.revision !== this.#state.revision) this.#readUpTo = state.revision;
    this.#state = state;
    this.#hash = hash;
    this.#position = position;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const delay = this.#owing ? this.#retryDelayMs() : this.#dueDelayMs();
    if (delay === undefined) return;
    const retry = () => {
      this.#hasFailed = false;
      this.#start();
    };
    this.#timer = setTimeout(retry, Math.min(delay, limits.timerMsMax));
    this.#timer.unref();
  }

  #retryDelayMs(): number {
    const { ownRetryDelayMsMin, ownRetryDelayMsMax } = limits;
    return Math.min(ownRetryDelayMsMax, ownRetryDelayMsMin * 2 ** Math.min(this.#failures, 16));
  }

  #dueDelayMs(): number | undefined {
    const next = this.nextDueMs;
    return next && Math.max(next - this.#deps.clock().getTime(), 0) + 1;
  }
}

/** A store that cannot take an append now is no fault of the command: it may be sent again. */
function unavailable(error: unknown): unknown {
  if (error instanceof StoreFull) {
    return new LedgerUnavailable('the store is full', 5, { cause: error });
  }
  if (!(error instanceof StoreUnavailable)) return error;
  return new LedgerUnavailable('the store does not answer', 5, { cause: error });
}
