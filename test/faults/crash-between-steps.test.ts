import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../tidy/sources.ts';
import { auditLog, readLog } from './audit.ts';
import { type Answer, bodies, isBroken, paths, ServiceProcess, send } from './process.ts';

/**
 * A real process is killed right before and right after each append of a project's whole life,
 * and started again. Whatever the log then holds must be finished or undone, and the client's
 * repeated request, with its Idempotency-Key, must lead to the same end.
 */
const script = join(ROOT, 'test', 'faults', 'crashing-service.ts');
const directories: string[] = [];

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'netalloc-crash-'));
  directories.push(made);
  return made;
}

afterAll(() => {
  for (const made of directories) rmSync(made, { recursive: true, force: true });
});

const alpha = (plural: string, name?: string) => paths.of('alpha', plural, name);
const claims = 'networkinterfaceclaims';

/** A project's life: every kind of step between streams, there and back. */
const LIFE: readonly (readonly [method: string, path: string, body?: object])[] = [
  ['POST', paths.namespaces, bodies.named('alpha')],
  ['POST', paths.locations, bodies.named('us-central-1')],
  ['POST', alpha('networks'), bodies.network('default')],
  ['POST', alpha(claims), bodies.claim('web-0', 'us-central-1')],
  ['POST', alpha(claims), bodies.claim('web-1', 'us-central-1', { reclaimPolicy: 'Retain' })],
  ['POST', alpha(claims), bodies.claim('early', 'eu-west-1')],
  ['POST', paths.locations, bodies.named('eu-west-1')],
  ['BOUND', alpha(claims, 'early')],
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

/** Sends steps from one on; gives the index of the step that broke the connection, if one did. */
async function live(url: string, from: number): Promise<number | undefined> {
  for (const [index, [method, path, body]] of LIFE.entries()) {
    if (index < from) continue;
    try {
      if (method === 'BOUND') {
        await bound(url, path);
        continue;
      }
      const answer = await send(url, method, path, body, { 'idempotency-key': `step-${index}` });
      const told = `${method} ${path}: ${answer.code} ${JSON.stringify(answer.body)}`;
      expect(answer.code, told).toBeLessThan(300);
    } catch (error) {
      if (isBroken(error)) return index;
      throw error;
    }
  }
  return undefined;
}

/** Asks until the answer is what is waited for. */
async function until(url: string, path: string, isIt: (answer: Answer) => boolean): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (isIt(await send(url, 'GET', path))) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${path} did not become what it should`);
}

/** A claim that waited has its addresses, without anybody asking for it again. */
function bound(url: string, path: string): Promise<void> {
  return until(url, path, ({ body }) => body.status?.addresses?.length === 2);
}

async function settled(url: string): Promise<void> {
  for (const location of ['us-central-1', 'eu-west-1']) {
    await until(url, paths.location(location), ({ code }) => code === 404);
  }
}

/** How many appends the whole life has when nothing goes wrong. */
async function countAppends(): Promise<number> {
  const data = directory();
  const service = await ServiceProcess.start(data, { script });
  expect(await live(service.url, 0)).toBeUndefined();
  await settled(service.url);
  service.kill('SIGTERM');
  expect(await service.ended()).toBe(0);
  const frames = new Set(readLog(data).map(({ metadata }) => metadata.commandId));
  expect(auditLog(readLog(data))).toEqual([]);
  return frames.size;
}

describe('a process that is killed between two steps', async () => {
  const appends = await countAppends();
  expect(appends).toBeGreaterThan(15);

  for (let append = 1; append <= appends; append += 1) {
    for (const when of ['before', 'after']) {
      it(`${when} append ${append} of ${appends}: nothing is lost, leaked or done twice`, async () => {
        const data = directory();
        const env = { CRASH_APPEND: String(append), CRASH_WHEN: when };
        let broken: number | undefined = 0;
        try {
          const doomed = await ServiceProcess.start(data, { script, env });
          broken = await live(doomed.url, 0);
          // Commands that met in one append make the life an append shorter than it was before.
          if (broken === undefined) doomed.kill('SIGKILL');
          expect(await doomed.ended()).toBe('SIGKILL');
        } catch (error) {
          // The first appends are made before it listens.
          expect(String(error)).toContain('SIGKILL');
        }
        const service = await ServiceProcess.start(data, { script });
        expect(auditLog(readLog(data))).toEqual([]);
        if (broken !== undefined) expect(await live(service.url, broken)).toBeUndefined();
        await settled(service.url);
        service.kill('SIGTERM');
        expect(await service.ended()).toBe(0);
        const events = readLog(data);
        expect(auditLog(events)).toEqual([]);
        expect(stillGiven(events)).toEqual([]);
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
