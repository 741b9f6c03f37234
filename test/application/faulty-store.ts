import {
  type Appended,
  type EventToAppend,
  type Store,
  StoreUnavailable,
} from '../../src/store/store.ts';

/** What becomes of one append: as asked, reported lost, stored and reported lost, or an error. */
export type Fate = 'stored' | 'lost' | 'storedButReportedLost' | Error;

/** A store whose appends meet the fates that a test gives them, in order. */
export class FaultyStore implements Store {
  readonly inner: Store;
  readonly fates: Fate[] = [];
  /** Every append that was asked for. */
  readonly asked: { stream: string; expected: number; events: readonly EventToAppend[] }[] = [];
  /** What reading a stream fails with. */
  readFault: Error | undefined;
  /** Runs before an append reaches the store. */
  before: (stream: string) => Promise<void> = async () => {};
  /** The same before a stream is read. */
  beforeRead: () => Promise<void> = async () => {};

  constructor(inner: Store) {
    this.inner = inner;
  }

  async append(
    stream: string,
    expected: number,
    events: readonly EventToAppend[],
  ): Promise<Appended> {
    this.asked.push({ stream, expected, events });
    await this.before(stream);
    const fate = this.fates.shift() ?? 'stored';
    if (fate instanceof Error) throw fate;
    if (fate === 'lost') throw new StoreUnavailable('lost on the way');
    const appended = await this.inner.append(stream, expected, events);
    if (fate === 'storedButReportedLost') throw new StoreUnavailable('the answer was lost');
    return appended;
  }

  get lostPositions() {
    return this.inner.lostPositions;
  }

  async *readStream(stream: string, fromRevision: number) {
    await this.beforeRead();
    if (this.readFault !== undefined) throw this.readFault;
    yield* this.inner.readStream(stream, fromRevision);
  }

  readAll(...args: Parameters<Store['readAll']>) {
    return this.inner.readAll(...args);
  }

  subscribe(...args: Parameters<Store['subscribe']>) {
    return this.inner.subscribe(...args);
  }

  head() {
    return this.inner.head();
  }

  close() {
    return this.inner.close();
  }
}
