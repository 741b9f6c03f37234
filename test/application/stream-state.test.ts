import { expect, it } from 'vitest';
import { projectAggregate } from '../../src/application/aggregate.ts';
import { readState } from '../../src/application/stream-state.ts';
import { projectStream } from '../../src/ledger/streams.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { type Store, StoreUnavailable } from '../../src/store/store.ts';
import { plainState } from '../ledger/plain-state.ts';
import { collect } from '../store/writing.ts';
import { KeptSnapshots } from './kept-snapshots.ts';
import { commands, ledgerOn, request } from './world.ts';

const clock = () => new Date('2026-01-01T00:00:00Z');
const STREAM = projectStream('alpha');
const rules = projectAggregate('alpha');

/** A log with a project of so many claims, that begins with ids of its own. */
async function logOf(claims: number): Promise<Store> {
  const store = new MemoryStore({ clock });
  const ledger = await ledgerOn(store);
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.network(), request());
  for (let n = 0; n < claims; n += 1) {
    await ledger.project('alpha', commands.claim(`web-${n}`, 'us'), request());
  }
  return store;
}

/** The snapshot that the stream has so many events before its end. */
async function snapshotOf(store: Store, before = 0) {
  const { hash, position, state } = await readState(
    cutShort(store, before),
    undefined,
    STREAM,
    rules,
  );
  return { hash, position, state, revision: state.revision };
}

/** The store as it was when the stream had so many events less. */
function cutShort(store: Store, events: number, from: number[] = []): Store {
  return {
    ...{ append: store.append, readAll: store.readAll },
    async *readStream(stream: string, revision: number) {
      from.push(revision);
      const all = await collect(store.readStream(stream, 0));
      const left = all.slice(revision, all.length - events);
      for (let at = 0; at < left.length; at += 3) yield left.slice(at, at + 3);
    },
  } as unknown as Store;
}

async function read(store: Store, snapshots?: KeptSnapshots, from: number[] = []) {
  const found = await readState(cutShort(store, 0, from), snapshots, STREAM, rules);
  return { ...found, state: plainState(found.state), snapshotRevision: 0 };
}

it('reads what came after the snapshot, wherever that was taken', async () => {
  const store = await logOf(3);
  const whole = await read(store);
  for (const before of [0, 1, 2, 3, 4, 7]) {
    const snapshots = new KeptSnapshots();
    const kept = await snapshotOf(store, before);
    await snapshots.write(STREAM, kept);
    const from: number[] = [];
    expect(await read(store, snapshots, from)).toEqual(whole);
    expect(from).toEqual([kept.revision]);
    expect(snapshots.discarded).toEqual([]);
  }
});

it('reads the whole stream when the snapshot is of another log or of a longer one', async () => {
  const [store, other] = [await logOf(3), await logOf(3)];
  const whole = await read(store);
  const [own, foreign] = [await snapshotOf(store), await snapshotOf(other, 1)];
  const wrong = [
    foreign,
    { ...own, revision: own.revision + 1 },
    { ...own, revision: own.revision - 1 },
    { ...own, position: own.position + 1n },
    { ...own, hash: 'x' },
    // Of this event, and yet none that anything can follow.
    { ...(await snapshotOf(store, 2)), state: {} },
  ];
  for (const one of wrong) {
    const snapshots = new KeptSnapshots();
    await snapshots.write(STREAM, one);
    const from: number[] = [];
    expect(await read(store, snapshots, from)).toEqual(whole);
    expect(from).toEqual([one.revision, 0]);
    expect(snapshots.discarded).toEqual([STREAM]);
  }
});

it('does not hide with a snapshot that the log is broken behind it', async () => {
  const store = await logOf(2);
  const snapshots = new KeptSnapshots();
  await snapshots.write(STREAM, await snapshotOf(store, 4));
  const broken = {
    async *readStream(stream: string, revision: number) {
      for await (const page of store.readStream(stream, revision)) yield page.toSpliced(-2, 1);
    },
  } as unknown as Store;
  await expect(readState(broken, snapshots, STREAM, rules)).rejects.toThrow('does not follow');
});

it('keeps a snapshot that could not be compared because the store was away', async () => {
  const store = await logOf(3);
  const snapshots = new KeptSnapshots();
  await snapshots.write(STREAM, await snapshotOf(store));
  const away = {
    // biome-ignore lint/correctness/useYield: it fails before there is anything to give.
    async *readStream() {
      throw new StoreUnavailable('the store is away');
    },
  } as unknown as Store;
  await expect(readState(away, snapshots, STREAM, rules)).rejects.toThrow(StoreUnavailable);
  expect(snapshots.discarded).toEqual([]);
  expect((await read(store, snapshots)).state).toEqual((await read(store)).state);
});
