import { describe, expect, it } from 'vitest';
import type { IPClaimSpec } from '../../src/ledger/events.ts';
import type { RefusalReason } from '../../src/ledger/rejections.ts';
import {
  type Command,
  claim,
  context,
  deleteClaim,
  deleteContext,
  deleteIPAllocation,
  deleteIPClaim,
  deleteLocation,
  deleteNetwork,
  deleteProject,
  finalizers,
  ipClaim,
  network,
  planWith,
  publicV4,
  updateLocation,
} from './commands.ts';
import { givenWith, type Step } from './given-when-then.ts';
import { ONLY_IPV6, ready } from './steps.ts';
import type { World } from './world.ts';

const plan = planWith(
  {},
  { ...publicV4, spec: { reclaimPolicy: 'Retain' } },
  {
    ...{ className: 'blocks4', pool: 'blocks', cidr: '203.0.113.0/28' },
    spec: { defaultPrefixLength: 30, allowedPrefixLengths: { min: 29, max: 32 } },
  },
);

const HERE = { network: 'net', location: 'us' };
const OWN: IPClaimSpec = { className: 'endpoint6', scope: HERE };
const PUBLIC: IPClaimSpec = { className: 'public4' };

function blockOf(world: World, name: string): string | undefined {
  const made = world.log.findLast(
    (event) => event.type === 'IPAllocationCreated' && event.data.name === name,
  );
  return made?.type === 'IPAllocationCreated' ? made.data.block : undefined;
}

/** From here on nothing new comes from a pool. */
function drained(pool: string) {
  return (world: World): void => {
    const { uid, spec, revision } = world.platform.pools.get(pool)!;
    const settled = { name: pool, uid, spec: { ...spec, draining: true } };
    world.do({ type: 'SettleRegistration', ...settled, expectRevision: revision });
  };
}

describe('an IPClaim', () => {
  it('of an own-space class gets a block of the scope’s pool, which is made on demand', () => {
    const { when, world } = givenWith(plan)(...ready);
    when(ipClaim('edge', OWN)).then(
      'PrefixCarved',
      'PrefixReserved',
      'PrefixCarved',
      'PrefixReserved',
      'PrefixReserved',
      'NetworkContextCreated',
      ['IPClaimCreated', { spec: OWN, allocation: { name: 'edge' } }],
      [
        'IPAllocationCreated',
        {
          ...{ pool: 'subnet6.alpha.net.us', block: 'fd20::10/124', className: 'endpoint6' },
          ...{ scope: { project: 'alpha', ...HERE }, reclaimPolicy: 'Delete' },
        },
      ],
    );
    expect(world.project.presences.get('net.us')).toMatchObject({ interfaces: 0, allocations: 1 });
  });

  it('of a public class is held there first and committed by its creation', () => {
    const { when, world } = givenWith(plan)(...ready);
    when(ipClaim('edge', PUBLIC)).thenNeeds({
      type: 'Addresses',
      wanted: [expect.objectContaining({ className: 'public4', length: 32 })],
    });
    when(ipClaim('edge', PUBLIC)).then('IPClaimCreated', [
      'IPAllocationCreated',
      { pool: 'public-a', block: '198.51.100.0/32', grant: {}, reclaimPolicy: 'Retain' },
    ]);
    world.settle();
    expect([...world.pools.get('public-a')!.holds.values()]).toMatchObject([{ confirmed: true }]);
  });

  it('of a family is one of its default class', () => {
    const { world } = givenWith(plan)(...ready);
    world.do(ipClaim('edge', { ipFamily: 'IPv4', scope: HERE }));
    expect(blockOf(world, 'edge')).toBe('10.0.0.2/32');
  });

  it('of a pool takes a block of that pool, of the project’s own ones or for operators', () => {
    const { world, when } = givenWith(plan)(...ready, claim('web', ONLY_IPV6));
    world.do(ipClaim('a', { poolRef: { name: 'subnet4.alpha.net.us' }, address: '10.0.0.3' }));
    expect(blockOf(world, 'a')).toBe('10.0.0.3/32');
    expect(world.project.presences.get('net.us')?.allocations).toBe(1);
    const root = { poolRef: { name: 'blocks' }, prefixLength: 29 };
    when(ipClaim('b', root)).thenRejected('NoOfferingPool', '"blocks" does not exist');
    world.do(ipClaim('b', root, true));
    expect(blockOf(world, 'b')).toBe('203.0.113.0/29');
  });

  it('may ask for a length, or for a very address or block', () => {
    const { world } = givenWith(plan)(...ready);
    world.do(ipClaim('a', { className: 'blocks4' }));
    world.do(ipClaim('b', { className: 'blocks4', prefixLength: 32 }));
    world.do(ipClaim('c', { className: 'blocks4', address: '203.0.113.8/29' }));
    world.do(ipClaim('d', { className: 'blocks4', address: '203.0.113.6', prefixLength: 32 }));
    world.do(ipClaim('e', { ...OWN, address: 'fd20::20' }));
    const blocks = ['a', 'b', 'c', 'd', 'e'].map((name) => blockOf(world, name));
    expect(blocks).toEqual([
      ...['203.0.113.0/30', '203.0.113.4/32', '203.0.113.8/29', '203.0.113.6/32'],
      'fd20::20/124',
    ]);
  });

  it('goes with its block, which rests', () => {
    const { when, world } = givenWith(plan)(...ready, ipClaim('edge', OWN));
    const availableAt = '2026-01-01T00:01:00.000Z';
    when(deleteIPClaim('edge')).then(
      ['IPAllocationDeleted', { block: 'fd20::10/124', availableAt }],
      'IPClaimDeleted',
    );
    world.do(ipClaim('next', OWN));
    expect(blockOf(world, 'next')).toBe('fd20::20/124');
    expect(world.project.presences.get('net.us')?.allocations).toBe(1);
  });

  it('gives back to a pool what it has released, after the quarantine of its class', () => {
    const steps = [ipClaim('edge', { ...PUBLIC, reclaimPolicy: 'Delete' }), deleteIPClaim('edge')];
    const { world } = givenWith(plan)(...ready, ...steps);
    expect(world.pools.get('public-a')?.holds.size).toBe(0);
    world.do(ipClaim('next', PUBLIC));
    expect(blockOf(world, 'next')).toBe('198.51.100.1/32');
  });

  it('stays while finalizers hold it', () => {
    const { when, world } = givenWith(plan)(...ready, ipClaim('edge', OWN));
    world.do(finalizers('IPClaim', 'edge', 'a/b'));
    when(deleteIPClaim('edge')).then('DeletionRequested');
    when(deleteIPClaim('edge')).then();
    when(ipClaim('edge', OWN)).thenRejected('AlreadyExists');
    when(finalizers('IPClaim', 'edge')).then(
      'ObjectMetadataChanged',
      'IPAllocationDeleted',
      'IPClaimDeleted',
    );
  });
});

describe('a retained allocation', () => {
  const retained = [...ready, ipClaim('edge', PUBLIC), deleteIPClaim('edge')];

  it('is kept by the policy of its class, and bound by a claim of its name', () => {
    const { when, world } = givenWith(plan)(...ready, ipClaim('edge', PUBLIC));
    when(deleteIPClaim('edge')).then(
      ['IPAllocationUpdated', { claim: null, block: '198.51.100.0/32', expiresAt: null }],
      'IPClaimDeleted',
    );
    world.settle();
    expect(world.pools.get('public-a')?.holds.size).toBe(1);
    const { uid } = world.project.allocations.get('edge')!;
    when(ipClaim('edge', PUBLIC)).then(
      ['IPClaimCreated', { allocation: { uid } }],
      ['IPAllocationUpdated', { claim: { name: 'edge' }, expiresAt: null }],
    );
  });

  it('is bound again while its pool hands out nothing new', () => {
    const { when, world } = givenWith(plan)(...retained, drained('public-a'));
    when(ipClaim('other', PUBLIC)).thenRejected('NoOfferingPool', 'no pool offers');
    world.do(ipClaim('edge', PUBLIC));
    expect(world.project.ipClaims.has('edge')).toBe(true);
  });

  it('serves no claim of its name that asks for something else', () => {
    const others: IPClaimSpec[] = [
      { className: 'blocks4', prefixLength: 32 },
      { ...PUBLIC, address: '198.51.100.3' },
      { ...PUBLIC, reclaimPolicy: 'Delete' },
      OWN,
    ];
    for (const spec of others) {
      givenWith(plan)(...retained)
        .when(ipClaim('edge', spec))
        .thenRejected('RetainedAddressConflict', 'retained under its name has');
    }
    const blocks = { className: 'blocks4', reclaimPolicy: 'Retain' } as const;
    givenWith(plan)(...ready, ipClaim('b', blocks), deleteIPClaim('b'))
      .when(ipClaim('b', { ...blocks, prefixLength: 31 }))
      .thenRejected('RetainedAddressConflict', 'the length /30');
    const own = { ...OWN, reclaimPolicy: 'Retain' } as const;
    givenWith(plan)(...ready, network('two'), ipClaim('o', own), deleteIPClaim('o'))
      .when(ipClaim('o', { ...own, scope: { ...HERE, network: 'two' } }))
      .thenRejected('RetainedAddressConflict', 'the scope');
  });

  it('is released by its own deletion, and only then', () => {
    const { when, world } = givenWith(plan)(...retained);
    when(deleteIPAllocation('edge')).then(['IPAllocationDeleted', { endsGrant: {} }]);
    world.settle();
    expect(world.pools.get('public-a')?.holds.size).toBe(0);
    when(deleteIPAllocation('edge')).thenRejected('NotFound');
    world.do(ipClaim('edge', PUBLIC));
    when(deleteIPAllocation('edge')).thenRejected('InUse', 'delete the claim instead');
  });
});

describe('what stands somewhere by an IPClaim', () => {
  it('L18 keeps context, network, location and project', () => {
    const { when, world } = givenWith(plan)(...ready, ipClaim('edge', OWN));
    const message = '0 interfaces and 1 blocks of IPClaims';
    when(deleteContext('net.us')).thenRejected('InUse', message);
    when(deleteNetwork('net')).thenRejected('InUse', `${message} stand in 1 of its contexts`);
    when(deleteProject).thenRejected('InUse', 'and 1 blocks of IPClaims, 0 of them retained');
    world.do(deleteIPClaim('edge'));
    world.do(deleteProject);
    expect(world.project.namespace).toBeUndefined();
    expect(world.project.pools.size).toBe(0);
  });

  it.each<[what: string, kind: string, name: string, pool: string, Command]>([
    ['network', 'Network', 'net', 'network4.alpha.net', deleteNetwork('net')],
    ['context', 'NetworkContext', 'net.us', 'subnet4.alpha.net.us', deleteContext('net.us')],
  ])('comes into no %s that is being deleted, by its pool neither', (_, kind, name, pool, gone) => {
    const steps = [context('net.us'), finalizers(kind, name, 'a/b'), gone];
    const { when, world } = givenWith(plan)(...ready, ...steps);
    const asked = { poolRef: { name: pool }, prefixLength: 32 };
    when(ipClaim('late', asked)).thenRejected('Invalid', /"net(\.us)?" is being deleted/);
    world.do(finalizers(kind, name));
    expect(world.project.pools.get(pool)).toBeUndefined();
  });

  it('comes by its pool into no location that takes no new claims', () => {
    const steps = [context('net.us'), updateLocation('us', { draining: true })];
    const asked = { poolRef: { name: 'subnet4.alpha.net.us' }, prefixLength: 32 };
    const { world } = givenWith(plan)(...ready, ...steps);
    expect(world.run(ipClaim('late', asked))).toMatchObject({
      rejection: { reason: 'Invalid', causes: [{ field: 'spec.poolRef.name' }] },
    });
  });

  it('goes with the location once it is released', () => {
    const { world } = givenWith(plan)(...ready, ipClaim('edge', OWN), deleteLocation('us'));
    expect(world.platform.locations.get('us')?.deleting).toBe(true);
    world.do(deleteIPClaim('edge'));
    expect(world.platform.locations.get('us')).toBeUndefined();
  });
});

describe('an IPClaim that cannot be met is refused', () => {
  const fill: Step[] = Array.from({ length: 4 }, (_, n) => ipClaim(`x-${n}`, PUBLIC));
  const refusals: [RefusalReason, string, IPClaimSpec, Step[]][] = [
    ['ClassNotFound', '"none" does not exist', { className: 'none' }, []],
    [
      'PrefixLengthRejected',
      'no blocks of length /28',
      { className: 'blocks4', prefixLength: 28 },
      [],
    ],
    [
      'PrefixLengthRejected',
      'is no /31',
      { className: 'blocks4', prefixLength: 31, address: '203.0.113.0/30' },
      [],
    ],
    ['PrefixLengthRejected', 'is required', { poolRef: { name: 'network4.alpha.net' } }, []],
    [
      'PrefixLengthRejected',
      'IPv4 has no prefixes',
      { poolRef: { name: 'network4.alpha.net' }, prefixLength: 64 },
      [],
    ],
    [
      'PrefixLengthRejected',
      'pool "subnet4.alpha.net.us" .* has no range that holds a /28: its largest is a /29',
      { poolRef: { name: 'subnet4.alpha.net.us' }, prefixLength: 28 },
      [claim('web')],
    ],
    [
      'PrefixLengthRejected',
      'pool "project6.alpha" .* has no range that holds a /117',
      { poolRef: { name: 'project6.alpha' }, prefixLength: 117 },
      [],
    ],
    ['Invalid', 'has host bits set', { className: 'blocks4', address: '203.0.113.1' }, []],
    ['FamilyMismatch', 'is IPv6, not IPv4', { ...PUBLIC, address: 'fd20::1' }, []],
    [
      'FamilyMismatch',
      'does not carry IPv4',
      { ipFamily: 'IPv4', scope: { ...HERE, network: 'six' } },
      [network('six', ONLY_IPV6)],
    ],
    [
      'ScopeRolesMissing',
      'needs spec.scope.network and spec.scope.location',
      { className: 'endpoint6' },
      [],
    ],
    [
      'ScopeRolesMissing',
      'needs spec.scope.location',
      { ipFamily: 'IPv6', scope: { network: 'net' } },
      [],
    ],
    ['Invalid', 'network "no" does not exist', { ...OWN, scope: { ...HERE, network: 'no' } }, []],
    ['Invalid', 'location "no" does not exist', { ...OWN, scope: { ...HERE, location: 'no' } }, []],
    ['Exhausted', 'pool "public-a".* has no free /32', PUBLIC, fill],
    [
      'Exhausted',
      'subnets of network "net" in "us"',
      OWN,
      [1, 2, 3].map((n) => ipClaim(`o-${n}`, OWN)),
    ],
    [
      'AddressTaken',
      'IPAllocation "o" holds it',
      { ...OWN, address: 'fd20::10' },
      [ipClaim('o', OWN)],
    ],
    ['AddressTaken', 'interface "web" holds it', { ...OWN, address: 'fd20::10' }, [claim('web')]],
    [
      'AddressTaken',
      'is not free in pool "public-a" \\(root\\): IPAllocation "x-0" holds it',
      { ...PUBLIC, address: '198.51.100.0' },
      fill.slice(0, 1),
    ],
    ['NoOfferingPool', 'is not in pool "subnet6', { ...OWN, address: 'fd21::10' }, []],
    ['NoOfferingPool', 'is not in pool "public-a"', { ...PUBLIC, address: '192.0.2.1' }, []],
    ['NoOfferingPool', 'is not in pool "subnet6', { ...OWN, address: 'fd99::10' }, []],
  ];
  it.each(refusals)('%s: %s', (reason, message, spec, before) => {
    const { when, world } = givenWith(plan)(...ready, ...before);
    const held = world.pools.get('public-a')!.holds.size;
    when(ipClaim('edge', spec)).thenRejected(reason, message);
    expect(world.project.ipClaims.has('edge')).toBe(false);
    expect(world.pools.get('public-a')?.holds.size).toBe(held);
  });

  it('PrefixLengthRejected: longer than a pool could ever give, whatever else it offers', () => {
    const sizes = (min: number) => ({
      defaultPrefixLength: 32,
      allowedPrefixLengths: { min, max: 32 },
    });
    const small = { ...publicV4, spec: sizes(20) };
    const { when } = givenWith(planWith({}, small))(...ready);
    when(ipClaim('edge', { ...PUBLIC, prefixLength: 29 })).thenRejected(
      'PrefixLengthRejected',
      'pool "public-a" .* has no room for a /29, however little of it is held',
    );
    const large = { ...small, pool: 'public-b', cidr: '203.0.113.0/29' };
    const both = givenWith(planWith({}, small, large))(...ready, ipClaim('one', PUBLIC));
    both.world.do(ipClaim('two', { ...PUBLIC, address: '203.0.113.0' }));
    both
      .when(ipClaim('edge', { ...PUBLIC, prefixLength: 29 }))
      .thenRejected('Exhausted', 'pool "public-b" .* has no free /29');
  });

  it('NoOfferingPool: hands out pools', () => {
    givenWith(plan)(...ready)
      .when(ipClaim('edge', { className: 'subnet6', scope: HERE }, true))
      .thenRejected('NoOfferingPool', 'hands out pools, not blocks');
  });

  it('AlreadyExists, NotFound, Forbidden', () => {
    const { when, world } = givenWith(plan)(...ready, ipClaim('edge', OWN));
    when(ipClaim('edge', OWN)).thenRejected('AlreadyExists');
    when(deleteIPClaim('none')).thenRejected('NotFound');
    world.do(finalizers('Namespace', 'alpha', 'a/b'));
    world.do(deleteIPClaim('edge'));
    world.do(deleteProject);
    when(ipClaim('late', PUBLIC)).thenRejected('Forbidden', 'is being terminated');
  });

  it('QuotaExceeded, counting what is retained', () => {
    const one = planWith({}, { ...publicV4, spec: { reclaimPolicy: 'Retain', projectQuota: 1 } });
    const { when, world } = givenWith(one)(...ready, ipClaim('a', PUBLIC), deleteIPClaim('a'));
    when(ipClaim('b', PUBLIC)).thenRejected('QuotaExceeded', 'holds 1 of the 1');
    world.do(ipClaim('a', PUBLIC));
    expect(world.project.ipClaims.has('a')).toBe(true);
  });

  it('Exhausted, behind claims that wait for the same class', () => {
    const parts = { ...ONLY_IPV6, addresses: [{ class: 'public4' }] };
    const waiting = [...fill, claim('late', parts)] as Step[];
    const { when, world } = givenWith(plan)(...ready, ...waiting);
    expect(world.waitOf('late')).toBe('AddressPoolExhausted');
    when(ipClaim('edge', PUBLIC)).thenRejected(
      'Exhausted',
      'others wait for an address of pool "public-a"',
    );
    world.do(deleteClaim('late'));
    when(ipClaim('edge', PUBLIC)).thenRejected('Exhausted', 'has no free /32');
  });
});
