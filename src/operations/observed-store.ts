import type { Fact } from '../store/facts.ts';
import type { Messages } from '../store/messages.ts';
import {
  type Appended,
  type EventHandler,
  type EventToAppend,
  type Position,
  type PositionRange,
  type RecordedEvent,
  type Store,
  StoreFull,
  StoreUnavailable,
  type SubscribeOptions,
  type Subscription,
  WrongExpectedRevision,
} from '../store/store.ts';
import { Counter, Histogram } from './metrics.ts';
import type { Outage } from './outage.ts';

const OUTCOMES = ['stored', 'conflict', 'unavailable', 'full', 'refused'] as const;

/** A store whose calls are measured, and which notes when it goes away and comes back. */
export class ObservedStore implements Store {
  readonly #inner: Store;
  readonly #outage: Outage;
  readonly appends = new Counter(OUTCOMES);
  readonly appendSeconds = new Histogram();
  readonly readFacts?: (stream: string, fromRevision: number) => AsyncIterable<readonly Fact[]>;

  constructor(inner: Store, outage: Outage) {
    this.#inner = inner;
    this.#outage = outage;
    const { readFacts } = inner;
    if (readFacts !== undefined) {
      this.readFacts = (...place) => this.#observed(readFacts.call(inner, ...place));
    }
  }

  get isShared(): boolean {
    return this.#inner.isShared ?? false;
  }

  get messages(): Messages | undefined {
    return this.#inner.messages;
  }

  get lostPositions(): readonly PositionRange[] {
    return this.#inner.lostPositions;
  }

  async append(
    stream: string,
    expected: number,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    const begunMs = performance.now();
    let outcome: (typeof OUTCOMES)[number] = 'refused';
    try {
      const appended = await this.#asked(() => this.#inner.append(stream, expected, events));
      outcome = 'stored';
      return appended;
    } catch (fault) {
      if (fault instanceof WrongExpectedRevision) outcome = 'conflict';
      else if (fault instanceof StoreUnavailable) outcome = 'unavailable';
      else if (fault instanceof StoreFull) outcome = 'full';
      throw fault;
    } finally {
      this.appends.count(outcome);
      this.appendSeconds.observe((performance.now() - begunMs) / 1_000);
    }
  }

  readStream(stream: string, fromRevision: number): AsyncIterable<readonly RecordedEvent[]> {
    return this.#observed(this.#inner.readStream(stream, fromRevision));
  }

  readAll(after: Position, categories?: readonly string[]): AsyncIterable<RecordedEvent> {
    return this.#inner.readAll(after, categories);
  }

  subscribe(after: Position, handler: EventHandler, options?: SubscribeOptions): Subscription {
    return this.#inner.subscribe(after, handler, options);
  }

  head(): Promise<Position> {
    return this.#asked(() => this.#inner.head());
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async *#observed<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
    const call = this.#outage.begin();
    try {
      for await (const page of pages) {
        this.#outage.answered(call);
        yield page;
      }
    } catch (fault) {
      this.#note(fault);
      throw fault;
    }
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    const call = this.#outage.begin();
    try {
      const answer = await ask();
      this.#outage.answered(call);
      return answer;
    } catch (fault) {
      if (fault instanceof WrongExpectedRevision) this.#outage.answered(call);
      else this.#note(fault);
      throw fault;
    }
  }

  #note(fault: unknown): void {
    if (fault instanceof StoreUnavailable) this.#outage.failed(fault);
  }
}
