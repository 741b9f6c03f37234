import { limits } from '../../limits.ts';
import { type Appended, StoreUnavailable } from '../store.ts';
import type { LiveLog, OpenedLog } from './live-log.ts';
import { type Append, type Outcome, Turn } from './turn.ts';

interface Waiting {
  readonly append: Append;
  readonly answer: PromiseWithResolvers<Appended>;
}

/**
 * Commits the appends of one turn of the event loop, whatever their streams, in one transaction
 * with one sync of the disk. Nobody is answered before the commit has returned.
 */
export class GroupCommit {
  readonly #log: LiveLog;
  readonly #clock: () => Date;
  readonly #onCommit: () => void;
  #queue: Waiting[] = [];
  #queueBytes = 0;
  #scheduled = false;

  constructor(log: LiveLog, clock: () => Date, onCommit: () => void) {
    this.#log = log;
    this.#clock = clock;
    this.#onCommit = onCommit;
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
    this.#schedule();
    return answer.promise;
  }

  /** Commits everything that has been accepted. */
  drain(): void {
    while (this.#queue.length > 0) this.#turn();
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
      this.#schedule();
    });
  }

  #turn(): void {
    const waiting = this.#queue.splice(0, limits.storeCommitAppendsMax);
    if (waiting.length === 0) return;
    for (const { append } of waiting) this.#queueBytes -= append.bytes;
    let outcomes: Outcome[];
    try {
      outcomes = this.#log.use((log) => this.#commit(log, waiting));
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
  }

  #commit(log: OpenedLog, waiting: readonly Waiting[]): Outcome[] {
    const turn = new Turn(log.file, log.epoch, log.tip, log.heads, this.#clock());
    const outcomes = log.file.transaction(() => waiting.map(({ append }) => turn.write(append)));
    // From here on it is durable, so it is true.
    log.tip = turn.tip;
    for (const [stream, head] of turn.heads) log.heads.set(stream, head);
    for (const [index, outcome] of outcomes.entries()) {
      if (!('recorded' in outcome) || outcome.recorded === undefined) continue;
      log.recent.add(outcome.recorded, (waiting[index] as Waiting).append.bytes);
    }
    return outcomes;
  }
}
