import { expect, it } from 'vitest';
import { realService } from '../http/real-service.ts';
import {
  CLAIMS,
  CONTEXTS,
  claim,
  INTERFACES,
  LOCATIONS,
  location,
  NETWORKS,
  network,
} from '../http/world.ts';

/** Each rule of a claim's life as a client sees it, over HTTP. */
const service = realService('lifecycle');
const both = { ipFamilies: ['IPv6', 'IPv4'] };
const retain = { ...both, reclaimPolicy: 'Retain' };

const post = (name: string, spec: object = both, headers = {}) =>
  service.send('POST', CLAIMS, claim(name, spec), headers);
const remove = (url: string, body?: object) => service.send('DELETE', url, body);
const nicOf = (name: string) => service.get(`${INTERFACES}/${name}`);
const addressesOf = (body: { status: { addresses: { address: string }[] } }) =>
  body.status.addresses.map(({ address }) => address);
const condition = (
  body: { status: { conditions: { type: string; status: string; reason: string }[] } },
  type: string,
) => body.status.conditions.find((one) => one.type === type);
const reasonOf = async (name: string) =>
  condition((await service.get(`${CLAIMS}/${name}`)).body, 'Bound')?.reason;

it('L1 a claim is answered with an address of each family and its binding', async () => {
  const { code, body } = await post('l1');
  expect(code).toBe(201);
  expect(addressesOf(body)).toHaveLength(2);
  expect(condition(body, 'Bound')).toMatchObject({ status: 'True' });
  expect((await nicOf('l1')).body.spec.claimRef.uid).toBe(body.metadata.uid);
});

it('L2 many first claims at a location make one presence and blocks of their own', async () => {
  await service.send('POST', LOCATIONS, location('l2'));
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, n) => post(`l2-${n}`, { ...both, location: { name: 'l2' } })),
  );
  const addresses = answers.flatMap(({ body }) => addressesOf(body));
  expect(new Set(addresses).size).toBe(32);
  const contexts = await service.get(CONTEXTS);
  const there = contexts.body.items.filter(
    ({ spec }: { spec: { location: { name: string } } }) => spec.location.name === 'l2',
  );
  expect(there).toHaveLength(1);
});

it('L3 the same request with the same key has the same answer', async () => {
  const key = { 'idempotency-key': 'l3' };
  const first = await post('l3', both, key);
  const again = await post('l3', both, key);
  expect([again.code, again.body]).toEqual([first.code, first.body]);
});

it('L4 a name that is taken is refused', async () => {
  expect(await post('l1')).toMatchObject({ code: 409, body: { reason: 'AlreadyExists' } });
});

it('L5 a claim waits for its location, and binds by itself when that is open', async () => {
  const at = { ...both, location: { name: 'l5' } };
  expect((await post('l5', at)).code).toBe(201);
  expect(await reasonOf('l5')).toBe('LocationNotFound');
  await service.send('POST', LOCATIONS, location('l5', { projects: ['other'] }));
  await expect.poll(() => reasonOf('l5')).toBe('NetworkNotAvailableInLocation');
  const change = (spec: object) => service.send('PATCH', `${LOCATIONS}/l5`, { spec });
  await change({ projects: ['*'], draining: true });
  await expect.poll(() => reasonOf('l5')).toBe('LocationDraining');
  await change({ draining: false });
  await expect.poll(() => reasonOf('l5')).toBe('Bound');
});

it('L6 a claim for a family that its network lacks waits until it is added', async () => {
  await service.send('POST', NETWORKS, network('six', { ipFamilies: ['IPv6'] }));
  await post('l6', { ...both, network: { name: 'six' } });
  expect(await reasonOf('l6')).toBe('AddressFamilyNotCarried');
  expect((await nicOf('l6')).code).toBe(404);
  await service.send('PATCH', `${NETWORKS}/six`, { spec: both });
  await expect.poll(() => reasonOf('l6')).toBe('Bound');
});

it('L7 a claim of which one class cannot be met holds nothing, and says which', async () => {
  const ipam = '/apis/ipam.miloapis.com/v1alpha1';
  const open = { visibility: 'shared', projects: ['*'], defaultPrefixLength: 32 };
  for (const name of ['l7-wide', 'l7-full']) {
    const spec = { ipFamily: 'IPv4', ...open };
    await service.send('POST', `${ipam}/ipclasses`, { metadata: { name }, spec });
  }
  for (const [name, cidr] of [
    ['l7-wide', '198.51.100.0/28'],
    ['l7-full', '203.0.113.0/32'],
  ] as const) {
    const spec = { ipFamily: 'IPv4', cidr, classNames: [name] };
    await service.send('POST', `${ipam}/ippools`, { metadata: { name }, spec });
  }
  const wants = (...names: string[]) => ({
    ...both,
    addresses: names.map((name) => ({ class: name })),
  });
  const heldOf = async (url: string) => {
    const { status } = (await service.get(url)).body;
    return status.capacity?.held ?? status.subnets.map(({ held }: { held: string }) => held);
  };
  await post('l7-first', wants('l7-full'));
  const places = [`${ipam}/ippools/l7-wide`, `${CONTEXTS}/net-a.dfw`];
  const before = await Promise.all(places.map(heldOf));
  const { code, body } = await post('l7', wants('l7-wide', 'l7-full'));
  expect([code, condition(body, 'Bound')]).toMatchObject([
    201,
    { reason: 'AddressPoolExhausted', message: 'pool "l7-full" (root) has no free /32' },
  ]);
  expect((await nicOf('l7')).code).toBe(404);
  await expect.poll(() => Promise.all(places.map(heldOf))).toEqual(before);
  await post('l7-absent', wants('absent'));
  expect(await reasonOf('l7-absent')).toBe('ClassNotFound');
});

it('L9 the deletion of a claim of policy Delete ends its interface', async () => {
  const url = `${CONTEXTS}/net-a.dfw`;
  const ipv4 = async () => (await service.get(url)).body.status.subnets[1];
  const before = await ipv4();
  expect((await remove(`${CLAIMS}/l3`)).code).toBe(200);
  expect((await nicOf('l3')).code).toBe(404);
  const after = await ipv4();
  expect([Number(after.held), after.free]).toEqual([Number(before.held) - 1, before.free]);
});

it('L10 the interface of a claim of policy Retain keeps its addresses when that goes', async () => {
  await post('l10', retain);
  const { body: bound } = await nicOf('l10');
  expect((await remove(`${CLAIMS}/l10`)).code).toBe(200);
  const { body: kept } = await nicOf('l10');
  expect(kept).toMatchObject({
    metadata: { uid: bound.metadata.uid },
    spec: { addresses: bound.spec.addresses },
    status: { phase: 'Available' },
  });
  expect(kept.spec).not.toHaveProperty('claimRef');
  // Times of objects are whole seconds.
  expect(Date.parse(kept.status.retention.retainedAt)).toBe(Math.trunc(service.nowMs / 1e3) * 1e3);
});

it('L11 a claim of its name binds it if it is compatible, and nothing is allocated', async () => {
  const { body: before } = await nicOf('l10');
  await post('l10', both);
  expect(await reasonOf('l10')).toBe('ReclaimPolicyMismatch');
  await remove(`${CLAIMS}/l10`);
  const { body: after } = await post('l10', retain);
  expect(addressesOf(after)).toEqual(
    before.spec.addresses.map(({ address }: { address: string }) => address),
  );
  const { body: bound } = await nicOf('l10');
  expect(bound.metadata.uid).toBe(before.metadata.uid);
  expect(bound.spec.claimRef.uid).toBe(after.metadata.uid);
});

it('L12 a claim that pins an interface waits for that one', async () => {
  await post('l12', { ...retain, networkInterfaceName: 'absent' });
  expect(await reasonOf('l12')).toBe('InterfaceNotFound');
  await post('l12-held', { ...retain, networkInterfaceName: 'l10' });
  expect(await reasonOf('l12-held')).toBe('InterfaceHeldByAnotherClaim');
  await remove(`${CLAIMS}/l12-held`);
});

it('L13 the interface of a claim that lives is not deleted by hand', async () => {
  expect(await remove(`${INTERFACES}/l10`)).toMatchObject({ code: 409, body: { reason: 'InUse' } });
  expect((await nicOf('l10')).body.status.phase).toBe('Bound');
});

it('L14 an available interface is deleted by hand, and its name is free again', async () => {
  await remove(`${CLAIMS}/l10`);
  const { body: before } = await nicOf('l10');
  expect((await remove(`${INTERFACES}/l10`)).code).toBe(200);
  expect((await post('l10', both)).code).toBe(201);
  expect(await reasonOf('l10')).toBe('Bound');
  const { body: after } = await nicOf('l10');
  expect(after.metadata.uid).not.toBe(before.metadata.uid);
  // What was released is in quarantine.
  expect(after.spec.addresses).not.toEqual(before.spec.addresses);
});

it('L17 interfaces follow the MTU of their network', async () => {
  await service.send('PATCH', `${NETWORKS}/net-a`, { spec: { mtu: 8856 } });
  await expect.poll(async () => (await nicOf('l1')).body.spec.mtu).toBe(8856);
  await post('l17');
  expect((await nicOf('l17')).body.spec.mtu).toBe(8856);
});

it('L18 a network in which interfaces stand is not deleted', async () => {
  const refused = await remove(`${NETWORKS}/net-a`);
  expect(refused).toMatchObject({ code: 409, body: { reason: 'InUse' } });
  expect(refused.body.message).toMatch(/\d+ interfaces/);
});

it('L18 an empty network gives its presences and its range back', async () => {
  await service.send('POST', NETWORKS, network('l18', { ipFamilies: ['IPv6'] }));
  const { ipv6Prefix } = (await service.get(`${NETWORKS}/l18`)).body.status.ipam;
  await post('l18', { network: { name: 'l18' }, ipFamilies: ['IPv6'] });
  expect((await remove(`${NETWORKS}/l18`)).code).toBe(409);
  await remove(`${CLAIMS}/l18`);
  expect((await remove(`${NETWORKS}/l18`)).code).toBe(200);
  expect((await service.get(`${CONTEXTS}/l18.dfw`)).code).toBe(404);
  // The range rests as long as what was inside it, and is the next one then.
  service.nowMs += 150_000;
  await service.send('POST', NETWORKS, network('l18-next', { ipFamilies: ['IPv6'] }));
  const next = (await service.get(`${NETWORKS}/l18-next`)).body.status.ipam.ipv6Prefix;
  expect(next).toBe(ipv6Prefix);
});

it('L19 a writer that means another object, or an older one, is refused', async () => {
  const { uid } = (await nicOf('l1')).body.metadata;
  const stale = await remove(`${CLAIMS}/l1`, { preconditions: { uid } });
  expect(stale).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
  expect((await nicOf('l1')).code).toBe(200);
});
