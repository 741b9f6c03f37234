import { sealEvent } from '../../src/store/hash-chain.ts';
import type {
  Appended,
  EventToAppend,
  Position,
  RecordedEvent,
  Store,
  Subscription,
} from '../../src/store/store.ts';

/** An event as a test writes it; the rest is filled in. */
export interface Draft {
  readonly id: string;
  readonly type?: string;
  readonly data?: object;
  readonly metadata?: object;
}

/** Seals events that follow an expected revision, the first after an event with a given hash. */
export function seal(
  stream: string,
  expected: number,
  drafts: readonly (Draft | string)[],
  previousHash = '',
): EventToAppend[] {
  const events: EventToAppend[] = [];
  for (const draft of drafts) {
    const {
      id,
      type = 'Noted',
      data = { id },
      metadata = {},
    } = typeof draft === 'string' ? { id: draft } : draft;
    const event = sealEvent({
      stream,
      revision: expected + 1 + events.length,
      previousHash: events.at(-1)?.hash ?? previousHash,
      id,
      type,
      data,
      metadata,
    });
    events.push(event);
  }
  return events;
}

/** Writes to one stream and remembers where it ends. */
export class Writer {
  revision = -1;
  hash = '';
  readonly store: Store;
  readonly stream: string;

  constructor(store: Store, stream: string) {
    this.store = store;
    this.stream = stream;
  }

  /** Seals what comes next in the stream, without appending it. */
  seal(...drafts: (Draft | string)[]): EventToAppend[] {
    return seal(this.stream, this.revision, drafts, this.hash);
  }

  /** Appends; the next call may follow before this one is answered. */
  append(...drafts: (Draft | string)[]): Promise<Appended> {
    const events = this.seal(...drafts);
    const expected = this.revision;
    this.revision += events.length;
    this.hash = events.at(-1)?.hash ?? this.hash;
    return this.store.append(this.stream, expected, events);
  }

  /** Goes on where the stream ends in the store. */
  async resume(): Promise<this> {
    for (const event of await collect(this.store.readStream(this.stream, 0))) {
      this.revision = event.revision;
      this.hash = event.metadata.hash;
    }
    return this;
  }
}

/** What there is to read, event by event or page by page. */
type Events = AsyncIterable<RecordedEvent | readonly RecordedEvent[]>;

/** Everything that there is to read. */
export async function collect(events: Events): Promise<RecordedEvent[]> {
  const collected: RecordedEvent[] = [];
  for await (const read of events) collected.push(...[read].flat());
  return collected;
}

/** The ids of everything that there is to read. */
export async function ids(events: Events): Promise<string[]> {
  return (await collect(events)).map(({ id }) => id);
}

/** What an append or another promise was refused with. */
export async function refusal(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (fault) {
    return fault;
  }
  throw new Error('it was not refused');
}

/** A subscriber that keeps what it was given, each batch as it came. */
export class Listener {
  readonly batches: (readonly RecordedEvent[])[] = [];
  readonly subscription: Subscription;

  constructor(
    store: Store,
    after: Position,
    options: {
      categories?: readonly string[];
      work?: (events: readonly RecordedEvent[]) => Promise<void> | void;
    } = {},
  ) {
    const { categories, work } = options;
    this.subscription = store.subscribe(
      after,
      (events) => {
        this.batches.push(events);
        return work?.(events);
      },
      { categories },
    );
  }

  get events(): RecordedEvent[] {
    return this.batches.flat();
  }

  /** Waits until it was given an event at or after a position. */
  async reached(position: Position): Promise<this> {
    await until(() => (this.batches.at(-1)?.at(-1)?.position ?? 0n) >= position);
    return this;
  }
}

/** Waits until something holds, and fails when that takes longer than anything here may. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`in vain: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
