import { uuidOf } from '../../src/ledger/identifiers.ts';
import type { IPPoolSpec } from '../../src/ledger/ip-pool.ts';
import { grantsOfRanges } from '../../src/ledger/platform/directory.ts';
import type { Driver } from './driver.ts';

const ROOT = 'edge';
const SPECS: Readonly<Record<string, IPPoolSpec>> = {
  edge: { ipFamily: 'IPv4', cidr: '192.0.2.0/24', classNames: [] },
  part: { ipFamily: 'IPv4', parentPoolRef: { name: ROOT }, prefixLength: 28, classNames: [] },
};
const FURTHER = '198.51.100.0/28';

/** Something in the life of an authored pool or of its child: made, changed, used, deleted. */
export async function authored(driver: Driver, random: () => number): Promise<unknown> {
  const one = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const name = one(['edge', 'edge', 'part']);
  const uid = driver.platformState.pools.get(name)?.uid;
  if (uid === undefined) return make(driver, name, uuidOf(name, driver.now, random()));
  switch (one(['change', 'change', 'hold', 'unhold', 'delete'])) {
    case 'change':
      return change(
        driver,
        name,
        one([[], [FURTHER]]),
        one([[], ['192.0.2.0/30'], ['192.0.2.128/25']]),
      );
    case 'hold': {
      const claim = {
        kind: 'IPClaim' as const,
        name: 'x',
        uid: uuidOf(name, driver.now, random()),
      };
      return driver.pool(ROOT, {
        ...{ type: 'HoldAddress', pool: name, project: 'gamma', generation: uid, claim },
        ...{ ordinal: 0, className: undefined, family: 'IPv4', length: one([32, 32, 31]) },
        ...{ block: undefined, abandoned: undefined },
      });
    }
    case 'unhold': {
      const availableAt = new Date(driver.now + one([0, 60_000])).toISOString();
      const grantId = [...driver.poolState(ROOT).holds.values()][0]?.grantId ?? '';
      return driver.pool(ROOT, { type: 'UnholdAddress', grantId, availableAt });
    }
    default: {
      const deleted = await driver.pool(ROOT, { type: 'DeletePool', name, expect: {} });
      if (deleted.rejection === undefined)
        await driver.platform({ type: 'UnregisterPool', name, uid });
    }
  }
}

async function make(driver: Driver, name: string, uid: string): Promise<void> {
  const pool = { name, uid, spec: SPECS[name] as IPPoolSpec, metadata: {} };
  const registered = await driver.platform({ type: 'RegisterPool', ...pool, owner: undefined });
  if (registered.rejection !== undefined) return;
  const opened = await driver.pool(ROOT, { type: 'OpenPool', ...pool });
  if (opened.rejection !== undefined) await driver.platform({ type: 'UnregisterPool', name, uid });
}

/** Ranges are registered before they are added, and given up after they have been taken away. */
async function change(
  driver: Driver,
  name: string,
  additionalCIDRs: string[],
  excluded: readonly string[],
): Promise<void> {
  const { uid, spec } = driver.platformState.pools.get(name)!;
  if (name !== ROOT) return;
  const wider = { ...spec, additionalCIDRs: [FURTHER] };
  await driver.platform({ type: 'WidenRegistration', name, uid, spec: wider });
  const grants = grantsOfRanges(driver.platformState, name);
  const excludedCIDRs = excluded.map((cidr) => ({ cidr, reason: 'x' }));
  const changed = { ...spec, additionalCIDRs, excludedCIDRs };
  const update = { type: 'UpdatePool', name, spec: changed, metadata: {}, grants } as const;
  await driver.pool(ROOT, { ...update, expect: {} });
  const present = driver.poolState(ROOT).pools.get(name)!;
  const expectRevision = driver.platformState.pools.get(name)!.revision;
  const settled = { name, uid, spec: present.spec, expectRevision };
  await driver.platform({ type: 'SettleRegistration', ...settled });
}
