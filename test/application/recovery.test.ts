import { describe, expect, it } from 'vitest';
import { Steps } from '../../src/application/steps.ts';
import { DEFAULT_CLASS_ANNOTATION } from '../../src/ledger/names.ts';
import { limits } from '../../src/limits.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreFull } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';
import { startLedger, tinyPlan } from './living-ledger.ts';
import { commands, eventsOf, everything, request } from './world.ts';

const memory = () => new FaultyStore(new MemoryStore({ clock: () => new Date() }));
const CLAIM = 'NetworkInterfaceClaim';
const patience = { timeout: 10_000, interval: 20 };

it('serves a claim that waits even if the first attempt to do so met a full disk', async () => {
  const store = memory();
  const { ledger, verdict, stop } = await startLedger(store);
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.claim('web-0', 'us'), request());
  expect(verdict(CLAIM, 'alpha', 'web-0', 'Bound')).toBe('NetworkNotFound');
  let failures = 1;
  store.before = async (stream) => {
    if (stream !== 'addressSpace-platform' || failures === 0) return;
    failures -= 1;
    throw new StoreFull('no room');
  };
  await ledger.project('alpha', commands.network(), request());
  await expect.poll(() => verdict(CLAIM, 'alpha', 'web-0', 'Bound'), patience).toBe('True');
  expect(failures).toBe(0);
  await stop();
});

it('goes on with a deletion in steps after one of them met a full disk', async () => {
  const store = memory();
  const { ledger, views, stop } = await startLedger(store);
  await ledger.project('alpha', commands.namespace, request());
  await Promise.all(
    Array.from({ length: 1_500 }, (_, n) =>
      ledger.project('alpha', commands.claim(`web-${n}`, 'us'), request()),
    ),
  );
  let appends = 0;
  store.before = async () => {
    appends += 1;
    if (appends === 2) throw new StoreFull('no room');
  };
  await ledger.project('alpha', { type: 'DeleteNamespace', expect: {} }, request());
  await expect.poll(() => views.get('Namespace', '', 'alpha'), patience).toBeUndefined();
  expect(appends).toBeGreaterThan(2);
  await stop();
});

it('serves whose quarantine has ended while the project is never idle', async () => {
  const plan = tinyPlan({
    'tenant-subnet-ipv4': { defaultPrefixLength: 29 },
    'tenant-endpoint-ipv4': { quarantine: '300ms' },
  });
  const { ledger, verdict, stop } = await startLedger(memory(), plan);
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.network(), request());
  for (const name of ['a', 'b', 'c', 'd', 'late']) {
    await ledger.project('alpha', commands.claim(name, 'us'), request());
  }
  expect(verdict(CLAIM, 'alpha', 'late', 'Bound')).toBe('AddressPoolExhausted');
  let isBusy = true;
  const metadata = { labels: { x: 'y' } };
  const change = { type: 'ChangeMetadata', kind: 'Network', name: 'default', expect: {} } as const;
  const load = Array.from({ length: 8 }, async () => {
    while (isBusy) await ledger.project('alpha', { ...change, metadata }, request());
  });
  await ledger.project('alpha', { type: 'DeleteClaim', name: 'a', expect: {} }, request());
  await expect.poll(() => verdict(CLAIM, 'alpha', 'late', 'Bound'), patience).toBe('True');
  isBusy = false;
  await Promise.all(load);
  await stop();
});

it('serves whose quarantine ends after the store was away for a while', async () => {
  const store = memory();
  const plan = tinyPlan({
    'tenant-subnet-ipv4': { defaultPrefixLength: 29 },
    'tenant-endpoint-ipv4': { quarantine: '3s' },
  });
  const { ledger, verdict, stop } = await startLedger(store, plan);
  await ledger.platform(commands.location('us'), request());
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.network(), request());
  for (const name of ['a', 'b', 'c', 'd', 'late']) {
    await ledger.project('alpha', commands.claim(name, 'us'), request());
  }
  await ledger.project('alpha', { type: 'DeleteClaim', name: 'a', expect: {} }, request());
  for (let n = 0; n < limits.appendAttemptsMax; n += 1) store.fates.push('lost');
  await expect(ledger.project('alpha', commands.network('other'), request())).rejects.toThrow();
  expect(verdict(CLAIM, 'alpha', 'late', 'Bound')).toBe('AddressPoolExhausted');
  await expect.poll(() => verdict(CLAIM, 'alpha', 'late', 'Bound'), patience).toBe('True');
  await stop();
});

describe('a class that hands out smaller blocks', () => {
  /** Beside what is reserved of its /122, a subnet has one block of /123 and another of /124. */
  const plan = tinyPlan({
    'tenant-subnet-ipv6': {
      defaultPrefixLength: 122,
      reservations: { leading: 1, trailing: 0, unitPrefixLength: 124 },
    },
    'tenant-endpoint-ipv6': {
      defaultPrefixLength: 123,
      allowedPrefixLengths: { min: 123, max: 124 },
    },
  });
  const only6 = { ipFamilies: ['IPv6' as const] };

  async function started() {
    const store = memory();
    const { ledger, ...others } = await startLedger(store, plan);
    await ledger.platform(commands.location('us'), request());
    await ledger.project('alpha', commands.namespace, request());
    await ledger.project('alpha', commands.network(), request());
    const shrink = () => {
      const { spec } = ledger.platformState.classes.get('tenant-endpoint-ipv6')!;
      return ledger.platform(
        {
          ...{ type: 'UpdateClass', name: 'tenant-endpoint-ipv6', expect: {} },
          spec: { ...spec, defaultPrefixLength: 124 },
          metadata: { annotations: { [DEFAULT_CLASS_ANNOTATION]: 'true' } },
        },
        request(),
      );
    };
    return { store, ledger, shrink, ...others };
  }

  it('L8 serves who waits for a pool of its project', async () => {
    const { ledger, shrink, verdict, stop } = await started();
    for (const name of ['a', 'b']) {
      await ledger.project('alpha', commands.claim(name, 'us', only6), request());
    }
    expect(verdict(CLAIM, 'alpha', 'b', 'Bound')).toBe('AddressPoolExhausted');
    eventsOf(await shrink());
    await expect.poll(() => verdict(CLAIM, 'alpha', 'b', 'Bound'), patience).toBe('True');
    await stop();
  });

  it('L8 serves who began to wait while it was changed', async () => {
    const { store, ledger, shrink, verdict, stop } = await started();
    await ledger.project('alpha', commands.claim('a', 'us', only6), request());
    store.before = async (stream) => {
      if (stream !== 'addressSpace-project.alpha') return;
      store.before = async () => {};
      eventsOf(await shrink());
    };
    await ledger.project('alpha', commands.claim('b', 'us', only6), request());
    const order = (await everything(store)).map(({ type }) => type);
    expect(order.lastIndexOf('ClaimQueued')).toBeGreaterThan(order.indexOf('IPClassUpdated'));
    await expect.poll(() => verdict(CLAIM, 'alpha', 'b', 'Bound'), patience).toBe('True');
    await stop();
  });
});

it('gives a returned range to whom waits for it, also over a restart in its quarantine', async () => {
  const store = memory();
  const plan = tinyPlan({ 'tenant-endpoint-ipv6': { quarantine: '1500ms' } }, 'fd20::/40');
  const first = await startLedger(store, plan);
  await first.ledger.platform(commands.location('us'), request());
  for (const project of ['alpha', 'beta']) {
    await first.ledger.project(project, commands.namespace, request());
    await first.ledger.project(project, commands.network(), request());
  }
  expect(first.verdict('Network', 'beta', 'default', 'IPAMAllocated')).toBe('AddressPoolExhausted');
  await first.ledger.project('alpha', commands.claim('web-0', 'us'), request());
  const release = { type: 'DeleteClaim', name: 'web-0', expect: {} } as const;
  eventsOf(await first.ledger.project('alpha', release, request()));
  eventsOf(await first.ledger.project('alpha', { type: 'DeleteNamespace', expect: {} }, request()));
  const returned = async () => (await everything(store)).map(({ type }) => type);
  await expect.poll(returned, patience).toContain('PrefixReturned');
  await first.stop();
  const second = await startLedger(store, plan);
  const state = () => second.verdict('Network', 'beta', 'default', 'IPAMAllocated');
  expect(state()).toBe('AddressPoolExhausted');
  await expect.poll(state, patience).toBe('True');
  await second.stop();
});

it('gives back the range of a network that was fed by an authored pool itself', async () => {
  const store = memory();
  const plan = tinyPlan({ 'tenant-network-ipv6': { parentClassName: 'tenant-ipv6' } });
  const { ledger, views, stop } = await startLedger(store, plan);
  await ledger.project('alpha', commands.namespace, request());
  await ledger.project('alpha', commands.network(), request());
  const carved = () => views.poolCounts('tenant-ipv6')?.carved;
  expect(carved()).toBe(String(2n ** 80n));
  const remove = { type: 'DeleteNetwork', name: 'default', expect: {} } as const;
  eventsOf(await ledger.project('alpha', remove, request()));
  await expect.poll(carved, patience).toBe('0');
  expect(views.openGrants()).toEqual([]);
  await stop();
});

it('takes back at the next start what was granted and never committed', async () => {
  const store = memory();
  const first = await startLedger(store);
  await first.ledger.project('alpha', commands.namespace, request());
  store.before = async (stream) => {
    if (stream === 'addressSpace-project.alpha') throw new StoreFull('no room');
  };
  await expect(first.ledger.project('alpha', commands.network(), request())).rejects.toThrow();
  expect(first.views.openGrants()).toMatchObject([{ type: 'RangeGranted', project: 'alpha' }]);
  await first.stop();
  store.before = async () => {};
  const second = await startLedger(store);
  await expect.poll(() => second.views.openGrants(), patience).toEqual([]);
  const types = (await everything(store)).map(({ type }) => type);
  expect(types.slice(-2)).toEqual(['GrantAbandoned', 'PrefixReturned']);
  await second.stop();
});

it('does other steps while one keeps failing, and what is asked for while it waits once', async () => {
  const steps = new Steps({ warn: () => {} });
  const done: string[] = [];
  let attempts = 0;
  const failing = steps.add('failing', async () => {
    attempts += 1;
    if (attempts < 4) throw new Error('not yet');
    done.push('failing');
  });
  await failing;
  const blocked = Promise.withResolvers<void>();
  steps.add('slow', () => blocked.promise);
  // The first is done at once; the others are asked for while it is being done.
  const wakes = [1, 2, 3].map(() => steps.add('wake', async () => void done.push('wake')));
  await Promise.all(wakes);
  await expect.poll(() => done, patience).toEqual(['wake', 'wake', 'failing']);
  expect(attempts).toBe(4);
  blocked.resolve();
  await steps.close();
});
