import { describe, expect, it } from 'vitest';
import {
  type Command,
  claim,
  context,
  createProject,
  deleteContext,
  deleteNetwork,
  location,
  network,
  planOf,
  updateNetwork,
} from './commands.ts';
import { given, givenWith } from './given-when-then.ts';
import { claims, fillRoot, ONLY_IPV4, ONLY_IPV6, ready } from './steps.ts';
import type { World } from './world.ts';

/** The spec of an interface as it was published. */
function specOf(world: World, name: string) {
  const event = world.log.find((one) => one.type === 'InterfaceReady' && one.data.name === name);
  return event?.type === 'InterfaceReady' ? event.data.spec : undefined;
}

describe('the cascade of the built-in plan', () => {
  it('makes a project’s range of the root pool, a network’s of it, a subnet’s of that', () => {
    const { world } = given(...ready, claim('web'));
    const made = world.log.flatMap((event) =>
      event.type === 'RangeAdded' || event.type === 'PrefixCarved'
        ? [[event.stream, event.data.pool, event.data.prefix]]
        : [],
    );
    expect(made).toEqual([
      ['pool.tenant-ipv6', 'tenant-ipv6', 'fd20::/20'],
      ['pool.tenant-ipv6', 'tenant-ipv6', 'fd20::/40'],
      ['project', 'tenant-project-ipv6.alpha', 'fd20::/40'],
      ['project', 'tenant-project-ipv6.alpha', 'fd20::/48'],
      ['project', 'tenant-network-ipv4.alpha.net', '10.128.0.0/9'],
      ['project', 'tenant-network-ipv6.alpha.net', 'fd20::/64'],
      ['project', 'tenant-network-ipv4.alpha.net', '10.128.0.0/20'],
    ]);
  });

  it('gives the first claim everything that its NIC needs', () => {
    const { world } = given(...ready, claim('web'));
    expect(specOf(world, 'web')).toEqual({
      network: { name: 'net' },
      location: { name: 'us' },
      interfaceName: 'eth0',
      attachmentMode: 'Netns',
      mtu: 1460,
      reclaimPolicy: 'Delete',
      addresses: [
        {
          family: 'IPv6',
          address: 'fd20::1:0:0/96',
          subnet: 'fd20::/64',
          gateway: 'fd20::1',
          primary: true,
          class: 'tenant-endpoint-ipv6',
        },
        {
          family: 'IPv4',
          address: '10.128.0.2/32',
          subnet: '10.128.0.0/20',
          gateway: '10.128.0.1',
          primary: false,
          class: 'tenant-endpoint-ipv4',
        },
      ],
    });
  });

  it('withholds the gateway’s block of a /64, and two addresses at each end of a /20', () => {
    const { world } = given(...ready, claim('web'));
    const withheld = world.log.flatMap((event) =>
      event.type === 'PrefixReserved' ? [[event.data.prefix, event.data.owner.name]] : [],
    );
    expect(withheld).toEqual([
      ['fd20::/96', 'tenant-subnet-ipv6'],
      ['10.128.0.0/31', 'tenant-subnet-ipv4'],
      ['10.128.15.254/31', 'tenant-subnet-ipv4'],
    ]);
  });

  it('keeps networks and locations apart, and gives networks the same IPv4 plan', () => {
    const more = [network('other'), location('eu')];
    const { world } = given(
      ...ready,
      ...more,
      claim('a'),
      claim('b', { location: 'eu' }),
      claim('c', { network: 'other' }),
    );
    expect(world.addressesOf('a')).toEqual(['fd20::1:0:0/96', '10.128.0.2/32']);
    expect(world.addressesOf('b')).toEqual(['fd20::1:0:1:0:0/96', '10.128.16.2/32']);
    expect(world.addressesOf('c')).toEqual(['fd20:0:1::1:0:0/96', '10.128.0.2/32']);
  });

  it('gives every interface the MTU that its network has at that time', () => {
    const jumbo = updateNetwork('net', { mtu: 8856 });
    const { world } = given(...ready, claim('a'), jumbo, claim('b'));
    expect([specOf(world, 'a')?.mtu, specOf(world, 'b')?.mtu]).toEqual([1460, 8856]);
  });
});

describe('a presence', () => {
  it('has subnets of all families that its network carries, whatever its first claim asks', () => {
    given(...ready)
      .when(claim('web', ONLY_IPV4))
      .then(
        'ClaimRequested',
        'PrefixCarved',
        'PrefixReserved',
        'PrefixCarved',
        'PrefixReserved',
        'PrefixReserved',
        ['NetworkContextCreated', { subnets: [{ family: 'IPv6' }, { family: 'IPv4' }] }],
        ['AddressAllocated', { family: 'IPv4' }],
        'InterfaceReady',
      );
  });

  it('does without a family that has no room until a claim asks for it', () => {
    const plan = planOf({ networkV4: '10.0.0.0/29' });
    const { when, world } = givenWith(plan)(...ready, location('eu'), claim('a'));
    when(claim('b', { location: 'eu', ...ONLY_IPV6 })).then(
      'ClaimRequested',
      'PrefixCarved',
      'PrefixReserved',
      ['NetworkContextCreated', { name: 'net.eu', subnets: [{ family: 'IPv6' }] }],
      'AddressAllocated',
      'InterfaceReady',
    );
    world.do(claim('c', { location: 'eu' }));
    expect(world.project.claims.get('c')?.wait).toMatchObject({
      reason: 'AddressPoolExhausted',
      message: 'pool "network4.alpha.net" (range of network "net") has no free /29',
      cause: 'pool/network4.alpha.net',
    });
    expect(world.project.presences.get('net.eu')?.subnets).toHaveLength(1);
  });

  it('is completed when its network gets another family', () => {
    const v6 = [createProject, location('us'), network('net', ONLY_IPV6), claim('a', ONLY_IPV6)];
    given(...v6, updateNetwork('net'))
      .when(claim('b'))
      .then(
        'ClaimRequested',
        'PrefixCarved',
        'PrefixReserved',
        'PrefixReserved',
        ['NetworkContextUpdated', { subnets: [{ family: 'IPv6' }, { family: 'IPv4' }] }],
        'AddressAllocated',
        'AddressAllocated',
        'InterfaceReady',
      );
  });

  it('may be made ahead of its first claim, with the subnets that it names', () => {
    const subnets = [{ family: 'IPv4', prefix: '10.130.0.0/20' } as const];
    const { world, when } = given(...ready);
    when(context('net.us', subnets)).then(
      ['PrefixCarved', { prefix: 'fd20::/64' }],
      'PrefixReserved',
      ['PrefixCarved', { prefix: '10.130.0.0/20' }],
      'PrefixReserved',
      'PrefixReserved',
      ['NetworkContextCreated', { name: 'net.us', requested: subnets }],
    );
    when(context('net.us')).thenRejected('AlreadyExists');
    world.do(claim('web'));
    expect(world.addressesOf('web')).toEqual(['fd20::1:0:0/96', '10.130.0.2/32']);
  });

  it('is refused a subnet that is taken, foreign, of another length or of no family it has', () => {
    const { when, world } = given(...ready, claim('a'), location('eu'), network('six', ONLY_IPV6));
    const asks = (prefix: string) => context('net.eu', [{ family: 'IPv4', prefix }]);
    when(asks('10.128.0.0/20')).thenRejected('AddressTaken', /10.128.0.0\/20 is not free in pool/);
    const foreign = context('six.eu', [{ family: 'IPv4', prefix: '10.128.0.0/20' }]);
    const refusals: [Command, field: string, message: RegExp][] = [
      [asks('10.0.0.0/20'), 'spec.subnets[0].prefix', /is not in .* \(range of network "net"\)/],
      [asks('10.128.16.0/24'), 'spec.subnets[0].prefix', /has no blocks of length \/24/],
      [foreign, 'spec.subnets[0].family', /does not carry IPv4/],
    ];
    for (const [command, field, message] of refusals) {
      const cause = { field, message: expect.stringMatching(message) };
      expect(world.run(command)).toMatchObject({
        rejection: { reason: 'Invalid', causes: [cause] },
      });
    }
  });

  it('is refused without its network or location, and where there is no room', () => {
    const { world } = given(...ready);
    for (const [name, field] of [
      ['none.us', 'spec.network.name'],
      ['net.none', 'spec.location.name'],
    ] as const) {
      const cause = { field, message: expect.stringMatching('"none" does not exist') };
      expect(world.run(context(name))).toMatchObject({
        rejection: { reason: 'Invalid', causes: [cause] },
      });
    }
    given(location('us')).when(context('net.us')).thenRejected('NotFound');
    const plan = planOf({ networkV4: '10.0.0.0/29' });
    givenWith(plan)(...ready, location('eu'), context('net.us'))
      .when(context('net.eu'))
      .thenRejected('Exhausted', /network4.alpha.net/);
  });

  it('is not deleted while interfaces stand in it, and gives its subnets back after', () => {
    const { when, world } = given(...ready, claim('web'));
    when(deleteContext('net.us')).thenRejected('InUse', '1 interfaces stand in it');
    world.do({ type: 'DeleteClaim', name: 'web', expect: {} });
    const availableAt = '2026-01-01T00:02:30.000Z';
    when(deleteContext('net.us')).then(
      ['PrefixReturned', { prefix: 'fd20::/64', availableAt }],
      ['PrefixReturned', { prefix: '10.128.0.0/20', availableAt }],
      ['NetworkContextDeleted', { name: 'net.us' }],
    );
  });
});

describe('a network', () => {
  it('gets the range that it names', () => {
    const { world } = given(
      ...ready,
      network('own', { ipam: { ipv6Range: 'fd20:0:7::/48', ipv4Range: '192.168.0.0/16' } }),
      claim('web', { network: 'own' }),
    );
    expect(world.addressesOf('web')).toEqual(['fd20:0:7::1:0:0/96', '192.168.0.2/32']);
  });

  it('is refused a range that is taken, foreign, or that holds no subnet', () => {
    const { when } = given(...ready);
    const asks = (ipam: object) => when(network('own', { ipam }));
    asks({ ipv6Range: 'fd20::/48' }).thenRejected('AddressTaken', /fd20::\/48 is not free/);
    asks({ ipv6Range: 'fd21::/48' }).thenRejected('Invalid', /neither in the project's range/);
    asks({ ipv4Range: '8.0.0.0/8' }).thenRejected('Invalid', /neither in 10.0.0.0\/8, 172/);
    asks({ ipv6Range: 'fd20:0:1::/52' }).thenRejected('Invalid', /no blocks of length \/52/);
    asks({ ipv6Range: 'fd20:0:1::/80' }).thenRejected('Invalid', /no room for an IPv6 subnet/);
    asks({ ipv4Range: '10.0.0.0/21' }).thenRejected('Invalid', /no room for an IPv4 subnet/);
    asks({ ipv4Range: 'fd20:1::/48' }).thenRejected('Invalid', /no room for an IPv4 subnet/);
  });

  it('is refused a range of a project that gets none', () => {
    const asks = network('own', { ipam: { ipv6Range: 'fd20::/120' } });
    givenWith(planOf({ root: 'fd20::/118' }))(createProject, fillRoot(118))
      .when(asks)
      .thenRejected('Exhausted', /pool "root" \(root\) has no free \/118/);
  });

  it('of mode Policy has no ranges, and its contexts no subnets', () => {
    const { when } = given(createProject, location('us'));
    when(network('net', { ipam: { mode: 'Policy' } })).then('NetworkCreated');
    when(context('net.us')).then(['NetworkContextCreated', { subnets: [] }]);
  });

  it('keeps its families and its ranges', () => {
    const { when } = given(...ready);
    const field = (name: string) => ({ causes: [{ field: name }] });
    when(updateNetwork('net', ONLY_IPV4)).thenRejected('Invalid', /IPv6 is missing/);
    when(updateNetwork('net', { ipam: { mode: 'Policy' } })).thenRejected('Invalid', /immutable/);
    const { world } = given(...ready);
    const named = updateNetwork('net', { ipam: { ipv4Range: '10.0.0.0/8' } });
    expect(world.run(named)).toMatchObject({ rejection: field('spec.ipam.ipv4Range') });
  });
});

describe('a project whose range is full', () => {
  /** Two networks fill the range of a project. */
  const small = planOf({ project: 119 });
  const full = [createProject, location('us'), network('a', ONLY_IPV6), network('b', ONLY_IPV6)];

  it('gets a further one', () => {
    const { when } = givenWith(small)(...full);
    when(network('c', ONLY_IPV6)).then(
      'NetworkCreated',
      ['RangeAdded', { pool: 'project6.alpha', prefix: 'fd20::200/119', ordinal: 1 }],
      ['PrefixCarved', { pool: 'project6.alpha', prefix: 'fd20::200/120' }],
    );
  });

  it('fills the ranges in their order', () => {
    const { world } = givenWith(small)(
      ...full,
      network('c', ONLY_IPV6),
      deleteNetwork('b'),
      network('d', ONLY_IPV6),
    );
    const pools = world.project.pools;
    expect(pools.get('network6.alpha.d')?.parent?.block).toEqual({
      family: 'IPv6',
      start: (0xfd20n << 112n) + 0x100n,
      length: 120,
    });
  });

  it('has networks that wait, each naming the pool, when the root is full as well', () => {
    const { when, world } = givenWith(small)(...full, fillRoot(119));
    when(network('c')).then(
      'NetworkCreated',
      ['RangeAdded', { pool: 'network4.alpha.c' }],
      [
        'NetworkUpdated',
        {
          waiting: [
            {
              family: 'IPv6',
              reason: 'AddressPoolExhausted',
              message: 'pool "root" (root) has no free /119 for class "project6"',
              causes: ['pool/project6.alpha', 'pool/root'],
            },
          ],
        },
      ],
    );
    world.do(claim('web', { network: 'c' }));
    expect(world.project.claims.get('web')?.wait).toEqual({
      reason: 'AddressPoolExhausted',
      message: 'pool "root" (root) has no free /119 for class "project6"',
      cause: 'network/c',
    });
    world.do(claim('four', { network: 'c', ...ONLY_IPV4 }));
    expect(world.addressesOf('four')).toEqual(['10.0.0.2/32']);
  });
});

describe('another plan', () => {
  it('with other lengths gives addresses of those lengths', () => {
    const { world } = givenWith(planOf())(...ready, ...claims(2));
    expect(world.addressesOf('c-0')).toEqual(['fd20::10/124', '10.0.0.2/32']);
    expect(world.addressesOf('c-1')).toEqual(['fd20::20/124', '10.0.0.3/32']);
    expect(specOf(world, 'c-0')?.addresses).toMatchObject([
      { subnet: 'fd20::/122', gateway: 'fd20::1' },
      { subnet: '10.0.0.0/29', gateway: '10.0.0.1' },
    ]);
  });

  it('without a root pool lets networks wait for one', () => {
    const plan = { ...planOf(), pools: [] };
    const { world } = givenWith(plan)(...ready, claim('web'));
    expect(world.project.networks.get('net')?.waiting).toMatchObject([
      { reason: 'NoOfferingPool', causes: ['pool/project6.alpha', 'class/root6'] },
    ]);
    expect(world.waitOf('web')).toBe('NoOfferingPool');
  });

  it('without default classes lets networks wait for them', () => {
    const plan = planOf();
    const classes = plan.classes.map((one) => ({ ...one, default: false }));
    const { world } = givenWith({ ...plan, classes })(...ready);
    expect(world.project.networks.get('net')?.waiting).toMatchObject([
      { family: 'IPv6', reason: 'NoDefaultClass', causes: ['class/'] },
      { family: 'IPv4', reason: 'NoDefaultClass', causes: ['class/'] },
    ]);
  });
});
