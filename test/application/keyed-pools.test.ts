import { expect, it } from 'vitest';
import type { LedgerRequest } from '../../src/application/request.ts';
import type { IPPoolSpec } from '../../src/ledger/ip-pool.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';
import { startLedger } from './living-ledger.ts';
import { eventsOf, ledgerOn, request } from './world.ts';

/** Creations of pools that are asked for again under their key. */
const POOL_STREAM = 'addressSpace-pool.edge';
const patience = { timeout: 10_000, interval: 20 };

function keyed(key: string): LedgerRequest {
  return { ...request(), idempotency: { key, requestHash: 'h', code: 201 } };
}

function create(name: string, spec: Partial<IPPoolSpec>) {
  const full = { ipFamily: 'IPv4' as const, classNames: [], ...spec };
  return { type: 'CreatePool', name, spec: full, metadata: {} } as const;
}

const edge = create('edge', { cidr: '192.0.2.0/24' });
const whole = (name: string) => create(name, { parentPoolRef: { name: 'edge' }, prefixLength: 24 });

it('is answered the same after a restart, on another ledger, and when the pool has gone', async () => {
  const store = new MemoryStore({ clock: () => new Date() });
  const asked = keyed('k');
  const first = await startLedger(store);
  const other = await startLedger(store);
  const [made] = eventsOf(await first.ledger.authoredPool(edge, asked)).slice(-1);
  expect(made?.type).toBe('RangeAdded');
  const { revision } = await first.ledger.poolState('edge');
  await first.stop();
  const after = await startLedger(store);
  const same = { outcome: 'repeated', stream: POOL_STREAM, requestHash: 'h', code: 201, revision };
  for (const { ledger } of [after, other]) {
    expect(await ledger.authoredPool(edge, asked)).toMatchObject(same);
  }
  eventsOf(
    await after.ledger.authoredPool({ type: 'DeletePool', name: 'edge', expect: {} }, request()),
  );
  for (const { ledger } of [after, other]) {
    expect(await ledger.authoredPool(edge, asked)).toMatchObject(same);
  }
  eventsOf(await other.ledger.authoredPool(edge, request()));
  for (const { ledger, stop } of [after, other]) {
    expect(await ledger.authoredPool(edge, asked)).toMatchObject(same);
    await stop();
  }
});

it('finds the pool that was finished after a crash', async () => {
  const store = new FaultyStore(new MemoryStore({ clock: () => new Date() }));
  const asked = keyed('k');
  const before = await startLedger(store);
  store.before = async (stream) => {
    if (stream === POOL_STREAM) throw new StoreUnavailable('the process dies here');
  };
  const lost = before.ledger.authoredPool(edge, asked).catch((error: Error) => error);
  const isRegistered = () => before.ledger.platformState.pools.has('edge');
  await expect.poll(isRegistered, patience).toBe(true);
  await before.stop();
  await lost;
  store.before = async () => {};
  const after = await startLedger(store);
  await expect.poll(() => after.views.get('IPPool', '', 'edge'), patience).toBeDefined();
  expect(eventsOf(await after.ledger.authoredPool(edge, asked))).toEqual([]);
  await after.stop();
});

it('is tried anew when it was given up', async () => {
  const store = new FaultyStore(new MemoryStore({ clock: () => new Date() }));
  const { ledger, stop } = await startLedger(store);
  const other = await ledgerOn(store);
  eventsOf(await ledger.authoredPool(edge, request()));
  let overtaken = false;
  store.before = async (stream) => {
    if (overtaken || stream !== POOL_STREAM) return;
    overtaken = true;
    eventsOf(await other.authoredPool(whole('thief'), request()));
  };
  const asked = keyed('k');
  const exhausted = { outcome: 'rejected', rejection: { reason: 'Exhausted' } };
  expect(await ledger.authoredPool(whole('part'), asked)).toMatchObject(exhausted);
  expect(await ledger.authoredPool(whole('part'), asked)).toMatchObject(exhausted);
  eventsOf(await other.authoredPool({ type: 'DeletePool', name: 'thief', expect: {} }, request()));
  const [made] = eventsOf(await ledger.authoredPool(whole('part'), asked));
  expect(made?.type).toBe('IPPoolCreated');
  expect(await ledger.authoredPool(whole('part'), asked)).toMatchObject({ outcome: 'repeated' });
  await stop();
});
