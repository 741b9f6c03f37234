import { describe, expect, it } from 'vitest';
import type { IPClassSpec } from '../../src/ledger/ip-class.ts';
import { DEFAULT_CLASS_ANNOTATION } from '../../src/ledger/names.ts';
import {
  type Command,
  claim,
  createProject,
  deleteNetwork,
  location,
  network,
  planOf,
  updateNetwork,
} from './commands.ts';
import { after, givenWith } from './given-when-then.ts';
import { changePool, settlePool } from './random-pools.ts';
import { fillRoot, ONLY_IPV6, ready } from './steps.ts';
import type { World } from './world.ts';

type Change = (world: World) => unknown;

const DEFAULT = { annotations: { [DEFAULT_CLASS_ANNOTATION]: 'true' } };

/** An operator changes a class, which stays the default if it is one. */
function edit(name: string, changes: Partial<IPClassSpec>): Change {
  return (world) => {
    const { spec, isDefault } = world.platform.classes.get(name)!;
    const metadata = isDefault ? DEFAULT : {};
    return world.do({
      ...{ type: 'UpdateClass', name, metadata, expect: {} },
      spec: { ...spec, ...changes },
    });
  };
}

/** It hands out blocks of this length from now on, and may go down to that one. */
const ofLength = (name: string, length: number, max = length) =>
  edit(name, { defaultPrefixLength: length, allowedPrefixLengths: { min: length, max } });

function mark(name: string, isDefault: boolean): Command {
  const metadata = isDefault ? DEFAULT : {};
  return { type: 'ChangeMetadata', kind: 'IPClass', name, expect: {}, metadata };
}

/** A class `<name>-b` that is like this one under another parent. */
function copy(name: string, parentClassName: string): Change {
  return (world) => {
    const { spec } = world.platform.classes.get(name)!;
    const other = { ...spec, parentClassName };
    return world.do({ type: 'CreateClass', name: `${name}-b`, spec: other, metadata: {} });
  };
}

const drain = (draining: boolean): Change => {
  return (world) => {
    changePool(world, 'root', { draining });
    settlePool(world, 'root');
    world.settle();
  };
};

describe('a class that hands out smaller blocks', () => {
  it('L8 serves a claim for which there is room now, and lets newcomers follow', () => {
    // Beside the reserved /124 a subnet has a whole /123, and another /124.
    const { world } = givenWith(planOf())(
      ofLength('endpoint6', 123, 124),
      ...ready,
      claim('first', ONLY_IPV6),
      claim('waits', ONLY_IPV6),
    );
    expect(world.waitOf('waits')).toBe('AddressPoolExhausted');
    ofLength('endpoint6', 124)(world);
    expect(world.addressesOf('waits')).toEqual(['fd20::10/124']);
    world.do(claim('next', ONLY_IPV6));
    expect(world.project.claims.get('next')?.wait?.message).toMatch(/has no free \/124$/);
  });

  it('L8 serves a claim at a location for which there was no subnet', () => {
    const { world } = givenWith(planOf())(
      ...[...ready, location('eu'), location('as')],
      ofLength('subnet6', 121),
      claim('us', ONLY_IPV6),
      ofLength('subnet6', 122),
      claim('eu', { ...ONLY_IPV6, location: 'eu' }),
      ofLength('subnet6', 121),
      claim('as', { ...ONLY_IPV6, location: 'as' }),
    );
    expect(world.project.claims.get('as')?.wait?.cause).toBe('pool/network6.alpha.net');
    ofLength('subnet6', 122)(world);
    expect(world.addressesOf('as')).toEqual(['fd20::d0/124']);
  });

  it('serves a network for which there was no range', () => {
    const { world } = givenWith(planOf({ project: 119 }))(
      createProject,
      network('a', ONLY_IPV6),
      ofLength('network6', 121),
      network('b', ONLY_IPV6),
      ofLength('network6', 120),
      fillRoot(119),
      network('c', ONLY_IPV6),
    );
    expect(world.project.networks.get('c')?.waiting).toHaveLength(1);
    ofLength('network6', 121)(world);
    expect(world.project.networks.get('c')?.waiting).toEqual([]);
  });
});

describe('a default class', () => {
  it('that is deleted leaves who waited for its quota to the next one', () => {
    const { world } = givenWith(planOf())(
      ...[createProject, network('net'), claim('web', ONLY_IPV6)],
      edit('endpoint6', { projectQuota: 0 }),
      location('us'),
    );
    expect(world.waitOf('web')).toBe('QuotaExceeded');
    const { projectQuota: _none, ...spec } = world.platform.classes.get('endpoint6')!.spec;
    world.do({ type: 'DeleteClass', name: 'endpoint6', expect: {}, standing: 0 });
    expect(world.waitOf('web')).toBe('NoDefaultClass');
    world.do({ type: 'CreateClass', name: 'other6', spec, metadata: DEFAULT });
    expect(world.waitOf('web')).toBeUndefined();
  });

  it('that is missing has a network refused which names its range, and others wait', () => {
    const { when, world } = givenWith(planOf())(createProject, mark('endpoint6', false));
    const named = network('named', { ...ONLY_IPV6, ipam: { ipv6Range: 'fd20::/120' } });
    when(named).thenRejected('Invalid', 'no IPClass is the default of IPv6');
    world.do(network('next', ONLY_IPV6));
    expect(world.project.networks.get('next')?.waiting).toMatchObject([
      { reason: 'NoDefaultClass' },
    ]);
    world.do(mark('endpoint6', true));
    expect(world.project.networks.get('next')?.waiting).toEqual([]);
  });

  it('of another chain is not kept from networks by one that cannot have its range there', () => {
    const { world } = givenWith(planOf())(
      createProject,
      network('named', { ...ONLY_IPV6, ipam: { ipv6Range: 'fd20::/120' } }),
      ...[
        copy('network6', 'project6'),
        copy('subnet6', 'network6-b'),
        copy('endpoint6', 'subnet6-b'),
      ],
      mark('endpoint6', false),
      updateNetwork('named', { ...ONLY_IPV6, mtu: 1400, ipam: { ipv6Range: 'fd20::/120' } }),
      network('next', ONLY_IPV6),
      mark('endpoint6-b', true),
    );
    expect(world.project.pools.has('network6-b.alpha.next')).toBe(true);
    expect(world.project.networks.get('next')?.waiting).toEqual([]);
  });
});

describe('a network that waits while nobody offers its project another range', () => {
  it('is served when one is offered, and when another network leaves room', () => {
    const full = [createProject, network('a', ONLY_IPV6), network('b', ONLY_IPV6), drain(true)];
    const waits = [...full, network('c', ONLY_IPV6)];
    const plan = planOf({ project: 119 });
    const { world } = givenWith(plan)(...waits);
    expect(world.project.networks.get('c')?.waiting).toMatchObject([{ reason: 'NoOfferingPool' }]);
    drain(false)(world);
    expect(world.project.networks.get('c')?.waiting).toEqual([]);
    const left = givenWith(plan)(...waits, deleteNetwork('a'), after(60)).world;
    expect(left.project.networks.get('c')?.waiting).toEqual([]);
  });
});
