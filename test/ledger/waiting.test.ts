import { describe, expect, it } from 'vitest';
import { everyCause, maturedCauses, nextWake } from '../../src/ledger/project/waiting.ts';
import { limits } from '../../src/limits.ts';
import {
  claim,
  context,
  createProject,
  deleteClaim,
  deleteContext,
  deleteInterface,
  deleteNetwork,
  finalizers,
  location,
  network,
  planOf,
  serveWaiting,
  updateLocation,
} from './commands.ts';
import { after, given, givenWith, type Step } from './given-when-then.ts';
import {
  claims,
  fillRoot,
  ONLY_IPV4,
  ONLY_IPV6,
  rangeOfOther,
  ready,
  returnToRoot,
} from './steps.ts';
import type { World } from './world.ts';

/** A subnet has three IPv6 blocks and four IPv4 addresses; a released one rests for a minute. */
const small = planOf();

function boundOf(world: World): string[] {
  return [...world.project.interfaces.keys()].sort();
}

describe('quarantine', () => {
  it('keeps a released block from everybody until its end, and gives it first after', () => {
    const { world } = givenWith(small)(...ready, ...claims(2), deleteClaim('c-0'));
    world.do(claim('a'));
    expect(world.addressesOf('a')).toEqual(['fd20::30/124', '10.0.0.4/32']);
    world.pass(59_999);
    world.do(claim('b', ONLY_IPV4));
    expect(world.addressesOf('b')).toEqual(['10.0.0.5/32']);
    world.pass(1);
    world.do(claim('c'));
    expect(world.addressesOf('c')).toEqual(['fd20::10/124', '10.0.0.2/32']);
  });

  it('may last no time at all', () => {
    const { world } = givenWith(planOf({ quarantine: '0s' }))(...ready, claim('a'));
    world.do(deleteClaim('a'));
    world.do(claim('b'));
    expect(world.addressesOf('b')).toEqual(['fd20::10/124', '10.0.0.2/32']);
  });

  it('of what is inside a range is the range’s own when it goes back', () => {
    const steps = [...ready, claim('a'), deleteClaim('a'), after(20), deleteContext('net.us')];
    const { world } = givenWith(small)(...steps);
    world.do(context('net.us'));
    expect(world.project.presences.get('net.us')?.subnets).toMatchObject([
      { prefix: 'fd20::40/122' },
      { prefix: '10.0.0.8/29' },
    ]);
    world.do(deleteContext('net.us'));
    world.pass(39_999);
    world.do(context('net.us'));
    expect(world.project.presences.get('net.us')?.subnets[0]?.prefix).toBe('fd20::40/122');
    world.do(deleteContext('net.us'));
    world.pass(1);
    world.do(context('net.us'));
    expect(world.project.presences.get('net.us')?.subnets[0]?.prefix).toBe('fd20::/122');
  });
});

describe('a full pool', () => {
  const full = [...ready, ...claims(3, ONLY_IPV6)];

  it('L8 has claims wait that say which pool has no room, and at which level', () => {
    givenWith(small)(...full)
      .when(claim('w', ONLY_IPV6))
      .then('ClaimRequested', [
        'ClaimQueued',
        {
          reason: 'AddressPoolExhausted',
          message:
            'pool "subnet6.alpha.net.us" (subnets of network "net" in "us") has no free /124',
          cause: 'pool/subnet6.alpha.net.us',
        },
      ]);
  });

  it('L8 serves those who wait in the order in which they came', () => {
    const waiters = claims(3, ONLY_IPV6, 'w');
    const { world } = givenWith(small)(...full, ...waiters, ...[0, 1, 2].map(releaseOf));
    expect(nextWake(world.project)).toBe(world.atMs + 60_000);
    world.pass(60_000);
    expect(boundOf(world)).toEqual(['w-0', 'w-1', 'w-2']);
    expect(world.addressesOf('w-0')).toEqual(['fd20::10/124']);
    expect(world.addressesOf('w-2')).toEqual(['fd20::30/124']);
    expect(nextWake(world.project)).toBeUndefined();
  });

  it('L8 serves those who wait before any newcomer, even when room is there by itself', () => {
    const { world } = givenWith(small)(...full, claim('w', ONLY_IPV6), releaseOf(0));
    world.atMs += 60_000;
    world.run(claim('late', ONLY_IPV6));
    expect(world.project.claims.get('late')?.wait?.message).toMatch(/others wait for it/);
    world.settle();
    expect(maturedCauses(world.project, world.atMs)).toEqual(['pool/subnet6.alpha.net.us']);
    world.do(serveWaiting('pool/subnet6.alpha.net.us'));
    expect(boundOf(world)).toEqual(['c-1', 'c-2', 'w']);
    expect(world.waitOf('late')).toBe('AddressPoolExhausted');
  });

  it('L8 gives a claim whose cause changes its place before all that came later', () => {
    const { world } = givenWith(small)(
      ...full,
      finalizers('NetworkInterface', 'c-0', 'x/y'),
      deleteClaim('c-0'),
      claim('c-0', ONLY_IPV6),
      claim('late', ONLY_IPV6),
    );
    expect([world.waitOf('c-0'), world.waitOf('late')]).toEqual([
      'InterfaceTerminating',
      'AddressPoolExhausted',
    ]);
    world.do(finalizers('NetworkInterface', 'c-0'));
    world.pass(60_000);
    expect([world.waitOf('c-0'), world.waitOf('late')]).toEqual([
      undefined,
      'AddressPoolExhausted',
    ]);
  });

  it('L8 serves those behind one that cannot be met yet, where they want different things', () => {
    const { world } = givenWith(small)(
      createProject,
      location('us'),
      claim('both'),
      claim('six', ONLY_IPV6),
      network('net', ONLY_IPV6),
    );
    expect([world.waitOf('both'), world.waitOf('six')]).toEqual([
      'AddressFamilyNotCarried',
      undefined,
    ]);
  });

  it('L8 wakes its waiters at the end of each quarantine, and not again for the same', () => {
    const { world } = givenWith(small)(...full, claim('w', ONLY_IPV6), releaseOf(0), after(5));
    world.do(releaseOf(1));
    const [first, second] = [world.atMs + 55_000, world.atMs + 60_000];
    const pool = ['pool/subnet6.alpha.net.us'];
    expect(nextWake(world.project)).toBe(first);
    expect(nextWake(world.project, first)).toBe(second);
    expect(nextWake(world.project, second)).toBeUndefined();
    expect(maturedCauses(world.project, first - 1)).toEqual([]);
    expect(maturedCauses(world.project, first)).toEqual(pool);
    expect(maturedCauses(world.project, second, first)).toEqual(pool);
    expect(maturedCauses(world.project, second, second)).toEqual([]);
  });

  it('L8 moves a claim with two needs to the line of the one that is lacking', () => {
    const steps = [...full, claim('dual'), claim('six', ONLY_IPV6), ...claims(4, ONLY_IPV4, 'd')];
    const { world } = givenWith(small)(...steps, releaseOf(0));
    expect(world.project.claims.get('dual')?.wait?.cause).toBe('pool/subnet6.alpha.net.us');
    world.pass(60_000);
    expect(world.project.claims.get('dual')?.wait?.cause).toBe('pool/subnet4.alpha.net.us');
    expect(world.addressesOf('six')).toEqual(['fd20::10/124']);
    world.do(deleteClaim('d-0'));
    world.do(deleteClaim('six'));
    world.pass(60_000);
    expect(world.addressesOf('dual')).toEqual(['fd20::10/124', '10.0.0.2/32']);
  });

  it('L8 never lets one that cannot be met block one that can', () => {
    const { world } = givenWith(small)(
      ...full,
      claim('dual', { ipFamilies: ['IPv6', 'IPv4'] }),
      claim('four', ONLY_IPV4),
    );
    expect(boundOf(world)).toContain('four');
    expect(world.waitOf('dual')).toBe('AddressPoolExhausted');
  });

  it('L8 L16 passes over those that are being deleted', () => {
    const { world } = givenWith(small)(
      ...full,
      claim('gone', ONLY_IPV6),
      claim('next', ONLY_IPV6),
      finalizers('NetworkInterfaceClaim', 'gone', 'x/y'),
      deleteClaim('gone'),
      releaseOf(0),
    );
    world.pass(60_000);
    expect(boundOf(world)).toEqual(['c-1', 'c-2', 'next']);
    world.do(claim('after', ONLY_IPV6));
    world.do(releaseOf(1));
    world.pass(60_000);
    expect(boundOf(world)).toContain('after');
  });

  it('lets a claim leave the line by its deletion', () => {
    const waiters = claims(2, ONLY_IPV6, 'w');
    const { world } = givenWith(small)(...full, ...waiters, deleteClaim('w-0'), releaseOf(0));
    world.pass(60_000);
    expect(boundOf(world)).toEqual(['c-1', 'c-2', 'w-1']);
    expect(everyCause(world.project)).toEqual([]);
  });

  it('gives its waiters a new subnet when the presence goes', () => {
    const steps = [...full, claim('w', ONLY_IPV6), ...[0, 1, 2].map(releaseOf)];
    const { when, world } = givenWith(small)(...steps);
    when(deleteContext('net.us'))
      .then('PrefixReturned', 'PrefixReturned', 'NetworkContextDeleted')
      .followedBy(
        ['PrefixCarved', { prefix: 'fd20::40/122' }],
        'PrefixReserved',
        'PrefixCarved',
        'PrefixReserved',
        'PrefixReserved',
        'NetworkContextCreated',
        'AddressAllocated',
        'InterfaceReady',
      );
    expect(world.addressesOf('w')).toEqual(['fd20::50/124']);
  });

  function releaseOf(n: number): ReturnType<typeof deleteClaim> {
    return deleteClaim(`c-${n}`);
  }
});

describe('a full network', () => {
  /** Four locations fill a network. */
  const places = ['l-0', 'l-1', 'l-2', 'l-3', 'l-4', 'l-5'];
  const full = [
    createProject,
    network('net', ONLY_IPV6),
    ...places.map((name) => location(name)),
    ...places.slice(0, 4).map((name) => claim(name, { ...ONLY_IPV6, location: name })),
  ];
  const waiting = (name: string, place: string) => claim(name, { ...ONLY_IPV6, location: place });

  it('serves those who wait for a subnet in their order, whatever their location', () => {
    const { world } = givenWith(small)(...full, waiting('w-0', 'l-4'), waiting('w-1', 'l-5'));
    expect(world.project.claims.get('w-1')?.wait?.cause).toBe('pool/network6.alpha.net');
    world.do(deleteClaim('l-0'));
    world.do(deleteContext('net.l-0'));
    world.pass(60_000);
    expect([world.waitOf('w-0'), world.waitOf('w-1')]).toEqual([undefined, 'AddressPoolExhausted']);
  });

  it('ends with one served who needs two things that later ones wait for, each for one', () => {
    const dual = [createProject, network('net'), ...places.map((name) => location(name))];
    const { world } = givenWith(small)(
      ...dual,
      ...places.slice(0, 4).map((name) => claim(name, { location: name })),
      location('l-6'),
      claim('both', { location: 'l-4' }),
      claim('four', { ...ONLY_IPV4, location: 'l-5' }),
      claim('six', { ...ONLY_IPV6, location: 'l-6' }),
      ...places.slice(0, 2).flatMap((name) => [deleteClaim(name), deleteContext(`net.${name}`)]),
    );
    const causeOf = (name: string) => world.project.claims.get(name)?.wait?.cause;
    expect(['both', 'four', 'six'].map(causeOf)).toEqual([
      'pool/network6.alpha.net',
      'pool/network4.alpha.net',
      'pool/network6.alpha.net',
    ]);
    world.pass(60_000);
    expect(['both', 'four', 'six'].map(causeOf)).toEqual([undefined, undefined, undefined]);
  });

  it('has nobody overtake them, neither a newcomer nor a presence made by hand', () => {
    const { world } = givenWith(small)(...full, waiting('w-0', 'l-4'));
    world.do(deleteClaim('l-0'));
    world.do(deleteContext('net.l-0'));
    world.atMs += 60_000;
    world.run(waiting('late', 'l-5'));
    expect(world.waitOf('late')).toBe('AddressPoolExhausted');
    expect(world.run(context('net.l-5'))).toMatchObject({ rejection: { reason: 'Exhausted' } });
    world.pass(0);
    expect([world.waitOf('w-0'), world.waitOf('late')]).toEqual([
      undefined,
      'AddressPoolExhausted',
    ]);
  });

  it('lets the next one have what the first cannot use any more', () => {
    const steps = [...full, waiting('w-0', 'l-4'), waiting('w-1', 'l-5')];
    const { world } = givenWith(small)(...steps, updateLocation('l-4', { draining: true }));
    world.do(deleteClaim('l-0'));
    world.do(deleteContext('net.l-0'));
    world.pass(60_000);
    expect([world.waitOf('w-0'), world.waitOf('w-1')]).toEqual(['LocationDraining', undefined]);
  });
});

describe('a full root pool', () => {
  const plan = planOf({ project: 120, network: 121 });

  it('has the network wait, and its claims with it, until a range comes back', () => {
    const { world } = givenWith(plan)(fillRoot(120), ...ready, claim('web'));
    expect(world.waitOf('web')).toBe('AddressPoolExhausted');
    world.do(serveWaiting('pool/root'));
    expect(world.waitOf('web')).toBe('AddressPoolExhausted');
    returnToRoot()(world);
    expect(world.project.networks.get('net')?.waiting).toEqual([]);
    expect(world.addressesOf('web')).toEqual(['fd20::10/124', '10.0.0.2/32']);
  });

  it('serves networks in the order in which they were made', () => {
    const names = ['n-0', 'n-1', 'n-2'];
    const { world } = givenWith(plan)(
      fillRoot(120),
      createProject,
      ...names.map((name) => network(name, ONLY_IPV6)),
      finalizers('Network', 'n-0', 'x/y'),
    );
    const { grantId } = rangeOfOther(world, 0);
    const availableAt = new Date(world.atMs).toISOString();
    world.run({ type: 'ReturnRange', grantId, availableAt });
    world.run(serveWaiting('pool/root'));
    const waits = names.map((name) => world.project.networks.get(name)?.waiting.length);
    expect(waits).toEqual([0, 0, 1]);
  });

  it('has a newcomer among the networks wait behind them', () => {
    const { world } = givenWith(plan)(fillRoot(120), createProject, network('a', ONLY_IPV6));
    const { grantId } = rangeOfOther(world, 0);
    const availableAt = new Date(world.atMs).toISOString();
    world.run({ type: 'ReturnRange', grantId, availableAt });
    world.run(network('b', ONLY_IPV6));
    expect(world.project.networks.get('b')?.waiting).toHaveLength(1);
    world.settle();
    expect(world.project.networks.get('a')?.waiting).toEqual([]);
    expect(world.project.networks.get('b')?.waiting).toEqual([]);
  });

  it('serves a network from the project’s own range when another one leaves room there', () => {
    const own = [createProject, location('us'), network('a'), network('b'), fillRoot(120)];
    const { world } = givenWith(plan)(
      ...own,
      network('c', ONLY_IPV6),
      claim('web', { network: 'b' }),
    );
    expect(world.project.networks.get('c')?.waiting).toHaveLength(1);
    world.do(deleteClaim('web'));
    world.do(deleteNetwork('b'));
    expect(world.project.networks.get('c')?.waiting).toHaveLength(1);
    world.pass(60_000);
    expect(world.project.networks.get('c')?.waiting).toEqual([]);
  });

  it('serves it at once when nothing rests there', () => {
    const own = [createProject, network('a'), network('b', ONLY_IPV6), fillRoot(120)];
    const { when } = givenWith(plan)(...own, network('c', ONLY_IPV6));
    when(deleteNetwork('b'))
      .then('PrefixReturned', 'NetworkDeleted')
      .followedBy('PrefixCarved', ['NetworkUpdated', { name: 'c', waiting: [] }]);
  });

  it('is passed over by networks that are being deleted', () => {
    const steps = [createProject, network('a', ONLY_IPV6), network('b', ONLY_IPV6)];
    const going = [finalizers('Network', 'a', 'x/y'), deleteNetwork('a')];
    const one = planOf({ project: 120, network: 121 });
    const { world } = givenWith(one)(fillRoot(120), ...steps, ...going);
    returnToRoot()(world);
    expect(world.project.networks.get('a')?.waiting).toHaveLength(1);
    expect(world.project.networks.get('b')?.waiting).toEqual([]);
  });
});

describe('serving many at once', () => {
  const many = 200;
  const waiting: Step[] = [createProject, location('us'), ...claims(many)];

  it('goes on in bounded steps until nobody is left who can be met', () => {
    const { world } = given(...waiting);
    world.run(network('net'));
    let steps = 0;
    for (let goesOn = true; goesOn; steps += 1) {
      const decision = world.run(serveWaiting('network/net'));
      if (decision.outcome !== 'decided') throw new Error('it needs nothing');
      expect(decision.events.length).toBeLessThan(limits.waitersServedPerAppendMax + 10);
      goesOn = decision.unfinished === true;
    }
    expect(steps).toBeGreaterThan(1);
    expect(world.project.interfaces.size).toBe(many);
    expect(world.addressesOf('c-0')[1]).toBe('10.128.0.2/32');
    expect(world.addressesOf(`c-${many - 1}`)[1]).toBe(`10.128.0.${many + 1}/32`);
  });

  it('asks other streams one by one, and serves those first who need none', () => {
    const places = Array.from({ length: 12 }, (_, n) => `l-${n}`);
    const { world } = given(
      createProject,
      network('other'),
      location('us'),
      claim('there', { network: 'other' }),
      ...places.map((name) => location(name)),
      ...places.map((name) => claim(name, { location: name })),
      claim('web'),
    );
    world.run(network('net'));
    const first = world.run(serveWaiting('network/net'));
    expect(first).toMatchObject({ outcome: 'decided', unfinished: true });
    expect(boundOf(world)).toEqual(['there', 'web']);
    world.settle();
    expect(world.project.interfaces.size).toBe(places.length + 2);
  });
});

describe('a retained interface', () => {
  it('holds its addresses against those who wait until it is deleted', () => {
    const kept = [...ready, ...claims(3, { ...ONLY_IPV6, reclaimPolicy: 'Retain' })];
    const { world } = givenWith(small)(
      ...kept,
      claim('w', ONLY_IPV6),
      deleteClaim('c-0'),
      after(99),
    );
    expect(world.waitOf('w')).toBe('AddressPoolExhausted');
    world.do(deleteInterface('c-0'));
    world.pass(60_000);
    expect(world.addressesOf('w')).toEqual(['fd20::10/124']);
  });
});
