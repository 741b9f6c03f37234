import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { limits } from '../../src/limits.ts';
import { startService } from '../../src/service.ts';
import { Churn } from './churn.ts';
import { claimsOf, listed, listWatchInformer, WatchListReflector } from './followers.ts';
import { Passage } from './passage.ts';
import { makeLocations, makeProjects } from './project.ts';

/** A ledger of this process, so that a test has its clock, and the operator's way to it. */
async function ledgerWithClock() {
  const data = mkdtempSync(join(tmpdir(), 'netalloc-window-'));
  const clock = { aheadMs: 0 };
  const settings = { plan: undefined, location: undefined, logLevel: 'warn', timeOffsetSeconds: 0 };
  const listen = { host: '127.0.0.1', port: 0 };
  const security = { tokens: join(data, 'tokens.json'), given: undefined, names: [] };
  const service = await startService(
    { ...settings, listen, data, security, store: 'memory' },
    {
      clock: () => new Date(Date.now() + clock.aheadMs),
      newId: randomUUID,
      random: Math.random,
      randomBytes,
      log: pino({ level: 'silent' }),
      version: '0.0.0',
    },
  );
  const passage = await Passage.open(Number(new URL(service.url).port));
  onTestFinished(async () => {
    await passage.close();
    await service.close();
    rmSync(data, { recursive: true, force: true });
  });
  const operator = new KubeConfig();
  operator.loadFromString(readFileSync(join(data, 'kubeconfig'), 'utf8'));
  const through = new KubeConfig();
  const cluster = { ...(operator.getCurrentCluster() as object), server: passage.url };
  through.loadFromClusterAndUser(cluster as never, operator.getCurrentUser() as never);
  return { clock, passage, operator, through };
}

it('informers that come back after the window of watches has moved on list again', async () => {
  const { clock, passage, operator, through } = await ledgerWithClock();
  await makeLocations(operator, 'dfw');
  await makeProjects(operator, 'alpha');
  const resource = claimsOf('alpha');
  const informer = listWatchInformer(through, resource);
  const reflector = new WatchListReflector(through, resource);
  const followers = [informer, reflector];
  onTestFinished(async () => {
    for (const follower of followers) await follower.stop();
  });
  for (const follower of followers) follower.start();
  const churn = new Churn(operator, 'alpha', 1);
  const requireSame = async () => {
    const { items } = await listed(operator, resource);
    for (const { name, witness } of followers) {
      await expect.poll(() => witness.objects, { message: name }).toEqual(items);
      expect([name, ...witness.faults]).toEqual([name]);
      expect(witness.gone.filter((uid) => !churn.deleted.includes(uid))).toEqual([]);
    }
  };
  await churn.go(40);
  await requireSame();
  passage.shut();
  await churn.go(100);
  clock.aheadMs += limits.watchWindowMsMax + 1;
  await churn.go(1);
  passage.reopen();
  await requireSame();
  expect([informer.begun, reflector.begun]).toEqual([2, 2]);
  await churn.go(20);
  await requireSame();
});
