import { describe, expect, it } from 'vitest';
import type { Need, RangeGrant } from '../../src/ledger/decision.ts';
import { addressingPlan } from '../../src/ledger/plan.ts';
import { decideProject, type ProjectCommand } from '../../src/ledger/project/decide.ts';
import {
  claim,
  context,
  createProject,
  deleteClaim,
  deleteContext,
  deleteLocation,
  deleteNetwork,
  deleteProject,
  location,
  network,
  planOf,
} from './commands.ts';
import { given, givenWith } from './given-when-then.ts';
import { ONLY_IPV6, ready } from './steps.ts';
import type { World } from './world.ts';

/** What another stream grants for a command that is then lost. */
function lostGrants(world: World, command: ProjectCommand, grants: RangeGrant[] = []) {
  const decision = decideProject(command, world.project, world.contextOf(grants));
  if (decision.outcome !== 'needs') throw new Error('it needs nothing');
  world.fulfil(decision.need, grants);
  return { need: decision.need as Need, grants };
}

function decideWith(world: World, command: ProjectCommand, grants: readonly RangeGrant[]) {
  return decideProject(command, world.project, world.contextOf(grants));
}

function abandon(grantId: string) {
  return { type: 'AbandonGrant', grantId } as const;
}

describe('a range', () => {
  it('is asked for before a network is made', () => {
    given(createProject)
      .when(network('net'))
      .thenNeeds({
        type: 'Range',
        className: 'tenant-project-ipv6',
        childPool: 'tenant-project-ipv6.alpha',
        parentClassName: 'tenant-ipv6',
        length: 40,
        scope: { project: 'alpha' },
        ordinal: 0,
        abandonedGrant: undefined,
      });
  });

  it('names its grant in the event that commits it', () => {
    const { world } = given(createProject, network('net'));
    const carve = world.pools.get('tenant-ipv6')!.carves.first()!;
    expect(world.log).toContainEqual(
      expect.objectContaining({
        type: 'RangeAdded',
        data: expect.objectContaining({ grant: { id: carve.grantId, pool: 'tenant-ipv6' } }),
      }),
    );
    given(createProject, network('net')).when(abandon(carve.grantId)).then();
  });

  it('that was granted for a command that is lost serves the next one', () => {
    const { world } = given(createProject);
    const { grants } = lostGrants(world, network('net'));
    world.do(network('other'));
    expect(world.pools.get('tenant-ipv6')?.carves.size).toBe(1);
    expect(decideWith(world, network('net'), grants)).toMatchObject({ outcome: 'decided' });
  });

  it('that the project has abandoned is refused to a late commit, which asks for another', () => {
    const { world, when } = given(createProject);
    const { grants } = lostGrants(world, network('net'));
    const id = grants[0]!.granted!.id;
    when(abandon(id)).then(['GrantAbandoned', { grantId: id }]);
    when(abandon(id)).then();
    const late = decideWith(world, network('net'), grants);
    const availableAt = '2026-01-01T00:00:00.000Z';
    expect(late).toMatchObject({ need: { abandonedGrant: { id, availableAt } } });
    const { grants: more } = lostGrants(world, network('net'), grants);
    expect(more).toHaveLength(2);
    expect(more[1]!.granted!.id).not.toBe(id);
    expect(decideWith(world, network('net'), more)).toMatchObject({ outcome: 'decided' });
  });

  it('that the project has abandoned is replaced even when the pool has not heard of it', () => {
    const { world } = given(createProject);
    const { grants } = lostGrants(world, network('net'));
    world.do(abandon(grants[0]!.granted!.id));
    world.do(network('net'));
    const [carve, ...others] = world.pools.get('tenant-ipv6')!.carves.values();
    expect(others).toEqual([]);
    expect(carve?.grantId).not.toBe(grants[0]!.granted!.id);
    expect(carve?.prefix).toBe('fd20::/40');
  });

  it('of an old generation is not used by the new one', () => {
    const { world } = given(createProject);
    const { grants } = lostGrants(world, network('net'));
    world.do(deleteProject);
    world.do(createProject);
    expect(decideWith(world, network('net'), grants)).toMatchObject({ outcome: 'needs' });
    world.do(network('net'));
    const pool = world.project.pools.get('tenant-project-ipv6.alpha');
    expect(pool?.ranges[0]?.grant?.id).not.toBe(grants[0]!.granted!.id);
    expect(world.pools.get('tenant-ipv6')?.carves.size).toBe(2);
  });

  it('for another class, scope or ordinal is not used', () => {
    const { world } = given(createProject);
    const { grants } = lostGrants(world, network('net'));
    const [grant] = grants as [RangeGrant];
    for (const other of [
      { ...grant, className: 'other' },
      { ...grant, ordinal: 1 },
      { ...grant, scope: { project: 'beta' } },
      { ...grant, scope: { ...grant.scope, network: 'net' } },
      { ...grant, scope: { ...grant.scope, location: 'us' } },
    ]) {
      expect(decideWith(world, network('net'), [other])).toMatchObject({ outcome: 'needs' });
    }
    expect(decideWith(world, network('net'), [grant])).toMatchObject({ outcome: 'decided' });
  });
});

describe('a range of a network straight from an authored pool', () => {
  const subnet = { ipFamily: 'IPv6', parentClassName: 'net6', defaultPrefixLength: 122 };
  const plan = addressingPlan.parse({
    classes: [
      { name: 'root6', spec: { ipFamily: 'IPv6' } },
      {
        name: 'net6',
        spec: {
          ipFamily: 'IPv6',
          parentClassName: 'root6',
          poolPer: ['project', 'network'],
          defaultPrefixLength: 120,
        },
      },
      {
        name: 'sub6',
        spec: {
          ...subnet,
          poolPer: ['project', 'network', 'location'],
          reservations: { leading: 1, trailing: 0, unitPrefixLength: 124 },
        },
      },
      {
        name: 'end6',
        default: true,
        spec: {
          ipFamily: 'IPv6',
          parentClassName: 'sub6',
          defaultPrefixLength: 124,
          quarantine: '60s',
        },
      },
    ],
    pools: [{ name: 'root', ipFamily: 'IPv6', cidr: 'fd20::/119', classNames: ['root6'] }],
  });
  const used = [
    createProject,
    location('us'),
    network('net', ONLY_IPV6),
    claim('web', ONLY_IPV6),
    deleteClaim('web'),
  ];

  it('goes back when the network goes, and rests as long as what was inside it', () => {
    const { when, world } = givenWith(plan)(...used);
    when(deleteNetwork('net')).then(
      'PrefixReturned',
      'NetworkContextDeleted',
      [
        'RangeRemoved',
        {
          prefix: 'fd20::/120',
          endsGrant: { pool: 'root', availableAt: '2026-01-01T00:01:00.000Z' },
        },
      ],
      'NetworkDeleted',
    );
    world.settle();
    expect(world.pools.get('root')?.carves.size).toBe(0);
    expect(world.pools.get('root')?.pools.get('root')?.space.ranges[0]?.space.quarantined).toBe(
      256n,
    );
  });

  it('is not used again by a network of the same name, and is not lost either', () => {
    const { world } = givenWith(plan)(...used);
    world.run(deleteNetwork('net'));
    world.do(network('net', ONLY_IPV6));
    expect(world.project.pools.get('net6.alpha.net')?.ranges[0]?.space.space.range.start).toBe(
      (0xfd20n << 112n) + 0x100n,
    );
    expect(world.pools.get('root')?.carves.size).toBe(1);
    expect(world.pools.get('root')?.pools.get('root')?.space.ranges[0]?.space.quarantined).toBe(
      256n,
    );
  });

  it('is the only one of its network', () => {
    const places = ['a', 'b', 'c', 'd', 'e'];
    const { world } = givenWith(plan)(
      createProject,
      network('net', ONLY_IPV6),
      ...places.flatMap((name) => [location(name), claim(name, { ...ONLY_IPV6, location: name })]),
    );
    expect(world.project.claims.get('e')?.wait?.cause).toBe('pool/net6.alpha.net');
    expect(world.project.pools.get('net6.alpha.net')?.ranges).toHaveLength(1);
  });

  it('is fed back when the whole project goes', () => {
    const { world } = givenWith(plan)(...used, network('b', ONLY_IPV6), deleteProject);
    expect(world.project.namespace).toBeUndefined();
    expect(world.pools.get('root')?.carves.size).toBe(0);
  });
});

describe('a join', () => {
  it('is asked for last, when all else is given', () => {
    given(...ready)
      .when(claim('web'))
      .thenNeeds({ type: 'LocationJoin', endedGrant: undefined });
    const { world } = givenWith(planOf({ networkV4: '10.0.0.0/29' }))(...ready, location('eu'));
    world.do(claim('web'));
    expect(world.run(claim('full', { location: 'eu' }))).toMatchObject({ outcome: 'decided' });
    expect(world.platform.locations.get('eu')?.joined.size).toBe(0);
  });

  it('is one for all presences of a project there, and ends with the last', () => {
    const two = [context('net.us'), network('b'), context('b.us')];
    const { when, world } = given(...ready, ...two);
    const { grantId } = world.project.joins.get('us')!;
    expect(world.project.joins.get('us')?.presences).toBe(2);
    when(deleteContext('net.us')).then('PrefixReturned', 'PrefixReturned', 'NetworkContextDeleted');
    expect(world.log.at(-1)?.data).not.toHaveProperty('endsGrant');
    when(deleteContext('b.us')).then('PrefixReturned', 'PrefixReturned', [
      'NetworkContextDeleted',
      { endsGrant: { grantId, location: { name: 'us' } } },
    ]);
  });

  it('that has ended is not used again, though the platform still shows it', () => {
    const { world } = given(...ready, context('net.us'));
    const { grantId } = world.project.joins.get('us')!;
    world.run(deleteContext('net.us'));
    expect(world.platform.locations.get('us')?.joined.get('alpha')?.grantId).toBe(grantId);
    const decision = decideWith(world, context('net.us'), []);
    expect(decision).toMatchObject({ need: { type: 'LocationJoin', endedGrant: grantId } });
    world.run(context('net.us'));
    const next = world.project.joins.get('us')!.grantId;
    expect(next).not.toBe(grantId);
    world.settle();
    expect(world.platform.locations.get('us')?.joined.get('alpha')?.grantId).toBe(next);
  });

  it('that was abandoned is refused to a late commit, which asks for another', () => {
    const { when, world } = given(...ready);
    lostGrants(world, context('net.us'));
    const { grantId } = world.platform.locations.get('us')!.joined.get('alpha')!;
    when(abandon(grantId)).then('GrantAbandoned');
    const decision = decideWith(world, context('net.us'), []);
    expect(decision).toMatchObject({ need: { endedGrant: grantId } });
    world.do(context('net.us'));
    expect(world.project.joins.get('us')?.grantId).not.toBe(grantId);
    expect(world.platform.locations.get('us')?.joined.size).toBe(1);
  });

  it('that is in use is not abandoned', () => {
    const { when, world } = given(...ready, context('net.us'));
    when(abandon(world.project.joins.get('us')!.grantId)).then();
  });

  it('of an old generation is not used by the new one', () => {
    const { world } = given(...ready, context('net.us'));
    const { grantId } = world.project.joins.get('us')!;
    world.run(deleteProject);
    world.run(createProject);
    world.run(network('net'));
    expect(decideWith(world, context('net.us'), [])).toMatchObject({ outcome: 'needs' });
    world.run(context('net.us'));
    expect(world.project.joins.get('us')?.grantId).not.toBe(grantId);
    world.settle();
    expect(world.platform.locations.get('us')?.joined.size).toBe(1);
  });

  it('of a location that was deleted does not serve one of the same name', () => {
    const { world } = given(...ready, context('net.us'), deleteLocation('us'), location('us'));
    expect(world.platform.locations.get('us')?.joined.size).toBe(0);
    expect(decideWith(world, context('net.us'), [])).toMatchObject({ outcome: 'needs' });
  });
});

describe('a platform that has moved on', () => {
  it('is remembered with the highest revision that something was decided under', () => {
    const { world } = given(...ready, claim('web'));
    expect(world.project.platformRevision).toBe(world.platform.revision);
    world.do(location('eu'));
    expect(world.project.platformRevision).toBe(world.platform.revision - 1);
    world.do(claim('db'));
    expect(world.project.platformRevision).toBe(world.platform.revision);
  });
});
