import { describe, expect, it } from 'vitest';
import type { Grant } from '../../src/ledger/decision.ts';
import { decideProject, type ProjectCommand } from '../../src/ledger/project/decide.ts';
import { overQuota } from '../../src/ledger/project/usage.ts';
import {
  type ClaimParts,
  type Command,
  claim,
  deleteClaim,
  deleteInterface,
  deleteLocation,
  deleteProject,
  location,
  planWith,
  publicV4,
  serveWaiting,
} from './commands.ts';
import { given, givenWith } from './given-when-then.ts';
import { ONLY_IPV6, ready } from './steps.ts';
import type { World } from './world.ts';

/** Four public IPv4 addresses, and two of another class. */
const other = { className: 'other4', pool: 'public-b', cidr: '203.0.113.0/31' };
const plan = planWith({}, publicV4, other);

const PUBLIC: ClaimParts = { ...ONLY_IPV6, addresses: [{ class: 'public4' }] };
const BOTH: ClaimParts = { ...ONLY_IPV6, addresses: [{ class: 'public4' }, { class: 'other4' }] };

/** What pools hold, by block, with whether they know it to be committed. */
function heldIn(world: World, pool: string) {
  const holds = [...world.pools.get(pool)!.holds.values()];
  return holds.map(({ block, confirmed }) => [Number(block.start & 0xffn), confirmed]).sort();
}

function grantsFor(world: World, command: ProjectCommand, grants: Grant[] = []) {
  const decision = decideProject(command, world.project, world.contextOf(grants));
  if (decision.outcome !== 'needs') throw new Error('it needs nothing');
  world.fulfil(decision.need, grants);
  return grants;
}

/** Has public addresses held for a claim of another project until none is left. */
function fill(pool: string, count = 4) {
  return (world: World): void => {
    for (let ordinal = 0; ordinal < count; ordinal += 1) {
      world.onPool(pool, {
        ...{
          type: 'HoldAddress',
          pool,
          project: 'beta',
          generation: OTHER,
          ordinal,
          block: undefined,
        },
        ...{
          claim: { kind: 'NetworkInterfaceClaim', name: 'x', uid: OTHER },
          className: 'public4',
        },
        ...{ family: 'IPv4', length: 32, abandoned: undefined },
      });
    }
  };
}
const OTHER = '00000000-0000-5000-8000-000000000000';

/** The other project gives its nth address back, to be used again at once. */
function giveBack(pool: string, ordinal = 0) {
  return (world: World): void => {
    const { grantId } = world.pools.get(pool)!.holds.get(`${OTHER}/${OTHER}/${ordinal}`)!;
    const availableAt = new Date(world.atMs).toISOString();
    world.onPool(pool, { type: 'UnholdAddress', grantId, availableAt });
    world.settle();
  };
}

describe('a claim that names a class', () => {
  it('binds with private and external addresses in one append', () => {
    const { when, world } = givenWith(plan)(...ready, claim('first', ONLY_IPV6));
    when(claim('web', BOTH)).then(
      'ClaimRequested',
      ['AddressAllocated', { pool: 'subnet6.alpha.net.us' }],
      ['AddressAllocated', { pool: 'public-a', block: '198.51.100.0/32', className: 'public4' }],
      ['AddressAllocated', { pool: 'public-b', block: '203.0.113.0/32', className: 'other4' }],
      [
        'InterfaceReady',
        {
          spec: {
            externalAddresses: [
              { family: 'IPv4', address: '198.51.100.0', class: 'public4' },
              { family: 'IPv4', address: '203.0.113.0', class: 'other4' },
            ],
          },
        },
      ],
    );
    expect(heldIn(world, 'public-a')).toEqual([[0, false]]);
    world.settle();
    expect(heldIn(world, 'public-a')).toEqual([[0, true]]);
    expect(heldIn(world, 'public-b')).toEqual([[0, true]]);
  });

  it('asks for everything that is missing at once, when all else is found', () => {
    const { world, when } = givenWith(plan)(...ready, claim('first', ONLY_IPV6));
    when(claim('web', BOTH)).thenNeeds({
      type: 'Addresses',
      wanted: [
        expect.objectContaining({ className: 'public4', ordinal: 0, length: 32 }),
        expect.objectContaining({ className: 'other4', ordinal: 1, length: 32 }),
      ],
    });
    expect(heldIn(world, 'public-a')).toEqual([]);
    given(...ready)
      .when(claim('web', PUBLIC))
      .then('ClaimRequested', 'ClaimQueued');
  });

  it('gives its addresses back to their pools, which let them rest', () => {
    const { when, world } = givenWith(plan)(...ready, claim('web', PUBLIC));
    const availableAt = '2026-01-01T00:01:00.000Z';
    when(deleteClaim('web')).then(
      ['AddressReleased', { pool: 'subnet6.alpha.net.us' }],
      ['AddressReleased', { pool: 'public-a', availableAt, endsGrant: {} }],
      'InterfaceDeleted',
      'ClaimDeleted',
    );
    world.settle();
    expect(heldIn(world, 'public-a')).toEqual([]);
    world.do(claim('next', PUBLIC));
    expect(heldIn(world, 'public-a')).toEqual([[1, true]]);
    world.pass(60_000);
    world.do(claim('last', PUBLIC));
    expect(heldIn(world, 'public-a')).toEqual([
      [0, true],
      [1, true],
    ]);
  });

  it('keeps its addresses for a claim of its name, under the shortest lease', () => {
    const leased = planWith({ lease: '2h' }, { ...publicV4, spec: { retentionLease: '1h' } });
    const parts = { ...PUBLIC, reclaimPolicy: 'Retain' as const };
    const { when, world } = givenWith(leased)(...ready, claim('web', parts));
    when(deleteClaim('web')).then(
      ['InterfaceRetained', { expiresAt: '2026-01-01T01:00:00.000Z' }],
      'ClaimDeleted',
    );
    world.settle();
    expect(heldIn(world, 'public-a')).toEqual([[0, true]]);
    world.do(claim('web', parts));
    expect(world.waitOf('web')).toBeUndefined();
    expect(world.addressesOf('web')).toHaveLength(2);
    world.do(deleteClaim('web'));
    world.do(deleteInterface('web'));
    expect(heldIn(world, 'public-a')).toEqual([]);
  });

  it('L11 may name fewer classes than the interface has, and no other', () => {
    const parts = { ...BOTH, reclaimPolicy: 'Retain' as const };
    const retained = [...ready, claim('web', parts), deleteClaim('web')];
    givenWith(plan)(...retained)
      .when(claim('web', { ...parts, addresses: [{ class: 'other4' }] }))
      .then('ClaimRequested', 'InterfaceRebound');
    const reason = 'AddressClassMissing';
    givenWith(plan)(...retained)
      .when(claim('web', { ...parts, addresses: [{ class: 'endpoint6' }] }))
      .then('ClaimRequested', ['ClaimQueued', { reason }]);
    givenWith(plan)(...retained)
      .when(claim('web', { ...parts, ipFamilies: ['IPv4'] }))
      .then('ClaimRequested', ['ClaimQueued', { reason: 'AddressFamilyMissing' }]);
  });

  it('is for operators only where the class is, also while it waits', () => {
    const closed = { visibility: 'platform', projects: [] };
    const onlyBeta = { visibility: 'shared', projects: ['beta'] };
    for (const spec of [closed, onlyBeta]) {
      const shut = planWith({}, { ...publicV4, spec });
      const { when, world } = givenWith(shut)(...ready, fill('public-a'));
      when(claim('web', PUBLIC)).then('ClaimRequested', [
        'ClaimQueued',
        { reason: 'ClassNotFound', message: 'IPClass "public4" does not exist' },
      ]);
      world.do({ ...claim('own', PUBLIC), asOperator: true });
      expect(world.waitOf('own')).toBe('AddressPoolExhausted');
      giveBack('public-a')(world);
      expect(world.waitOf('own')).toBeUndefined();
    }
  });
});

describe('a claim that cannot have all', () => {
  const full = [...ready, claim('first', ONLY_IPV6), fill('public-b', 2)];

  it('L7 holds nothing, and says which pool is full', () => {
    const { when, world } = givenWith(plan)(...full);
    when(claim('web', BOTH)).then(
      'ClaimRequested',
      [
        'ClaimQueued',
        {
          reason: 'AddressPoolExhausted',
          message: 'pool "public-b" (root) has no free /32',
          cause: 'offer/other4',
        },
      ],
      'GrantAbandoned',
    );
    world.settle();
    expect(heldIn(world, 'public-a')).toEqual([]);
    expect(world.addressesOf('web')).toEqual([]);
    world.do(claim('next', PUBLIC));
    expect(heldIn(world, 'public-a')).toEqual([[0, true]]);
  });

  it('L8 is served when an address comes back, in order, and before any newcomer', () => {
    const { world } = givenWith(plan)(...full, claim('a', BOTH), claim('b', BOTH));
    expect([world.waitOf('a'), world.waitOf('b')]).toEqual(Array(2).fill('AddressPoolExhausted'));
    world.do(claim('only', { ...ONLY_IPV6, addresses: [{ class: 'other4' }] }));
    giveBack('public-b')(world);
    expect(world.waitOf('a')).toBeUndefined();
    expect([world.waitOf('b'), world.waitOf('only')]).not.toContain(undefined);
    giveBack('public-b', 1)(world);
    expect([world.waitOf('b'), world.waitOf('only')]).toEqual([undefined, 'AddressPoolExhausted']);
    expect(heldIn(world, 'public-a')).toEqual([
      [0, true],
      [1, true],
    ]);
  });

  it('L8 is served when a quarantine in the pool ends', () => {
    const { world } = givenWith(plan)(...ready, fill('public-a', 3), claim('a', PUBLIC));
    world.do(claim('late', PUBLIC));
    world.do(deleteClaim('a'));
    expect(world.waitOf('late')).toBe('AddressPoolExhausted');
    world.pass(59_999);
    expect(world.waitOf('late')).toBe('AddressPoolExhausted');
    world.pass(1);
    expect(world.waitOf('late')).toBeUndefined();
  });

  it('L8 does not hold up those who want something else', () => {
    const { world } = givenWith(plan)(...full, claim('a', BOTH), claim('b', PUBLIC));
    expect(world.waitOf('b')).toBeUndefined();
  });

  it('joins no location, however often it is tried, until its addresses are held', () => {
    const elsewhere = { ...PUBLIC, location: 'eu' };
    const { world } = givenWith(plan)(...ready, location('eu'), fill('public-a'));
    world.do(claim('a', elsewhere));
    world.do(claim('b', elsewhere));
    const before = world.log.length;
    world.do(serveWaiting());
    expect(world.log.slice(before)).toEqual([]);
    expect(world.platform.locations.get('eu')?.joined.size).toBe(0);
    giveBack('public-a')(world);
    expect([world.waitOf('a'), world.waitOf('b')]).toEqual([undefined, 'AddressPoolExhausted']);
    expect(world.platform.locations.get('eu')?.joined.size).toBe(1);
  });

  it('gives back what is held for it when its location goes before it is joined', () => {
    const { world } = givenWith(plan)(...ready);
    const grants = grantsFor(world, claim('a', PUBLIC) as ProjectCommand);
    expect(heldIn(world, 'public-a')).toEqual([[0, false]]);
    world.do(deleteLocation('us'));
    const decision = world.inProject(claim('a', PUBLIC), world.contextOf(grants));
    expect(decision).toMatchObject({ outcome: 'decided' });
    world.settle();
    expect(world.waitOf('a')).toBe('LocationNotFound');
    expect(heldIn(world, 'public-a')).toEqual([]);
  });

  it('leaves nothing when it is deleted', () => {
    const { world } = givenWith(plan)(...full, claim('a', BOTH), deleteClaim('a'));
    giveBack('public-b')(world);
    expect(heldIn(world, 'public-a')).toEqual([]);
    expect(world.project.waiting.size).toBe(0);
  });
});

describe('a hold', () => {
  it('that was abandoned is refused to a late commit, which asks for another', () => {
    const { world, when } = givenWith(plan)(...ready, claim('first', ONLY_IPV6));
    const command = claim('web', PUBLIC);
    const context = world.contextOf();
    const decided = (grants: Grant[]) =>
      decideProject(command, world.project, { ...context, grants });
    const grants: Grant[] = [];
    const asked = () => {
      const decision = decided(grants);
      if (decision.outcome === 'needs') world.fulfil(decision.need, grants);
      return decision;
    };
    asked();
    const [first] = world.pools.get('public-a')!.holds.values();
    when({ type: 'AbandonGrant', grantId: first!.grantId }).then('GrantAbandoned');
    when({ type: 'AbandonGrant', grantId: first!.grantId }).then();
    expect(asked()).toMatchObject({
      need: { wanted: [{ abandonedGrant: { id: first!.grantId } }] },
    });
    const [second, ...more] = world.pools.get('public-a')!.holds.values();
    expect(more).toEqual([]);
    expect(second!.grantId).not.toBe(first!.grantId);
    expect(decided(grants)).toMatchObject({ outcome: 'decided' });
  });

  it('that is in use, or was, is not abandoned', () => {
    const { world, when } = givenWith(plan)(...ready, claim('web', PUBLIC));
    const [hold] = world.pools.get('public-a')!.holds.values();
    const abandon = { type: 'AbandonGrant', grantId: hold!.grantId } as const;
    when(abandon).then();
    world.run(deleteClaim('web'));
    when(abandon).then();
    world.settle();
    expect(world.project.endedHolds.size).toBe(1);
    world.pass(60_000);
    world.do(claim('more', PUBLIC));
    world.do(deleteClaim('more'));
    expect(world.project.endedHolds.size).toBe(1);
  });

  it('that was given for a claim which is gone is fenced by whoever brings it', () => {
    const { world } = givenWith(plan)(...ready, fill('public-a'), claim('web', PUBLIC));
    giveBackQuietly(world);
    const grants = grantsFor(world, serveWaiting('offer/public4'));
    world.run(deleteClaim('web'));
    const late = world.inProject(serveWaiting('offer/public4'), world.contextOf(grants));
    expect(late).toMatchObject({ events: [{ type: 'GrantAbandoned' }] });
    world.settle();
    expect(heldIn(world, 'public-a')).toHaveLength(3);
  });

  it('of an old generation of the project is not used by the new one', () => {
    const { world } = givenWith(plan)(...ready);
    const grants = grantsFor(world, claim('web', PUBLIC), [] as Grant[]);
    world.do(deleteProject);
    for (const command of ready as Command[]) world.do(command);
    const again = world.inProject(claim('web', PUBLIC), world.contextOf(grants));
    expect(again).toMatchObject({ outcome: 'needs' });
  });

  it('is asked for once, however often the question comes', () => {
    const { world } = givenWith(plan)(...ready, claim('first', ONLY_IPV6));
    const context = world.contextOf();
    const need = decideProject(claim('web', PUBLIC), world.project, context);
    if (need.outcome !== 'needs') throw new Error('it needs nothing');
    world.fulfil(need.need, []);
    world.fulfil(need.need, []);
    expect(heldIn(world, 'public-a')).toHaveLength(1);
  });
});

/** An address comes back and nobody is told. */
function giveBackQuietly(world: World): void {
  const [{ grantId }] = world.pools.get('public-a')!.holds.values() as never as [
    { grantId: string },
  ];
  const availableAt = new Date(world.atMs).toISOString();
  world.onPool('public-a', { type: 'UnholdAddress', grantId, availableAt });
}

describe('a quota', () => {
  const of = (projectQuota: number, more = {}) =>
    planWith({}, { ...publicV4, spec: { projectQuota, ...more } });

  it('refuses a new claim over it', () => {
    givenWith(of(1))(...ready, claim('a', PUBLIC))
      .when(claim('b', PUBLIC))
      .thenRejected('QuotaExceeded', /holds 1 of the 1 .* "public4"/);
    const raised = givenWith(of(0, { projectQuotas: { alpha: 1 } }))(...ready, claim('a', PUBLIC));
    expect(raised.world.waitOf('a')).toBeUndefined();
    givenWith(of(5, { projectQuotas: { alpha: 0 } }))(...ready)
      .when(claim('a', PUBLIC))
      .thenRejected('QuotaExceeded');
  });

  it('of a project is the one of its own name, whatever that means to a script', () => {
    const { world } = givenWith(of(1, { projectQuotas: { beta: 0 } }))(...ready);
    const named = { ...world.project, name: 'constructor' };
    expect(overQuota(named, world.platform, ['public4'])).toBeUndefined();
  });

  it('counts what is retained, and not what rests', () => {
    const parts = { ...PUBLIC, reclaimPolicy: 'Retain' as const };
    const { when, world } = givenWith(of(1))(...ready, claim('a', parts), deleteClaim('a'));
    when(claim('b', PUBLIC)).thenRejected('QuotaExceeded');
    world.do(deleteInterface('a'));
    world.do(claim('b', PUBLIC));
    expect(world.waitOf('b')).toBeUndefined();
    expect(world.project.usage.get('public4')).toBe(1);
  });

  it('lets a claim that waits wait on, until the project holds less', () => {
    const { world } = givenWith(of(1))(...ready, fill('public-a'), claim('a', PUBLIC));
    world.do(claim('b', PUBLIC));
    giveBack('public-a')(world);
    expect([world.waitOf('a'), world.waitOf('b')]).toEqual([undefined, 'QuotaExceeded']);
    giveBack('public-a', 1)(world);
    expect(world.waitOf('b')).toBe('QuotaExceeded');
    world.do(deleteClaim('a'));
    expect(world.waitOf('b')).toBeUndefined();
  });

  it('that an operator raises lets go on who waits for it', () => {
    const { world } = givenWith(of(1))(...ready, fill('public-a'), claim('a', PUBLIC));
    world.do(claim('b', PUBLIC));
    giveBack('public-a')(world);
    giveBack('public-a', 1)(world);
    expect(world.waitOf('b')).toBe('QuotaExceeded');
    world.do(edit(world, { projectQuota: 2 }));
    expect(world.waitOf('b')).toBeUndefined();
  });
});

describe('a class that is edited', () => {
  it('serves those for whom there is room of another length', () => {
    const spec = { allowedPrefixLengths: { min: 31, max: 32 }, defaultPrefixLength: 31 };
    const plan = planWith({}, { ...publicV4, spec });
    const { world } = givenWith(plan)(...ready, fill('public-a', 3), claim('a', PUBLIC));
    expect(world.waitOf('a')).toBe('AddressPoolExhausted');
    world.do(edit(world, { defaultPrefixLength: 32 }));
    expect(world.waitOf('a')).toBeUndefined();
  });
});

function edit(world: World, changes: object): Command {
  const spec = { ...world.platform.classes.get('public4')!.spec, ...changes };
  return { type: 'UpdateClass', name: 'public4', spec, metadata: {}, expect: {} };
}
