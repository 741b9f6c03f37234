import { describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { builtInPlan } from '../../src/ledger/plan.ts';
import { defaultClass } from '../../src/ledger/platform/classes.ts';
import { decidePlatform } from '../../src/ledger/platform/decide.ts';
import { offeringPools } from '../../src/ledger/platform/directory.ts';
import { isOpenTo } from '../../src/ledger/platform/locations.ts';
import { deleteLocation, finalizers, location, updateLocation } from './commands.ts';
import { given } from './given-when-then.ts';
import type { World } from './world.ts';

function locationOf(world: World, name = 'us') {
  return world.platform.locations.get(name)!;
}

function join(world: World, generation = 'g1', endedGrant?: string) {
  const { name, uid } = locationOf(world);
  const ref = { location: { name, uid }, project: 'alpha' };
  return { type: 'JoinLocation', ...ref, generation: uuidOf(generation), endedGrant } as const;
}

function leave(world: World, grantId: string) {
  const { name, uid } = locationOf(world);
  return { type: 'LeaveLocation', location: { name, uid }, project: 'alpha', grantId } as const;
}

function grantOf(world: World): string | undefined {
  return locationOf(world).joined.get('alpha')?.grantId;
}

describe('the platform', () => {
  it('begins with the plan, its classes and the ranges of its root pools', () => {
    const { world } = given();
    const events = world.log.filter(({ stream }) => stream === 'platform');
    expect(events.map(({ type }) => type)).toEqual([
      'AddressSpaceOpened',
      ...Array(8).fill('IPClassCreated'),
      'RootRangeRegistered',
    ]);
    expect(world.platform.plan).toEqual(builtInPlan());
    expect(world.platform.roots).toMatchObject([{ pool: { name: 'tenant-ipv6' } }]);
    expect(defaultClass(world.platform, 'IPv6')?.name).toBe('tenant-endpoint-ipv6');
    expect(defaultClass(world.platform, 'IPv4')?.name).toBe('tenant-endpoint-ipv4');
    expect(offeringPools(world.platform, 'tenant-ipv6', 'alpha')).toEqual(['tenant-ipv6']);
    expect(offeringPools(world.platform, 'tenant-network-ipv6', 'alpha')).toEqual([]);
  });

  it('is opened once', () => {
    given().when({ type: 'OpenPlatform', plan: builtInPlan() }).then();
  });

  it('knows no kinds but its own', () => {
    const { world } = given(location('us'));
    const change = { ...finalizers('Location', 'us', 'x/y'), kind: 'Network' };
    expect(() => decidePlatform(change, world.platform, world.contextOf())).toThrow(/no kind/);
  });
});

describe('a location', () => {
  it('is created, changed and deleted', () => {
    const { when, world } = given();
    when(location('us', { topology: { region: 'us' } })).then([
      'LocationCreated',
      { name: 'us', spec: { projects: ['*'], draining: false } },
    ]);
    when(location('us')).thenRejected('AlreadyExists');
    when(updateLocation('us', { projects: ['beta'] })).then(['LocationUpdated', { name: 'us' }]);
    expect(isOpenTo(locationOf(world), 'alpha')).toBe(false);
    expect(isOpenTo(locationOf(world), 'beta')).toBe(true);
    when(deleteLocation('us')).then('LocationDeleted');
    when(deleteLocation('us')).thenRejected('NotFound');
    when(updateLocation('us')).thenRejected('NotFound');
  });

  it('L19 is not changed by a writer whose picture of it is old', () => {
    const { when, world } = given(location('us'));
    const { uid, revision } = locationOf(world);
    world.do(updateLocation('us'));
    when({ ...updateLocation('us'), expect: { revision } }).thenRejected('Conflict');
    when({ ...deleteLocation('us'), expect: { uid: uuidOf('other') } }).thenRejected('Conflict');
    when({ ...deleteLocation('us'), expect: { uid } }).then('LocationDeleted');
  });

  it('is marked once while finalizers hold it, and goes with the last of them', () => {
    const { when } = given(location('us'), finalizers('Location', 'us', 'a/a', 'b/b'));
    when(deleteLocation('us')).then(['DeletionRequested', { kind: 'Location' }]);
    when(deleteLocation('us')).then();
    when(finalizers('Location', 'us', 'c/c')).thenRejected('Invalid', /no new finalizers/);
    when(finalizers('Location', 'us', 'a/a')).then('ObjectMetadataChanged');
    when(updateLocation('us')).then('LocationUpdated', 'LocationDeleted');
  });

  it('is marked while a project has joined it, and goes when the last has left', () => {
    const { when, world } = given(location('us'));
    world.run(join(world));
    when(deleteLocation('us')).then('DeletionRequested');
    when(join(world, 'g2')).thenRejected('NotFound');
    when(leave(world, grantOf(world)!)).then('LocationLeft', 'LocationDeleted');
  });
});

describe('a join', () => {
  it('is granted once to a generation of a project', () => {
    const { when, world } = given(location('us'));
    when(join(world)).then(['LocationJoined', { project: 'alpha', location: { name: 'us' } }]);
    when(join(world)).then();
    when(join(world, 'g1', uuidOf('another grant'))).then();
  });

  it('is granted anew to the next generation, and after the one that has ended', () => {
    const { when, world } = given(location('us'));
    world.run(join(world));
    const first = grantOf(world)!;
    when(join(world, 'g1', first)).then('LocationJoined');
    const second = grantOf(world)!;
    when(join(world, 'g2')).then('LocationJoined');
    expect(new Set([first, second, grantOf(world)]).size).toBe(3);
  });

  it('is not ended by a word about another one', () => {
    const { when, world } = given(location('us'));
    world.run(join(world));
    const first = grantOf(world)!;
    world.run(join(world, 'g1', first));
    when(leave(world, first)).then();
    expect(grantOf(world)).toBeDefined();
    when(leave(world, grantOf(world)!)).then('LocationLeft');
    when(leave(world, first)).then();
  });

  it('is refused at a location that is not there, or another one of its name', () => {
    const { when, world } = given(location('us'));
    const before = join(world);
    world.do(deleteLocation('us'));
    when(before).thenRejected('NotFound');
    world.do(location('us'));
    when(before).thenRejected('NotFound');
  });
});
