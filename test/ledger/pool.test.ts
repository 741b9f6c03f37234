import { describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { planOf } from './commands.ts';
import { givenWith } from './given-when-then.ts';
import { carveForOther, fillRoot, rangeOfOther } from './steps.ts';

/** A root pool of four ranges. */
const given = givenWith(planOf({ root: 'fd20::/118', project: 120 }));
const carve = (ordinal: number, abandoned?: string) => carveForOther(ordinal, 120, abandoned);

function giveBack(grantId: string, availableAt = '2026-01-01T00:00:00.000Z') {
  return { type: 'ReturnRange', grantId, availableAt } as const;
}

describe('an authored pool', () => {
  it('is opened once, with its range', () => {
    const { when, world } = given();
    const opened = world.log.filter(({ stream }) => stream === 'pool.root');
    expect(opened.map(({ type }) => type)).toEqual([
      'AddressSpaceOpened',
      'IPPoolCreated',
      'RangeAdded',
    ]);
    const { uid, spec } = world.platform.pools.get('root')!;
    const open = { type: 'OpenPool', name: 'root', spec, metadata: {} } as const;
    when({ ...open, uid }).then();
    when({ ...open, uid: uuidOf('again') }).thenRejected('Conflict');
  });

  it('carves ranges in order, each for one thing, with a grant', () => {
    const { when } = given();
    const generation = uuidOf('other');
    when(carve(0)).then([
      'PrefixCarved',
      {
        pool: 'root',
        prefix: 'fd20::/120',
        className: 'project6',
        scope: { project: 'other' },
        grant: { generation, ordinal: 0 },
      },
    ]);
    when(carve(1)).then(['PrefixCarved', { prefix: 'fd20::100/120', grant: { ordinal: 1 } }]);
  });

  it('gives the same range to whoever asks for the same thing again', () => {
    const { when, world } = given(carve(0), carve(1));
    const { grantId } = rangeOfOther(world, 0);
    when(carve(0)).then();
    when(carve(0, rangeOfOther(world, 1).grantId)).then();
    expect(rangeOfOther(world, 0).grantId).toBe(grantId);
  });

  it('replaces a range that was abandoned', () => {
    const { when, world } = given(carve(0));
    const { grantId } = rangeOfOther(world, 0);
    when(carve(0, grantId)).then(
      ['PrefixReturned', { prefix: 'fd20::/120', grantId }],
      ['PrefixCarved', { prefix: 'fd20::/120' }],
    );
    expect(rangeOfOther(world, 0).grantId).not.toBe(grantId);
    when(carve(0, grantId)).then();
  });

  it('leaves an ended range alone until its instant, even when it is replaced', () => {
    const { when, world } = given(carve(0));
    const id = rangeOfOther(world, 0).grantId;
    const availableAt = '2026-01-01T00:01:00.000Z';
    when({ ...carve(0), abandoned: { id, availableAt } }).then(
      ['PrefixReturned', { prefix: 'fd20::/120', availableAt }],
      ['PrefixCarved', { prefix: 'fd20::100/120' }],
    );
  });

  it('refuses what it has no room for, naming itself, the length and the class', () => {
    const { when } = given(fillRoot(120));
    when(carveForOther(9, 120)).thenRejected(
      'Exhausted',
      'pool "root" \\(root\\) has no free /120 for class "project6"',
    );
    given().when(carveForOther(0, 100)).thenRejected('PrefixLengthRejected', 'no room for a /100');
  });

  it('takes a range back by its grant and nothing else, and keeps it until its instant', () => {
    const { when, world } = given(carve(0));
    const { grantId } = rangeOfOther(world, 0);
    when(giveBack(uuidOf('unknown'))).then();
    const availableAt = '2026-01-01T00:01:00.000Z';
    when(giveBack(grantId, availableAt)).then(['PrefixReturned', { grantId, availableAt }]);
    when(giveBack(grantId, availableAt)).then();
    when(carve(0)).then(['PrefixCarved', { prefix: 'fd20::100/120' }]);
    world.pass(60_000);
    when(carve(1)).then(['PrefixCarved', { prefix: 'fd20::/120' }]);
  });

  it('never dates the end of a rest before its beginning', () => {
    const { when, world } = given(carve(0));
    world.pass(5_000);
    const availableAt = '2026-01-01T00:00:05.000Z';
    when(giveBack(rangeOfOther(world, 0).grantId)).then(['PrefixReturned', { availableAt }]);
  });
});
