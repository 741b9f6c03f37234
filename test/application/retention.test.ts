import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { startLedger, tinyPlan } from './living-ledger.ts';
import { commands, everything, request } from './world.ts';

const NIC = 'NetworkInterface';
const patience = { timeout: 10_000, interval: 10 };
const memory = () => new MemoryStore({ clock: () => new Date() });
const retain = commands.claim('web', 'us', { reclaimPolicy: 'Retain' });
const release = { type: 'DeleteClaim', name: 'web', expect: {} } as const;

function leasedPlan(retentionLease: string, retentionGrace: string) {
  const lease = { retentionLease, retentionGrace };
  return tinyPlan({ 'tenant-endpoint-ipv4': lease, 'tenant-endpoint-ipv6': lease });
}

/** A ledger on a store in which the interface `web` has just been retained. */
async function retaining(store: Store, plan: ReturnType<typeof leasedPlan>) {
  const started = await startLedger(store, plan);
  const { ledger } = started;
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.network(), request());
  await ledger.project('alpha', retain, request());
  await ledger.project('alpha', release, request());
  return started;
}

const typesIn = async (store: Store) => (await everything(store)).map(({ type }) => type);

it('L15 announces and releases what is retained, by itself', async () => {
  const store = memory();
  const { views, verdict, stop } = await retaining(store, leasedPlan('50ms', '300ms'));
  await expect.poll(() => verdict(NIC, 'alpha', 'web', 'Expiring'), patience).toBe('True');
  await expect.poll(() => views.get(NIC, 'alpha', 'web'), patience).toBeUndefined();
  await stop();
  const ends = (await everything(store)).filter(({ type }) => type === 'RetentionExpiring');
  expect(ends).toHaveLength(1);
});

it('L15 does so after a restart, in a project that nobody uses', async () => {
  const store = memory();
  const plan = leasedPlan('400ms', '200ms');
  await (await retaining(store, plan)).stop();
  expect(await typesIn(store)).not.toContain('RetentionExpiring');
  const again = await startLedger(store, plan);
  expect(again.ledger.openProjects).toEqual([]);
  await expect.poll(() => again.views.get(NIC, 'alpha', 'web'), patience).toBeUndefined();
  await again.stop();
  expect(await typesIn(store)).toContain('RetentionExpiring');
});

it('L15 catches up at the start with what came due while nobody served', async () => {
  const store = memory();
  const plan = leasedPlan('200ms', '0s');
  await (await retaining(store, plan)).stop();
  expect(await typesIn(store)).not.toContain('RetentionExpiring');
  await new Promise((resolve) => setTimeout(resolve, 250));
  const again = await startLedger(store, plan);
  await expect.poll(() => again.views.get(NIC, 'alpha', 'web'), patience).toBeUndefined();
  await again.stop();
});

it('L15 has exactly one winner when a claim and the end of the grace period meet', async () => {
  const store = memory();
  const { ledger, stop } = await retaining(store, leasedPlan('10ms', '10ms'));
  for (let round = 0; round < 12; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10 + round));
    await ledger.project('alpha', retain, request());
    const { claims, interfaces } = await ledger.projectState('alpha');
    const [claim, nic] = [claims.get('web'), interfaces.get('web')];
    // Bound to the one that was retained, or to a new one: never to one that was let go.
    expect(claim?.bound).toBe('web');
    expect(nic?.claim?.uid).toBe(claim?.uid);
    expect(nic?.holdings).toHaveLength(2);
    await ledger.project('alpha', release, request());
  }
  await stop();
  const types = await typesIn(store);
  const count = (type: string) => types.filter((one) => one === type).length;
  expect(count('InterfaceRebound') + count('InterfaceReady')).toBe(13);
  const standing = count('InterfaceReady') - count('InterfaceDeleted');
  expect([0, 1]).toContain(standing);
});
