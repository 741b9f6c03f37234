import { setTimeout as pause } from 'node:timers/promises';
import type { Credentials, EventStoreDBClient } from '@eventstore/db-client';
import { limits } from '../../limits.ts';
import { StoreRefused } from '../store.ts';
import { clientOf, leaveNode } from './client.ts';
import { isNotLeader, isSilence, NodeSilent, storeFault } from './faults.ts';
import { Slots } from './slots.ts';

/** What the client gives a reading or a subscription as. */
interface Source<T> {
  on(event: 'error', listener: (fault: Error) => void): unknown;
  destroy(fault?: Error): unknown;
  [Symbol.asyncIterator](): { next(): Promise<IteratorResult<T>> };
  cancel?(): Promise<void>;
  unsubscribe?(): Promise<void>;
}

/** Whether to read on after an item; the next one is not read before that is known. */
type Take<T> = (item: T) => boolean | Promise<boolean>;

const USER = /^esdb(?:\+discover)?:\/\/([^:@/]+):([^@/]+)@/;
const INSECURE = /[?&]tls=false(?:&|$)/i;

/** Never sent: naming somebody makes the client send each append as a call of its own. */
const NOBODY: Credentials = { username: 'nobody', password: 'none' };

/** The connection string without what is secret in it. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//');
}

/**
 * The one client of this process. Every call goes to the leader, in bounded time and in a bounded
 * number at once: beyond a hundred open calls a connection hangs.
 */
export class Connection {
  readonly client: EventStoreDBClient;
  readonly options: { readonly credentials: Credentials; readonly requiresLeader: true };
  readonly #slots = new Slots(limits.kurrentCallsAtOnceMax);
  readonly #random: () => number;
  /** What is being read, and through which node: how many have been left before it. */
  readonly #open = new Set<{ destroy(fault?: Error): unknown }>();
  #nodesLeft = 0;

  /** Connects with the first call. Throws StoreRefused for a string that names no server. */
  constructor(url: string, random: () => number = () => 1) {
    this.#random = random;
    const [, username, password] = USER.exec(url) ?? [];
    const isInsecure = INSECURE.test(url);
    if (!isInsecure && (username === undefined || password === undefined)) {
      const problem = 'names no user; write esdb://user:password@host, or ?tls=false without TLS';
      throw new StoreRefused(withoutPassword(url), problem);
    }
    try {
      this.client = clientOf(url);
    } catch (fault) {
      const problem = `is no connection string: ${(fault as Error).message}`;
      throw new StoreRefused(withoutPassword(url), problem, { cause: fault });
    }
    const named = { username: decoded(username), password: decoded(password) };
    this.options = { credentials: isInsecure ? NOBODY : named, requiresLeader: true };
  }

  /**
   * How long to wait after so many failures before the next attempt: longer with each, and not as
   * long as other processes whose server went away at the same moment.
   */
  retryMs(failures: number): number {
    const grown = limits.kurrentRetryMs * 2 ** Math.min(failures, 16);
    return (Math.min(grown, limits.kurrentRetryMsMax) * (1 + this.#random())) / 2;
  }

  /** Makes a call, and once more where the leader has changed. Faults are the port's. */
  call<T>(work: () => Promise<T>): Promise<T> {
    return this.#slots.run(async () => {
      for (let attempt = 1; ; attempt += 1) {
        const nodesLeft = this.#nodesLeft;
        try {
          return await work();
        } catch (fault) {
          if (isSilence(fault) && nodesLeft === this.#nodesLeft) await this.#leaveNode(fault);
          const isLast = attempt === limits.kurrentLeaderAttemptsMax;
          if (isLast || !isNotLeader(fault)) throw storeFault(fault);
          await pause(limits.kurrentRetryMs);
        }
      }
    });
  }

  /** Reads until `take` has enough or the source ends; what is not cancelled stays open. */
  async read<T>(open: () => Source<T>, take: Take<T>, idleMsMax: number): Promise<void> {
    const source = open();
    // What fails after nobody listens any more would end the process.
    source.on('error', () => {});
    this.#open.add(source);
    try {
      const items = source[Symbol.asyncIterator]();
      for (;;) {
        const next = await within(items.next(), idleMsMax);
        if (next.done) return;
        const goesOn = take(next.value);
        if (!(typeof goesOn === 'boolean' ? goesOn : await goesOn)) return;
      }
    } finally {
      this.#open.delete(source);
      const ended = source.unsubscribe?.() ?? source.cancel?.();
      await within(Promise.resolve(ended), limits.kurrentCloseMsMax).catch(() => {});
      source.destroy();
    }
  }

  /** Turns away from a node that is silent, with all that is being read through it. */
  async #leaveNode(fault: Error): Promise<void> {
    this.#nodesLeft += 1;
    await within(leaveNode(this.client), limits.kurrentSilenceMsMax).catch(() => {});
    for (const source of this.#open) source.destroy(fault);
  }

  /** Ends every call. The client itself may wait for ever for one that has never begun. */
  async close(): Promise<void> {
    await within(this.client.dispose(), limits.kurrentCloseMsMax).catch(() => {});
  }
}

/** Rejects with NodeSilent when something takes too long. */
export async function within<T>(promise: Promise<T>, msMax: number): Promise<T> {
  if (msMax === Number.POSITIVE_INFINITY) return promise;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const refuse = () => reject(new NodeSilent(msMax));
    timer = setTimeout(refuse, msMax);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function decoded(text: string | undefined): string {
  return decodeURIComponent(text ?? '');
}
