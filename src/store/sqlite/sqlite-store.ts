import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../../limits.ts';
import { checkAppend } from '../append-rules.ts';
import type { Fact } from '../facts.ts';
import {
  type Appended,
  type EventHandler,
  type EventToAppend,
  type Position,
  type PositionRange,
  type RecordedEvent,
  type Store,
  StoreUnavailable,
  type SubscribeOptions,
  type Subscription,
} from '../store.ts';
import { type EventPage, Subscriptions } from '../subscription.ts';
import { BackgroundCheckpoint } from './background-checkpoint.ts';
import { parseFacts } from './frame-facts.ts';
import { parseEvents } from './frames.ts';
import { GroupCommit } from './group-commit.ts';
import { IdleCheckpoint } from './idle-checkpoint.ts';
import { refuseHalfImported } from './import-mark.ts';
import { LiveLog } from './live-log.ts';
import { type Connect, ensureDirectory, ensureLog, logPath, openLog } from './open-log.ts';
import { positionNumber } from './positions.ts';
import { ProcessLock } from './process-lock.ts';
import { ProvingReader } from './proving-reader.ts';
import { type ReadFrame, readLogPage, readStreamPage } from './read-pages.ts';
import type { Sync } from './wal-sync.ts';

export interface SqliteStoreOptions {
  /** The data directory; made when there is none. */
  readonly directory: string;
  readonly clock: () => Date;
  /** Only look, beside the process that serves the directory; appends are refused. */
  readonly readOnly?: boolean;
  /** Open it also where an import into it was not finished, as the import itself does. */
  readonly mayBeHalfImported?: boolean;
  /** For tests: opens the connection in place of the engine. */
  readonly connect?: Connect;
  /** For tests: syncs in place of the system. */
  readonly sync?: Sync;
}

/**
 * Opens the log of a data directory, as the only process that serves it unless `readOnly`. Throws
 * StoreRefused for what an operator has to put right.
 */
export function openSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const { directory, readOnly = false, mayBeHalfImported = false } = options;
  if (!mayBeHalfImported) refuseHalfImported(directory);
  if (readOnly) return new SqliteStore(options, undefined);
  ensureDirectory(directory);
  const lock = ProcessLock.take(directory);
  try {
    ensureLog(logPath(directory), options.clock());
    return new SqliteStore(options, lock);
  } catch (fault) {
    lock.release();
    throw fault;
  }
}

/** The embedded engine: one file, one process that writes, durable at every answer. */
export class SqliteStore implements Store {
  readonly lostPositions: readonly PositionRange[];
  readonly #lock: ProcessLock | undefined;
  readonly #log: LiveLog;
  readonly #commits: GroupCommit;
  readonly #checkpoint: BackgroundCheckpoint | undefined;
  readonly #idle: IdleCheckpoint | undefined;
  readonly #poll: NodeJS.Timeout | undefined;
  readonly #subscriptions = new Subscriptions();
  #closed = false;

  /** `openSqliteStore` makes one; without a lock it only reads. */
  constructor(options: Omit<SqliteStoreOptions, 'readOnly'>, lock: ProcessLock | undefined) {
    const readOnly = lock === undefined;
    const path = logPath(options.directory);
    const open = () => openLog(path, { ...options, readOnly });
    const wake = () => this.#subscriptions.wake();
    this.#lock = lock;
    this.#log = new LiveLog(open, readOnly, wake);
    this.lostPositions = this.#log.use(({ file }) => file.lostPositions());
    if (!readOnly) this.#checkpoint = new BackgroundCheckpoint(path);
    this.#commits = new GroupCommit({
      log: this.#log,
      checkpoint: this.#checkpoint,
      clock: options.clock,
      subscriptions: this.#subscriptions,
      onCommit: () => this.#idle?.committed(),
    });
    if (readOnly) this.#poll = setInterval(wake, limits.storeReaderPollMs).unref();
    else this.#idle = new IdleCheckpoint(this.#log);
  }

  async append(
    stream: string,
    expected: number,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    const bytes = checkAppend(stream, expected, events);
    if (this.#closed) throw new StoreUnavailable('the store is closed');
    if (this.#lock === undefined) throw new RangeError('this store was opened to be read only');
    return this.#commits.append({ stream, expected, events, bytes });
  }

  readStream(stream: string, fromRevision: number): AsyncGenerator<RecordedEvent[]> {
    return this.#pagesOf(stream, fromRevision, parseEvents);
  }

  readFacts(stream: string, fromRevision: number): AsyncGenerator<Fact[]> {
    return this.#pagesOf(stream, fromRevision, parseFacts);
  }

  async *#pagesOf<E extends { readonly revision: number }>(
    stream: string,
    fromRevision: number,
    readFrame: ReadFrame<E>,
  ): AsyncGenerator<E[]> {
    let next = Math.max(fromRevision, 0);
    for (;;) {
      const page = this.#log.use(({ file, tip }) => {
        return readStreamPage(file, stream, next, tip.position, readFrame);
      });
      if (page.length === 0) return;
      yield page;
      next += page.length;
      await nextTurn();
    }
  }

  async *readAll(after: Position, categories?: readonly string[]): AsyncGenerator<RecordedEvent> {
    const head = this.#log.use(({ tip }) => tip.position);
    let reached = positionNumber(after);
    while (reached < head) {
      const page = this.#log.use(({ file }) => readLogPage(file, reached, head, categories));
      for (const event of page.events) yield event;
      reached = positionNumber(page.upTo);
      await nextTurn();
    }
  }

  async *readProved(): AsyncGenerator<RecordedEvent> {
    const head = this.#log.use(({ tip }) => tip.position);
    const reader = new ProvingReader();
    for (let isLast = false; !isLast; ) {
      const page = this.#log.use(({ file }) => reader.nextPage(file, head));
      yield* page;
      isLast = page.length === 0;
      await nextTurn();
    }
  }

  subscribe(after: Position, handler: EventHandler, options: SubscribeOptions = {}): Subscription {
    if (this.#closed) throw new StoreUnavailable('the store is closed');
    const readPage = (reached: Position) => this.#nextPage(reached, options.categories);
    return this.#subscriptions.start(after, readPage, handler);
  }

  async head(): Promise<Position> {
    return this.#log.use(({ tip }) => BigInt(tip.position));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#commits.isIdle) await this.#commits.drain();
    this.#subscriptions.end();
    this.#idle?.stop();
    clearInterval(this.#poll);
    await this.#checkpoint?.close();
    this.#log.close();
    this.#lock?.release();
  }

  /** From memory when everything after the position is there, else from the table. */
  #nextPage(after: Position, categories?: readonly string[]): EventPage {
    return this.#log.use(({ file, tip, recent }) => {
      const from = positionNumber(after);
      return recent.page(from, categories) ?? readLogPage(file, from, tip.position, categories);
    });
  }
}
