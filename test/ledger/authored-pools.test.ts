import { describe, expect, it } from 'vitest';
import { parsePrefix } from '../../src/addressing/prefix.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import type { IPPoolSpec } from '../../src/ledger/ip-pool.ts';
import { grantsOfRanges, offeringPools } from '../../src/ledger/platform/directory.ts';
import { given } from './given-when-then.ts';
import { carveForOther } from './steps.ts';
import type { World } from './world.ts';

const uidOf = (name: string) => uuidOf('pool', name);
const root = (cidr: string, more: Partial<IPPoolSpec> = {}): IPPoolSpec => ({
  ...{ ipFamily: 'IPv4', cidr, classNames: [], ...more },
});
const child = (parent: string, prefixLength: number): IPPoolSpec => ({
  ...{ ipFamily: 'IPv4', parentPoolRef: { name: parent }, prefixLength, classNames: [] },
});

const OWNER = uuidOf('life', 'alpha', 1);
const register = (name: string, spec: IPPoolSpec, owner = spec.projectRef && OWNER) =>
  ({ type: 'RegisterPool', name, uid: uidOf(name), spec, metadata: {}, owner }) as const;
const widen = (name: string, spec: IPPoolSpec) =>
  ({ type: 'WidenRegistration', name, uid: uidOf(name), spec }) as const;
const settle = ({ platform }: World, name: string, spec: IPPoolSpec) => {
  const expectRevision = platform.pools.get(name)!.revision;
  return { ...widen(name, spec), type: 'SettleRegistration', expectRevision } as const;
};

/** A registered pool opens in the stream of its root. */
function open(name: string, spec: IPPoolSpec, of = name) {
  return (world: World) => {
    world.run(register(name, spec));
    const pool = { name, uid: uidOf(name), spec, metadata: {} };
    return world.onPool(of, { type: 'OpenPool', ...pool });
  };
}

/** Registers what a pool is to be, then changes it in its root's stream. */
function update(world: World, name: string, spec: IPPoolSpec) {
  world.run(widen(name, spec));
  const grants = grantsOfRanges(world.platform, name);
  const asked = { name, spec, metadata: {}, grants, expect: {} };
  return world.onPool(name, { type: 'UpdatePool', ...asked });
}

const carve = (ordinal: number, length: number) => ({
  ...carveForOther(ordinal, length, undefined, 'edge'),
});
const remove = (name: string) => ({ type: 'DeletePool', name, expect: {} }) as const;

describe('the directory of pools', () => {
  it('takes a name and its ranges once', () => {
    const { when } = given(register('edge', root('198.51.100.0/24')));
    when(register('edge', root('198.51.100.0/24'))).then();
    when({ ...register('edge', root('192.0.2.0/24')), uid: uidOf('other') }).thenRejected(
      'AlreadyExists',
    );
    when(register('near', root('198.51.100.128/25'))).thenRejected('PoolOverlaps', 'pool "edge"');
  });

  it('PoolOverlaps: of two at once the second sees the first, in any of its ranges', () => {
    const { world, when } = given(register('a', root('192.0.2.0/25')));
    const both = root('203.0.113.0/24', { additionalCIDRs: ['192.0.2.64/26'] });
    when(register('b', both)).thenRejected('PoolOverlaps', '192.0.2.64/26 meets 192.0.2.0/25');
    when(widen('a', root('192.0.2.0/25', { additionalCIDRs: ['203.0.113.0/24'] }))).then(
      'PoolRegistrationChanged',
      ['RootRangeRegistered', { prefix: '203.0.113.0/24' }],
    );
    when(register('b', both)).thenRejected('PoolOverlaps', '203.0.113.0/24');
    when(settle(world, 'a', root('192.0.2.0/25'))).then('PoolRegistrationChanged', [
      'RootRangeReleased',
      { prefix: '203.0.113.0/24' },
    ]);
    when({ type: 'UnregisterPool', name: 'a', uid: uidOf('another') }).then();
    when({ type: 'UnregisterPool', name: 'a', uid: uidOf('a') }).then(
      'RootRangeReleased',
      'PoolUnregistered',
    );
    when(register('b', both)).then('PoolRegistered', 'RootRangeRegistered', 'RootRangeRegistered');
  });

  it('is widened by what is to come, whatever it has become meanwhile', () => {
    const [first, second] = ['203.0.113.0/24', '198.51.100.0/24'];
    const more = (...additionalCIDRs: string[]) => root('192.0.2.0/25', { additionalCIDRs });
    const { world, when } = given(register('edge', root('192.0.2.0/25')));
    const early = settle(world, 'edge', root('192.0.2.0/25'));
    when(widen('edge', more(first))).then('PoolRegistrationChanged', 'RootRangeRegistered');
    // A second writer does not know of the first one's range: it stays.
    when(widen('edge', more(second))).then(
      ['PoolRegistrationChanged', { spec: more(first, second) }],
      ['RootRangeRegistered', { prefix: second }],
    );
    when(early).thenRejected('Conflict');
    // Said again it adds nothing, and is in the way of whoever was about to take it back.
    const late = settle(world, 'edge', more(first));
    when(widen('edge', more(second))).then('PoolRegistrationChanged');
    when(late).thenRejected('Conflict');
  });

  it('gives each registration of a range an id of its own', () => {
    const { world } = given(register('edge', root('192.0.2.0/25')));
    const wide = root('192.0.2.0/25', { additionalCIDRs: ['203.0.113.0/24'] });
    const ids = [1, 2].map(() => {
      world.run(widen('edge', wide));
      const id = grantsOfRanges(world.platform, 'edge')['203.0.113.0/24'];
      world.run(settle(world, 'edge', root('192.0.2.0/25')));
      return id;
    });
    expect(ids[0]).toBeDefined();
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('is of a project that is there, and its children of the same life of it', () => {
    const projectRef = { name: 'alpha' };
    const own = root('192.0.2.0/24', { projectRef });
    const { when } = given(register('own', own));
    const none = register('none', root('198.51.100.0/24', { projectRef }));
    when({ ...none, owner: undefined }).thenRejected(
      'Invalid',
      'spec.projectRef.name: Namespace "alpha" does not exist, or is being deleted',
    );
    const part = { ...child('own', 28), projectRef };
    when(register('late', part, uuidOf('life', 'alpha', 2))).thenRejected(
      'Invalid',
      'an earlier project of this name owns pool "own"',
    );
    when(register('part', part)).then(['PoolRegistered', { owner: OWNER }]);
  });

  it('offers a pool to its owner alone, and none that is draining', () => {
    const { world } = given(
      register('own', root('192.0.2.0/25', { projectRef: { name: 'alpha' } })),
      register('all', root('198.51.100.0/24')),
    );
    const classNames = ['tenant-ipv6'];
    const spec = (cidr: string, more: Partial<IPPoolSpec>) => ({
      ...root(cidr, { classNames, ...more }),
      ipFamily: 'IPv6' as const,
    });
    world.run(register('own6', spec('fd30::/20', { projectRef: { name: 'alpha' } })));
    world.run(register('gone6', spec('fd40::/20', { draining: true })));
    expect(offeringPools(world.platform, 'tenant-ipv6', OWNER)).toEqual(['own6', 'tenant-ipv6']);
    const next = uuidOf('life', 'alpha', 2);
    expect(offeringPools(world.platform, 'tenant-ipv6', next)).toEqual(['tenant-ipv6']);
    const projectRef = { name: 'alpha' };
    world.run(settle(world, 'own6', spec('fd30::/20', { projectRef, classNames: [] })));
    world.run(settle(world, 'own6', spec('fd30::/20', { projectRef })));
    expect(offeringPools(world.platform, 'tenant-ipv6', next)).toEqual(['tenant-ipv6']);
  });
});

describe('an authored pool', () => {
  it('opens with its ranges, and withholds what its spec names', () => {
    const spec = root('192.0.2.0/24', {
      reservations: { leading: 1, trailing: 1, unitPrefixLength: 32 },
      excludedCIDRs: [{ cidr: '192.0.2.16/28', reason: 'lab' }],
    });
    const { world } = given(open('edge', spec));
    expect(world.log.filter(({ stream }) => stream === 'pool.edge').map((e) => e.type)).toEqual([
      ...['AddressSpaceOpened', 'IPPoolCreated', 'RangeAdded'],
      ...['PrefixReserved', 'PrefixReserved', 'PrefixReserved'],
    ]);
    const { space } = world.pools.get('edge')!.pools.get('edge')!;
    expect(space.ranges[0]?.space.space.free).toBe(238n);
  });

  it('opens once, and never after its registration was given up', () => {
    const { world } = given(register('edge', root('192.0.2.0/24')));
    world.onPool('edge', { type: 'AbandonGrant', grantId: uidOf('edge') });
    const opened = open('edge', root('192.0.2.0/24'))(world);
    expect(opened).toMatchObject({ outcome: 'rejected', rejection: { reason: 'Conflict' } });
  });

  it('carves its children out of itself, each from its own block then', () => {
    const { world } = given(
      open('edge', root('192.0.2.0/24')),
      open('part', child('edge', 28), 'edge'),
      open('piece', child('part', 30), 'edge'),
    );
    const { pools } = world.pools.get('edge')!;
    const rangeOf = (name: string) => pools.get(name)?.space.ranges[0]?.space.space.range;
    expect(rangeOf('part')).toEqual(parsePrefix('192.0.2.0/28'));
    expect(rangeOf('piece')).toEqual(parsePrefix('192.0.2.0/30'));
    expect(world.onPool('edge', remove('part'))).toMatchObject({
      rejection: { reason: 'InUse', message: expect.stringContaining('1 pools') },
    });
  });

  it('gives a range up when nothing is in it, and never one that rests', () => {
    const spec = root('192.0.2.0/25', { additionalCIDRs: ['203.0.113.0/25'] });
    const { world } = given(open('edge', spec));
    world.onPool('edge', carve(0, 25));
    world.onPool('edge', carve(1, 25));
    const narrow = root('192.0.2.0/25');
    const inUse = { rejection: { reason: 'InUse' } };
    expect(update(world, 'edge', narrow)).toMatchObject(inUse);
    const grantId = [...world.pools.get('edge')!.carves.values()].find(({ prefix }) =>
      prefix.startsWith('203'),
    )!.grantId;
    const availableAt = '2026-01-01T00:01:00.000Z';
    world.onPool('edge', { type: 'ReturnRange', grantId, availableAt });
    expect(update(world, 'edge', narrow)).toMatchObject({
      rejection: { reason: 'InUse', message: expect.stringContaining('128 are in quarantine') },
    });
    world.pass(60_000);
    const gone = update(world, 'edge', narrow);
    expect(gone).toMatchObject({ outcome: 'decided' });
    expect(gone.outcome === 'decided' && gone.events.map(({ type }) => type)).toEqual([
      'IPPoolUpdated',
      'RangeRemoved',
    ]);
  });

  it('adds no range whose registration was given up', () => {
    const { world } = given(open('edge', root('192.0.2.0/25')));
    const spec = root('192.0.2.0/25', { additionalCIDRs: ['203.0.113.0/25'] });
    world.run(widen('edge', spec));
    const grants = grantsOfRanges(world.platform, 'edge');
    world.onPool('edge', { type: 'AbandonGrant', grantId: grants['203.0.113.0/25'] ?? '' });
    const asked = { name: 'edge', spec, metadata: {}, grants, expect: {} };
    expect(world.onPool('edge', { type: 'UpdatePool', ...asked })).toMatchObject({
      rejection: { reason: 'Conflict' },
    });
  });

  it('hands out blocks of the lengths that it allows, in the way that it says', () => {
    const allocation = {
      ...{ minPrefixLength: 26, maxPrefixLength: 28 },
      strategy: 'BestFit' as const,
    };
    const { world } = given(open('edge', root('192.0.2.0/24', { allocation })));
    const carved = (ordinal: number, length: number) => {
      const decision = world.onPool('edge', carve(ordinal, length));
      if (decision.outcome !== 'decided') return decision;
      const [event] = decision.events;
      return event?.type === 'PrefixCarved' ? event.data.prefix : event;
    };
    expect(carved(0, 24)).toMatchObject({ rejection: { reason: 'PrefixLengthRejected' } });
    expect(carved(0, 28)).toBe('192.0.2.0/28');
    expect(carved(1, 26)).toBe('192.0.2.64/26');
    expect(carved(2, 28)).toBe('192.0.2.16/28');
  });

  it('PrefixLengthRejected: what is withheld leaves no such block, or no range is that large', () => {
    const excludedCIDRs = [{ cidr: '192.0.2.0/32', reason: 'lab' }];
    const reservations = { leading: 0, trailing: 1, unitPrefixLength: 32 };
    const { world } = given(open('edge', root('192.0.2.0/24', { excludedCIDRs, reservations })));
    const problem = (length: number) => {
      const decision = world.onPool('edge', carve(0, length));
      return decision.outcome === 'rejected' ? decision.rejection.reason : decision.outcome;
    };
    const never = 'PrefixLengthRejected';
    expect([0, 23, 24, 25, 26].map(problem)).toEqual([never, never, never, never, 'decided']);
    const refused = open('part', child('edge', 25), 'edge')(world);
    expect(refused).toMatchObject({
      outcome: 'rejected',
      rejection: { reason: never, causes: [{ field: 'spec.prefixLength' }] },
    });
  });

  it('hands out nothing while it drains, and ends with its last finalizer', () => {
    const { world } = given(open('edge', root('192.0.2.0/24')));
    update(world, 'edge', root('192.0.2.0/24', { draining: true }));
    expect(world.onPool('edge', carve(0, 28))).toMatchObject({
      rejection: { reason: 'Exhausted', message: 'pool "edge" (root) is draining' },
    });
    const metadata = { type: 'ChangeMetadata', kind: 'IPPool', name: 'edge', expect: {} } as const;
    world.onPool('edge', { ...metadata, metadata: { finalizers: ['x/y'] } });
    world.onPool('edge', remove('edge'));
    expect(world.pools.get('edge')!.pools.get('edge')?.deleting).toBe(true);
    world.onPool('edge', { ...metadata, metadata: {} });
    expect(world.pools.get('edge')!.pools.has('edge')).toBe(false);
    expect(world.pools.get('edge')!.endedGrants.has(uidOf('edge'))).toBe(true);
  });
});
