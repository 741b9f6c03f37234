import { expect, it } from 'vitest';
import { commands, leasedPlan, smallPlan } from './driver.ts';
import { opened } from './fixture.ts';

it('lists a range that is granted, until the project has committed it', async () => {
  const { driver, views, caughtUp } = await opened(false);
  await driver.project('alpha', commands.createNamespace);
  await driver.grants('alpha', commands.createNetwork());
  await caughtUp();
  const [grant] = driver.poolState('tenant-ipv6').carves.values();
  const granted = { type: 'RangeGranted', pool: 'tenant-ipv6', project: 'alpha' };
  expect(views.openGrants()).toEqual([{ ...granted, grantId: grant?.grantId }]);
  await driver.project('alpha', commands.createNetwork());
  await caughtUp();
  expect(views.openGrants()).toEqual([]);
});

it('lists a range whose project has closed, until the pool has it back', async () => {
  const { driver, views, caughtUp } = await opened();
  const [grant] = driver.poolState('tenant-ipv6').carves.values();
  await driver.project('alpha', commands.deleteNamespace);
  await caughtUp();
  expect(views.openGrants()).toEqual([
    {
      ...{ type: 'RangeEnded', pool: 'tenant-ipv6', grantId: grant?.grantId },
      availableAt: driver.clock().toISOString(),
    },
  ]);
  await driver.returnEnded();
  await caughtUp();
  expect(views.openGrants()).toEqual([]);
});

it('lists a range that was never committed as one to take back, once it is fenced', async () => {
  const { driver, views, caughtUp } = await opened(false);
  await driver.project('alpha', commands.createNamespace);
  await driver.grants('alpha', commands.createNetwork());
  const [grant] = driver.poolState('tenant-ipv6').carves.values();
  const grantId = grant?.grantId ?? '';
  await driver.project('alpha', { type: 'AbandonGrant', grantId });
  await caughtUp();
  const availableAt = driver.clock().toISOString();
  const ended = { type: 'RangeEnded', pool: 'tenant-ipv6', grantId, availableAt };
  expect(views.openGrants()).toEqual([ended]);
  await driver.pool('tenant-ipv6', { type: 'ReturnRange', grantId, availableAt });
  await caughtUp();
  expect(views.openGrants()).toEqual([]);
});

it('lists a range that a project has given up while it lives', async () => {
  const { driver, views, caughtUp } = await opened();
  const [carve] = driver.poolState('tenant-ipv6').carves.values();
  const { grantId = '', prefix = '' } = carve ?? {};
  await driver.project('alpha', commands.deleteNetwork());
  const at = driver.clock().toISOString();
  const [pool, availableAt] = ['tenant-ipv6', '2026-01-01T00:02:30.000Z'];
  const endsGrant = { grantId, pool, availableAt };
  const data = { at, pool: 'tenant-project-ipv6.alpha', prefix, endsGrant };
  await driver.happen('alpha', [{ type: 'RangeRemoved', data }]);
  await caughtUp();
  expect(views.openGrants()).toEqual([{ type: 'RangeEnded', pool, grantId, availableAt }]);
  expect(views.get('IPPool', '', 'tenant-project-ipv6.alpha')).toBeUndefined();
  await driver.pool(pool, { type: 'ReturnRange', grantId, availableAt });
  await caughtUp();
  expect(views.openGrants()).toEqual([]);
});

it('counts what a closed project never used as given up', async () => {
  const { driver, views, caughtUp } = await opened(false);
  await driver.project('alpha', commands.createNamespace);
  await driver.grants('alpha', commands.createNetwork());
  await driver.project('alpha', commands.deleteNamespace);
  await caughtUp();
  expect(views.openGrants()).toMatchObject([{ type: 'RangeEnded', pool: 'tenant-ipv6' }]);
});

it('lists the join of a location, granted and then ended, until the platform knows', async () => {
  const { driver, views, caughtUp } = await opened();
  const { name, uid } = driver.platformState.locations.get('here') ?? { name: '', uid: '' };
  const location = { name, uid };
  await driver.grants('alpha', commands.claim('web-0'));
  await caughtUp();
  const join = () => driver.platformState.locations.get('here')?.joined.get('alpha');
  const granted = { type: 'LocationGranted', location, project: 'alpha' };
  expect(views.openGrants()).toEqual([{ ...granted, grantId: join()?.grantId }]);
  await driver.project('alpha', commands.claim('web-0'));
  await caughtUp();
  expect(views.openGrants()).toEqual([]);

  await driver.project('alpha', commands.deleteClaim('web-0'));
  const remove = { type: 'DeleteNetworkContext', name: 'net.here', expect: {} } as const;
  await driver.project('alpha', remove);
  await caughtUp();
  const grantId = join()?.grantId ?? '';
  const ended = { type: 'LocationEnded', location, project: 'alpha', grantId };
  expect(views.openGrants()).toEqual([ended]);
  await driver.platform({ type: 'LeaveLocation', location, project: 'alpha', grantId });
  await caughtUp();
  expect(views.openGrants()).toEqual([]);
});

it('forgets a join that another one has taken the place of', async () => {
  const { driver, views, caughtUp } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await driver.project('alpha', commands.deleteClaim('web-0'));
  const remove = { type: 'DeleteNetworkContext', name: 'net.here', expect: {} } as const;
  await driver.project('alpha', remove);
  await caughtUp();
  expect(views.openGrants()).toMatchObject([{ type: 'LocationEnded' }]);
  await driver.project('alpha', commands.claim('web-1'));
  await caughtUp();
  expect(views.openGrants()).toEqual([]);
});

it('lists projects in which a claim waits, by what it waits for', async () => {
  const { driver, views, caughtUp } = await opened();
  expect(views.unfinishedProjects()).toEqual([]);
  const late = commands.claim('web-0', { location: { name: 'late' } });
  for (const project of ['zeta', 'beta']) {
    await driver.project(project, commands.createNamespace);
    await driver.project(project, commands.createNetwork());
    await driver.project(project, late);
  }
  await driver.project('alpha', commands.claim('web-0', { network: { name: 'other' } }));
  await caughtUp();
  expect(views.unfinishedProjects()).toEqual(['zeta', 'beta', 'alpha']);
  expect(views.projectsWaitingFor('location/late')).toEqual(['zeta', 'beta']);
  expect(views.projectsWaitingFor('network/other')).toEqual(['alpha']);

  // The cause changes: the network is there, the location is not.
  await driver.project('alpha', commands.claim('web-1', { network: { name: 'other' } }));
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await driver.project('alpha', commands.createNetwork('other'));
  await driver.location('late');
  for (const project of ['zeta', 'beta']) await driver.serve(project);
  await caughtUp();
  expect(views.projectsWaitingFor('network/other')).toEqual([]);
  expect(views.unfinishedProjects()).toEqual([]);
});

it('lists a project whose claim waits for one thing after another', async () => {
  const { driver, views, caughtUp } = await opened();
  const where = { network: { name: 'other' }, location: { name: 'late' } };
  await driver.project('alpha', commands.claim('web-0', where));
  await driver.project('alpha', commands.createNetwork('other'));
  await caughtUp();
  expect(views.projectsWaitingFor('network/other')).toEqual([]);
  expect(views.projectsWaitingFor('location/late')).toEqual(['alpha']);
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect(views.projectsWaitingFor('location/late')).toEqual([]);
});

it('lists a project whose network waits for its range', async () => {
  const { driver, views, caughtUp } = await opened(true, smallPlan());
  await driver.project('beta', commands.createNamespace);
  await driver.project('beta', commands.createNetwork());
  await caughtUp();
  expect(views.projectsWaitingFor('pool/tenant-ipv6')).toEqual(['beta']);
  expect(views.projectsWaitingFor('pool/*')).toEqual(['beta']);
  await driver.project('alpha', commands.deleteNetwork());
  await driver.project('alpha', commands.deleteNamespace);
  await driver.returnEnded();
  await driver.serve('beta');
  await caughtUp();
  expect(views.projectsWaitingFor('pool/tenant-ipv6')).toEqual([]);
  expect(views.projectsWaitingFor('pool/*')).toEqual([]);
  expect(views.unfinishedProjects()).toEqual([]);
});

it('lists a project in which something is being deleted, until it is gone', async () => {
  const { driver, views, caughtUp } = await opened();
  const finalizers = ['a/b'];
  await driver.project('alpha', commands.metadata('Network', 'net', { finalizers }));
  await driver.project('alpha', commands.deleteNetwork());
  await caughtUp();
  expect(views.unfinishedProjects()).toEqual(['alpha']);
  await driver.project('alpha', commands.metadata('Network', 'net', {}));
  await caughtUp();
  expect(views.unfinishedProjects()).toEqual([]);

  await driver.project('alpha', commands.metadata('Namespace', 'alpha', { finalizers }));
  await driver.project('alpha', commands.claim('web-0', { location: { name: 'late' } }));
  await driver.project('alpha', commands.deleteNamespace);
  await caughtUp();
  expect(views.unfinishedProjects()).toEqual(['alpha']);
  await driver.project('alpha', commands.metadata('Namespace', 'alpha', {}));
  await caughtUp();
  expect(views.unfinishedProjects()).toEqual([]);
});

it('lists a claim that is being deleted as one that waits for nothing more', async () => {
  const { driver, views, caughtUp } = await opened();
  const late = { location: { name: 'late' } };
  await driver.project('alpha', commands.claim('web-0', late, { finalizers: ['a/b'] }));
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect(views.unfinishedProjects()).toEqual(['alpha']);
  expect(views.projectsWaitingFor('location/late')).toEqual([]);
});

it('lists projects with presences at a location that is going', async () => {
  const { driver, views, caughtUp } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await driver.project('alpha', commands.claim('web-1', { location: { name: 'there' } }));
  await caughtUp();
  expect(views.projectsAtDeletedLocations()).toEqual([]);
  await driver.project('alpha', commands.deleteClaim('web-0'));
  const { uid } = driver.platformState.locations.get('here') ?? { uid: '' };
  await driver.platform({ type: 'DeleteLocation', name: 'here', expect: {}, standing: 0 });
  await caughtUp();
  const location = { name: 'here', uid };
  expect(views.projectsAtDeletedLocations()).toEqual([{ project: 'alpha', location }]);
  await driver.vacate('here');
  await caughtUp();
  expect(views.projectsAtDeletedLocations()).toEqual([]);
  expect(views.get('Location', '', 'here')).toBeUndefined();
});

it('knows when something is due of what is retained, and in which projects', async () => {
  const { driver, views, caughtUp } = await opened(true, leasedPlan());
  const start = driver.now;
  const [hour, minute] = [3_600_000, 60_000];
  const due = () => [views.nextDueAfter(driver.now), views.projectsDueBy(driver.now)];
  const claim = (name: string) => commands.claim(name, { reclaimPolicy: 'Retain' });
  for (const name of ['web-0', 'web-1']) {
    await driver.project('alpha', claim(name));
    await driver.project('alpha', commands.deleteClaim(name));
    driver.now += 1_000;
  }
  await caughtUp();
  expect(due()).toEqual([start + hour, []]);
  driver.now = start + hour;
  expect(due()).toEqual([start + hour + 1_000, ['alpha']]);
  await driver.project('alpha', { type: 'ExpireRetentions' });
  await driver.project('alpha', claim('web-1'));
  await caughtUp();
  expect(due()).toEqual([start + hour + minute, []]);
  driver.now = start + hour + minute;
  await driver.project('alpha', { type: 'ExpireRetentions' });
  await caughtUp();
  expect(due()).toEqual([undefined, []]);
});

it('expects nothing of a retained interface that is being deleted', async () => {
  const { driver, views, caughtUp } = await opened(true, leasedPlan());
  const finalizers = ['a/b'];
  await driver.project('alpha', commands.claim('web-0', { reclaimPolicy: 'Retain' }));
  await driver.project('alpha', commands.metadata('NetworkInterface', 'web-0', { finalizers }));
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect(views.nextDueAfter(driver.now)).toBeDefined();
  await driver.project('alpha', commands.deleteInterface('web-0'));
  await caughtUp();
  expect(views.nextDueAfter(driver.now)).toBeUndefined();
});
