import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { CorruptEvent, type RecordedEvent, StoreUnavailable } from '../../src/store/store.ts';
import { subscribeToStream } from '../../src/store/stream-subscription.ts';
import { collect, Writer } from './writing.ts';

const ids = (events: readonly RecordedEvent[]) => events.map(({ id }) => id);

/** Two streams in turns, and the pages of the first one. */
async function twoStreams() {
  const store = new MemoryStore({ clock: () => new Date() });
  const [one, other] = [new Writer(store, 'a-1'), new Writer(store, 'a-2')];
  for (const n of [1, 2, 3]) {
    await one.append(`one-${n}`);
    await other.append(`other-${n}`);
  }
  const pages: RecordedEvent[][] = [];
  for (const event of await collect(store.readAll(0n))) {
    if (event.stream === 'a-1') pages.push([event]);
  }
  return { store, one, pages, head: await store.head() };
}

it('reads the log on where the store goes away meanwhile', async () => {
  const { store, one, pages, head } = await twoStreams();
  async function* readStream() {
    yield pages[0] as RecordedEvent[];
    throw new StoreUnavailable('away');
  }
  const seen: RecordedEvent[] = [];
  const away = { readStream, subscribe: store.subscribe.bind(store) };
  const done = Promise.withResolvers<void>();
  const subscription = subscribeToStream(away, { stream: 'a-1', upTo: head }, (events) => {
    seen.push(...events);
    if (seen.some(({ id }) => id === 'late')) done.resolve();
  });
  await one.append('late');
  await done.promise;
  expect(ids(seen)).toEqual([
    ...['one-1', 'other-1', 'one-2', 'other-2', 'one-3', 'other-3', 'late'],
  ]);
  await subscription.stop();
  await subscription.done;
});

it('ends with what it cannot prove', async () => {
  const { store, pages, head } = await twoStreams();
  const [first, second] = pages.flat() as [RecordedEvent, RecordedEvent];
  const forged = { ...second, data: { id: 'another' } };
  async function* readStream() {
    yield [first, forged];
  }
  const seen: RecordedEvent[] = [];
  const lying = { readStream, subscribe: store.subscribe.bind(store) };
  const { done } = subscribeToStream(lying, { stream: 'a-1', upTo: head }, (events) => {
    seen.push(...events);
  });
  await expect(done).rejects.toThrow(CorruptEvent);
  expect(seen).toEqual([]);
});

it('begins no further batch once it is stopped, and tells what the handler threw', async () => {
  const { store, pages, head } = await twoStreams();
  async function* readStream() {
    yield* pages;
  }
  const paged = { readStream, subscribe: store.subscribe.bind(store) };
  const history = { stream: 'a-1', upTo: head, afterwards: {} };
  const seen: RecordedEvent[] = [];
  const stopped = subscribeToStream(paged, history, async (events) => {
    seen.push(...events);
    stopped.stop();
  });
  await stopped.done;
  expect(ids(seen)).toEqual(['one-1']);
  const failing = subscribeToStream(paged, history, () => Promise.reject(new Error('full')));
  await expect(failing.done).rejects.toThrow('full');
  await failing.stop();
});
