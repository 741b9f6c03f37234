import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ask } from '../clients/ask.ts';
import { claimsOf, interfacesOf, pathOf } from '../clients/followers.ts';
import { makeLocations, makeProjects } from '../clients/project.ts';
import { SecuredLedger } from '../clients/secured-ledger.ts';
import { MapDataPlane } from './controllers/map-data-plane.ts';
import { type Instance, ReferenceCompute, type Workload } from './controllers/reference-compute.ts';
import { ReferenceProvider } from './controllers/reference-provider.ts';

vi.setConfig({ testTimeout: 60_000 });

const web: Workload = {
  name: 'web',
  location: 'dfw',
  replicas: 3,
  template: {
    network: { name: 'default' },
    ipFamilies: ['IPv6', 'IPv4'],
    reclaimPolicy: 'Retain',
  },
};

let ledger: SecuredLedger;
let operator: KubeConfig;
let compute: ReferenceCompute;
let provider: ReferenceProvider;

beforeAll(async () => {
  ledger = await SecuredLedger.start();
  const passage = await ledger.passage();
  operator = ledger.operator(passage);
  await makeLocations(operator, 'dfw');
  await makeProjects(operator, 'alpha');
  const role = { role: 'compute', subject: 'compute', projects: ['alpha'] } as const;
  compute = new ReferenceCompute(await ledger.access(role, passage), 'alpha');
  // Of a location that there may be only later, too.
  const places = { role: 'provider', subject: 'provider', locations: ['dfw', 'lhr'] } as const;
  provider = new ReferenceProvider(await ledger.access(places, passage), {
    name: 'nics',
    dataPlane: new MapDataPlane(),
    report: () => ({
      conditions: [
        { type: 'Prepared', status: 'True', reason: 'Attached' },
        { type: 'Programmed', status: 'True', reason: 'Programmed' },
      ],
    }),
  });
  compute.start();
  provider.start();
});

afterAll(async () => {
  await compute.stop();
  await provider.stop();
  await ledger.remove();
  expect(compute.failures).toEqual([]);
});

/** Waits until so many instances of a workload run, each with addresses of its own. */
async function running(workload: string, count: number): Promise<Map<string, Instance>> {
  await expect.poll(() => compute.instances(workload).size, { timeout: 30_000 }).toBe(count);
  const instances = compute.instances(workload);
  const addresses = [...instances.values()].flatMap((one) => one.addresses);
  expect(new Set(addresses).size).toBe(2 * count);
  return instances;
}

/** The uid of what has a slot's name. */
async function uidOf(resource: { plural: string }, name: string): Promise<string | undefined> {
  const { code, body } = await ask(operator, 'GET', `${pathOf(resource as never)}/${name}`);
  return code === 404 ? undefined : body.metadata.uid;
}

it('runs an instance in each slot of a workload once its claim is ready', async () => {
  compute.run(web);
  const instances = await running('web', 3);
  expect([...instances.keys()]).toEqual(['web-0', 'web-1', 'web-2']);
});

it('gives an instance that is replaced the addresses of the one before it', async () => {
  const before = compute.instances('web').get('web-1') as Instance;
  const claim = await uidOf(claimsOf('alpha'), 'web-1');
  compute.replace('web-1');
  const after = (await running('web', 3)).get('web-1') as Instance;
  expect(after.id).toBeGreaterThan(before.id);
  expect(after.addresses).toEqual(before.addresses);
  expect(await uidOf(claimsOf('alpha'), 'web-1')).toBe(claim);
});

it('keeps the addresses of slots that are scaled away, and gives them back', async () => {
  const before = compute.instances('web');
  const kept = await uidOf(interfacesOf('alpha'), 'web-2');
  compute.run({ ...web, replicas: 1 });
  await running('web', 1);
  for (const name of ['web-1', 'web-2']) {
    await expect.poll(() => uidOf(claimsOf('alpha'), name)).toBeUndefined();
  }
  const path = `${pathOf(interfacesOf('alpha'))}?fieldSelector=status.phase%3DAvailable`;
  const { body } = await ask(operator, 'GET', path);
  expect(body.items.map((one: { metadata: { name: string } }) => one.metadata.name)).toEqual([
    'web-1',
    'web-2',
  ]);
  // Whoever comes meanwhile gets others.
  compute.run({ ...web, name: 'batch', replicas: 2 });
  const others = [...(await running('batch', 2)).values()].flatMap((one) => one.addresses);
  compute.run(web);
  const after = await running('web', 3);
  for (const [name, { addresses }] of before) {
    expect(after.get(name)?.addresses).toEqual(addresses);
    expect(addresses.filter((address) => others.includes(address))).toEqual([]);
  }
  expect(await uidOf(interfacesOf('alpha'), 'web-2')).toBe(kept);
});

it('runs what waits for its location as soon as that is there', async () => {
  compute.run({ ...web, name: 'early', location: 'lhr', replicas: 1 });
  const path = `${pathOf(claimsOf('alpha'))}/early-0`;
  const bound = async () => {
    const { body } = await ask(operator, 'GET', path);
    return body.status?.conditions.find(({ type }: { type: string }) => type === 'Bound')?.reason;
  };
  await expect.poll(bound).toBe('LocationNotFound');
  expect(compute.instances('early').size).toBe(0);
  await makeLocations(operator, 'lhr');
  await running('early', 1);
});
