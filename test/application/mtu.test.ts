import { expect, it } from 'vitest';
import { limits } from '../../src/limits.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreFull } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';
import { startLedger } from './living-ledger.ts';
import { commands, everything, request } from './world.ts';

const patience = { timeout: 10_000, interval: 20 };
const INTERFACES = 1_500;

async function changing(store: FaultyStore) {
  const living = await startLedger(store);
  const { ledger } = living;
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.network(), request());
  const claim = (name: string) => ledger.project('alpha', commands.claim(name, 'us'), request());
  await Promise.all(Array.from({ length: INTERFACES }, (_, n) => claim(`web-${n}`)));
  const { spec } = commands.network();
  const change = { type: 'UpdateNetwork', name: 'default', expect: {}, metadata: {} } as const;
  const update = () =>
    ledger.project('alpha', { ...change, spec: { ...spec, mtu: 8856 } }, request());
  return { ...living, claim, update };
}

it('L17 holds up nobody: what is asked for meanwhile comes between two steps', async () => {
  const store = new FaultyStore(new MemoryStore({ clock: () => new Date() }));
  const { ledger, claim, update, stop } = await changing(store);
  await update();
  await claim('late-1');
  await claim('late-2');
  const isDone = async () => (await ledger.projectState('alpha')).mtuLaggards === undefined;
  await expect.poll(isDone, patience).toBe(true);
  const events = await everything(store);
  const told = events.flatMap(({ type }, at) => (type === 'InterfaceUpdated' ? at : []));
  const late = events.flatMap(({ type, data }, at) =>
    type === 'InterfaceReady' && (data as { name: string }).name.startsWith('late') ? at : [],
  );
  expect(told).toHaveLength(INTERFACES);
  expect(late).toHaveLength(2);
  const after = (at: number | undefined) => told.filter((one) => one > (at ?? 0)).length;
  const twoSteps = 2 * limits.interfaceUpdatesPerAppendMax;
  expect(after(late[0])).toBeGreaterThanOrEqual(INTERFACES - twoSteps);
  expect(after(late[1])).toBeGreaterThanOrEqual(INTERFACES - 2 * twoSteps);
  await stop();
});

it('L17 goes on after a crash between two appends, in a project that nobody uses', async () => {
  const store = new FaultyStore(new MemoryStore({ clock: () => new Date() }));
  const { views, update, stop } = await changing(store);
  let appends = 0;
  store.before = async () => {
    appends += 1;
    if (appends > 1) throw new StoreFull('no room');
  };
  await update();
  await expect.poll(() => appends, patience).toBeGreaterThan(1);
  expect(views.unfinishedProjects()).toEqual(['alpha']);
  await stop();

  store.before = async () => {};
  const again = await startLedger(store);
  const mtus = () =>
    again.views
      .list('NetworkInterface', { namespace: 'alpha', limit: INTERFACES })
      .items.map(({ object }) => object.spec?.mtu);
  await expect.poll(() => mtus().filter((mtu) => mtu === 8856).length, patience).toBe(INTERFACES);
  expect(again.views.unfinishedProjects()).toEqual([]);
  await again.stop();
});
