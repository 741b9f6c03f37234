import { afterAll, describe, expect, it } from 'vitest';
import { problemsIn } from '../verify/verified-directory.ts';
import { auditLog, readLog } from './audit.ts';
import { CrashingLife, type LifeStep, until } from './crashing-life.ts';
import { bodies, paths } from './process.ts';

/**
 * A real process is killed right before and right after each append of a project's whole life,
 * and started again. Whatever the log then holds must be finished or undone, and the client's
 * repeated request, with its Idempotency-Key, must lead to the same end.
 */
const alpha = (plural: string, name?: string) => paths.of('alpha', plural, name);
const claims = 'networkinterfaceclaims';

/** A project's life: every kind of step between streams, there and back. */
const LIFE: readonly LifeStep[] = [
  ['POST', paths.namespaces, bodies.named('alpha')],
  ['POST', paths.locations, bodies.named('us-central-1')],
  ['POST', alpha('networks'), bodies.network('default')],
  ['POST', alpha(claims), bodies.claim('web-0', 'us-central-1')],
  ['POST', alpha(claims), bodies.claim('web-1', 'us-central-1', { reclaimPolicy: 'Retain' })],
  ['POST', alpha(claims), bodies.claim('early', 'eu-west-1')],
  ['POST', paths.locations, bodies.named('eu-west-1')],
  ['UNTIL', alpha(claims, 'early'), ({ body }) => body.status?.addresses?.length === 2],
  ['DELETE', alpha(claims, 'early')],
  ['DELETE', alpha(claims, 'web-0')],
  ['DELETE', alpha(claims, 'web-1')],
  ['DELETE', alpha('networkinterfaces', 'web-1')],
  ['DELETE', alpha('networkcontexts', 'default.us-central-1')],
  ['POST', alpha(claims), bodies.claim('web-2', 'us-central-1')],
  ['DELETE', alpha(claims, 'web-2')],
  ['DELETE', alpha('networks', 'default')],
  ['DELETE', paths.namespace('alpha')],
  ['DELETE', paths.location('us-central-1')],
  ['DELETE', paths.location('eu-west-1')],
];

const life = new CrashingLife(LIFE);
afterAll(() => life.removeDirectories());

async function settled(url: string): Promise<void> {
  for (const location of ['us-central-1', 'eu-west-1']) {
    await until(url, paths.location(location), ({ code }) => code === 404);
  }
}

describe('a process that is killed between two steps', async () => {
  const appends = await life.count(life.directory(), 0, settled);
  expect(appends).toBeGreaterThan(15);

  for (let append = 1; append <= appends; append += 1) {
    for (const when of ['before', 'after']) {
      it(`${when} append ${append} of ${appends}: nothing is lost, leaked or done twice`, async () => {
        const data = life.directory();
        const env = { CRASH_APPEND: String(append), CRASH_WHEN: when };
        const restarted = () => expect(auditLog(readLog(data))).toEqual([]);
        await life.crash(data, env, 0, restarted, settled);
        const events = readLog(data);
        expect(auditLog(events)).toEqual([]);
        expect(stillGiven(events)).toEqual([]);
        expect(await problemsIn(data)).toEqual([]);
      });
    }
  }
});

/** Ranges and joins that nobody has given back at the end of the life. */
function stillGiven(events: ReturnType<typeof readLog>): string[] {
  const given = new Set<string>();
  for (const { stream, type, data } of events) {
    if (type === 'PrefixCarved' && data.grant) given.add(data.grant.id);
    if (type === 'PrefixReturned' && data.grantId) given.delete(data.grantId);
    if (type === 'LocationJoined') given.add(`${stream} ${data.project}`);
    if (type === 'LocationLeft') given.delete(`${stream} ${data.project}`);
  }
  return [...given];
}
