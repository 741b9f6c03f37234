import { isDeepStrictEqual } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { problemsIn } from '../verify/verified-directory.ts';
import { auditLog, type LogEvent, readLog } from './audit.ts';
import { CrashingLife, type LifeStep, until } from './crashing-life.ts';

/**
 * The life of authored pools, which is kept in two streams: a real process is killed right before
 * and right after each append, and started again. Then the directory says what the roots say.
 */
const POOLS = '/apis/ipam.miloapis.com/v1alpha1/ippools';

const pool = (name: string, spec: object) => ({
  ...{ apiVersion: 'ipam.miloapis.com/v1alpha1', kind: 'IPPool', metadata: { name } },
  spec: { ipFamily: 'IPv4', ...spec },
});
const child = { parentPoolRef: { name: 'edge' }, prefixLength: 28 };
const excludedCIDRs = [{ cidr: '198.51.100.240/28', reason: 'routers' }];

const LIFE: readonly LifeStep[] = [
  ['POST', POOLS, pool('edge', { cidr: '198.51.100.0/24', excludedCIDRs })],
  ['POST', POOLS, pool('part', child)],
  [
    ...(['PUT', `${POOLS}/edge`] as const),
    pool('edge', { cidr: '198.51.100.0/24', additionalCIDRs: ['203.0.113.0/24'] }),
  ],
  ['PUT', `${POOLS}/edge`, pool('edge', { cidr: '198.51.100.0/24', excludedCIDRs })],
  ['POST', POOLS, pool('other', { cidr: '203.0.113.0/25' })],
  ['DELETE', `${POOLS}/part`],
  ['DELETE', `${POOLS}/edge`],
  ['POST', POOLS, pool('edge', { cidr: '198.51.100.0/25' })],
  ['DELETE', `${POOLS}/other`],
];

const life = new CrashingLife(LIFE);
afterAll(() => life.removeDirectories());

/** What the directory and the roots say of each pool, each as its own events have it. */
function pools(events: readonly LogEvent[]) {
  const registered = new Map<string, object>();
  const ranges = new Map<string, string>();
  const open = new Map<string, object>();
  const added = new Map<string, string>();
  for (const { type, data } of events) {
    if (type === 'PoolRegistered' || type === 'PoolRegistrationChanged') {
      registered.set(data.pool.name, data.spec);
    } else if (type === 'PoolUnregistered') registered.delete(data.pool.name);
    else if (type === 'IPPoolCreated' || type === 'IPPoolUpdated') {
      open.set(data.name, data.spec);
    } else if (type === 'IPPoolDeleted') open.delete(data.name);
    else if (type === 'RootRangeRegistered') ranges.set(data.prefix, data.pool.name);
    else if (type === 'RootRangeReleased') ranges.delete(data.prefix);
    else if (type === 'RangeAdded') added.set(data.prefix, data.pool);
    else if (type === 'RangeRemoved') added.delete(data.prefix);
  }
  // A pool of the plan is registered by its range alone.
  open.delete('tenant-ipv6');
  return { registered, ranges, open, added };
}

/** The log shows that both streams say the same of every pool. */
async function settled(_url: string, data: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { registered, ranges, open, added } = pools(readLog(data));
    if (isDeepStrictEqual(registered, open) && isDeepStrictEqual(ranges, added)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the directory and the roots do not agree');
}

describe('a process that is killed in the life of a pool', async () => {
  const begun = life.directory();
  const service = await life.start(begun);
  await until(service.url, POOLS, ({ code }) => code === 200);
  service.kill('SIGTERM');
  expect(await service.ended()).toBe(0);
  const appends = await life.count(life.directory(begun), 0, settled);
  expect(appends).toBeGreaterThan(15);

  for (let append = 1; append <= appends; append += 1) {
    for (const when of ['before', 'after']) {
      it(`${when} append ${append} of ${appends}: no name, range or block is lost`, async () => {
        const data = life.directory(begun);
        const env = { CRASH_APPEND: String(append), CRASH_WHEN: when };
        const restarted = () => {
          const events = readLog(data);
          expect(auditLog(events)).toEqual([]);
          const { registered, open, ranges, added } = pools(events);
          expect(registered).toEqual(open);
          expect(ranges).toEqual(added);
        };
        await life.crash(data, env, 0, restarted, settled);
        const { open, added } = pools(readLog(data));
        expect([...open.keys()]).toEqual(['edge']);
        expect(added.get('198.51.100.0/25')).toBe('edge');
        expect(auditLog(readLog(data))).toEqual([]);
        expect(await problemsIn(data)).toEqual([]);
      });
    }
  }
});
