import { describe, expect, it } from 'vitest';
import { firstDue, shortestLease } from '../../src/ledger/project/leases.ts';
import { nextRetentionDue } from '../../src/ledger/project/retention.ts';
import {
  claim,
  createProject,
  deleteClaim,
  deleteInterface,
  deleteIPAllocation,
  deleteIPClaim,
  finalizers,
  ipClaim,
  type Lengths,
  location,
  network,
  planOf,
} from './commands.ts';
import { givenWith, after as passed, type Step } from './given-when-then.ts';

const HOUR = 3_600;
const expire = { type: 'ExpireRetentions' } as const;
const web = claim('web', { reclaimPolicy: 'Retain' });
const ready = [location('us'), createProject, network('net')];

/** A project with the interface `web`, retained at 2026-01-01T00:00:00Z. */
function retainedWith(lengths: Lengths, ...further: Step[]) {
  return givenWith(planOf(lengths))(...ready, web, deleteClaim('web'), ...further);
}

/** Lets time pass without what is due by then: the next command decides. */
function later(seconds: number): Step {
  return (world) => {
    world.atMs += seconds * 1_000;
  };
}

describe('L15 a retained interface', () => {
  const lease: Lengths = { lease: '24h', grace: '1h' };

  it('is left alone until its lease is over', () => {
    const { when, world } = retainedWith(lease, later(24 * HOUR - 1));
    when(expire).then();
    expect(firstDue(world.project.leases)).toMatchObject({
      ...{ kind: 'NetworkInterface', name: 'web', isExpiring: false },
      dueMs: Date.parse('2026-01-02T00:00:00Z'),
    });
  });

  it('is announced as expiring when its lease is over, with the instant of its release', () => {
    const { when, world } = retainedWith(lease, later(24 * HOUR + 600));
    const before = world.addressesOf('web');
    when(expire).then([
      'RetentionExpiring',
      {
        ...{ kind: 'NetworkInterface', name: 'web' },
        at: '2026-01-02T00:10:00.000Z',
        releaseAt: '2026-01-02T01:00:00.000Z',
      },
    ]);
    expect(world.addressesOf('web')).toEqual(before);
    when(expire).then();
  });

  it('is released into quarantine when the grace period is over, and its name is free', () => {
    const { when, world } = retainedWith(lease, passed(24 * HOUR), later(HOUR));
    const before = world.addressesOf('web');
    const availableAt = '2026-01-02T01:01:00.000Z';
    when(expire).then(
      ['AddressReleased', { availableAt }],
      ['AddressReleased', { availableAt }],
      ['InterfaceDeleted', { name: 'web' }],
    );
    expect(firstDue(world.project.leases)).toBeUndefined();
    world.do(web);
    expect(world.addressesOf('web')).toHaveLength(2);
    expect(world.addressesOf('web').filter((one) => before.includes(one))).toEqual([]);
  });

  it('is announced and released at once when nobody served meanwhile', () => {
    retainedWith(lease, later(48 * HOUR))
      .when(expire)
      .then(
        ['RetentionExpiring', { releaseAt: '2026-01-02T01:00:00.000Z' }],
        ...(['AddressReleased', 'AddressReleased', 'InterfaceDeleted'] as const),
      );
  });

  it('without a grace period is released at the end of its lease', () => {
    retainedWith({ lease: '24h' }, later(24 * HOUR))
      .when(expire)
      .then(
        ['RetentionExpiring', { releaseAt: '2026-01-02T00:00:00.000Z' }],
        ...(['AddressReleased', 'AddressReleased', 'InterfaceDeleted'] as const),
      );
  });

  it('without a lease is kept for ever', () => {
    const { when, world } = retainedWith({ grace: '1h' }, later(10_000 * 24 * HOUR));
    when(expire).then();
    expect(world.addressesOf('web')).toHaveLength(2);
  });

  it('is bound again during the grace period, and then nothing is due any more', () => {
    const { when, world } = retainedWith(lease, passed(24 * HOUR));
    when(web).then('ClaimRequested', 'InterfaceRebound');
    expect(firstDue(world.project.leases)).toBeUndefined();
    world.pass(1_000 * HOUR * 1_000);
    expect(world.addressesOf('web')).toHaveLength(2);
  });

  it('has a whole new lease when it is retained anew', () => {
    const { when, world } = retainedWith(lease, passed(23 * HOUR), web, passed(HOUR));
    when(deleteClaim('web')).then(
      ['InterfaceRetained', { expiresAt: '2026-01-03T00:00:00.000Z' }],
      'ClaimDeleted',
    );
    world.atMs += (24 * HOUR - 1) * 1_000;
    when(expire).then();
    world.atMs += 1_000;
    when(expire).then('RetentionExpiring');
  });

  it('is either bound or released: whichever is decided first is what happens', () => {
    const bound = retainedWith(lease, passed(24 * HOUR), later(HOUR));
    bound.when(web).then('ClaimRequested', 'InterfaceRebound');
    bound.when(expire).then();

    const released = retainedWith(lease, passed(24 * HOUR), later(HOUR));
    released.when(expire).then('AddressReleased', 'AddressReleased', 'InterfaceDeleted');
    released
      .when(web)
      .then('ClaimRequested', 'AddressAllocated', 'AddressAllocated', 'InterfaceReady');
  });

  it('that a finalizer holds is marked for deletion, and released when it lets go', () => {
    const held = finalizers('NetworkInterface', 'web', 'x/y');
    const { when, world } = retainedWith(lease, held, passed(24 * HOUR), later(HOUR));
    when(expire).then(['DeletionRequested', { kind: 'NetworkInterface', name: 'web' }]);
    when(expire).then();
    expect(world.addressesOf('web')).toHaveLength(2);
    when(finalizers('NetworkInterface', 'web')).then(
      ...(['ObjectMetadataChanged', 'AddressReleased', 'AddressReleased'] as const),
      'InterfaceDeleted',
    );
  });

  it('that is deleted by hand has nothing due any more', () => {
    const { when, world } = retainedWith(lease, deleteInterface('web'), later(48 * HOUR));
    expect(firstDue(world.project.leases)).toBeUndefined();
    when(expire).then();
  });

  it('lets a claim that waits for another shape have the name once it is released', () => {
    const other = claim('web', { reclaimPolicy: 'Delete' });
    const { when, world } = retainedWith(lease, other, passed(24 * HOUR), later(HOUR));
    expect(world.waitOf('web')).toBe('ReclaimPolicyMismatch');
    when(expire)
      .then('AddressReleased', 'AddressReleased', 'InterfaceDeleted')
      .followedBy('AddressAllocated', 'AddressAllocated', 'InterfaceReady');
  });

  it('ends with many others in appends of a bounded size', () => {
    const room: Lengths = {
      ...{ ...lease, root: 'fd20::/96', project: 100, network: 104, subnet: 108, endpoint: 124 },
      ...{ networkV4: '10.0.0.0/16', subnetV4: 20 },
    };
    const names = Array.from({ length: 300 }, (_, n) => `web-${n}`);
    const { world } = givenWith(planOf(room))(
      ...ready,
      ...names.map((name) => claim(name, { reclaimPolicy: 'Retain' })),
      ...names.map(deleteClaim),
      later(48 * HOUR),
    );
    let appends = 0;
    for (; (nextRetentionDue(world.project) ?? Infinity) <= world.atMs; appends += 1) {
      const decision = world.run(expire);
      if (decision.outcome !== 'decided') throw new Error(decision.outcome);
      expect(decision.events.length).toBeLessThan(270);
      expect(decision.unfinished).toBeUndefined();
    }
    expect(world.project.interfaces.size).toBe(0);
    expect(appends).toBeGreaterThan(3);
  });
});

describe('L15 a retained IPAllocation', () => {
  const scope = { network: 'net', location: 'us' };
  const edge = ipClaim('edge', { className: 'endpoint6', scope, reclaimPolicy: 'Retain' });
  const kept = (...further: Step[]) =>
    givenWith(planOf({ lease: '24h', grace: '1h' }))(
      ...[...ready, edge, deleteIPClaim('edge'), ...further],
    );

  it('is announced, and released into quarantine when the grace period is over', () => {
    const { when, world } = kept(later(24 * HOUR));
    const releaseAt = '2026-01-02T01:00:00.000Z';
    when(expire).then(['RetentionExpiring', { kind: 'IPAllocation', name: 'edge', releaseAt }]);
    expect(world.project.allocations.get('edge')?.revision).toBe(world.project.revision);
    world.atMs += HOUR * 1_000;
    const availableAt = '2026-01-02T01:01:00.000Z';
    when(expire).then(['IPAllocationDeleted', { name: 'edge', availableAt }]);
    expect(firstDue(world.project.leases)).toBeUndefined();
  });

  it('is bound again during the grace period, and has a whole new lease after that', () => {
    const { when, world } = kept(passed(24 * HOUR));
    when(edge).then('IPClaimCreated', 'IPAllocationUpdated');
    expect(firstDue(world.project.leases)).toBeUndefined();
    when(deleteIPClaim('edge')).then(
      ['IPAllocationUpdated', { claim: null, expiresAt: '2026-01-03T00:00:00.000Z' }],
      'IPClaimDeleted',
    );
  });

  it('that is deleted by hand has nothing due any more', () => {
    const { world } = kept(deleteIPAllocation('edge'));
    expect(firstDue(world.project.leases)).toBeUndefined();
  });
});

describe('the lease of several blocks', () => {
  const block = (retentionLeaseMs: number | null, retentionGraceMs: number) => ({
    policy: {
      ...{ classUid: '3c0e4d5e-8f5b-4c8a-9d53-0d0c1c5ae7aa', classRevision: 0 },
      ...{ quarantineMs: 0, retentionLeaseMs, retentionGraceMs },
    },
  });

  it('is the shortest one with its grace period; none is for ever', () => {
    expect(shortestLease([])).toBeUndefined();
    expect(shortestLease([block(null, 9)])).toBeUndefined();
    expect(shortestLease([block(null, 9), block(5, 1), block(4, 2)])).toEqual({
      ...{ leaseMs: 4, graceMs: 2 },
    });
  });

  it('gives the longer warning when two end together', () => {
    expect(shortestLease([block(4, 2), block(4, 7)])).toEqual({ leaseMs: 4, graceMs: 7 });
  });
});
