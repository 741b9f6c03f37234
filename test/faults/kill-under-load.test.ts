import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { problemsIn } from '../verify/verified-directory.ts';
import { auditLog, readLog } from './audit.ts';
import { type Answer, bodies, isBroken, paths, ServiceProcess, send } from './process.ts';

const data = mkdtempSync(join(tmpdir(), 'netalloc-kill-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

const WORKERS = 24;
const ROUNDS = 3;
const CLAIMS_BEFORE_KILL = 150;
const locations = ['us-central-1', 'eu-west-1', 'ap-south-1'];
const claimsOf = (project: string) => paths.of(project, 'networkinterfaceclaims');

/** What clients were told: addresses of claims that exist, and claims that were deleted. */
const acknowledged = new Map<string, string[]>();
const deleted = new Set<string>();
const unsure = new Set<string>();

async function prepare(url: string): Promise<void> {
  const made = (answer: Answer) => expect(answer.code, JSON.stringify(answer.body)).toBe(201);
  for (const location of locations) {
    made(await send(url, 'POST', paths.locations, bodies.named(location)));
  }
  for (const project of ['alpha', 'beta']) {
    made(await send(url, 'POST', paths.namespaces, bodies.named(project)));
    made(await send(url, 'POST', paths.of(project, 'networks'), bodies.network('default')));
  }
}

function addressesOf(answer: Answer): string[] {
  return answer.body.status.addresses.map(({ address }: { address: string }) => address);
}

/** Creates claims and deletes some of them until the connection breaks. */
async function work(url: string, round: number, worker: number, onClaim: () => void) {
  const project = worker % 2 === 0 ? 'alpha' : 'beta';
  for (let n = 0; n < 10_000; n += 1) {
    const name = `web-${round}-${worker}-${n}`;
    const path = `${claimsOf(project)}/${name}`;
    const location = locations[n % locations.length] as string;
    try {
      unsure.add(path);
      const made = await send(url, 'POST', claimsOf(project), bodies.claim(name, location));
      expect(made.code, JSON.stringify(made.body)).toBe(201);
      acknowledged.set(path, addressesOf(made));
      unsure.delete(path);
      onClaim();
      if (n % 3 !== 0) continue;
      unsure.add(path);
      expect((await send(url, 'DELETE', path)).code).toBe(200);
      acknowledged.delete(path);
      deleted.add(path);
      unsure.delete(path);
    } catch (error) {
      if (isBroken(error)) return;
      throw error;
    }
  }
}

it('loses nothing that was acknowledged and gives no address twice, however it is killed', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const service = await ServiceProcess.start(data);
    if (round === 0) await prepare(service.url);
    let claims = 0;
    const workers = Array.from({ length: WORKERS }, (_, worker) =>
      work(service.url, round, worker, () => {
        claims += 1;
        if (claims === CLAIMS_BEFORE_KILL * (round + 1)) service.kill('SIGKILL');
      }),
    );
    await Promise.all(workers);
    expect(await service.ended()).toBe('SIGKILL');
    expect(auditLog(readLog(data))).toEqual([]);
    expect(await problemsIn(data)).toEqual([]);
  }
  const service = await ServiceProcess.start(data);
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * CLAIMS_BEFORE_KILL * 0.5);
  for (const [path, addresses] of acknowledged) {
    if (unsure.has(path)) continue;
    const found = await send(service.url, 'GET', path);
    expect([path, found.code, found.code === 200 && addressesOf(found)]).toEqual([
      path,
      200,
      addresses,
    ]);
  }
  expect(deleted.size).toBeGreaterThan(0);
  for (const path of deleted) expect((await send(service.url, 'GET', path)).code).toBe(404);
  service.kill('SIGTERM');
  expect(await service.ended()).toBe(0);
}, 120_000);

it('finishes what it accepted when it is asked to end', async () => {
  const service = await ServiceProcess.start(data);
  const answers = Array.from({ length: 64 }, (_, n) =>
    send(service.url, 'POST', claimsOf('alpha'), bodies.claim(`last-${n}`, 'eu-west-1')),
  );
  await answers[0];
  service.kill('SIGTERM');
  const settled = await Promise.allSettled(answers);
  expect(await service.ended()).toBe(0);
  const log = new Set(
    readLog(data)
      .filter(({ type }) => type === 'InterfaceReady')
      .map((event) => event.data.name),
  );
  const told = settled.flatMap((one, n) =>
    one.status === 'fulfilled' && one.value.code === 201 ? [`last-${n}`] : [],
  );
  expect(told.length).toBeGreaterThan(0);
  // What was told is in the log, and what was accepted into the log was told.
  expect(told.toSorted()).toEqual([...log].filter((name) => name.startsWith('last-')).toSorted());
  expect(auditLog(readLog(data))).toEqual([]);
  expect(await problemsIn(data)).toEqual([]);
}, 60_000);
