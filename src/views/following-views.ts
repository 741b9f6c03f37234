import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isEventType } from '../ledger/events.ts';
import { CATEGORY, projectOf } from '../ledger/streams.ts';
import { limits } from '../limits.ts';
import { SQLITE_CORRUPT, SQLITE_NOTADB, sqliteCode } from '../store/sqlite/faults.ts';
import type { Position, RecordedEvent, Store, Subscription } from '../store/store.ts';
import type { WindowBounds } from './change-window.ts';
import type { Placed } from './projection.ts';
import { SqliteViews } from './sqlite-views.ts';
import { ViewsBehind } from './views.ts';
import type { ViewsFile } from './views-file.ts';
import { WholeCommands } from './whole-commands.ts';

export interface FollowOptions {
  readonly store: Store;
  readonly clock: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** How long `reached` waits. */
  readonly waitMsMax?: number;
  /** How many of the last changes are known, and for how long. */
  readonly window?: Partial<WindowBounds>;
  /** The last events that kept views have applied: what is told of them is in no file. */
  readonly applied?: readonly RecordedEvent[];
}

type AppliedHandler = (events: readonly RecordedEvent[]) => void;

/** How often a long rebuild says how far it has come. */
const PROGRESS_MS = 5_000;

/** Views that follow a log. */
export class FollowingViews extends SqliteViews {
  /** Resolves when the log's head at opening has been reached; rejects when it will not be. */
  readonly ready: Promise<void>;
  /** Resolves with what keeps the views from following the log any further; else never. */
  readonly fault: Promise<Error>;
  readonly #log: FollowOptions['log'];
  readonly #clock: () => Date;
  readonly #commands = new WholeCommands();
  readonly #handlers = new Set<AppliedHandler>();
  readonly #subscription: Subscription;
  readonly #head: Position;
  readonly #becomeReady: () => void;
  #progressAt: number;
  /** When the last command was recorded. */
  #recordedAtMs: number;
  #closed = false;

  constructor(file: ViewsFile, head: Position, options: FollowOptions) {
    const { store, clock, log, waitMsMax, window, applied = [] } = options;
    super(file, { clock, log, lost: store.lostPositions, bounds: window, waitMsMax });
    for (const event of applied) {
      const [placed] = placedCommand([event], Date.parse(event.recordedAt));
      this.kubeEvents.take(placed as Placed);
    }
    this.#log = log;
    this.#clock = clock;
    this.#head = head;
    this.#progressAt = clock().getTime() + PROGRESS_MS;
    this.#recordedAtMs = this.recordedAtMs(this.position) ?? 0;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#becomeReady = () => {
      this.beginChanges();
      ready.resolve();
    };
    // A caller that does not wait for it is told by `fault` all the same.
    this.ready.catch(() => {});
    const take = (events: readonly RecordedEvent[]) => this.#take(events);
    this.#subscription = store.subscribe(this.position, take, { categories: [CATEGORY] });
    if (this.position >= head) this.#becomeReady();
    const ended = this.#subscription.done.then(
      () => new ViewsBehind('the store has ended the subscription'),
      (fault: unknown) => (fault instanceof Error ? fault : new Error(String(fault))),
    );
    const end = Promise.race([ended, this.rowsFault]);
    this.fault = new Promise((resolve) => {
      end.then((fault) => {
        const reason = this.#closed ? 'they are closed' : fault.message;
        this.end(reason);
        ready.reject(new ViewsBehind(reason));
        if (this.#closed) return;
        if (isDamage(fault)) file.condemn();
        resolve(fault);
      });
    });
  }

  /**
   * Has each batch of events handed to it after the views have it. Gives the way to end that.
   * During a rebuild these are events of long ago: who wants news only asks once they are ready.
   */
  onApplied(handler: AppliedHandler): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  override async close(): Promise<void> {
    this.#closed = true;
    await this.#subscription.stop();
    await super.close();
  }

  async #take(events: readonly RecordedEvent[]): Promise<void> {
    let batch: RecordedEvent[][] = [];
    let size = 0;
    for (const command of this.#commands.take(events)) {
      if (size > 0 && size + command.length > limits.viewBatchEventsMax) {
        await this.#applyBatch(batch);
        await nextTurn();
        batch = [];
        size = 0;
      }
      batch.push(command);
      size += command.length;
    }
    if (batch.length > 0) await this.#applyBatch(batch);
  }

  async #applyBatch(commands: readonly RecordedEvent[][]): Promise<void> {
    const placed = commands.map((command) => placedCommand(command, this.#timeOf(command)));
    await this.room();
    if (this.#closed) return;
    this.apply(placed);
    this.#tellProgress();
    if (this.#handlers.size === 0) return;
    const events = commands.flat();
    for (const handler of this.#handlers) handler(events);
  }

  /**
   * The events of a command went into the log together: one recorded time is all of theirs. It is a
   * running maximum, since the clocks of a cluster differ: what was recorded by an instant is then
   * a beginning of the log, and stays the same whatever comes later.
   */
  #timeOf([first]: readonly RecordedEvent[]): number {
    const atMs = Date.parse(first?.recordedAt as string);
    this.#recordedAtMs = Math.max(this.#recordedAtMs, atMs);
    return this.#recordedAtMs;
  }

  #tellProgress(): void {
    const { position } = this;
    if (position >= this.#head) {
      this.#becomeReady();
      return;
    }
    const now = this.#clock().getTime();
    if (now < this.#progressAt) return;
    this.#progressAt = now + PROGRESS_MS;
    const place = { position: String(position), head: String(this.#head) };
    this.#log.info(place, 'the views follow the log');
  }
}

function placedCommand(command: readonly RecordedEvent[], recordedAtMs: number): Placed[] {
  const [first] = command as [RecordedEvent];
  const project = projectOf(first.stream) ?? '';
  return command.map(({ stream, type, data, revision, position, metadata }) => {
    if (!isEventType(type)) {
      throw new Error(`${type} at position ${position} was written by a newer netalloc`);
    }
    const known = data as Placed['data'];
    const kept = metadata as unknown as Placed['metadata'];
    return { type, data: known, stream, project, revision, position, recordedAtMs, metadata: kept };
  });
}

function isDamage(fault: unknown): boolean {
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(sqliteCode(fault) ?? 0);
}
