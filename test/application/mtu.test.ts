import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreFull } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';
import { startLedger } from './living-ledger.ts';
import { commands, request } from './world.ts';

const patience = { timeout: 10_000, interval: 20 };
const INTERFACES = 1_500;

it('L17 goes on after a crash between two appends, in a project that nobody uses', async () => {
  const store = new FaultyStore(new MemoryStore({ clock: () => new Date() }));
  const { ledger, views, stop } = await startLedger(store);
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.network(), request());
  await Promise.all(
    Array.from({ length: INTERFACES }, (_, n) =>
      ledger.project('alpha', commands.claim(`web-${n}`, 'us'), request()),
    ),
  );
  let appends = 0;
  store.before = async () => {
    appends += 1;
    if (appends > 1) throw new StoreFull('no room');
  };
  const { spec } = commands.network();
  const change = { type: 'UpdateNetwork', name: 'default', expect: {}, metadata: {} } as const;
  await ledger.project('alpha', { ...change, spec: { ...spec, mtu: 8856 } }, request());
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
