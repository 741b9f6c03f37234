import { ApiException, type KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Answer, ask } from '../clients/ask.ts';
import { claimNamed } from '../clients/churn.ts';
import { claimsOf, interfacesOf, networksOf, pathOf } from '../clients/followers.ts';
import { makeLocations, makeProjects } from '../clients/project.ts';
import { SecuredLedger } from '../clients/secured-ledger.ts';
import { MapDataPlane } from './controllers/map-data-plane.ts';
import { type ProviderSettings, ReferenceProvider } from './controllers/reference-provider.ts';

vi.setConfig({ testTimeout: 60_000 });

const APPLY = 'application/apply-patch+yaml';
const NICS = pathOf(interfacesOf('alpha'));
const CLAIMS = pathOf(claimsOf('alpha'));

let ledger: SecuredLedger;
let operator: KubeConfig;
/** The access of the two providers at dfw, which share the work on each interface. */
let fabricAccess: KubeConfig;
let agentAccess: KubeConfig;
let agentProvider: ReferenceProvider;
const providers: ReferenceProvider[] = [];
const fabric = new MapDataPlane();
const agent = new MapDataPlane();
const elsewhere = new MapDataPlane();

const prepared = { type: 'Prepared', status: 'True', reason: 'Attached' } as const;
const programmed = { type: 'Programmed', status: 'True', reason: 'Programmed' } as const;
const port = { apiGroup: 'example.com', kind: 'Port', name: 'p-1' };
const agentSettings: ProviderSettings = {
  name: 'agent',
  dataPlane: agent,
  report: () => ({ conditions: [programmed], attachmentRef: port }),
};

beforeAll(async () => {
  ledger = await SecuredLedger.start();
  const passage = await ledger.passage();
  operator = ledger.operator(passage);
  await makeLocations(operator, 'dfw', 'lhr');
  await makeProjects(operator, 'alpha');
  const accessOf = (subject: string, location: string) =>
    ledger.access({ role: 'provider', subject, locations: [location] }, passage);
  fabricAccess = await accessOf('fabric', 'dfw');
  begin(fabricAccess, {
    name: 'fabric',
    dataPlane: fabric,
    report: () => ({ conditions: [prepared], vpc: 'vpc-7' }),
  });
  agentAccess = await accessOf('agent', 'dfw');
  agentProvider = begin(agentAccess, agentSettings);
  begin(await accessOf('elsewhere', 'lhr'), {
    name: 'elsewhere',
    dataPlane: elsewhere,
    report: () => ({ conditions: [prepared, programmed] }),
  });
});

function begin(access: KubeConfig, settings: ProviderSettings): ReferenceProvider {
  const provider = new ReferenceProvider(access, settings);
  providers.push(provider);
  provider.start();
  return provider;
}

afterAll(async () => {
  for (const provider of providers) await provider.stop();
  await ledger.remove();
  // Where two write to one object one of them is second now and then, and looks again.
  const failures = providers.flatMap((provider) => provider.failures);
  expect(failures.filter((failure) => !isSecond(failure))).toEqual([]);
});

const get = async (path: string): Promise<Answer> => ask(operator, 'GET', path);

async function claim(name: string, spec: object = {}): Promise<string[]> {
  const { code, body } = await ask(operator, 'POST', CLAIMS, claimNamed(name, spec));
  expect(code).toBe(201);
  return body.status.addresses.map(({ address }: { address: string }) => address);
}

async function conditionsOf(path: string): Promise<Record<string, string>> {
  const { body } = await get(path);
  const conditions: { type: string; status: string }[] = body.status?.conditions ?? [];
  return Object.fromEntries(conditions.map(({ type, status }) => [type, status]));
}

async function untilReady(name: string): Promise<void> {
  await expect.poll(() => conditionsOf(`${CLAIMS}/${name}`)).toMatchObject({ Ready: 'True' });
}

function isSecond(failure: unknown): boolean {
  return failure instanceof ApiException && (failure.code === 409 || failure.code === 404);
}

/** The blocks that rest, and are given to nobody. */
async function resting(): Promise<string[]> {
  const path = '/apis/ipam.miloapis.com/v1alpha1/namespaces/alpha/ipallocations';
  const { body } = await get(`${path}?fieldSelector=status.phase%3DQuarantined`);
  return body.items.map((one: Answer['body']) => one.status.allocatedCIDR);
}

describe('a provider', () => {
  it('sees the interfaces of its locations, and nothing of any other kind', async () => {
    await claim('there', { location: { name: 'lhr' } });
    await untilReady('there');
    const { body } = await ask(fabricAccess, 'GET', pathOf(interfacesOf()));
    expect(body.items).toEqual([]);
    expect((await ask(fabricAccess, 'GET', `${NICS}/there`)).code).toBe(404);
    for (const other of [claimsOf('alpha'), networksOf('alpha')]) {
      expect((await ask(fabricAccess, 'GET', pathOf(other))).code).toBe(403);
    }
    expect([elsewhere.nics.size, fabric.nics.size]).toEqual([1, 0]);
  });

  it('makes a claim ready together with another one, each by its own reports', async () => {
    const addresses = await claim('web-0', { ipFamilies: ['IPv6', 'IPv4'] });
    await untilReady('web-0');
    const { body } = await get(`${NICS}/web-0`);
    expect(body.status).toMatchObject({ vpc: 'vpc-7', attachmentRef: port });
    expect(body.metadata.finalizers.toSorted()).toEqual([
      'agent.example.com/nic',
      'fabric.example.com/nic',
    ]);
    expect(fabric.addresses).toEqual(addresses);
    expect(agent.addresses).toEqual(addresses);
    const reports = body.metadata.managedFields.filter(
      (one: { subresource?: string }) => one.subresource === 'status',
    );
    expect(reports.map((one: { manager: string }) => one.manager).toSorted()).toEqual([
      'agent',
      'fabric',
    ]);
  });

  it('is refused what another one reports, which stays as it was', async () => {
    const body = {
      apiVersion: 'networking.datumapis.com/v1alpha',
      kind: 'NetworkInterface',
      metadata: { name: 'web-0' },
      status: { vpc: 'vpc-8' },
    };
    const path = `${NICS}/web-0/status?fieldManager=newcomer`;
    const refused = await ask(fabricAccess, 'PATCH', path, body, APPLY);
    expect(refused).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
    expect(refused.body.details.causes[0]).toMatchObject({
      reason: 'FieldManagerConflict',
      field: '.status.vpc',
    });
    expect((await get(`${NICS}/web-0`)).body.status.vpc).toBe('vpc-7');
  });

  it('keeps the addresses of a deleted interface until its NIC is torn down', async () => {
    const [address = ''] = await claim('job');
    await untilReady('job');
    const held = Promise.withResolvers<void>();
    agent.mayTearDown = held.promise;
    await ask(operator, 'DELETE', `${CLAIMS}/job`);
    // One of two has let go.
    const finalizers = async () => (await get(`${NICS}/job`)).body.metadata.finalizers;
    await expect.poll(finalizers).toEqual(['agent.example.com/nic']);
    expect(fabric.addresses).not.toContain(address);
    expect(agent.addresses).toContain(address);
    expect(await resting()).not.toContain(address);
    // A claim of its name waits meanwhile, and everybody else gets other addresses.
    const again = await ask(operator, 'POST', CLAIMS, claimNamed('job'));
    expect(again.body.status.addresses ?? []).toEqual([]);
    expect(await claim('other')).not.toContain(address);
    held.resolve();
    await expect.poll(resting).toContain(address);
    expect(agent.addresses).not.toContain(address);
    await untilReady('job');
    expect((await get(`${CLAIMS}/job`)).body.status.addresses[0].address).not.toBe(address);
  });

  it('that was away when an interface was deleted tears down when it comes back', async () => {
    await claim('crash');
    await untilReady('crash');
    await agentProvider.stop();
    await ask(operator, 'DELETE', `${CLAIMS}/crash`);
    const finalizers = async () => (await get(`${NICS}/crash`)).body.metadata?.finalizers;
    await expect.poll(finalizers).toEqual(['agent.example.com/nic']);
    agentProvider = begin(agentAccess, agentSettings);
    await expect.poll(async () => (await get(`${NICS}/crash`)).code).toBe(404);
    expect(agent.addresses.toSorted()).toEqual(fabric.addresses.toSorted());
  });

  it('tells nobody anything by reporting again what it has reported', async () => {
    const before = (await get(`${NICS}/other`)).body.metadata.resourceVersion;
    const label = { metadata: { labels: { looked: 'again' } } };
    await ask(operator, 'PATCH', `${NICS}/other`, label, 'application/merge-patch+json');
    await untilReady('other');
    const labelled = (await get(`${NICS}/other`)).body;
    expect(BigInt(labelled.metadata.resourceVersion)).toBeGreaterThan(BigInt(before));
    await claim('last');
    await untilReady('last');
    expect((await get(`${NICS}/other`)).body).toEqual(labelled);
  });
});
