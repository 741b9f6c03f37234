import { afterEach, expect, it, vi } from 'vitest';
import { limits } from '../../src/limits.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreFull } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';
import { startLedger, tinyPlan } from './living-ledger.ts';
import { commands, eventsOf, everything, ledgerOn, request } from './world.ts';

// Several ledgers on one store: what one has decided is news to the other.

afterEach(() => {
  vi.useRealTimers();
});

const memory = () => new MemoryStore({ clock: () => new Date('2026-01-01T00:00:00Z') });

it('refuses nothing for want of what another ledger has written', async () => {
  const store = memory();
  const [here, there] = [await ledgerOn(store), await ledgerOn(store)];
  await here.project('alpha', commands.namespace, request());
  await there.projectState('alpha');
  await here.platform(commands.location('us'), request());
  await here.project('alpha', commands.network(), request());
  await here.project('alpha', commands.claim('web-0', 'us'), request());
  const release = { type: 'DeleteClaim', name: 'web-0', expect: {} } as const;
  const events = eventsOf(await there.project('alpha', release, request()));
  expect(events.map(({ type }) => type)).toContain('ClaimDeleted');
});

it('refuses with what is so when another ledger has written', async () => {
  const store = memory();
  const [here, there] = [await ledgerOn(store), await ledgerOn(store)];
  await here.project('alpha', commands.namespace, request());
  await there.projectState('alpha');
  const remove = { type: 'DeleteNamespace', expect: {} } as const;
  await here.project('alpha', remove, request());
  await here.project('alpha', commands.namespace, request());
  const again = await there.project('alpha', commands.namespace, request());
  expect(again).toMatchObject({ outcome: 'rejected', rejection: { reason: 'AlreadyExists' } });
});

it('answers a command that two ledgers are asked for at once with what is in the log', async () => {
  const store = memory();
  const [here, there] = [await ledgerOn(store), await ledgerOn(store)];
  const same = request();
  const first = { ...commands.namespace, metadata: { labels: { from: 'here' } } };
  const second = { ...commands.namespace, metadata: { labels: { from: 'there' } } };
  const [answer, other] = await Promise.all([
    here.project('alpha', first, same),
    there.project('alpha', second, same),
  ]);
  expect(other).toEqual(answer);
  const logged = (await everything(store)).filter(({ stream }) => stream.endsWith('.alpha'));
  expect(logged.map(({ data }) => data)).toEqual(eventsOf(answer).map(({ data }) => data));
  // The one that came second goes on from what is there.
  eventsOf(await there.project('alpha', commands.network(), request()));
});

it('serves who waits for what another ledger has decided in the platform', async () => {
  const store = new MemoryStore({ clock: () => new Date() });
  const { ledger, verdict, stop } = await startLedger(store);
  const other = await ledgerOn(store);
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.network(), request());
  await ledger.project('alpha', commands.claim('web-0', 'us'), request());
  const bound = () => verdict('NetworkInterfaceClaim', 'alpha', 'web-0', 'Bound');
  expect(bound()).toBe('LocationNotFound');
  await other.platform(commands.location('us'), request());
  await expect.poll(bound, { timeout: 10_000 }).toBe('True');
  await stop();
});

it('serves who waits for what another ledger decided right before it ended', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const store = new MemoryStore({ clock: () => new Date() });
  const { ledger, verdict, views, stop } = await startLedger(store);
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.claim('web-0', 'us'), request());
  const ending = new FaultyStore(store);
  const other = await ledgerOn(ending);
  ending.before = async (stream) => {
    if (stream === 'addressSpace-platform') throw new StoreFull('it has ended');
  };
  const { outcome } = await other.project('alpha', commands.network(), request());
  await other.close();
  expect(outcome).toBe('decided');
  await views.reached(await store.head());
  const bound = () => verdict('NetworkInterfaceClaim', 'alpha', 'web-0', 'Bound');
  expect(bound()).toBe('NetworkNotFound');
  vi.advanceTimersByTime(limits.unfinishedLookMs);
  await expect.poll(bound, { timeout: 10_000 }).toBe('True');
  await stop();
});

it('serves who waits for an address that another ledger took back before it ended', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const store = new MemoryStore({ clock: () => new Date() });
  // A subnet has two blocks, one of which is the gateway's.
  const subnet = { defaultPrefixLength: 95, allowedPrefixLengths: { min: 95, max: 95 } };
  const resting = { quarantine: '2s' };
  const plan = tinyPlan({ 'tenant-subnet-ipv6': subnet, 'tenant-endpoint-ipv6': resting });
  const { ledger, verdict, views, stop } = await startLedger(store, plan);
  await ledger.project('alpha', commands.namespace, request());
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.network(), request());
  const families = { ipFamilies: ['IPv6' as const] };
  await ledger.project('alpha', commands.claim('web-0', 'us', families), request());
  const bound = (name: string) => verdict('NetworkInterfaceClaim', 'alpha', name, 'Bound');
  expect(bound('web-0')).toBe('True');
  const other = await ledgerOn(store, plan, () => new Date());
  const release = { type: 'DeleteClaim', name: 'web-0', expect: {} } as const;
  await other.project('alpha', commands.claim('web-1', 'us', families), request());
  await other.project('alpha', release, request());
  await other.close();
  await views.reached(await store.head());
  expect(bound('web-1')).toBe('AddressPoolExhausted');
  vi.advanceTimersByTime(limits.unfinishedLookMs);
  await expect.poll(() => bound('web-1'), { timeout: 20_000 }).toBe('True');
  await stop();
});

it('leaves a range registered that another ledger has just given a pool', async () => {
  const store = memory();
  const [here, there] = [await ledgerOn(store), await ledgerOn(store)];
  const [cidr, further] = ['198.51.100.0/28', '198.51.100.64/28'];
  const spec = { ipFamily: 'IPv4' as const, cidr, classNames: [] };
  const named = { name: 'public', metadata: {} };
  await here.authoredPool({ type: 'CreatePool', ...named, spec }, request());
  await there.platformUpTo(here.platformState.revision);
  await there.poolState('public');
  const wider = { ...spec, additionalCIDRs: [further] };
  await here.authoredPool({ type: 'UpdatePool', ...named, expect: {}, spec: wider }, request());
  await there.platformUpTo(here.platformState.revision);
  await there.settlePool('public');
  const types = (await everything(store)).map(({ type }) => type);
  expect(types).not.toContain('RootRangeReleased');
  expect(there.platformState.pools.get('public')?.spec).toEqual(wider);
});
