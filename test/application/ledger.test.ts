import { expect, it } from 'vitest';
import { Ledger, PlanDiffers } from '../../src/application/ledger.ts';
import { builtInPlan, readPlan } from '../../src/ledger/plan.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { FaultyStore } from './faulty-store.ts';
import { commands, eventsOf, everything, ledgerOn, request } from './world.ts';

const clock = () => new Date('2026-01-01T00:00:00Z');

async function readyProject(
  store = new FaultyStore(new MemoryStore({ clock })),
  plan = builtInPlan(),
) {
  const ledger = await ledgerOn(store, plan);
  await ledger.platform(commands.location('us-central-1'), request());
  await ledger.project('alpha', commands.namespace, request());
  return { ledger, store };
}

const typesOf = (events: readonly { type: string }[]) => events.map(({ type }) => type);

it('begins an empty log with one append to the platform', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  await ledgerOn(store);
  expect(store.asked[0]).toMatchObject({ stream: 'addressSpace-platform', expected: -1 });
  expect(typesOf(store.asked[0]?.events ?? [])).toEqual([
    'AddressSpaceOpened',
    ...Array(8).fill('IPClassCreated'),
    'RootRangeRegistered',
  ]);
});

it('refuses to go on with another plan than the log was begun with, showing the difference', async () => {
  const store = new MemoryStore({ clock });
  await ledgerOn(store);
  const other = builtInPlan();
  other.pools = [{ ...other.pools[0]!, cidr: 'fd30::/20' }];
  const opened = (plan: typeof other, isGiven: boolean) =>
    Ledger.open(
      {
        store,
        clock,
        newId: () => request().commandId,
        random: () => 0,
        viewed: async () => {},
        answered: () => undefined,
        log: { warn: () => {} } as never,
      },
      plan,
      isGiven,
    );
  await expect(opened(other, true)).rejects.toThrow(PlanDiffers);
  await expect(opened(other, true)).rejects.toThrow('fd30::/20');
  await expect(opened(readPlan(builtInPlan()), true)).resolves.toBeInstanceOf(Ledger);
  await expect(opened(other, false)).resolves.toBeInstanceOf(Ledger);
});

it('carves a range for the project before it commits its first network', async () => {
  const { ledger, store } = await readyProject();
  store.asked.length = 0;
  const events = eventsOf(await ledger.project('alpha', commands.network(), request()));
  expect(store.asked.map(({ stream }) => stream)).toEqual([
    'addressSpace-pool.tenant-ipv6',
    'addressSpace-project.alpha',
  ]);
  const carve = store.asked[0]?.events[0]?.data as { grant: { id: string } };
  const added = events.find(({ type }) => type === 'RangeAdded')?.data;
  expect(added).toMatchObject({ prefix: 'fd20::/40', grant: { id: carve.grant.id } });
});

it('makes one presence for many first claims at once, and gives them disjoint blocks', async () => {
  const { ledger, store } = await readyProject();
  await ledger.project('alpha', commands.network(), request());
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      ledger.project('alpha', commands.claim(`web-${n}`, 'us-central-1'), request()),
    ),
  );
  const blocks = answers
    .flatMap(eventsOf)
    .flatMap((event) => (event.type === 'AddressAllocated' ? [event.data.block] : []));
  expect(new Set(blocks).size).toBe(100);
  const all = typesOf(await everything(store));
  expect(all.filter((type) => type === 'NetworkContextCreated')).toHaveLength(1);
  expect(all.filter((type) => type === 'LocationJoined')).toHaveLength(1);
});

it('shows in a dry run exactly what would be, across streams, and writes nothing', async () => {
  const { ledger, store } = await readyProject();
  const dryNetwork = await ledger.project('alpha', commands.network(), request(true));
  const wet = await ledger.project('alpha', commands.network(), request());
  const prefixes = (answer: typeof wet) =>
    eventsOf(answer).map(({ type, data }) => [type, 'prefix' in data ? data.prefix : undefined]);
  expect(prefixes(dryNetwork)).toEqual(prefixes(wet));
  const before = (await everything(store)).length;
  const claim = commands.claim('web-0', 'us-central-1');
  const dryClaim = await ledger.project('alpha', claim, request(true));
  expect((await everything(store)).length).toBe(before);
  const wetClaim = await ledger.project('alpha', claim, request());
  expect(prefixes(dryClaim)).toEqual(prefixes(wetClaim));
});

it('lets a network wait when no pool has a range for its project', async () => {
  const plan = builtInPlan();
  plan.pools = [{ ...plan.pools[0]!, cidr: 'fd20::/40' }];
  const { ledger } = await readyProject(undefined, plan);
  await ledger.project('alpha', commands.network(), request());
  await ledger.project('beta', commands.namespace, request());
  const events = eventsOf(await ledger.project('beta', commands.network(), request()));
  const updated = events.find(({ type }) => type === 'NetworkUpdated')?.data;
  expect(updated).toMatchObject({
    waiting: [
      {
        family: 'IPv6',
        reason: 'AddressPoolExhausted',
        causes: expect.arrayContaining(['pool/tenant-ipv6']),
      },
    ],
  });
  expect(JSON.stringify(updated)).toContain('pool \\"tenant-ipv6\\" (root) has no free /40');
});

it('keeps nothing in memory for names that are no projects', async () => {
  const { ledger } = await readyProject();
  const answer = await ledger.project('ghost', commands.network(), request());
  expect(answer).toMatchObject({ rejection: { reason: 'NotFound', subject: { name: 'ghost' } } });
  await expect.poll(() => ledger.openProjects).toEqual(['alpha']);
});
