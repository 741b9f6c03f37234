import { expect, test } from 'vitest';
import { realService } from './real-service.ts';
import { ALPHA, claim } from './world.ts';

const service = realService('quarantine');
const { get, send } = service;
const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const OWN = `${IPAM}/namespaces/alpha/ipallocations`;
const CLAIMS = `${ALPHA}/networkinterfaceclaims`;
const RESTING = `fieldSelector=${encodeURIComponent('status.phase=Quarantined')}`;
const QUARANTINE_MS = 150_000;

interface Items {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly namespace: string };
    readonly spec: { readonly purpose: string };
    readonly status: { readonly allocatedCIDR: string };
  }[];
}
const blocks = ({ body }: { body: Items }) => body.items.map(({ status }) => status.allocatedCIDR);
const resting = async (query = '') => blocks(await get(`${OWN}?${RESTING}${query}`));

let nic: { readonly metadata: { readonly uid: string } };
let heldAt: string;

test('what rests is listed for who asks for it, with its last holder', async () => {
  await send('POST', CLAIMS, claim('web', { ipFamilies: ['IPv4', 'IPv6'] }));
  nic = (await get(`${ALPHA}/networkinterfaces/web`)).body;
  heldAt = (await get(`${OWN}?limit=1`)).body.metadata.resourceVersion;
  expect(await resting()).toEqual([]);
  service.nowMs += 1_000;
  await send('DELETE', `${CLAIMS}/web`);
  const { body } = await get(`${OWN}?${RESTING}`);
  expect(blocks({ body }).toSorted()).toEqual(['10.128.0.2/32', 'fd20::1:0:0/96']);
  const one = body.items.find(({ spec }: { spec: { ipFamily: string } }) => {
    return spec.ipFamily === 'IPv4';
  });
  expect(one).toMatchObject({
    ...{ kind: 'IPAllocation', metadata: { namespace: 'alpha' } },
    spec: {
      ...{ ipFamily: 'IPv4', purpose: 'Interface', className: 'tenant-endpoint-ipv4' },
      poolRef: { name: 'tenant-subnet-ipv4.alpha.net-a.dfw' },
      holder: { kind: 'NetworkInterface', name: 'web', uid: nic.metadata.uid },
    },
    status: {
      ...{ phase: 'Quarantined', allocatedCIDR: '10.128.0.2/32', address: '10.128.0.2' },
      // The first whole second at which it is.
      availableAt: '2026-03-02T08:02:32Z',
    },
  });
});

test('no other list or get has it, and a watch of it is refused', async () => {
  const [{ metadata }] = (await get(`${OWN}?${RESTING}`)).body.items;
  expect((await get(`${OWN}/${metadata.name}`)).code).toBe(404);
  expect(blocks(await get(OWN))).not.toContain('10.128.0.2/32');
  const negated = encodeURIComponent('status.phase!=Held');
  expect(blocks(await get(`${OWN}?fieldSelector=${negated}`))).toEqual([]);
  expect(await get(`${OWN}?watch=true&${RESTING}`)).toMatchObject({
    code: 400,
    body: { message: expect.stringContaining('ends by time alone') },
  });
});

test('other selectors choose among what rests', async () => {
  const only = (more: string) => {
    const selector = encodeURIComponent(`status.phase=Quarantined,${more}`);
    return get(`${OWN}?fieldSelector=${selector}`).then(blocks);
  };
  expect(await only('spec.className=tenant-endpoint-ipv4')).toEqual(['10.128.0.2/32']);
  expect(await only('spec.holder.name=other')).toEqual([]);
  expect(await only('status.phase=Held')).toEqual([]);
  expect(await only('metadata.name=web')).toEqual([]);
});

test('it is shown as of an instant or position, and until it is available', async () => {
  const position = (await get(`${OWN}?limit=1`)).body.metadata.resourceVersion;
  expect(await resting(`&asOf=${heldAt}`)).toEqual([]);
  expect(await resting(`&asOf=${position}`)).toHaveLength(2);
  const released = new Date(service.nowMs).toISOString();
  service.nowMs += QUARANTINE_MS - 1;
  const last = new Date(service.nowMs).toISOString();
  expect(await resting()).toHaveLength(2);
  service.nowMs += 1;
  const over = new Date(service.nowMs).toISOString();
  expect(await resting()).toEqual([]);
  service.nowMs += 1;
  for (const [instant, count] of [
    [released, 2],
    [last, 2],
    [over, 0],
  ] as const) {
    expect(await resting(`&asOf=${instant}`)).toHaveLength(count);
  }
  expect(await resting(`&asOf=${position}`)).toHaveLength(2);
});

test('pages of one list show one instant, over all namespaces in their order', async () => {
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'beta' } });
  const beta = ALPHA.replace('/alpha', '/beta');
  await send('POST', `${beta}/networks`, { metadata: { name: 'net-a' }, spec: {} });
  const rest = async (base: string, name: string) => {
    const made = await send('POST', `${base}/networkinterfaceclaims`, claim(name));
    expect(made.body.status.networkInterfaceRef).toBeDefined();
    await send('DELETE', `${base}/networkinterfaceclaims/${name}`);
    service.nowMs += 1_000;
  };
  for (const name of ['a', 'b', 'c']) {
    await rest(beta, name);
    await rest(ALPHA, name);
  }
  const url = `${IPAM}/ipallocations?limit=2&${RESTING}`;
  const seen: string[] = [];
  for (let token = ''; ; service.nowMs += QUARANTINE_MS) {
    const { body } = await get(url + token);
    for (const { metadata, spec } of body.items) {
      seen.push(`${metadata.namespace}/${spec.holder.name}`);
    }
    if (body.metadata.continue === undefined) break;
    token = `&continue=${body.metadata.continue}`;
  }
  expect(seen).toEqual(['alpha/a', 'alpha/b', 'alpha/c', 'beta/a', 'beta/b', 'beta/c']);
  expect(blocks(await get(`${IPAM}/ipallocations?${RESTING}`))).toEqual([]);
});

test('a range that rests is of the project it is in, and goes with the pool it is of', async () => {
  await send('POST', CLAIMS, claim('last'));
  await send('DELETE', `${CLAIMS}/last`);
  expect(await resting()).toHaveLength(1);
  await send('DELETE', `${ALPHA}/networks/net-a`);
  const { body } = await get(`${OWN}?${RESTING}`);
  expect(body.items).toEqual([
    expect.objectContaining({
      spec: expect.objectContaining({
        ...{ purpose: 'PoolCarve', poolRef: { name: 'tenant-project-ipv6.alpha' } },
        holder: { kind: 'IPPool', name: 'tenant-network-ipv6.alpha.net-a' },
      }),
    }),
  ]);
  await send('DELETE', '/api/v1/namespaces/alpha');
  expect(await resting()).toEqual([]);
  const system = await get(`${IPAM}/namespaces/netalloc-system/ipallocations?${RESTING}`);
  expect(blocks(system)).toEqual(['fd20::/40']);
});
