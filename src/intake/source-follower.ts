import { setTimeout as pause } from 'node:timers/promises';
import { LedgerUnavailable } from '../application/request.ts';
import { handOver } from '../http/ledger/hand-over.ts';
import { limits } from '../limits.ts';
import type { Message, Messages } from '../store/messages.ts';
import { StoreFull, StoreUnavailable, type Subscription } from '../store/store.ts';
import { ViewsBehind } from '../views/views.ts';
import {
  type ClaimAnswer,
  ClaimCommands,
  type ClaimSource,
  type CommandDeps,
} from './claim-commands.ts';
import { type ClaimReply, commandStream, subjectOf } from './claim-messages.ts';
import { ReplyStream } from './reply-stream.ts';

export type FollowerDeps = CommandDeps & {
  readonly store: CommandDeps['store'] & ConstructorParameters<typeof ReplyStream>[0]['store'];
  readonly messages: Messages;
};

/** What a command is answered that its source has taken away before it was read. */
const REMOVED = {
  ...{ id: '', code: 410, reason: 'Expired' },
  message: 'the command was removed from its stream before it was read',
};

/**
 * Follows the commands of one source and answers them. Commands about one claim are decided one
 * after another, others are handed over in their order; replies are in the order of the commands.
 */
export class SourceFollower {
  readonly #deps: FollowerDeps;
  readonly #source: ClaimSource;
  readonly #commands: ClaimCommands;
  readonly #replies: ReplyStream;
  readonly #closing = new AbortController();
  #subscription: Subscription | undefined;
  #running: Promise<void> | undefined;
  /** Whether another ledger was faster with a reply: it is let by while it is at work. */
  #standsBy = false;

  constructor(deps: FollowerDeps, source: ClaimSource) {
    this.#deps = deps;
    this.#source = source;
    this.#commands = new ClaimCommands(deps, source);
    this.#replies = new ReplyStream(deps, source.name);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Finishes what is being decided, and begins nothing more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#subscription?.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const source = this.#source.name;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        await this.#patiently(() => this.#replies.catchUp());
        await this.#follow();
      } catch (err) {
        if (signal.aborted) return;
        // The other sources go on; this one, too, should it be mended.
        this.#deps.logger.error({ err, source }, 'commands of a source cannot be followed');
        await this.#pause(failures);
      }
    }
  }

  /** Follows until the subscription ends. */
  async #follow(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const take = (messages: readonly Message[]) => this.#take(messages);
    const stream = commandStream(this.#source.name);
    this.#subscription = this.#deps.messages.follow(stream, this.#replies.next - 1, take);
    await this.#subscription.done;
  }

  /** Has all of these answered, by this ledger or another one. */
  async #take(messages: readonly Message[]): Promise<void> {
    const rest = () => messages.filter(({ revision }) => revision >= this.#replies.next);
    while (rest().length > 0 && !this.#closing.signal.aborted) {
      if (this.#standsBy) {
        const { intakeStandbyMs } = limits;
        await this.#sleep(intakeStandbyMs * (1 + this.#deps.random()));
        this.#standsBy = await this.#patiently(() => this.#replies.catchUp());
        continue;
      }
      const replies = await this.#answer(rest());
      const isFirst = await this.#replies.append(replies, (work) => this.#patiently(work));
      this.#standsBy = !isFirst;
    }
  }

  /** The replies to these commands, up to the first that could not be decided before the end. */
  async #answer(messages: readonly Message[]): Promise<ClaimReply[]> {
    const answers: (ClaimAnswer | undefined)[] = new Array(messages.length);
    await handOver(messages, {
      inFlightMax: limits.messagesPerBatchMax,
      subjectOf,
      run: async (message, index) => {
        answers[index] = await this.#decide(message);
      },
    });
    const replies: ClaimReply[] = [];
    let { next } = this.#replies;
    for (const [index, { revision, id }] of messages.entries()) {
      const answer = answers[index];
      if (answer === undefined) break;
      for (; next < revision; next += 1) replies.push({ command: next, ...REMOVED });
      replies.push({ command: revision, id, ...answer });
      next = revision + 1;
    }
    return replies;
  }

  /** Tries until the command is decided; undefined when the ledger ends before. */
  async #decide(message: Message): Promise<ClaimAnswer | undefined> {
    const { logger } = this.#deps;
    const place = { source: this.#source.name, command: message.revision };
    let faults = 0;
    for (let failures = 1; !this.#closing.signal.aborted; failures += 1) {
      try {
        const isHopeless = faults >= limits.intakeFaultsMax;
        return await (isHopeless ? this.#commands.giveUp(message) : this.#commands.answer(message));
      } catch (err) {
        if (!passes(err)) faults += 1;
        logger.warn({ err, ...place }, 'a command cannot be decided now');
        await this.#pause(failures);
      }
    }
    return undefined;
  }

  /** Does work again until no fault that passes keeps it from being done. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await work();
      } catch (fault) {
        if (!passes(fault) || this.#closing.signal.aborted) throw fault;
        await this.#pause(failures);
      }
    }
  }

  #pause(failures: number): Promise<void> {
    const { intakeRetryMsMin, intakeRetryMsMax } = limits;
    return this.#sleep(Math.min(intakeRetryMsMin * 2 ** failures, intakeRetryMsMax));
  }

  /** Ends early when the ledger does. */
  #sleep(ms: number): Promise<void> {
    return pause(ms, undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}

/** Whether a fault says nothing but that it does not work now. */
function passes(fault: unknown): boolean {
  const passing = [LedgerUnavailable, StoreFull, StoreUnavailable, ViewsBehind];
  return passing.some((one) => fault instanceof one);
}
