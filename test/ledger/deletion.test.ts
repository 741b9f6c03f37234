import { describe, expect, it } from 'vitest';
import { hasDeletion } from '../../src/ledger/project/decide.ts';
import type { Rejection } from '../../src/ledger/rejections.ts';
import { limits } from '../../src/limits.ts';
import {
  type Command,
  claim,
  context,
  continueDeletion,
  createProject,
  deleteClaim,
  deleteContext,
  deleteLocation,
  deleteNetwork,
  deleteProject,
  finalizers,
  location,
  network,
  planOf,
  updateNetwork,
} from './commands.ts';
import { given, givenWith } from './given-when-then.ts';
import { claims, ONLY_IPV4, ONLY_IPV6, ready } from './steps.ts';

const STEP = limits.deletionObjectsPerAppendMax;

describe('a network', () => {
  it('L18 is not deleted while interfaces stand in it, retained ones among them', () => {
    const kept = claim('kept', { reclaimPolicy: 'Retain', location: 'eu' });
    given(...ready, location('eu'), ...claims(2), kept, deleteClaim('kept'))
      .when(deleteNetwork('net'))
      .thenRejected('InUse', '3 interfaces stand in 2 of its contexts');
  });

  it('InUse: says how much of what uses it, for programs, too', () => {
    const kept = claim('kept', { reclaimPolicy: 'Retain' });
    const { world } = given(...ready, ...claims(2), kept, deleteClaim('kept'));
    const counts = (command: Command) => {
      const { rejection } = world.run(command) as { rejection?: Rejection };
      return rejection?.causes?.map(({ reason, message }) => [reason, message]);
    };
    const interfaces = ['NetworkInterfaces', '3'];
    expect(counts(deleteNetwork('net'))).toEqual([interfaces, ['NetworkContexts', '1']]);
    expect(counts(deleteContext('net.us'))).toEqual([interfaces]);
    expect(counts(deleteProject)).toEqual([interfaces, ['RetainedNetworkInterfaces', '1']]);
    expect(counts(deleteLocation('us', 3))).toEqual([['Holdings', '3']]);
    const name = 'tenant-ipv6';
    expect(counts({ type: 'DeleteClass', name, expect: {}, standing: 0 })).toEqual([
      ['IPClasses', '1'],
      ['IPPools', '1'],
    ]);
    const pool = world.onPool(name, { type: 'DeletePool', name, expect: {} });
    expect(pool).toMatchObject({
      rejection: { causes: [{ reason: 'ProjectRanges', message: '1' }] },
    });
  });

  it('L18 gives its presences back, then its ranges', () => {
    given(...ready, context('net.us'))
      .when(deleteNetwork('net'))
      .then(
        ['PrefixReturned', { childPool: 'tenant-subnet-ipv6.alpha.net.us' }],
        ['PrefixReturned', { childPool: 'tenant-subnet-ipv4.alpha.net.us' }],
        ['NetworkContextDeleted', { name: 'net.us', endsGrant: { location: { name: 'us' } } }],
        ['RangeRemoved', { pool: 'tenant-network-ipv4.alpha.net', prefix: '10.128.0.0/9' }],
        ['PrefixReturned', { childPool: 'tenant-network-ipv6.alpha.net' }],
        ['NetworkDeleted', { name: 'net' }],
      );
  });

  it('leaves the presences of other networks alone', () => {
    const { world } = given(...ready, network('b'), context('net.us'), context('b.us'));
    world.do(deleteNetwork('net'));
    expect([...world.project.presences.keys()]).toEqual(['b.us']);
  });

  it('stays until its finalizers and those of its presences are gone', () => {
    const held = [
      finalizers('Network', 'net', 'x/y'),
      context('net.us'),
      finalizers('NetworkContext', 'net.us', 'x/y'),
    ];
    const { when, world } = given(...ready, ...held);
    when(deleteNetwork('net')).then(
      ['DeletionRequested', { kind: 'Network' }],
      ['DeletionRequested', { kind: 'NetworkContext' }],
    );
    when(deleteNetwork('net')).then();
    when(claim('web')).then('ClaimRequested', ['ClaimQueued', { reason: 'NetworkNotFound' }]);
    when(finalizers('Network', 'net')).then('ObjectMetadataChanged').followedBy();
    when(finalizers('NetworkContext', 'net.us'))
      .then('ObjectMetadataChanged', 'PrefixReturned', 'PrefixReturned', 'NetworkContextDeleted')
      .followedBy('RangeRemoved', 'PrefixReturned', 'NetworkDeleted');
    expect(hasDeletion(world.project)).toBe(false);
  });

  it('is ended by an update that takes its last finalizer away', () => {
    const held = [finalizers('Network', 'net', 'x/y'), context('net.us'), deleteNetwork('net')];
    given(...ready, ...held)
      .when(updateNetwork('net'))
      .then('NetworkUpdated', 'RangeRemoved', 'PrefixReturned', 'NetworkDeleted');
  });

  it('takes no new finalizer while it is being deleted, and may lose one of several', () => {
    const { when } = given(
      ...ready,
      finalizers('Network', 'net', 'a/a', 'b/b'),
      deleteNetwork('net'),
    );
    when(finalizers('Network', 'net', 'a/a', 'c/c')).thenRejected('Invalid', /no new finalizers/);
    const metadata = { finalizers: ['c/c'] };
    when({ ...updateNetwork('net'), metadata }).thenRejected('Invalid', /no new finalizers/);
    when(finalizers('Network', 'net', 'b/b'))
      .then('ObjectMetadataChanged')
      .followedBy();
  });

  it('with many presences goes in bounded steps that survive in the log', () => {
    const places = Array.from({ length: STEP + 3 }, (_, n) => `l-${n}`);
    const made = places.flatMap((name) => [location(name), context(`net.${name}`)]);
    const { when, world } = given(createProject, network('net', ONLY_IPV4), ...made);
    const step = Array(STEP).fill(['PrefixReturned', 'NetworkContextDeleted']).flat();
    when(deleteNetwork('net')).then('DeletionRequested', ...step);
    when(continueDeletion).then(
      ...Array(3).fill(['PrefixReturned', 'NetworkContextDeleted']).flat(),
      'RangeRemoved',
      'NetworkDeleted',
    );
    when(continueDeletion).then();
    expect(world.project.pools.size).toBe(0);
  });

  it('goes on past any number of presences that finalizers hold', () => {
    const held = Array.from({ length: STEP }, (_, n) => `held-${n}`);
    const free = Array.from({ length: 3 }, (_, n) => `later-${n}`);
    const made = [...held, ...free].flatMap((name) => [location(name), context(`net.${name}`)]);
    const holds = held.map((name) => finalizers('NetworkContext', `net.${name}`, 'x/y'));
    const { world } = given(createProject, network('net', ONLY_IPV4), ...made, ...holds);
    world.do(deleteNetwork('net'));
    expect(world.project.presences.size).toBe(STEP);
    expect(world.project.presences.every(({ deleting }) => deleting)).toBe(true);
  });
});

describe('a project', () => {
  it('is not deleted while it holds interfaces', () => {
    const kept = claim('kept', { reclaimPolicy: 'Retain' });
    given(...ready, claim('web'), kept, deleteClaim('kept'))
      .when(deleteProject)
      .thenRejected('InUse', 'it holds 2 interfaces, 1 of them retained');
  });

  it('takes its waiting claims and networks along, and gives its range back', () => {
    const { when, world } = given(...ready, claim('web', { network: 'none' }), context('net.us'));
    when(deleteProject).then(
      ['ClaimDeleted', { name: 'web' }],
      'PrefixReturned',
      'PrefixReturned',
      ['NetworkContextDeleted', { name: 'net.us' }],
      'RangeRemoved',
      'PrefixReturned',
      ['NetworkDeleted', { name: 'net' }],
      [
        'AddressSpaceClosed',
        { ranges: [{ pool: 'tenant-ipv6', prefix: 'fd20::/40', availableAt: AT_ONCE }] },
      ],
      ['NamespaceDeleted', { name: 'alpha' }],
    );
    world.settle();
    expect(world.pools.get('tenant-ipv6')?.carves.size).toBe(0);
    expect(world.platform.locations.get('us')?.joined.size).toBe(0);
  });

  it('gives each of its ranges back with the latest instant of what rests inside it', () => {
    const plan = planOf({ project: 120, network: 121 });
    const nets = ['a', 'b', 'c'].map((name) => network(name, ONLY_IPV6));
    const { when, world } = givenWith(plan)(createProject, location('us'), ...nets);
    for (const name of ['a', 'c']) {
      world.do(claim(name, { ...ONLY_IPV6, network: name }));
      world.do(deleteClaim(name));
      world.do(deleteNetwork(name));
      world.pass(20_000);
    }
    when(deleteProject).then(
      'PrefixReturned',
      'NetworkDeleted',
      [
        'AddressSpaceClosed',
        {
          ranges: [
            { prefix: 'fd20::/120', availableAt: '2026-01-01T00:01:00.000Z' },
            { prefix: 'fd20::100/120', availableAt: '2026-01-01T00:01:20.000Z' },
          ],
        },
      ],
      'NamespaceDeleted',
    );
    world.settle();
    expect(world.pools.get('root')?.pools.get('root')?.space.ranges[0]?.space.quarantined).toBe(
      512n,
    );
  });

  it('begins with a mark and goes on in bounded steps when one append is not enough', () => {
    const waiting = claims(STEP + 2, { network: 'none' });
    const { when, world } = given(...ready, ...waiting);
    when(deleteProject).then('DeletionRequested', ...Array(STEP).fill('ClaimDeleted'));
    when(network('late')).thenRejected('Forbidden');
    when(context('net.us')).thenRejected('Forbidden');
    when(deleteProject).then();
    when(continueDeletion).then(
      'ClaimDeleted',
      'ClaimDeleted',
      'RangeRemoved',
      'PrefixReturned',
      'NetworkDeleted',
      'AddressSpaceClosed',
      'NamespaceDeleted',
    );
    expect(hasDeletion(world.project)).toBe(false);
  });

  it('counts networks, contexts and claims against one bound', () => {
    const places = Array.from({ length: STEP }, (_, n) => `l-${n}`);
    const made = places.flatMap((name) => [location(name), context(`net.${name}`)]);
    const { world } = given(createProject, network('net'), ...made, claim('w', { network: 'x' }));
    for (let step = 0; world.project.namespace !== undefined; step += 1) {
      const decision = world.run(step === 0 ? deleteProject : continueDeletion);
      if (decision.outcome !== 'decided') throw new Error('it goes on');
      expect(decision.events.length).toBeGreaterThan(0);
      expect(decision.events.length).toBeLessThan(STEP * 4);
    }
  });

  it('stays until every finalizer in it is gone', () => {
    const held = [
      finalizers('Namespace', 'alpha', 'x/y'),
      finalizers('Network', 'net', 'x/y'),
      claim('web', { network: 'none' }),
      finalizers('NetworkInterfaceClaim', 'web', 'x/y'),
      deleteProject,
    ];
    const { when, world } = given(...ready, ...held);
    expect(world.project.claims.get('web')?.deleting).toBe(true);
    expect(world.project.networks.get('net')?.deleting).toBe(true);
    world.do(finalizers('Namespace', 'alpha'));
    world.do(finalizers('NetworkInterfaceClaim', 'web'));
    when(finalizers('Network', 'net'))
      .then('ObjectMetadataChanged', 'RangeRemoved', 'PrefixReturned', 'NetworkDeleted')
      .followedBy('AddressSpaceClosed', 'NamespaceDeleted');
  });

  it('of a name that is used again is another project', () => {
    const { world } = given(...ready, claim('web'), deleteClaim('web'));
    const first = world.project.namespace?.uid;
    world.do(deleteProject);
    expect(world.project.namespace).toBeUndefined();
    world.do(createProject);
    expect(world.project.namespace?.uid).not.toBe(first);
    world.do(network('net'));
    world.do(claim('web'));
    expect(world.addressesOf('web')).toEqual(['fd20:0:100::1:0:0/96', '10.128.0.2/32']);
    expect(world.run(createProject)).toMatchObject({ rejection: { reason: 'AlreadyExists' } });
  });

  const AT_ONCE = '2026-01-01T00:00:00.000Z';
});

describe('a location', () => {
  it('goes when nobody has joined it', () => {
    given(location('us')).when(deleteLocation('us')).then('LocationDeleted');
  });

  it('is refused while interfaces stand there', () => {
    given(location('us'))
      .when(deleteLocation('us', 3))
      .thenRejected('InUse', '3 interfaces or blocks of IPClaims stand there');
  });

  it('waits for the projects to remove their empty presences', () => {
    const { when, world } = given(...ready, context('net.us'), network('b'), context('b.us'));
    when(deleteLocation('us'))
      .then('DeletionRequested')
      .followedBy(
        'PrefixReturned',
        'PrefixReturned',
        ['NetworkContextDeleted', { name: 'b.us' }],
        'PrefixReturned',
        'PrefixReturned',
        ['NetworkContextDeleted', { name: 'net.us', endsGrant: { location: { name: 'us' } } }],
      );
    expect(world.platform.locations.has('us')).toBe(false);
    world.do(location('us'));
    world.do(claim('web'));
    expect(world.waitOf('web')).toBeUndefined();
  });

  it('is kept going by a claim that came before', () => {
    const { world } = given(...ready, claim('web'), deleteLocation('us'));
    expect(world.platform.locations.get('us')?.deleting).toBe(true);
    world.do(claim('late'));
    expect(world.waitOf('late')).toBe('LocationNotFound');
    world.do(deleteClaim('web'));
    expect(world.platform.locations.has('us')).toBe(false);
  });

  it('is left in bounded steps', () => {
    const nets = Array.from({ length: STEP + 1 }, (_, n) => `n-${n}`);
    const made = nets.flatMap((name) => [network(name, ONLY_IPV4), context(`${name}.us`)]);
    const { world } = given(createProject, location('us'), ...made);
    const { name, uid } = world.platform.locations.get('us')!;
    const vacate = { type: 'VacateLocation', location: { name, uid } } as const;
    expect(world.run(vacate)).toMatchObject({ outcome: 'decided', unfinished: true });
    expect(world.project.presences.size).toBe(1);
    expect(world.run(vacate)).not.toHaveProperty('unfinished');
    expect(world.project.joins.size).toBe(0);
    expect(world.run(vacate)).toMatchObject({ events: [] });
  });

  it('keeps a presence that a finalizer holds, and another location’s', () => {
    const { world } = given(...ready, location('eu'), context('net.us'), context('net.eu'));
    world.do(finalizers('NetworkContext', 'net.us', 'x/y'));
    world.do(deleteLocation('us'));
    expect([...world.project.presences.keys()].sort()).toEqual(['net.eu', 'net.us']);
    world.do(deleteContext('net.us'));
    world.do(finalizers('NetworkContext', 'net.us'));
    expect(world.platform.locations.has('us')).toBe(false);
  });
});
