import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { type IPPoolSpec, rangesOf } from '../../src/ledger/ip-pool.ts';
import { grantsOfRanges } from '../../src/ledger/platform/directory.ts';
import { initialPool } from '../../src/ledger/pool/state.ts';
import type { World } from './world.ts';

/**
 * Pools that operators author in a small world, as the application makes and changes them: first
 * registered, then opened or changed in their root's stream, then brought together again.
 */
export const poolNames = fc.constantFrom('x0', 'x1', 'x2');

/** Their ranges; what networks name is in the last one. */
const CIDRS = ['192.0.2.0/29', '192.0.2.8/30', '192.0.2.4/30', '172.16.0.0/26'];
export const OWNED_PREFIXES = ['172.16.0.0/28', '172.16.0.16/28'];

/** A pool that the project owns and that has what its networks name. */
export const OWNED_POOL: IPPoolSpec = {
  ...{ ipFamily: 'IPv4', cidr: '172.16.0.0/26', classNames: ['public4'] },
  projectRef: { name: 'alpha' },
};

const further = fc.constantFrom([], ['203.0.113.0/30'], ['203.0.113.0/30', '203.0.113.8/30']);
const excluded = fc.constantFrom([], ['192.0.2.0/31'], ['192.0.2.6/32', '192.0.2.1/32']);
const offers = fc.constantFrom([], ['public4'], ['public4']);

/** What may be changed of a pool. */
const parts = fc.record({ further, excluded, offers, draining: fc.nat(5).map((n) => n === 0) });

const partsOf = ({
  further,
  excluded,
  offers,
  draining,
}: typeof parts extends fc.Arbitrary<infer T> ? T : never) => ({
  classNames: [...offers],
  additionalCIDRs: [...further],
  excludedCIDRs: excluded.map((cidr) => ({ cidr, reason: 'x' })),
  draining,
});
export const poolChanges = parts.map(partsOf);

export const newPools = fc
  .record({
    parts,
    cidr: fc.constantFrom(...CIDRS),
    parent: fc.constantFrom(undefined, undefined, 'x0', 'x1'),
    isOwned: fc.boolean(),
  })
  .map(({ parts: given, cidr, parent, isOwned }): IPPoolSpec => {
    const { additionalCIDRs, excludedCIDRs, ...rest } = partsOf(given);
    const owner = isOwned ? { projectRef: { name: 'alpha' } } : {};
    if (parent === undefined) {
      return { ipFamily: 'IPv4', cidr, ...rest, ...owner, additionalCIDRs, excludedCIDRs };
    }
    const parentPoolRef = { name: parent };
    return { ipFamily: 'IPv4', parentPoolRef, prefixLength: 30, ...rest, ...owner };
  });

/** Registers a pool for the present life of its project; nothing else happens. */
export function registerPool(world: World, name: string, spec: IPPoolSpec): void {
  const owner = spec.projectRef && world.project.namespace?.uid;
  const uid = uuidOf('pool', name, world.log.length);
  world.run({ type: 'RegisterPool', name, uid, spec, metadata: {}, owner });
}

/** Registers what a pool is and is to be, and changes it if that is still so. */
export function changePool(world: World, name: string, change: Partial<IPPoolSpec>): void {
  const registered = world.platform.pools.get(name);
  if (registered === undefined) return;
  const { spec: before, root, uid } = registered;
  const isChild = before.parentPoolRef !== undefined;
  const { additionalCIDRs: _none, excludedCIDRs: _neither, ...ofChild } = change;
  const spec = { ...before, ...(isChild ? ofChild : change) };
  world.run({ type: 'WidenRegistration', name, uid, spec });
  const grants = grantsOfRanges(world.platform, name);
  world.onPool(root, { type: 'UpdatePool', name, spec, metadata: {}, grants, expect: {} });
}

/** Deletes a pool in its root's stream; gives whether it is gone. */
export function deletePool(world: World, name: string): boolean {
  const root = world.platform.pools.get(name)?.root ?? name;
  const decision = world.onPool(root, { type: 'DeletePool', name, expect: {} });
  return decision.outcome === 'decided';
}

/** Finishes or undoes what is half done of a pool, as recovery does. */
export function settlePool(world: World, name: string): void {
  const registered = world.platform.pools.get(name);
  if (registered === undefined) return;
  const { uid, root, spec, metadata, revision } = registered;
  const { pools, endedGrants } = world.pools.get(root) ?? initialPool();
  const present = pools.get(name);
  if (present?.uid === uid) {
    if (isDeepStrictEqual(present.spec, spec)) return;
    for (const [range, id] of Object.entries(grantsOfRanges(world.platform, name))) {
      if (!rangesOf(present.spec).includes(range)) {
        world.onPool(root, { type: 'AbandonGrant', grantId: id });
      }
    }
    const settled = { name, uid, spec: present.spec, expectRevision: revision };
    world.run({ type: 'SettleRegistration', ...settled });
    return;
  }
  if (!endedGrants.has(uid)) {
    const opened = world.onPool(root, { type: 'OpenPool', name, uid, spec, metadata });
    if (opened.outcome === 'decided') return;
    world.onPool(root, { type: 'AbandonGrant', grantId: uid });
  }
  world.run({ type: 'UnregisterPool', name, uid });
}
