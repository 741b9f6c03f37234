import { expect, it } from 'vitest';
import { builtInPlan } from '../../src/ledger/plan.ts';
import { commands } from './driver.ts';
import { opened } from './fixture.ts';

const V4 = 'tenant-subnet-ipv4.alpha.net.here';
const NETWORK_V4 = 'tenant-network-ipv4.alpha.net';
const ROOT = 'tenant-ipv6';

it('counts a block as held, retained, quarantined and free again', async () => {
  const { driver, views, caughtUp } = await opened();
  const counts = async () => {
    await caughtUp();
    const { total, ...parts } = views.poolCounts(V4) ?? { total: '' };
    return parts;
  };
  const none = { reserved: '4', held: '0', retained: '0', quarantined: '0', carved: '0' };
  const claim = commands.claim('web-0', { reclaimPolicy: 'Retain' });
  await driver.project('alpha', claim);
  expect(await counts()).toEqual({ ...none, held: '1', free: '4091' });
  await driver.project('alpha', commands.deleteClaim('web-0'));
  expect(await counts()).toEqual({ ...none, retained: '1', free: '4091' });
  await driver.project('alpha', claim);
  expect(await counts()).toEqual({ ...none, held: '1', free: '4091' });
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await driver.project('alpha', commands.deleteInterface('web-0'));
  expect(await counts()).toEqual({ ...none, quarantined: '1', free: '4091' });
  driver.now += 149_999;
  expect(await counts()).toEqual({ ...none, quarantined: '1', free: '4091' });
  driver.now += 1;
  expect(await counts()).toEqual({ ...none, free: '4092' });
  await driver.project('alpha', claim);
  expect(await counts()).toEqual({ ...none, held: '1', free: '4091' });
});

it('moves no resourceVersion with the counts', async () => {
  const { driver, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await caughtUp();
  const before = object('IPPool', V4, '');
  await driver.project('alpha', commands.claim('web-1'));
  await caughtUp();
  const after = object('IPPool', V4, '');
  expect(before.status?.capacity).toMatchObject({ held: '1' });
  expect(after.status?.capacity).toMatchObject({ held: '2' });
  expect(after.metadata).toEqual(before.metadata);
});

it('counts the blocks of a returned pool once, in quarantine with its range', async () => {
  const { driver, views, caughtUp } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect(views.poolCounts(V4)).toMatchObject({ quarantined: '1', reserved: '4' });
  expect(views.poolCounts(NETWORK_V4)).toMatchObject({ carved: '4096', quarantined: '0' });
  const remove = { type: 'DeleteNetworkContext', name: 'net.here', expect: {} } as const;
  await driver.project('alpha', remove);
  await caughtUp();
  expect(views.poolCounts(V4)).toBeUndefined();
  expect(views.poolCounts(NETWORK_V4)).toMatchObject({ carved: '0', quarantined: '4096' });
  // Made again elsewhere and then here, the pool of that name begins with nothing but its own.
  driver.now += 150_000;
  await driver.project('alpha', commands.claim('web-0'));
  await caughtUp();
  expect(views.poolCounts(V4)).toMatchObject({ quarantined: '0', reserved: '4', held: '1' });
});

it('shows a pool that is full as exhausted', async () => {
  const { driver, caughtUp, object } = await opened();
  await driver.project('alpha', {
    ...commands.createNetwork('tiny', ['IPv4']),
    spec: { ipFamilies: ['IPv4'], mtu: 1460, ipam: { mode: 'Auto', ipv4Range: '10.0.0.0/20' } },
  });
  await driver.project(
    'alpha',
    commands.claim('web-0', { network: { name: 'tiny' }, ipFamilies: ['IPv4'] }),
  );
  await caughtUp();
  expect(object('IPPool', 'tenant-network-ipv4.alpha.tiny', '').status).toMatchObject({
    phase: 'Exhausted',
    capacity: { total: '4096', carved: '4096', free: '0' },
    utilizationPercent: 100,
  });
});

it('ends the pools of a project with it, and counts its range in quarantine', async () => {
  const { driver, views, caughtUp } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await driver.project('alpha', commands.deleteNamespace);
  await caughtUp();
  const pools = views.list('IPPool', { limit: 100 }).items.map(({ name }) => name);
  expect(pools).toEqual([ROOT]);
  expect(views.poolCounts('tenant-project-ipv6.alpha')).toBeUndefined();
  expect(views.poolCounts(ROOT)).toMatchObject({ carved: String(2n ** 88n), quarantined: '0' });
  await driver.returnEnded();
  await caughtUp();
  expect(views.poolCounts(ROOT)).toMatchObject({ carved: '0', quarantined: String(2n ** 88n) });
  driver.now += 150_000;
  expect(views.poolCounts(ROOT)).toMatchObject({ quarantined: '0', free: String(2n ** 108n) });
});

it('counts a range that goes with all that is in it, and leaves the others as they are', async () => {
  const { driver, views, caughtUp, object } = await opened();
  const [pool, className, prefix] = ['tenant-project-ipv6.alpha', 'any', 'fd20:0:100::/40'];
  const at = driver.clock().toISOString();
  const range = { at, pool, prefix };
  const scope = { project: 'alpha' };
  await driver.happen('alpha', [
    { type: 'RangeAdded', data: { ...range, className, scope, ordinal: 1 } },
    {
      type: 'PrefixReserved',
      data: { ...range, prefix: 'fd20:0:100::/48', owner: { kind: 'x', name: 'y' }, reason: 'z' },
    },
  ]);
  await caughtUp();
  const [range40, block48] = [2n ** 88n, 2n ** 80n].map(String);
  expect(views.poolCounts(pool)).toMatchObject({ reserved: block48, carved: block48 });
  expect(views.poolCounts(pool)?.total).toBe(String(2n ** 89n));
  await driver.happen('alpha', [{ type: 'RangeRemoved', data: range }]);
  await caughtUp();
  expect(views.poolCounts(pool)).toMatchObject({ reserved: '0', carved: block48, total: range40 });
  expect(object('IPPool', pool, '').spec).not.toHaveProperty('additionalCIDRs');
  expect(object('IPPool', pool, '').status?.allocatedCIDR).toBe('fd20::/40');
});

it('counts nothing of a project before it, where its pools have the same names', async () => {
  const plan = builtInPlan();
  const reservations = { leading: 1, trailing: 0, unitPrefixLength: 48 };
  const classes = plan.classes.map((one) =>
    one.name === 'tenant-project-ipv6' ? { ...one, spec: { ...one.spec, reservations } } : one,
  );
  const { driver, views, caughtUp } = await opened(true, { ...plan, classes });
  const pool = 'tenant-project-ipv6.alpha';
  const block48 = String(2n ** 80n);
  const once = { reserved: block48, carved: block48, quarantined: '0' };
  await caughtUp();
  expect(views.poolCounts(pool)).toMatchObject(once);
  await driver.project('alpha', commands.deleteNamespace);
  await driver.project('alpha', commands.createNamespace);
  await driver.project('alpha', commands.createNetwork());
  await caughtUp();
  expect(views.poolCounts(pool)).toMatchObject(once);
});

it('knows nothing of pools that were never made', async () => {
  const { views } = await opened();
  expect(views.poolCounts('nobody')).toBeUndefined();
});
