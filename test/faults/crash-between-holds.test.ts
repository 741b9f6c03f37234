import { afterAll, describe, expect, it } from 'vitest';
import { builtInPlan, readPlan } from '../../src/ledger/plan.ts';
import { problemsIn } from '../verify/verified-directory.ts';
import { auditHolds, auditLog, type LogEvent, readLog } from './audit.ts';
import { CrashingLife, type LifeStep } from './crashing-life.ts';
import { type Answer, bodies, paths } from './process.ts';

/**
 * The same for addresses of authored pools: a real process is killed right before and right after
 * each append of a life in which claims and IPClaims hold, wait, release and are given again.
 */
const PUBLIC = [{ class: 'public-ipv4' }, { class: 'scarce-ipv4' }];
const alpha = (plural: string, name?: string) => paths.of('alpha', plural, name);
const claims = 'networkinterfaceclaims';
const IPCLAIMS = '/apis/ipam.miloapis.com/v1alpha1/namespaces/alpha/ipclaims';

const claim = (name: string, more: object = {}) =>
  bodies.claim(name, 'us-central-1', { ipFamilies: ['IPv6'], addresses: PUBLIC, ...more });
const ipClaim = (name: string, spec: object) => ({ metadata: { name }, spec });
const hasBoth = ({ body }: Answer) => body.status?.externalAddresses?.length === 2;

/** What is there before the first crash, and the life from there on. */
const PREPARED: readonly LifeStep[] = [
  ['POST', paths.namespaces, bodies.named('alpha')],
  ['POST', paths.locations, bodies.named('us-central-1')],
  ['POST', alpha('networks'), bodies.network('default', ['IPv6'])],
];
const LIFE: readonly LifeStep[] = [
  ...PREPARED,
  ['POST', alpha(claims), claim('web-0', { reclaimPolicy: 'Retain' })],
  ['POST', IPCLAIMS, ipClaim('edge', { className: 'public-ipv4' })],
  ['POST', alpha(claims), claim('late')],
  ['DELETE', alpha(claims, 'web-0')],
  ['POST', alpha(claims), claim('web-0', { reclaimPolicy: 'Retain' })],
  ['DELETE', alpha(claims, 'web-0')],
  ['DELETE', alpha('networkinterfaces', 'web-0')],
  ['UNTIL', alpha(claims, 'late'), hasBoth],
  ['DELETE', `${IPCLAIMS}/edge`],
  ['DELETE', alpha(claims, 'late')],
];

function publicPlan() {
  const plan = builtInPlan();
  const ranges = { 'public-ipv4': '198.51.100.0/30', 'scarce-ipv4': '203.0.113.7/32' };
  for (const [name, cidr] of Object.entries(ranges)) {
    const spec = { ipFamily: 'IPv4', defaultPrefixLength: 32, quarantine: '40ms' };
    const open = { visibility: 'shared', projects: ['*'] };
    plan.classes.push({ name, default: false, spec: { ...spec, ...open } as never });
    plan.pools.push({ name, ipFamily: 'IPv4', cidr, classNames: [name] });
  }
  return readPlan(JSON.parse(JSON.stringify(plan)));
}

const life = new CrashingLife(LIFE, publicPlan());
afterAll(() => life.removeDirectories());

/** Resolves once the log has nothing that an examination of it still finds. */
async function until(data: string, find: (events: LogEvent[]) => readonly unknown[]) {
  let found: readonly unknown[] = [];
  for (let attempt = 0; attempt < 200; attempt += 1) {
    found = find(readLog(data));
    if (found.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the log still has ${JSON.stringify(found)}`);
}

/** Every hold has been taken back. */
const settled = (_url: string, data: string) => until(data, (events) => auditHolds(events).open);

async function prepare(): Promise<string> {
  const data = life.directory();
  const service = await life.start(data);
  expect(await life.live(service.url, 0, PREPARED.length)).toBeUndefined();
  service.kill('SIGTERM');
  expect(await service.ended()).toBe(0);
  return data;
}

describe('a process that is killed between the steps of a hold', async () => {
  const prepared = await prepare();
  const from = PREPARED.length;
  const appends = await life.count(life.directory(prepared), from, settled);
  expect(appends).toBeGreaterThan(20);

  for (let append = 1; append <= appends; append += 1) {
    for (const when of ['before', 'after']) {
      it(`${when} append ${append} of ${appends}: nothing is lost, leaked or given twice`, async () => {
        const data = life.directory(prepared);
        const env = { CRASH_APPEND: String(append), CRASH_WHEN: when };
        // A claim that waits is tried again at the start: what it is given meanwhile is no leak.
        const restarted = () => until(data, auditLog);
        await life.crash(data, env, from, restarted, settled);
        expect(auditLog(readLog(data))).toEqual([]);
        expect(await problemsIn(data)).toEqual([]);
      });
    }
  }
});
