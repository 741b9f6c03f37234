import type { LedgerEvent } from '../ledger/events.ts';
import { isEventType } from '../ledger/events.ts';
import type { Snapshot, Snapshots } from '../snapshots/snapshots.ts';
import { type Fact, factOf } from '../store/facts.ts';
import {
  CorruptEvent,
  type Position,
  type RecordedEvent,
  type Store,
  StoreUnavailable,
} from '../store/store.ts';
import type { Aggregate, SpaceState } from './aggregate.ts';
import { Replay } from './replay.ts';

/** The state of a stream after an event of it, and which event that is. */
export interface StreamState<S> {
  readonly state: S;
  /** Of the last event; empty and 0 when there is none. */
  readonly hash: string;
  readonly position: Position;
}

type Rules<S extends SpaceState> = Pick<Aggregate<S, never>, 'initial' | 'evolve'>;

/** The state before the first event. */
export function unborn<S extends SpaceState>({ initial }: Rules<S>): StreamState<S> {
  return { state: initial, hash: '', position: 0n };
}

/** Reads a stream from a state on up to its end; the events go to `onPage` as well. */
export async function readOn<S extends SpaceState>(
  store: Store,
  stream: string,
  rules: Rules<S>,
  from: StreamState<S>,
  onPage: (events: readonly RecordedEvent[]) => void,
): Promise<StreamState<S>> {
  const pages = store.readStream(stream, from.state.revision + 1);
  return foldPages(stream, factsOf(pages, onPage), rules, from);
}

/**
 * Reads a stream up to its end, from its snapshot on when there is one that fits the log. Gives the
 * revision of that snapshot as well, -1 when it was none.
 */
export async function readState<S extends SpaceState>(
  store: Store,
  snapshots: Snapshots | undefined,
  stream: string,
  rules: Rules<S>,
): Promise<StreamState<S> & { readonly snapshotRevision: number }> {
  const snapshot = await snapshots?.read(stream);
  if (snapshot !== undefined) {
    try {
      const { hash, position, revision } = snapshot;
      const pages = pagesAfter(readFacts(store, stream, revision), snapshot);
      const from = { state: snapshot.state as S, hash, position };
      return { ...(await foldPages(stream, pages, rules, from)), snapshotRevision: revision };
    } catch (error) {
      // That the store is away says nothing against the snapshot.
      if (error instanceof StoreUnavailable) throw error;
      // Whatever is wrong, with the snapshot or with the log, reading it all will tell.
      snapshots?.discard(stream);
    }
  }
  const pages = readFacts(store, stream, 0);
  return { ...(await foldPages(stream, pages, rules, unborn(rules))), snapshotRevision: -1 };
}

function readFacts(store: Store, stream: string, revision: number): AsyncIterable<readonly Fact[]> {
  return store.readFacts?.(stream, revision) ?? factsOf(store.readStream(stream, revision));
}

async function* factsOf(
  pages: AsyncIterable<readonly RecordedEvent[]>,
  onPage: (events: readonly RecordedEvent[]) => void = () => {},
): AsyncGenerator<Fact[]> {
  for await (const page of pages) {
    yield page.map(factOf);
    onPage(page);
  }
}

/**
 * What follows the event that a snapshot was taken after. It is read once more as the first one:
 * it must be there, and be the same.
 */
async function* pagesAfter(
  pages: AsyncIterable<readonly Fact[]>,
  { hash, position }: Snapshot,
): AsyncGenerator<readonly Fact[]> {
  let isFirst = true;
  for await (const page of pages) {
    const [first] = page;
    const isSame = first?.hash === hash && first.position === position;
    if (isFirst && !isSame) break;
    yield isFirst ? page.slice(1) : page;
    isFirst = false;
  }
  if (isFirst) throw new Error('the snapshot is not of this log');
}

async function foldPages<S extends SpaceState>(
  stream: string,
  pages: AsyncIterable<readonly Fact[]>,
  { evolve }: Rules<S>,
  from: StreamState<S>,
): Promise<StreamState<S>> {
  const replay = new Replay(from.state, evolve);
  let { hash, position } = from;
  for await (const page of pages) {
    for (const event of page) {
      requireNext(stream, event, hash);
      hash = event.hash;
      position = event.position;
    }
    replay.add(page as unknown as readonly LedgerEvent[]);
  }
  return { state: replay.end(), hash, position };
}

/** Refuses an event that does not follow the one before it, or that nobody here can read. */
function requireNext(stream: string, event: Fact, hashBefore: string): void {
  const { revision, position, type, previousHash } = event;
  if (previousHash !== hashBefore) {
    const problem = 'it does not follow the event before it';
    throw new CorruptEvent(stream, revision, position, problem);
  }
  if (!isEventType(type)) throw new Error(`${type} in ${stream} was written by a newer netalloc`);
}
