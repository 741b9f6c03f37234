import { afterEach, expect, it } from 'vitest';
import { projectStream } from '../../src/ledger/streams.ts';
import { limits } from '../../src/limits.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { FaultyStore } from './faulty-store.ts';
import { KeptSnapshots } from './kept-snapshots.ts';
import { startLedger, tinyPlan } from './living-ledger.ts';
import { commands, eventsOf, request } from './world.ts';

const usual = { ...limits };
const CLAIM = 'NetworkInterfaceClaim';
const patience = { timeout: 10_000, interval: 20 };
afterEach(() => set(usual));

function set(changed: Partial<Record<keyof typeof limits, number>>): void {
  Object.assign(limits, changed);
}

/** A ledger with one location, and snapshots of every state that leaves. */
async function start(plan = tinyPlan({})) {
  set({ snapshotEventsMin: 1, evictionMs: 10 });
  const store = new FaultyStore(new MemoryStore({ clock: () => new Date() }));
  const snapshots = new KeptSnapshots();
  const living = await startLedger(store, plan, snapshots);
  const { ledger } = living;
  await ledger.platform(commands.location('us'), request());
  const project = async (name: string) => {
    await ledger.project(name, commands.namespace, request());
    await ledger.project(name, commands.network(), request());
  };
  const claim = (name: string, nic: string) =>
    ledger.project(name, commands.claim(nic, 'us'), request());
  return { ...living, store, snapshots, project, claim };
}

it('lets the mailbox go that was used longest ago, with a snapshot, and goes on from that', async () => {
  set({ residentMailboxesMax: 2 });
  const { ledger, snapshots, project, claim, stop } = await start();
  for (const name of ['a', 'b']) await project(name);
  await claim('a', 'web-0');
  await project('c');
  await expect.poll(() => ledger.openProjects, patience).toEqual(['a', 'c']);
  expect([...snapshots.kept.keys()]).toEqual([projectStream('b')]);
  expect(eventsOf(await claim('b', 'web-0')).at(-1)?.type).toBe('InterfaceReady');
  await expect.poll(() => ledger.openProjects, patience).toEqual(['c', 'b']);
  const again = await claim('a', 'web-0');
  expect(again).toMatchObject({ outcome: 'rejected', rejection: { reason: 'AlreadyExists' } });
  expect(snapshots.discarded).toEqual([]);
  await stop();
});

it('lets go what is too much together, and never the only one', async () => {
  set({ residentObjectsMax: 20 });
  const { ledger, project, claim, stop } = await start();
  await project('a');
  for (let n = 0; n < 20; n += 1) await claim('a', `web-${n}`);
  await project('b');
  await expect.poll(() => ledger.openProjects, patience).toEqual(['b']);
  for (let n = 0; n < 20; n += 1) await claim('b', `web-${n}`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ledger.openProjects).toEqual(['b']);
  await stop();
});

it('keeps a snapshot of a state in use once enough has happened for its size', async () => {
  set({ snapshotEventsMax: 40, snapshotObjectsPerEventMin: 1 });
  const { snapshots, project, claim, stop } = await start();
  await project('a');
  const revisionKept = () => snapshots.kept.get(projectStream('a'))?.place.revision ?? -1;
  for (let n = 0; n < 10; n += 1) await claim('a', `web-${n}`);
  await expect.poll(revisionKept, patience).toBeGreaterThan(30);
  // From here on so many events are too few for the objects that there are.
  set({ snapshotObjectsPerEventMin: 0.01 });
  const before = revisionKept();
  for (let n = 10; n < 30; n += 1) await claim('a', `web-${n}`);
  expect(revisionKept()).toBe(before);
  await stop();
});

it('keeps a mailbox that has something to do', async () => {
  set({ residentMailboxesMax: 1 });
  const { ledger, store, project, claim, stop } = await start();
  await project('a');
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  store.before = (stream) => (stream === projectStream('a') ? held : Promise.resolve());
  const waiting = claim('a', 'web-0');
  await project('b');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ledger.openProjects).toContain('a');
  letGo();
  eventsOf(await waiting);
  await project('c');
  await expect.poll(() => ledger.openProjects, patience).toEqual(['c']);
  await stop();
});

it('wakes a project that has left when somebody in it can be served', async () => {
  set({ residentMailboxesMax: 1 });
  const plan = tinyPlan({
    'tenant-subnet-ipv4': { defaultPrefixLength: 29 },
    'tenant-endpoint-ipv4': { quarantine: '1500ms' },
  });
  const { ledger, project, claim, verdict, stop } = await start(plan);
  await project('a');
  // A /29 has room for four.
  for (let n = 0; n < 5; n += 1) await claim('a', `web-${n}`);
  expect(verdict(CLAIM, 'a', 'web-4', 'Bound')).toBe('AddressPoolExhausted');
  await ledger.project('a', { type: 'DeleteClaim', name: 'web-0', expect: {} }, request());
  await project('b');
  await expect.poll(() => ledger.openProjects, patience).toEqual(['b']);
  expect(verdict(CLAIM, 'a', 'web-4', 'Bound')).toBe('AddressPoolExhausted');
  await expect.poll(() => verdict(CLAIM, 'a', 'web-4', 'Bound'), patience).toBe('True');
  await stop();
});

it('makes of many projects what it makes of few, whoever is in memory', async () => {
  set({ residentMailboxesMax: 3 });
  const { ledger, views, project, claim, stop } = await start();
  const names = Array.from({ length: 12 }, (_, n) => `p-${n}`);
  await Promise.all(names.map(project));
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(names.map((name) => claim(name, `web-${round}`)));
  }
  await Promise.all(names.map((name) => claim(name, 'web-0')));
  for (const name of names) {
    const nics = views.list('NetworkInterface', { namespace: name, limit: 10 });
    expect(nics.items.map((nic) => nic.name)).toEqual(['web-0', 'web-1', 'web-2']);
  }
  await expect.poll(() => ledger.openProjects.length, patience).toBe(3);
  await stop();
});

it('ends in time, however long a snapshot takes', async () => {
  set({ snapshotsAtCloseMsMax: 20 });
  const { snapshots, project, stop } = await start();
  for (const name of ['a', 'b']) await project(name);
  const begun: string[] = [];
  snapshots.write = (stream) => {
    begun.push(stream);
    return new Promise(() => {});
  };
  await stop();
  // The one that was used last is worth most; there was no time for another one.
  expect(begun).toEqual([projectStream('b')]);
});
