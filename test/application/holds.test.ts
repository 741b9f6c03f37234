import { expect, it } from 'vitest';
import { formatPrefix } from '../../src/addressing/prefix.ts';
import type { LedgerAnswer } from '../../src/application/request.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreFull } from '../../src/store/store.ts';
import { planWith, publicV4 } from '../ledger/commands.ts';
import { FaultyStore } from './faulty-store.ts';
import { startLedger } from './living-ledger.ts';
import { commands, eventsOf, everything, ledgerOn, request } from './world.ts';

const memory = () => new FaultyStore(new MemoryStore({ clock: () => new Date() }));
const patience = { timeout: 10_000, interval: 20 };
const CLAIM = 'NetworkInterfaceClaim';
/** Private pools with room for all that the tests want. */
const wide = { root: 'fd20::/100', project: 104, network: 108, subnet: 112, endpoint: 120 };
const plan = planWith({ ...wide, quarantine: '1s' }, publicV4);
const PUBLIC = { ipFamilies: ['IPv6' as const], addresses: [{ class: 'public4' }] };

type Ledger = Awaited<ReturnType<typeof ledgerOn>>;

async function prepare(ledger: Ledger, ...projects: string[]): Promise<void> {
  await ledger.platform(commands.location('us'), request());
  for (const project of projects) {
    await ledger.project(project, commands.namespace, request());
    await ledger.project(project, commands.network(), request());
  }
}

function web(ledger: Ledger, project: string, name: string, dryRun = false) {
  return ledger.project(project, commands.claim(name, 'us', PUBLIC), request(dryRun));
}

function externalOf(answer: LedgerAnswer) {
  const ready = eventsOf(answer).find(({ type }) => type === 'InterfaceReady');
  return (ready?.data as { spec: { externalAddresses: unknown } } | undefined)?.spec
    .externalAddresses;
}

it('shows an external address on claim and interface, and gives it back after use', async () => {
  const { ledger, views, stop } = await startLedger(memory(), plan);
  await prepare(ledger, 'alpha');
  await web(ledger, 'alpha', 'web-0');
  const external = [{ family: 'IPv4', address: '198.51.100.0', class: 'public4' }];
  const shown = (kind: string) => views.get(kind, 'alpha', 'web-0')?.object;
  expect(shown('NetworkInterface')?.spec?.externalAddresses).toEqual(external);
  expect(shown(CLAIM)?.status?.externalAddresses).toEqual(external);
  expect(views.poolCounts('public-a')).toMatchObject({ held: '1', free: '3' });
  await expect.poll(() => views.openGrants(), patience).toEqual([]);
  await ledger.project('alpha', { type: 'DeleteClaim', name: 'web-0', expect: {} }, request());
  expect(views.poolCounts('public-a')).toMatchObject({ held: '0', quarantined: '1', free: '3' });
  await expect.poll(() => views.openGrants(), patience).toEqual([]);
  await expect
    .poll(() => views.poolCounts('public-a'), patience)
    .toMatchObject({ quarantined: '0', free: '4' });
  await stop();
});

it('gives every address to one claim only, over projects and two ledgers on one store', async () => {
  const store = memory();
  const ledgers = [await startLedger(store, plan), await startLedger(store, plan)] as const;
  await prepare(ledgers[0].ledger, 'alpha', 'beta');
  await ledgers[1].ledger.projectState('alpha');
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => {
      const project = n % 3 === 0 ? 'beta' : 'alpha';
      return web(ledgers[n % 2]!.ledger, project, `web-${n}`);
    }),
  );
  for (const answer of answers) eventsOf(answer);
  const held = async () => {
    const events = await everything(store);
    return events.flatMap(({ type, data }) => {
      const { grant, block } = data as { grant?: object; block: string };
      return type === 'AddressAllocated' && grant !== undefined ? [block] : [];
    });
  };
  await expect.poll(async () => (await held()).length, patience).toBe(4);
  expect(new Set(await held()).size).toBe(4);
  await Promise.all(ledgers.map(({ stop }) => stop()));
});

it('serves who waits in another project when an address comes back', async () => {
  const { ledger, verdict, stop } = await startLedger(memory(), plan);
  await prepare(ledger, 'alpha', 'beta');
  for (let n = 0; n < 4; n += 1) await web(ledger, 'alpha', `web-${n}`);
  await web(ledger, 'beta', 'late');
  expect(verdict(CLAIM, 'beta', 'late', 'Bound')).toBe('AddressPoolExhausted');
  await ledger.project('alpha', { type: 'DeleteClaim', name: 'web-1', expect: {} }, request());
  await expect.poll(() => verdict(CLAIM, 'beta', 'late', 'Bound'), patience).toBe('True');
  await stop();
});

it('finds the grant of a slow writer abandoned, and has it ask for another', async () => {
  const store = memory();
  const slow = await ledgerOn(store, plan);
  const quick = await ledgerOn(store, plan);
  await prepare(slow, 'alpha');
  await web(slow, 'alpha', 'first');
  const held = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  store.before = async (stream) => {
    if (stream !== 'addressSpace-project.alpha') return;
    store.before = async () => {};
    held.resolve();
    await goOn.promise;
  };
  const late = web(slow, 'alpha', 'late');
  await held.promise;
  // Another process takes the hold for what a crash has left, while the commit is on its way.
  const hold = (await everything(store)).findLast(({ type }) => type === 'AddressHeld');
  const { grant } = hold!.data as { grant: { id: string } };
  const grantId = grant.id;
  eventsOf(await quick.project('alpha', { type: 'AbandonGrant', grantId }, request()));
  const availableAt = '2026-01-01T00:00:00.000Z';
  await quick.refreshPool('public-a');
  await quick.pool('public-a', { type: 'UnholdAddress', grantId, availableAt }, request());
  await web(quick, 'alpha', 'thief');
  goOn.resolve();
  const events = eventsOf(await late);
  const committed = events.flatMap((event) => {
    return event.type === 'AddressAllocated' && event.data.grant ? [event.data] : [];
  });
  expect(committed).toMatchObject([{ block: '198.51.100.2/32' }]);
  expect(committed[0]?.grant?.id).not.toBe(grantId);
});

it('fences and gives back at once what an attempt that failed was given', async () => {
  const store = memory();
  const { ledger, views, stop } = await startLedger(store, plan);
  await prepare(ledger, 'alpha');
  await web(ledger, 'alpha', 'first');
  let failures = 0;
  store.before = async (stream) => {
    if (stream !== 'addressSpace-project.alpha' || failures > 0) return;
    failures += 1;
    throw new StoreFull('no room');
  };
  await expect(web(ledger, 'alpha', 'web')).rejects.toThrow('full');
  await expect.poll(() => views.openGrants(), patience).toEqual([]);
  await expect.poll(() => views.poolCounts('public-a'), patience).toMatchObject({ free: '3' });
  await stop();
});

it('takes back at the next start what was held and never committed', async () => {
  const store = memory();
  const first = await startLedger(store, plan);
  await prepare(first.ledger, 'alpha');
  await web(first.ledger, 'alpha', 'first');
  store.before = async (stream) => {
    if (stream === 'addressSpace-project.alpha') throw new StoreFull('no room');
  };
  await expect(web(first.ledger, 'alpha', 'web')).rejects.toThrow();
  expect(first.views.openGrants()).toMatchObject([{ type: 'AddressGranted', project: 'alpha' }]);
  await first.stop();
  store.before = async () => {};
  const second = await startLedger(store, plan);
  await expect.poll(() => second.views.openGrants(), patience).toEqual([]);
  expect(second.views.poolCounts('public-a')).toMatchObject({ held: '1', free: '3' });
  await second.stop();
});

it('shows in a dry run exactly what would be, and holds nothing', async () => {
  const store = memory();
  const two = planWith({}, publicV4, {
    ...publicV4,
    className: 'second4',
    pool: 'public-b',
    cidr: '203.0.113.0/31',
  });
  const ledger = await ledgerOn(store, two);
  await prepare(ledger, 'alpha');
  await web(ledger, 'alpha', 'first');
  const before = (await everything(store)).length;
  const dry = await web(ledger, 'alpha', 'web', true);
  expect((await everything(store)).length).toBe(before);
  const wet = await web(ledger, 'alpha', 'web');
  expect(externalOf(dry)).toEqual(externalOf(wet));
  expect(externalOf(dry)).toMatchObject([{ address: '198.51.100.1' }]);
});

it('takes from the emptiest pool of a class that says so', async () => {
  const spread = planWith(
    wide,
    { ...publicV4, spec: { strategy: 'LeastUtilized' } },
    { ...publicV4, pool: 'public-b', cidr: '203.0.113.0/29' },
  );
  const ledger = await ledgerOn(memory(), spread);
  await prepare(ledger, 'alpha');
  const addresses: unknown[] = [];
  for (let n = 0; n < 4; n += 1) {
    addresses.push(externalOf(await web(ledger, 'alpha', `web-${n}`)));
  }
  expect(addresses).toMatchObject([
    [{ address: '198.51.100.0' }],
    [{ address: '203.0.113.0' }],
    [{ address: '203.0.113.1' }],
    [{ address: '198.51.100.1' }],
  ]);
});

it('takes ranges of projects from the emptiest pool, too', async () => {
  const spread = planWith(wide, publicV4);
  spread.pools.push({ ...spread.pools[0]!, name: 'root-b', cidr: 'fd30::/100' });
  spread.classes.find(({ name }) => name === 'root6')!.spec.strategy = 'LeastUtilized';
  const ledger = await ledgerOn(memory(), spread);
  await prepare(ledger, 'alpha', 'beta', 'gamma', 'delta');
  const ranges: unknown[] = [];
  for (const project of ['alpha', 'beta', 'gamma', 'delta']) {
    const { pools } = await ledger.projectState(project);
    ranges.push(formatPrefix(pools.get(`project6.${project}`)!.ranges[0]!.space.space.range));
  }
  expect(ranges).toEqual(['fd20::/104', 'fd30::/104', 'fd20::100:0/104', 'fd30::100:0/104']);
});

it('counts what is retained apart, of interfaces and of IPClaims', async () => {
  const { ledger, views, stop } = await startLedger(memory(), plan);
  await prepare(ledger, 'alpha');
  const claim = commands.claim('web', 'us', { ...PUBLIC, reclaimPolicy: 'Retain' });
  const spec = { className: 'public4', reclaimPolicy: 'Retain' } as const;
  const block = { type: 'CreateIPClaim', name: 'edge', metadata: {}, asOperator: false } as const;
  const held = { held: '2', retained: '0', quarantined: '0', free: '2' };
  const retained = { held: '0', retained: '2', quarantined: '0', free: '2' };
  for (let round = 0; round < 2; round += 1) {
    eventsOf(await ledger.project('alpha', claim, request()));
    eventsOf(await ledger.project('alpha', { ...block, spec }, request()));
    expect(views.poolCounts('public-a')).toMatchObject(held);
    for (const [type, name] of [
      ['DeleteClaim', 'web'] as const,
      ['DeleteIPClaim', 'edge'] as const,
    ]) {
      eventsOf(await ledger.project('alpha', { type, name, expect: {} }, request()));
    }
    expect(views.poolCounts('public-a')).toMatchObject(retained);
  }
  await stop();
});
