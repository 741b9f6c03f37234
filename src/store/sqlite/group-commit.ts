import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../../limits.ts';
import { type Appended, StoreUnavailable } from '../store.ts';
import type { Subscriptions } from '../subscription.ts';
import type { BackgroundCheckpoint } from './background-checkpoint.ts';
import type { LiveLog } from './live-log.ts';
import { positionNumber } from './positions.ts';
import { type Append, type Outcome, Turn } from './turn.ts';

/** What commits have to do with. */
interface Surroundings {
  readonly log: LiveLog;
  readonly checkpoint: BackgroundCheckpoint | undefined;
  readonly clock: () => Date;
  readonly subscriptions: Subscriptions;
  readonly onCommit: () => void;
}

interface Waiting {
  readonly append: Append;
  readonly answer: PromiseWithResolvers<Appended>;
}

/**
 * Commits the appends of one turn of the event loop, whatever their streams, in one transaction
 * with one sync of the disk. Nobody is answered, and nothing is shown to readers, before the sync
 * has returned; what is appended meanwhile is the next turn.
 */
export class GroupCommit {
  readonly #log: LiveLog;
  readonly #checkpoint: BackgroundCheckpoint | undefined;
  readonly #clock: () => Date;
  readonly #subscriptions: Subscriptions;
  readonly #onCommit: () => void;
  #queue: Waiting[] = [];
  #queueBytes = 0;
  #running: Promise<void> | undefined;

  constructor({ log, checkpoint, clock, subscriptions, onCommit }: Surroundings) {
    this.#log = log;
    this.#checkpoint = checkpoint;
    this.#clock = clock;
    this.#subscriptions = subscriptions;
    this.#onCommit = onCommit;
  }

  /** Whether nothing waits to be committed. */
  get isIdle(): boolean {
    return this.#running === undefined;
  }

  /** Accepts an append for the next turn. */
  append(append: Append): Promise<Appended> {
    if (
      this.#queue.length >= limits.storeQueueAppendsMax ||
      this.#queueBytes + append.bytes > limits.storeQueueBytesMax
    ) {
      return Promise.reject(new StoreUnavailable('too many appends are waiting'));
    }
    const answer = Promise.withResolvers<Appended>();
    this.#queue.push({ append, answer });
    this.#queueBytes += append.bytes;
    this.#running ??= this.#run();
    return answer.promise;
  }

  /** Resolves when everything that has been accepted is answered. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await nextTurn();
    while (this.#queue.length > 0) await this.#turn();
    this.#running = undefined;
  }

  async #turn(): Promise<void> {
    await this.#checkpoint?.beforeCommit();
    const waiting = this.#queue.splice(0, limits.storeCommitAppendsMax);
    for (const { append } of waiting) this.#queueBytes -= append.bytes;
    let outcomes: readonly Outcome[];
    try {
      outcomes = await this.#commit(waiting);
    } catch (fault) {
      for (const { answer } of waiting) answer.reject(fault);
      return;
    }
    for (const [index, { answer }] of waiting.entries()) {
      const outcome = outcomes[index] as Outcome;
      if ('refused' in outcome) answer.reject(outcome.refused);
      else answer.resolve(outcome.appended);
    }
    this.#onCommit();
    this.#subscriptions.wake();
  }

  async #commit(waiting: readonly Waiting[]): Promise<readonly Outcome[]> {
    const { log, turn, outcomes } = this.#log.use((log) => {
      const turn = new Turn(log.file, log.epoch, log.tip, log.heads, this.#clock());
      const write = () => waiting.map(({ append }) => turn.write(append));
      const outcomes = log.file.transaction(write);
      this.#checkpoint?.committed(log.file.pagesNotMoved());
      return { log, turn, outcomes };
    });
    if (turn.tip !== log.tip) await this.#log.sync(log);
    // From here on it is durable, so it is true.
    log.tip = turn.tip;
    for (const [stream, head] of turn.heads) log.heads.set(stream, head);
    const { reached } = this.#subscriptions;
    if (reached !== undefined) log.recent.letGo(positionNumber(reached));
    for (const [index, outcome] of outcomes.entries()) {
      if (!('recorded' in outcome) || outcome.recorded === undefined) continue;
      log.recent.add(outcome.recorded, (waiting[index] as Waiting).append.bytes);
    }
    return outcomes;
  }
}
