import type { MemoryStore } from '../../src/store/memory/memory-store.ts';
import {
  type Appended,
  type EventHandler,
  type EventToAppend,
  type Position,
  type Store,
  StoreFull,
  StoreUnavailable,
  type SubscribeOptions,
  type Subscription,
} from '../../src/store/store.ts';
import type { Seeded } from './seeded.ts';
import type { Owner, VirtualTime } from './virtual-time.ts';

/** How often what goes wrong with an append or a read, from 0 to 1. */
export interface FaultRates {
  /** It never gets to the store, and the caller is told that it is not known. */
  readonly lost: number;
  /** It is stored, and the answer is lost. */
  readonly answerLost: number;
  /** The caller has given it up when it gets to the store, perhaps much later. */
  readonly late: number;
  /** It gets to the store twice. */
  readonly repeated: number;
  /** There is no room, and the caller is told so. */
  readonly full: number;
  /** A read fails. */
  readonly unread: number;
  /** An answer or a batch of events takes long. */
  readonly slow: number;
}

export const NO_FAULTS: FaultRates = {
  ...{ lost: 0, answerLost: 0, late: 0, repeated: 0, full: 0, unread: 0, slow: 0 },
};

/** The one store of a simulation, and what goes wrong on the way to it. */
export interface Network {
  readonly time: VirtualTime;
  readonly random: Seeded;
  readonly store: MemoryStore;
  faults: FaultRates;
  /** Until when nobody gets to the store. */
  awayUntilMs: number;
  /** Is told of every append that the store has taken, in the order of the log. */
  readonly onStored: (events: readonly EventToAppend[], appended: Appended) => void;
}

const STORE = 'store';
const LATE_MS_MAX = 40_000;
const REPEATED_MS_MAX = 500;
const SLOW_MS_MAX = 3_000;
const FATES = ['lost', 'full', 'late', 'answerLost', 'repeated'] as const;

/** One process's way to the store. What it has sent may arrive after the process is gone. */
export class Connection implements Store {
  readonly lostPositions = [];
  readonly #network: Network;
  readonly #owner: Owner;
  readonly #subscriptions: Subscription[] = [];

  constructor(network: Network, owner: Owner) {
    this.#network = network;
    this.#owner = owner;
  }

  append(stream: string, expected: number, events: readonly EventToAppend[]): Promise<Appended> {
    const { random } = this.#network;
    const unknown = () => Promise.reject(new StoreUnavailable('no answer came'));
    const send = (delayMs: number) => this.#send(delayMs, stream, expected, events);
    switch (this.#fate()) {
      case 'lost':
        return this.#answer(unknown);
      case 'full':
        return this.#answer(() => Promise.reject(new StoreFull('there is no room')));
      case 'late':
        send(random.between(1, LATE_MS_MAX)).catch(() => {});
        return this.#answer(unknown);
      case 'answerLost': {
        const sent = send(this.#delayMs());
        return this.#answer(() => sent.then(unknown));
      }
      case 'repeated':
        send(random.between(1, REPEATED_MS_MAX)).catch(() => {});
    }
    const sent = send(this.#delayMs());
    return this.#answer(() => sent);
  }

  /** What becomes of an append. */
  #fate(): (typeof FATES)[number] | undefined {
    if (this.#isAway) return 'lost';
    const { random, faults } = this.#network;
    let roll = random.next();
    return FATES.find((fate) => {
      roll -= faults[fate];
      return roll < 0;
    });
  }

  async *readStream(stream: string, fromRevision: number) {
    await this.#reach();
    yield* this.#network.store.readStream(stream, fromRevision);
  }

  async *readAll(after: Position, categories?: readonly string[]) {
    await this.#reach();
    yield* this.#network.store.readAll(after, categories);
  }

  async head(): Promise<Position> {
    await this.#reach();
    return this.#network.store.head();
  }

  subscribe(after: Position, handler: EventHandler, options?: SubscribeOptions): Subscription {
    const { time, store } = this.#network;
    const deliver: EventHandler = (events) => {
      return new Promise((resolve, reject) => {
        const taken = (settle: () => void) => time.post(STORE, settle);
        const hand = async () => {
          try {
            await handler(events);
            taken(resolve);
          } catch (fault) {
            taken(() => reject(fault));
          }
        };
        time.later(this.#owner, this.#deliveryMs(), hand);
      });
    };
    const inner = time.as(STORE, () => store.subscribe(after, deliver, options));
    this.#subscriptions.push(inner);
    const toOwner = <T>(result: Promise<T>) => this.#answer(() => result);
    return { done: toOwner(inner.done), stop: () => toOwner(inner.stop()) };
  }

  async close(): Promise<void> {}

  /** The process is gone: it gets no events any more. */
  cut(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
  }

  get #isAway(): boolean {
    return this.#network.time.nowMs < this.#network.awayUntilMs;
  }

  #delayMs(): number {
    const { random, faults } = this.#network;
    return random.chance(faults.slow) ? random.between(1, SLOW_MS_MAX) : random.below(4);
  }

  /** Events come when the store is there again. */
  #deliveryMs(): number {
    const { awayUntilMs, time } = this.#network;
    return Math.max(0, awayUntilMs - time.nowMs) + this.#delayMs();
  }

  async #reach(): Promise<void> {
    const { time, random, faults } = this.#network;
    await time.pause(this.#owner, this.#delayMs());
    if (this.#isAway || random.chance(faults.unread)) throw new StoreUnavailable('it is away');
  }

  /** The append itself happens at the store, whatever becomes of who asked for it. */
  #send(
    delayMs: number,
    stream: string,
    expected: number,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    const { time, store, onStored } = this.#network;
    return new Promise((resolve, reject) => {
      const arrive = async () => {
        try {
          const appended = await store.append(stream, expected, events);
          onStored(events, appended);
          resolve(appended);
        } catch (fault) {
          reject(fault);
        }
      };
      time.later(STORE, delayMs, arrive);
    });
  }

  /** What comes back settles in a turn of the process that asked. */
  #answer<T>(result: () => Promise<T>): Promise<T> {
    const { time } = this.#network;
    return new Promise((resolve, reject) => {
      const back = (settle: () => void) => time.later(this.#owner, this.#delayMs(), settle);
      result().then(
        (value) => back(() => resolve(value)),
        (fault) => back(() => reject(fault)),
      );
    });
  }
}
