import { describe, expect, it } from 'vitest';
import { itemsOf } from '../../src/addressing/ordered-set.ts';
import { limits } from '../../src/limits.ts';
import {
  claim,
  createProject,
  deleteClaim,
  location,
  network,
  planOf,
  updateNetwork,
} from './commands.ts';
import { given, givenWith, type Step } from './given-when-then.ts';

const spread = { type: 'SpreadMtu' } as const;
const ready = [location('us'), createProject, network('net')];
const changed = updateNetwork('net', { mtu: 8856 });

describe('L17 a change of a network’s MTU', () => {
  it('reaches every interface of the network by an event of its own', () => {
    const { when, world } = given(
      ...[...ready, network('other'), claim('web'), claim('alone', { network: 'other' })],
      ...[claim('db', { reclaimPolicy: 'Retain' }), deleteClaim('db')],
    );
    const { uid } = world.project.claims.get('web')!;
    when(changed).then(
      ['NetworkUpdated', { spec: { mtu: 8856 } }],
      ['InterfaceUpdated', { name: 'db', claim: null, mtu: 8856, left: 1 }],
      ['InterfaceUpdated', { name: 'web', claim: { name: 'web', uid }, mtu: 8856, left: 0 }],
    );
    when(spread).then();
    expect(world.project.interfaces.get('web')?.revision).toBe(world.project.revision);
    expect(world.project.claims.get('web')?.revision).toBeLessThan(world.project.revision - 2);
  });

  it('is what claims get that are decided later', () => {
    given(...ready, claim('web'), changed)
      .when(claim('late'))
      .then('ClaimRequested', 'AddressAllocated', 'AddressAllocated', [
        'InterfaceReady',
        { spec: { mtu: 8856 } },
      ]);
  });

  it('is none when another field changes', () => {
    given(...ready, network('six', { ipFamilies: ['IPv6'] }), claim('web', { network: 'net' }))
      .when(updateNetwork('net'))
      .then('NetworkUpdated');
    const one = claim('web', { network: 'six', ipFamilies: ['IPv6'] });
    given(...ready, network('six', { ipFamilies: ['IPv6'] }), one)
      .when(updateNetwork('six'))
      .then('NetworkUpdated', 'RangeAdded');
  });

  describe('of many interfaces', () => {
    const most = limits.interfaceUpdatesPerAppendMax;
    const room = planOf({
      ...{ root: 'fd20::/96', project: 100, network: 104, subnet: 108, endpoint: 124 },
      ...{ networkV4: '10.0.0.0/16', subnetV4: 20 },
    });
    const names = Array.from({ length: most + 40 }, (_, n) => `web-${1_000 + n}`);

    /** The change and its first append are there; the rest has not been told yet. */
    function begun() {
      const change: Step = (world) => world.run(changed);
      return givenWith(room)(...ready, ...names.map((name) => claim(name)), change);
    }
    const rest = names
      .slice(most)
      .map((name, n) => ['InterfaceUpdated', { name, mtu: 8856, left: 39 - n }] as const);

    it('goes on in bounded appends', () => {
      const { when, world } = begun();
      expect(world.log.filter(({ type }) => type === 'InterfaceUpdated')).toHaveLength(most);
      when(spread).then(...rest.map((one) => [...one] as never));
      expect(world.project.mtuLaggards).toBeUndefined();
    });

    it('passes over those that have gone meanwhile', () => {
      const { when, world } = begun();
      const [gone = '', ...others] = names.slice(most);
      world.run(deleteClaim(gone));
      expect([...itemsOf(world.project.mtuLaggards)]).toEqual(others);
      when(spread).then(...rest.slice(1).map((one) => [...one] as never));
    });

    it('does not touch those that came after it', () => {
      const { when, world } = begun();
      world.run(claim('web-0'));
      when(spread).then(...rest.map((one) => [...one] as never));
    });

    it('tells all of them anew when it changes once more', () => {
      const { world } = begun();
      world.do(updateNetwork('net', { mtu: 1400 }));
      const told = new Map<string, number>();
      for (const { type, data } of world.log) {
        if (type === 'InterfaceUpdated') told.set(data.name, data.mtu);
      }
      expect([...told]).toEqual(names.map((name) => [name, 1400]));
    });
  });
});
