import { expect, test } from 'vitest';
import { realService } from './real-service.ts';
import { ALPHA, claim } from './world.ts';

const service = realService('ip-allocations');
const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const OWN = `${IPAM}/namespaces/alpha/ipallocations`;
const IPCLAIMS = `${IPAM}/namespaces/alpha/ipclaims`;
const NICCS = `${ALPHA}/networkinterfaceclaims`;
const SUBNET4 = 'tenant-subnet-ipv4.alpha.net-a.dfw';

const both = { ipFamilies: ['IPv6', 'IPv4'] };
const here = { network: 'net-a', location: 'dfw' };
const names = (body: { items: { metadata: { name: string } }[] }) =>
  body.items.map(({ metadata }) => metadata.name);
const list = async (query = '') => (await service.get(OWN + query)).body;
const selected = (selector: string) =>
  list(`?fieldSelector=${encodeURIComponent(selector)}`).then(names);

/** All names, one page each. */
async function paged(): Promise<string[]> {
  const all: string[] = [];
  for (let query = '?limit=1'; query !== ''; ) {
    const page = await list(query);
    all.push(...names(page));
    const { continue: token } = page.metadata;
    query = token ? `?limit=1&continue=${token}` : '';
  }
  return all;
}

test('every block of a project has a record, whoever holds it', async () => {
  const made = await service.send('POST', NICCS, claim('web', both));
  expect(made.code).toBe(201);
  const { body: nic } = await service.get(`${ALPHA}/networkinterfaces/web`);
  const body = await list();
  expect(names(body)).toEqual([
    'carve:tenant-network-ipv4.alpha.net-a:10.128.0.0-20',
    'carve:tenant-network-ipv6.alpha.net-a:fd20::-64',
    'carve:tenant-project-ipv6.alpha:fd20::-48',
    'reservation:tenant-subnet-ipv4.alpha.net-a.dfw:10.128.0.0-31',
    'reservation:tenant-subnet-ipv4.alpha.net-a.dfw:10.128.15.254-31',
    'reservation:tenant-subnet-ipv6.alpha.net-a.dfw:fd20::-96',
    'interface:web:tenant-endpoint-ipv6',
    'interface:web:tenant-endpoint-ipv4',
  ]);
  const { uid } = nic.metadata;
  expect(body.items.at(-1)).toMatchObject({
    ...{ apiVersion: 'ipam.miloapis.com/v1alpha1', kind: 'IPAllocation' },
    metadata: {
      ...{ namespace: 'alpha', resourceVersion: nic.metadata.resourceVersion },
      creationTimestamp: nic.metadata.creationTimestamp,
    },
    spec: {
      ...{ ipFamily: 'IPv4', poolRef: { name: SUBNET4 }, className: 'tenant-endpoint-ipv4' },
      ...{ purpose: 'Interface', holder: { kind: 'NetworkInterface', name: 'web', uid } },
      reclaimPolicy: 'Delete',
    },
    status: { allocatedCIDR: '10.128.0.2/32', address: '10.128.0.2', phase: 'Held' },
  });
  const withheld = body.items.find(({ metadata }: { metadata: { name: string } }) =>
    metadata.name.endsWith('10.128.0.0-31'),
  );
  expect(withheld.spec).toMatchObject({
    ...{ purpose: 'Reservation', holder: { kind: 'IPClass', name: 'tenant-subnet-ipv4' } },
    reason: 'first 2 /32 of every subnet',
  });
  for (const item of body.items) {
    expect((await service.get(`${OWN}/${item.metadata.name}`)).body).toEqual(item);
  }
});

test('records of no project are in the namespace of the system', async () => {
  const { body } = await service.get(`${IPAM}/namespaces/netalloc-system/ipallocations`);
  expect(names(body)).toEqual(['carve:tenant-ipv6:fd20::-40']);
  const all = await service.get(`${IPAM}/ipallocations`);
  expect(names(all.body)).toEqual([...names(await list()), 'carve:tenant-ipv6:fd20::-40']);
});

test('they are selected by what they are for, and come page by page', async () => {
  expect(await selected('spec.purpose=Interface,spec.className=tenant-endpoint-ipv6')).toEqual([
    'interface:web:tenant-endpoint-ipv6',
  ]);
  expect(await selected(`spec.poolRef.name=${SUBNET4},spec.purpose!=Reservation`)).toEqual([
    'interface:web:tenant-endpoint-ipv4',
  ]);
  expect(await selected('metadata.name=interface:web:tenant-endpoint-ipv4')).toHaveLength(1);
  expect(await paged()).toEqual(names(await list()));
});

test('names of any length give names that can be asked for', async () => {
  const long = [...Array(4)].map((_, n) => String(n).repeat(60)).join('.');
  for (const name of [long, `${long.slice(0, -1)}x`]) {
    await service.send('POST', NICCS, claim(name, both));
  }
  const found = await selected('spec.purpose=Interface');
  expect(found).toHaveLength(6);
  expect(new Set(found).size).toBe(6);
  for (const name of found) {
    expect(name.length).toBeLessThanOrEqual(253);
    const { body } = await service.get(`${OWN}/${name}`);
    expect(body.metadata.name).toBe(name);
  }
  expect(await paged()).toEqual(names(await list()));
  for (const name of [long, `${long.slice(0, -1)}x`])
    await service.send('DELETE', `${NICCS}/${name}`);
});

test('that of an interface goes with it; nothing of it can be written', async () => {
  const url = `${OWN}/interface:web:tenant-endpoint-ipv4`;
  expect(await service.send('DELETE', url)).toMatchObject({
    code: 409,
    body: {
      reason: 'InUse',
      message: expect.stringContaining('NetworkInterface "web" and goes with it'),
    },
  });
  const carve = 'carve:tenant-project-ipv6.alpha:fd20::-48';
  expect((await service.send('DELETE', `${OWN}/${carve}`)).code).toBe(409);
  expect((await service.send('DELETE', `${OWN}/nothing`)).code).toBe(404);
  for (const [method, at] of [
    ['PATCH', url],
    ['PUT', url],
    ['POST', OWN],
  ] as const) {
    expect((await service.send(method, at, {})).code).toBe(405);
  }
  const before = (await list()).metadata.resourceVersion;
  await service.send('DELETE', `${NICCS}/web`);
  expect((await service.get(url)).code).toBe(404);
  expect(await selected('spec.purpose=Interface')).toEqual([]);
  expect(names(await list(`?asOf=${before}`))).toContain('interface:web:tenant-endpoint-ipv4');
  expect((await service.get(`${url}?asOf=${before}`)).body.status.phase).toBe('Held');
});

test('that of an address from outside names its pool, also when that is gone', async () => {
  const named = (name: string, spec: object) => ({ metadata: { name }, spec });
  const ipClass = { ipFamily: 'IPv4', defaultPrefixLength: 32, quarantine: '0s' };
  await service.send('POST', `${IPAM}/ipclasses`, named('public', ipClass));
  const root = { ipFamily: 'IPv4', cidr: '198.51.100.0/29' };
  await service.send('POST', `${IPAM}/ippools`, named('edge', root));
  const child = { ipFamily: 'IPv4', parentPoolRef: { name: 'edge' }, prefixLength: 31 };
  const offer = { ...child, classNames: ['public'] };
  await service.send('POST', `${IPAM}/ippools`, named('edge-a', offer));
  await service.send('POST', NICCS, claim('out', { addresses: [{ class: 'public' }] }));
  const url = `${OWN}/interface:out:public`;
  const held = (await service.get(url)).body;
  expect(held.spec.poolRef).toEqual({ name: 'edge-a' });
  const { resourceVersion } = held.metadata;
  await service.send('DELETE', `${NICCS}/out`);
  for (const pool of ['edge-a', 'edge']) {
    const gone = () => service.send('DELETE', `${IPAM}/ippools/${pool}`);
    await expect.poll(async () => (await gone()).code).toBe(200);
  }
  expect((await service.get(`${url}?asOf=${resourceVersion}`)).body).toEqual(held);
  const listed = (await list(`?asOf=${resourceVersion}`)).items;
  expect(listed.find((one: typeof held) => one.metadata.name === held.metadata.name)).toEqual(held);
});

test('that of an IPClaim has its name, and is deleted by hand once it is retained', async () => {
  const spec = { className: 'tenant-endpoint-ipv4', scope: here, reclaimPolicy: 'Retain' };
  const made = await service.send('POST', IPCLAIMS, { metadata: { name: 'lb' }, spec });
  expect(made.body.status.boundAllocationRef).toEqual({ name: 'lb' });
  const { body: held } = await service.get(`${OWN}/lb`);
  expect(held).toMatchObject({
    spec: {
      ...{ purpose: 'Claim', holder: { kind: 'IPClaim', name: 'lb' }, reclaimPolicy: 'Retain' },
      poolRef: { name: SUBNET4 },
    },
    status: { allocatedCIDR: made.body.status.allocatedCIDR, phase: 'Held' },
  });
  expect(await service.send('DELETE', `${OWN}/lb`)).toMatchObject({
    ...{ code: 409, body: { reason: 'InUse' } },
  });
  await service.send('DELETE', `${IPCLAIMS}/lb`);
  expect((await service.get(`${OWN}/lb`)).body).toMatchObject({
    metadata: { generation: 2 },
    status: { phase: 'Retained', retention: { retainedAt: expect.any(String) } },
  });
  expect(await selected('status.phase=Retained')).toEqual(['lb']);
  const stale = { preconditions: { resourceVersion: held.metadata.resourceVersion } };
  expect((await service.send('DELETE', `${OWN}/lb`, stale)).code).toBe(409);
  expect((await service.send('DELETE', `${OWN}/lb`)).code).toBe(200);
  expect((await service.get(`${OWN}/lb`)).code).toBe(404);
});

test('nothing is left of what is withheld and carved when a network goes', async () => {
  expect((await list()).items.length).toBeGreaterThan(0);
  expect((await service.send('DELETE', `${ALPHA}/networks/net-a`)).code).toBe(200);
  expect(names(await list())).toEqual([]);
});
