import { describe, expect, it } from 'vitest';
import type { WaitReason } from '../../src/ledger/rejections.ts';
import {
  type ClaimParts,
  type Command,
  claim,
  context,
  createProject,
  deleteClaim,
  deleteContext,
  deleteInterface,
  deleteNetwork,
  deleteProject,
  finalizers,
  location,
  network,
  planOf,
  reportStatus,
  updateLocation,
  updateNetwork,
} from './commands.ts';
import { given, givenWith } from './given-when-then.ts';
import { claims, fillRoot, ONLY_IPV4, ONLY_IPV6, ready } from './steps.ts';

const retained = [...ready, claim('web', { reclaimPolicy: 'Retain' }), deleteClaim('web')];
const PRESENCE = ['PrefixCarved', 'PrefixReserved'] as const;

describe('a claim', () => {
  it('L1 is met in the append that accepts it, with an address of each of its families', () => {
    given(...ready, claim('first'))
      .when(claim('web'))
      .then(
        ['ClaimRequested', { name: 'web', spec: { ipFamilies: ['IPv6', 'IPv4'] } }],
        ['AddressAllocated', { family: 'IPv6', className: 'tenant-endpoint-ipv6' }],
        ['AddressAllocated', { family: 'IPv4', className: 'tenant-endpoint-ipv4' }],
        [
          'InterfaceReady',
          {
            name: 'web',
            claim: { name: 'web' },
            networkContext: 'net.us',
            spec: {
              mtu: 1460,
              interfaceName: 'eth0',
              attachmentMode: 'Netns',
              reclaimPolicy: 'Delete',
            },
          },
        ],
      );
  });

  it('L1 has the primary address in its first family', () => {
    const { world } = given(...ready, claim('web', { ipFamilies: ['IPv4', 'IPv6'] }));
    const nic = world.log.find(({ type }) => type === 'InterfaceReady')!;
    expect(nic.data).toMatchObject({
      spec: {
        addresses: [
          { family: 'IPv4', primary: true },
          { family: 'IPv6', primary: false },
        ],
      },
    });
  });

  it('L2 that is the first at a location brings the presence and its subnets into being', () => {
    given(...ready)
      .when(claim('web'))
      .then(
        'ClaimRequested',
        ['PrefixCarved', { pool: 'tenant-network-ipv6.alpha.net' }],
        ...(['PrefixReserved'] as const),
        ['PrefixCarved', { pool: 'tenant-network-ipv4.alpha.net' }],
        ...(['PrefixReserved', 'PrefixReserved'] as const),
        ['NetworkContextCreated', { name: 'net.us' }],
        'AddressAllocated',
        'AddressAllocated',
        'InterfaceReady',
      );
  });

  it('L2 shares the presence with all that came at the same time, in blocks of their own', () => {
    const names = Array.from({ length: 20 }, (_, n) => `web-${n}`);
    const { world } = given(...ready, ...names.map((name) => claim(name)));
    const made = world.log.filter(({ type }) => type === 'NetworkContextCreated');
    expect(made).toHaveLength(1);
    expect(world.project.presences.get('net.us')?.interfaces).toBe(20);
    expect(new Set(names.flatMap((name) => world.addressesOf(name))).size).toBe(40);
  });

  it('L3 L4 of a name that is taken is refused, whether that one is met or waits', () => {
    given(...ready, claim('web'))
      .when(claim('web'))
      .thenRejected('AlreadyExists');
    given(createProject, claim('web')).when(claim('web')).thenRejected('AlreadyExists');
  });

  it('is refused where there is no project, and where the project is going', () => {
    given(location('us')).when(claim('web')).thenRejected('NotFound', 'not found');
    const held = [finalizers('Namespace', 'alpha', 'x/y'), deleteProject];
    given(...ready, ...held)
      .when(claim('web'))
      .thenRejected('Forbidden', /because it is being terminated/);
  });

  it('L7 holds nothing when one of its families cannot be met', () => {
    const { world } = givenWith(planOf())(...ready, ...claims(4, ONLY_IPV4), claim('web'));
    expect(world.waitOf('web')).toBe('AddressPoolExhausted');
    expect(world.project.pools.get('subnet6.alpha.net.us')?.held).toBe(0);
    expect(world.project.interfaces.has('web')).toBe(false);
  });

  it('L9 of policy Delete takes its interface along, and the addresses rest', () => {
    const releasedAt = { availableAt: '2026-01-01T00:02:30.000Z' };
    given(...ready, claim('web'))
      .when(deleteClaim('web'))
      .then(
        ['AddressReleased', { block: 'fd20::1:0:0/96', ...releasedAt }],
        ['AddressReleased', { block: '10.128.0.2/32', ...releasedAt }],
        ['InterfaceDeleted', { name: 'web', networkContext: 'net.us' }],
        ['ClaimDeleted', { name: 'web' }],
      );
  });

  it('L9 waits for its own finalizers before anything is released', () => {
    const held = [...ready, claim('web'), finalizers('NetworkInterfaceClaim', 'web', 'x/y')];
    const { when, world } = given(...held, deleteClaim('web'));
    expect(world.project.claims.get('web')?.deleting).toBe(true);
    expect(world.addressesOf('web')).toHaveLength(2);
    when(finalizers('NetworkInterfaceClaim', 'web')).then(
      'ObjectMetadataChanged',
      'AddressReleased',
      'AddressReleased',
      'InterfaceDeleted',
      'ClaimDeleted',
    );
  });

  it('L9 leaves the addresses with its interface until the finalizers there are gone', () => {
    const held = [...ready, claim('web'), finalizers('NetworkInterface', 'web', 'x/y')];
    const { when, world } = given(...held);
    when(deleteClaim('web')).then(
      ['DeletionRequested', { kind: 'NetworkInterface', name: 'web' }],
      'ClaimDeleted',
    );
    expect(world.addressesOf('web')).toHaveLength(2);
    world.do(claim('web'));
    expect(world.waitOf('web')).toBe('InterfaceTerminating');
    when(finalizers('NetworkInterface', 'web'))
      .then('ObjectMetadataChanged', 'AddressReleased', 'AddressReleased', 'InterfaceDeleted')
      .followedBy('AddressAllocated', 'AddressAllocated', 'InterfaceReady');
  });

  it('L10 of policy Retain leaves its interface with all addresses', () => {
    const lease = planOf({ lease: '24h' });
    const { when, world } = givenWith(lease)(...ready, claim('web', { reclaimPolicy: 'Retain' }));
    const before = world.addressesOf('web');
    when(deleteClaim('web')).then(
      ['InterfaceRetained', { name: 'web', expiresAt: '2026-01-02T00:00:00.000Z' }],
      'ClaimDeleted',
    );
    expect(world.project.interfaces.get('web')?.claim).toBeUndefined();
    expect(world.addressesOf('web')).toEqual(before);
  });

  it('L10 of policy Retain without a lease is kept for ever', () => {
    given(...ready, claim('web', { reclaimPolicy: 'Retain' }))
      .when(deleteClaim('web'))
      .then(['InterfaceRetained', { expiresAt: null }], 'ClaimDeleted');
  });

  it('L11 of the name of a retained interface is bound to it, and nothing is allocated', () => {
    const { when, world } = given(...retained);
    const before = world.addressesOf('web');
    when(claim('web', { reclaimPolicy: 'Retain' })).then('ClaimRequested', [
      'InterfaceRebound',
      { name: 'web', claim: { name: 'web' } },
    ]);
    expect(world.addressesOf('web')).toEqual(before);
    expect(world.project.claims.get('web')?.bound).toBe('web');
  });

  it('L11 may ask for fewer families than the interface has', () => {
    given(...retained)
      .when(claim('web', { reclaimPolicy: 'Retain', ipFamilies: ['IPv4'] }))
      .then('ClaimRequested', 'InterfaceRebound');
  });

  it('L11 L5 is rebound at a location that is draining or closed to the project', () => {
    for (const spec of [{ draining: true }, { projects: ['other'] }]) {
      given(...retained, updateLocation('us', spec))
        .when(claim('web', { reclaimPolicy: 'Retain' }))
        .then('ClaimRequested', 'InterfaceRebound');
    }
  });

  it('L12 that pins an interface is bound to it under the same checks', () => {
    const pinned = claim('db', { reclaimPolicy: 'Retain', networkInterfaceName: 'web' });
    given(...retained)
      .when(pinned)
      .then('ClaimRequested', ['InterfaceRebound', { name: 'web', claim: { name: 'db' } }]);
  });

  it('L12 leaves what it has pinned under its own name, with all that it holds', () => {
    const pinned = claim('db', { reclaimPolicy: 'Retain', networkInterfaceName: 'web' });
    const { when } = given(...retained, pinned, deleteClaim('db'));
    when(deleteInterface('web')).then(
      ['AddressReleased', { interface: { name: 'web' } }],
      ['AddressReleased', { interface: { name: 'web' } }],
      ['InterfaceDeleted', { name: 'web' }],
    );
  });

  it('L12 never creates the interface that it pins, and is bound when it comes', () => {
    const pinned = claim('db', { reclaimPolicy: 'Retain', networkInterfaceName: 'web' });
    const { when, world } = given(...ready, pinned);
    expect(world.waitOf('db')).toBe('InterfaceNotFound');
    world.do(claim('web', { reclaimPolicy: 'Retain' }));
    expect(world.waitOf('db')).toBe('InterfaceHeldByAnotherClaim');
    when(deleteClaim('web'))
      .then('InterfaceRetained', 'ClaimDeleted')
      .followedBy(['InterfaceRebound', { claim: { name: 'db' } }]);
  });

  it('L12 is told when the interface that it pins is being torn down, and when it is gone', () => {
    const pinned = claim('db', { networkInterfaceName: 'web' });
    const held = finalizers('NetworkInterface', 'web', 'x/y');
    const { world } = given(...ready, claim('web'), pinned, held, deleteClaim('web'));
    expect(world.waitOf('db')).toBe('InterfaceTerminating');
    world.do(finalizers('NetworkInterface', 'web'));
    expect(world.waitOf('db')).toBe('InterfaceNotFound');
  });

  it('L16 that is being deleted is not bound any more, and is in nobody’s way', () => {
    const pins = (name: string) => [
      claim(name, { reclaimPolicy: 'Retain', networkInterfaceName: 'web' }),
    ];
    const { when, world } = given(
      ...ready,
      ...pins('old'),
      finalizers('NetworkInterfaceClaim', 'old', 'x/y'),
      deleteClaim('old'),
      ...pins('new'),
      claim('web', { reclaimPolicy: 'Retain' }),
    );
    when(deleteClaim('web'))
      .then('InterfaceRetained', 'ClaimDeleted')
      .followedBy(['InterfaceRebound', { claim: { name: 'new' } }]);
    expect(world.project.claims.get('old')?.bound).toBeUndefined();
  });
});

describe('an interface', () => {
  it('L13 whose claim lives is not deleted by hand', () => {
    given(...ready, claim('web'))
      .when(deleteInterface('web'))
      .thenRejected('InUse', 'claim "web"');
  });

  it('L14 that no claim holds is released by its deletion, and its name is free again', () => {
    const { when, world } = given(...retained);
    when(deleteInterface('web')).then('AddressReleased', 'AddressReleased', 'InterfaceDeleted');
    when(claim('web')).then('ClaimRequested', 'AddressAllocated', 'AddressAllocated', [
      'InterfaceReady',
      { name: 'web' },
    ]);
    expect(world.addressesOf('web')).not.toContain('10.128.0.2/32');
  });

  it('L14 is deleted once: while finalizers hold it, deleting again changes nothing', () => {
    const held = finalizers('NetworkInterface', 'web', 'x/y');
    given(...retained, held, deleteInterface('web'))
      .when(deleteInterface('web'))
      .then();
  });

  it('L19 is not touched by a writer that means another one of its name', () => {
    const { world, when } = given(...ready, claim('web'));
    const stale = { uid: world.project.claims.get('web')!.uid };
    when({ ...reportStatus('web'), expect: stale }).thenRejected('Conflict', /UID/);
    when({ ...deleteInterface('web'), expect: stale }).thenRejected('Conflict', /UID/);
    const { revision } = world.project.interfaces.get('web')!;
    world.do(reportStatus('web'));
    when({ ...reportStatus('web'), expect: { revision } }).thenRejected('Conflict', /modified/);
    when({ ...deleteClaim('web'), expect: { revision } }).thenRejected('Conflict', /modified/);
    expect(world.addressesOf('web')).toHaveLength(2);
  });

  it('tells its claim what a provider reports, while there is one', () => {
    given(...ready, claim('web'))
      .when({ ...reportStatus('web'), managedFields: [{ manager: 'provider' }] })
      .then([
        'InterfaceStatusReported',
        { claim: { name: 'web' }, managedFields: [{ manager: 'provider' }] },
      ]);
    given(...retained)
      .when(reportStatus('web'))
      .then(['InterfaceStatusReported', { claim: null }]);
  });
});

describe('the reasons of a claim that waits', () => {
  /** Each row is stricter than the one before: the first obstacle is the one that is named. */
  const unmet: [WaitReason, ClaimParts, readonly Command[]][] = [
    ['NetworkNotFound', { network: 'none', location: 'none' }, [createProject]],
    ['LocationNotFound', { location: 'none', addresses: [{ class: 'none' }] }, ready],
    ['NetworkNotAvailableInLocation', {}, [...ready, updateLocation('us', { projects: ['b'] })]],
    [
      'NetworkNotAvailableInLocation',
      {},
      [...ready, updateLocation('us', { projects: ['b'], draining: true })],
    ],
    ['LocationDraining', {}, [...ready, updateLocation('us', { draining: true })]],
    ['ClassNotFound', { addresses: [{ class: 'none' }] }, ready],
    ['NoOfferingPool', { addresses: [{ class: 'tenant-endpoint-ipv4' }] }, ready],
    ['AddressFamilyNotCarried', {}, [createProject, location('us'), network('net', ONLY_IPV6)]],
    [
      'AddressFamilyNotCarried',
      {},
      [createProject, location('us'), network('net', { ipam: { mode: 'Policy' } })],
    ],
  ];
  it.each(unmet)('L5 L6 %s', (reason, parts, steps) => {
    given(...steps)
      .when(claim('web', parts))
      .then('ClaimRequested', ['ClaimQueued', { name: 'web', reason }]);
  });

  const other: ClaimParts = {
    network: 'other',
    location: 'other',
    interfaceName: 'eth9',
    attachmentMode: 'Hypervisor',
    ipFamilies: ['IPv6', 'IPv4'],
    addresses: [{ class: 'tenant-endpoint-ipv6' }],
    reclaimPolicy: 'Delete',
  };
  const mismatches: [WaitReason, (keyof ClaimParts)[]][] = [
    ['NetworkMismatch', []],
    ['LocationMismatch', ['network']],
    ['InterfaceNameMismatch', ['network', 'location']],
    ['AttachmentModeMismatch', ['network', 'location', 'interfaceName']],
    ['AddressFamilyMissing', ['network', 'location', 'interfaceName', 'attachmentMode']],
    [
      'AddressClassMissing',
      ['network', 'location', 'interfaceName', 'attachmentMode', 'ipFamilies'],
    ],
    [
      'ReclaimPolicyMismatch',
      ['network', 'location', 'interfaceName', 'attachmentMode', 'ipFamilies', 'addresses'],
    ],
  ];
  it.each(mismatches)('L11 %s comes before all that differ as well', (reason, equal) => {
    const same: ClaimParts = { ipFamilies: ['IPv6'], reclaimPolicy: 'Retain' };
    const parts: Record<string, unknown> = { ...other };
    for (const field of equal) {
      delete parts[field];
      if (field in same) parts[field] = same[field];
    }
    const kept = [...ready, claim('web', same), deleteClaim('web')];
    given(...kept)
      .when(claim('web', parts))
      .then('ClaimRequested', ['ClaimQueued', { reason, cause: 'interface/web' }]);
    given(...kept)
      .when(claim('db', { ...parts, networkInterfaceName: 'web' }))
      .then('ClaimRequested', ['ClaimQueued', { reason, cause: 'interface/web' }]);
  });

  it('are written down once for each change, and not when it is tried in vain', () => {
    const { when, world } = given(createProject, claim('web', { network: 'net' }));
    world.do(location('us'));
    when({ type: 'ServeWaiting', causes: undefined }).then();
    when(network('net', ONLY_IPV6))
      .then('NetworkCreated', 'RangeAdded', 'PrefixCarved')
      .followedBy(['ClaimQueued', { reason: 'AddressFamilyNotCarried' }]);
    when({ type: 'ServeWaiting', causes: undefined }).then();
  });

  it('L5 follow a location that begins to go', () => {
    const held = [finalizers('Location', 'us', 'x/y')];
    const { world } = given(
      ...ready,
      updateLocation('us', { draining: true }),
      claim('web'),
      ...held,
    );
    expect(world.waitOf('web')).toBe('LocationDraining');
    world.do({ type: 'DeleteLocation', name: 'us', expect: {}, standing: 0 });
    expect(world.waitOf('web')).toBe('LocationNotFound');
  });
});

describe('a claim that waits is met when its cause goes', () => {
  it('L5 when the network, the location or the openness comes', () => {
    const { world } = given(createProject, claim('web'));
    expect(world.waitOf('web')).toBe('NetworkNotFound');
    world.do(network('net'));
    expect(world.waitOf('web')).toBe('LocationNotFound');
    world.do(location('us', { projects: [] }));
    expect(world.waitOf('web')).toBe('NetworkNotAvailableInLocation');
    world.do(updateLocation('us', { projects: ['alpha'], draining: true }));
    expect(world.waitOf('web')).toBe('LocationDraining');
    world.do(updateLocation('us'));
    expect(world.addressesOf('web')).toEqual(['fd20::1:0:0/96', '10.128.0.2/32']);
  });

  it('L6 when the family is added', () => {
    const { when, world } = given(
      createProject,
      location('us'),
      network('net', ONLY_IPV6),
      claim('web'),
    );
    when(updateNetwork('net'))
      .then('NetworkUpdated', ['RangeAdded', { prefix: '10.128.0.0/9' }])
      .followedBy(
        ...PRESENCE,
        ...PRESENCE,
        'PrefixReserved',
        'NetworkContextCreated',
        'AddressAllocated',
        'AddressAllocated',
        'InterfaceReady',
      );
    expect(world.waitOf('web')).toBeUndefined();
  });

  it('when the context that was going is gone', () => {
    const held = [context('net.us'), finalizers('NetworkContext', 'net.us', 'x/y')];
    const { world } = given(...ready, ...held, deleteContext('net.us'), claim('web'));
    expect(world.waitOf('web')).toBe('NetworkNotAvailableInLocation');
    world.do(finalizers('NetworkContext', 'net.us'));
    expect(world.waitOf('web')).toBeUndefined();
  });

  it('L18 or learns that its network is gone', () => {
    const { world } = givenWith(planOf())(fillRoot(118), ...ready, claim('web'));
    expect(world.waitOf('web')).toBe('AddressPoolExhausted');
    world.do(deleteNetwork('net'));
    expect(world.waitOf('web')).toBe('NetworkNotFound');
  });
});
