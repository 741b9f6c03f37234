import type { KubeConfig } from '@kubernetes/client-node';
import { expect, it, onTestFinished } from 'vitest';
import { ask } from './ask.ts';
import { Churn, claimNamed } from './churn.ts';
import { claimsOf, listed, listWatchInformer, WatchListReflector } from './followers.ts';
import { makeLocations, makeProjects } from './project.ts';
import { SecuredLedger } from './secured-ledger.ts';

const COUNT = 20_000;
const PATIENCE = { timeout: 60_000 };

it('informers have 20,000 objects in pages, while they change between one and the next', async () => {
  const ledger = await SecuredLedger.start();
  onTestFinished(() => ledger.remove());
  const passage = await ledger.passage();
  const operator = ledger.operator(passage);
  await makeLocations(operator, 'dfw');
  await makeProjects(operator, 'many');
  const client = { role: 'compute', subject: 'controller', projects: ['many'] } as const;
  const access = await ledger.access(client, passage);
  await makeMany(access, 'many', COUNT);
  const churn = new Churn(access, 'many', 5);
  const resource = claimsOf('many');
  const informer = listWatchInformer(access, resource, () => churn.go(2));
  const reflector = new WatchListReflector(access, resource);
  onTestFinished(async () => {
    for (const follower of [informer, reflector]) await follower.stop();
  });
  for (const follower of [informer, reflector]) follower.start();
  for (const { witness } of [informer, reflector]) {
    await expect.poll(() => witness.told, PATIENCE).toBeGreaterThan(COUNT);
  }
  await churn.go(40);
  const { items } = await listed(access, resource);
  for (const { name, witness } of [informer, reflector]) {
    await expect.poll(() => witness.objects, { ...PATIENCE, message: name }).toEqual(items);
    expect([name, ...witness.faults]).toEqual([name]);
  }
  expect([informer.begun, reflector.begun]).toEqual([1, 1]);
}, 120_000);

/** Makes claims by the thousand: an address of one family each. */
async function makeMany(access: KubeConfig, namespace: string, count: number): Promise<void> {
  const atOnce = 5_000;
  for (let made = 0; made < count; made += atOnce) {
    const items = Array.from({ length: atOnce }, (_, n) => {
      const claim = claimNamed(`one-${made + n}`);
      return { create: { ...claim, metadata: { ...claim.metadata, namespace } } };
    });
    const { code, body } = await ask(access, 'POST', '/ledger/v1/claims:batch', { items });
    expect(code).toBe(200);
    expect(body.items.filter((item: { code: number }) => item.code !== 201)).toEqual([]);
  }
}
