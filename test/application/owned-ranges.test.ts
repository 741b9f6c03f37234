import { expect, it } from 'vitest';
import type { IPPoolSpec } from '../../src/ledger/ip-pool.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreFull, StoreUnavailable } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';
import { startLedger, tinyPlan } from './living-ledger.ts';
import { commands, eventsOf, everything, request } from './world.ts';

/** Networks whose range is a prefix of a pool that their project owns. */
const ROOT = '198.51.0.0/16';
const PREFIX = '198.51.16.0/20';
const OTHER = '198.51.32.0/20';
const PROJECT_STREAM = 'addressSpace-project.alpha';
const patience = { timeout: 10_000, interval: 20 };

const memory = () => new FaultyStore(new MemoryStore({ clock: () => new Date() }));

function network(name: string, ipv4Range: string) {
  const { spec, ...rest } = commands.network(name);
  const ipam = { mode: 'Auto' as const, ipv4Range };
  return { ...rest, spec: { ...spec, ipFamilies: ['IPv4' as const], ipam } };
}

async function start(store: FaultyStore) {
  const living = await startLedger(store, tinyPlan({}));
  const { ledger } = living;
  const ask = (command: Parameters<typeof ledger.project>[1], dryRun = false) =>
    ledger.project('alpha', command, request(dryRun));
  const create = (name: string, spec: Partial<IPPoolSpec>) => {
    const given = { ipFamily: 'IPv4' as const, classNames: [], projectRef: { name: 'alpha' } };
    const created = {
      type: 'CreatePool',
      name,
      spec: { ...given, ...spec },
      metadata: {},
    } as const;
    return ledger.authoredPool(created, request());
  };
  const carved = async () =>
    [...(await ledger.poolState('own')).carves.values()].map(({ prefix }) => prefix);
  return { ...living, ask, create, carved };
}

async function startWithPool(store: FaultyStore) {
  const living = await start(store);
  await living.ask(commands.namespace);
  await living.ledger.platform(commands.location('us'), request());
  eventsOf(await living.create('own', { cidr: ROOT }));
  return living;
}

const refusal = (reason: string, message = '') => ({
  outcome: 'rejected',
  rejection: { reason, message: expect.stringContaining(message) },
});

it('is granted by the pool, and rests there after its addresses have been used', async () => {
  const store = memory();
  const { ask, carved, ledger, views, stop } = await startWithPool(store);
  eventsOf(await ask(network('default', PREFIX), true));
  expect(await carved()).toEqual([]);
  const made = eventsOf(await ask(network('default', PREFIX)));
  const grant = { id: (await ledger.poolState('own')).carveKeys.keySeq().first(), pool: 'own' };
  expect(made).toContainEqual(
    expect.objectContaining({
      type: 'RangeAdded',
      data: expect.objectContaining({ prefix: PREFIX, grant }),
    }),
  );
  eventsOf(await ask(commands.claim('web', 'us', { ipFamilies: ['IPv4'] })));
  const nic = views.get('NetworkInterface', 'alpha', 'web')?.object.spec;
  expect(nic?.addresses).toEqual([expect.objectContaining({ address: '198.51.16.2/32' })]);
  const taken = `${PREFIX} is not free in pool "own"`;
  expect(await ask(network('second', PREFIX))).toMatchObject(refusal('AddressTaken', taken));
  expect(await ask(network('second', '198.51.0.0/18'))).toMatchObject(refusal('AddressTaken'));
  await ask({ type: 'DeleteClaim', name: 'web', expect: {} });
  await ask({ type: 'DeleteNetwork', name: 'default', expect: {} });
  await expect.poll(carved, patience).toEqual([]);
  const returned = (await everything(store)).findLast(({ type }) => type === 'PrefixReturned');
  const { at, availableAt, grantId } = returned!.data as Record<string, string>;
  expect(grantId).toBe(grant.id);
  expect(Date.parse(availableAt as string)).toBeGreaterThan(Date.parse(at as string) + 100_000);
  expect(await ask(network('second', PREFIX))).toMatchObject(refusal('AddressTaken', taken));
  await stop();
});

it('is of an owned pool or of the private ranges, and nothing else', async () => {
  const { ask, create, stop } = await startWithPool(memory());
  const wrong = { causes: [{ field: 'spec.ipam.ipv4Range' }] };
  const foreign = await ask(network('default', '203.0.0.0/20'));
  expect(foreign).toMatchObject(refusal('Invalid', 'nor in a pool that the project owns'));
  expect(foreign).toMatchObject({ rejection: wrong });
  eventsOf(await create('public', { cidr: '203.0.0.0/16', projectRef: undefined }));
  expect(await ask(network('default', '203.0.0.0/20'))).toMatchObject({ rejection: wrong });
  // A child's range is known to its root alone, which says what is in it.
  const child = { parentPoolRef: { name: 'public' }, prefixLength: 18 };
  eventsOf(await create('part', child));
  expect(await ask(network('default', '203.0.64.0/20'))).toMatchObject({ rejection: wrong });
  eventsOf(await ask(network('default', '203.0.0.0/20')));
  eventsOf(await ask(network('private', '10.0.0.0/8')));
  await stop();
});

it('is given back at once when the network is refused after all', async () => {
  const { ask, carved, stop } = await startWithPool(memory());
  const both = network('default', PREFIX);
  const spec = {
    ...both.spec,
    ipFamilies: ['IPv4' as const, 'IPv6' as const],
    ipam: { ...both.spec.ipam, ipv6Range: 'fd00::/48' },
  };
  expect(await ask({ ...both, spec })).toMatchObject(refusal('Invalid', 'fd00::/48'));
  await expect.poll(carved, patience).toEqual([]);
  eventsOf(await ask(network('other', PREFIX)));
  expect(await carved()).toEqual([PREFIX]);
  await stop();
});

it('that a crash leaves between carve and commit is fenced and given back', async () => {
  const store = memory();
  const before = await startWithPool(store);
  let dies = true;
  store.before = async (stream) => {
    if (dies && stream === PROJECT_STREAM) throw new StoreUnavailable('the process dies here');
  };
  const lost = before.ask(network('default', PREFIX)).catch((error: Error) => error);
  await expect.poll(before.carved, patience).toEqual([PREFIX]);
  await before.stop();
  await lost;
  dies = false;
  const after = await start(store);
  await expect.poll(after.carved, patience).toEqual([]);
  expect(await typesIn(store)).toEqual(
    expect.arrayContaining(['GrantAbandoned', 'PrefixReturned']),
  );
  eventsOf(await after.ask(network('late', PREFIX)));
  expect(await after.carved()).toEqual([PREFIX]);
  await after.stop();
});

it('that an attempt left behind makes way for another prefix of the same network', async () => {
  const store = memory();
  const { ask, carved, stop } = await startWithPool(store);
  let isFull = true;
  store.before = async (stream) => {
    if (isFull && stream === PROJECT_STREAM) throw new StoreFull('no room');
  };
  await expect(ask(network('default', PREFIX))).rejects.toThrow('the store is full');
  isFull = false;
  expect(await carved()).toEqual([PREFIX]);
  eventsOf(await ask(network('default', OTHER), true));
  expect(await carved()).toEqual([PREFIX]);
  eventsOf(await ask(network('default', OTHER)));
  expect(await carved()).toEqual([OTHER]);
  eventsOf(await ask(network('late', PREFIX)));
  expect((await typesIn(store)).filter((type) => type === 'GrantAbandoned')).toHaveLength(1);
  await stop();
});

async function typesIn(store: FaultyStore): Promise<string[]> {
  return (await everything(store)).map(({ type }) => type);
}
