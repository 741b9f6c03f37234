import { expect, test } from 'vitest';
import { type Answer, realService } from '../http/real-service.ts';
import { ALPHA, CLAIMS, CONTEXTS, claim, INTERFACES, NETWORKS, network } from '../http/world.ts';

/** Situations of the scenarios' table that no other test is about. */
const service = realService('scenarios');
const { send, get } = service;

const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const POOLS = `${IPAM}/ippools`;
const IPCLAIMS = `${IPAM}/namespaces/alpha/ipclaims`;
const ALLOCATIONS = `${IPAM}/namespaces/alpha/ipallocations`;

const named = (name: string, spec: object) => ({ metadata: { name }, spec });
const pool = async (name: string, cidr: string, spec: object = {}) => {
  const body = named(name, { ipFamily: cidr.includes(':') ? 'IPv6' : 'IPv4', cidr, ...spec });
  expect((await send('POST', POOLS, body)).code).toBe(201);
};
const block = (name: string, poolName: string, prefixLength: number) =>
  send('POST', IPCLAIMS, named(name, { poolRef: { name: poolName }, prefixLength }));
const cidrOf = ({ body }: Answer) => body.status.allocatedCIDR;
const capacityOf = async (name: string) => (await get(`${POOLS}/${name}`)).body.status.capacity;
const conditionsOf = ({ body }: Answer) =>
  Object.fromEntries(
    body.status.conditions.map(({ type, status }: Record<string, string>) => [type, status]),
  );

test('a /29 has eight hosts and no ninth, a /128 one', async () => {
  await pool('hosts', '198.51.100.0/29');
  const answers: Answer[] = [];
  for (let n = 0; n < 8; n += 1) answers.push(await block(`host-${n}`, 'hosts', 32));
  expect(answers.map(({ body }) => body.status.address)).toEqual(
    Array.from({ length: 8 }, (_, n) => `198.51.100.${n}`),
  );
  expect(await block('ninth', 'hosts', 32)).toMatchObject({
    code: 507,
    body: { reason: 'Exhausted' },
  });
  await pool('single', '2001:db8::1/128');
  expect((await block('only', 'single', 128)).body.status.address).toBe('2001:db8::1');
  expect((await block('second', 'single', 128)).code).toBe(507);
});

test('many at once get blocks of their own, and who gives back and who takes do not block', async () => {
  await pool('wide', '10.16.0.0/16');
  const first = await Promise.all(
    Array.from({ length: 40 }, (_, n) => block(`first-${n}`, 'wide', 24)),
  );
  expect(new Set(first.map(cidrOf)).size).toBe(40);
  const mixed = await Promise.all(
    Array.from({ length: 80 }, (_, n) =>
      n % 2 === 0
        ? send('DELETE', `${IPCLAIMS}/first-${n / 2}`)
        : block(`next-${(n - 1) / 2}`, 'wide', 24),
    ),
  );
  const next = mixed.filter((_, n) => n % 2 === 1);
  expect(mixed.map(({ code }) => code).sort()).toEqual([
    ...Array(40).fill(200),
    ...Array(40).fill(201),
  ]);
  expect(new Set(next.map(cidrOf)).size).toBe(40);
  await expect.poll(async () => (await capacityOf('wide')).held).toBe(String(40 * 256));
});

test('what is given back counts as free again after its quarantine, to the last address', async () => {
  await pool('small', '10.32.0.0/23');
  const made = await block('half', 'small', 24);
  expect(await capacityOf('small')).toMatchObject({ held: '256', free: '256' });
  await send('DELETE', `${IPCLAIMS}/half`);
  await expect.poll(() => capacityOf('small')).toMatchObject({ held: '0', quarantined: '256' });
  service.nowMs += 150_000;
  expect(await capacityOf('small')).toMatchObject({ quarantined: '0', free: '512' });
  expect(cidrOf(await block('again', 'small', 24))).toBe(cidrOf(made));
});

test('a pool is told to choose the smallest gap while it lives', async () => {
  await pool('gaps', '10.48.0.0/24');
  for (const [name, length] of [
    ['a', 26],
    ['b', 28],
    ['c', 28],
  ] as const) {
    expect((await block(`gap-${name}`, 'gaps', length)).code).toBe(201);
  }
  await send('DELETE', `${IPCLAIMS}/gap-a`);
  await expect.poll(async () => (await capacityOf('gaps')).quarantined).toBe('64');
  service.nowMs += 150_000;
  const spec = { allocation: { strategy: 'BestFit' } };
  expect((await send('PATCH', `${POOLS}/gaps`, { spec })).code).toBe(200);
  // First comes the hole of 64 addresses; the smallest one that is large enough has 32.
  expect(cidrOf(await block('gap-best', 'gaps', 28))).toBe('10.48.0.96/28');
});

test('an external block that is no single address keeps its length', async () => {
  const open = { visibility: 'shared', projects: ['*'] };
  const wide = { ipFamily: 'IPv4', defaultPrefixLength: 30, ...open };
  await send('POST', `${IPAM}/ipclasses`, named('wide', wide));
  await pool('wide-blocks', '203.0.113.0/24', { classNames: ['wide'] });
  const { body } = await send('POST', CLAIMS, claim('wide', { addresses: [{ class: 'wide' }] }));
  expect(body.status.externalAddresses).toMatchObject([{ address: '203.0.113.0/30' }]);
});

test('the attachment mode and the device name reach the interface', async () => {
  const spec = { attachmentMode: 'Hypervisor', interfaceName: 'net1' };
  await send('POST', CLAIMS, claim('mode', spec));
  expect((await get(`${INTERFACES}/mode`)).body.spec).toMatchObject(spec);
});

test('a network holds its range alone, and a context its subnet, until somebody is there', async () => {
  const records = async () => {
    const items: { metadata: { name: string }; spec: { purpose: string } }[] = (
      await get(ALLOCATIONS)
    ).body.items;
    return new Map(items.map(({ metadata, spec }) => [metadata.name, spec.purpose]));
  };
  const before = await records();
  const added = async () =>
    [...(await records())].flatMap(([name, purpose]) => (before.has(name) ? [] : purpose));
  await send('POST', NETWORKS, network('empty'));
  expect(await added()).toEqual(['PoolCarve']);
  const context = { network: { name: 'empty' }, location: { name: 'dfw' } };
  const made = await send('POST', CONTEXTS, named('empty.dfw', context));
  expect(made.body.status.subnets).toMatchObject([{ family: 'IPv6', held: '0' }]);
  expect(conditionsOf(made)).toEqual({ IPAMAllocated: 'True', Ready: 'True' });
  expect((await added()).sort()).toEqual(['PoolCarve', 'PoolCarve', 'Reservation']);
  expect((await send('DELETE', `${CONTEXTS}/empty.dfw`)).code).toBe(200);
  expect((await send('DELETE', `${NETWORKS}/empty`)).code).toBe(200);
  // What went rests, and nothing of it is held.
  const { body } = await get(`${ALLOCATIONS}?fieldSelector=status.phase%3DHeld`);
  const left = body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  expect(left.filter((name: string) => !before.has(name))).toEqual([]);
});

test('a network without ranges of the ledger is ready, and its claims are told', async () => {
  const made = await send('POST', NETWORKS, network('outside', { ipam: { mode: 'Policy' } }));
  expect(conditionsOf(made)).toMatchObject({ Ready: 'True' });
  const { body } = await send('POST', CLAIMS, claim('outside', { network: { name: 'outside' } }));
  expect(body.status.conditions[0]).toMatchObject({ reason: 'AddressFamilyNotCarried' });
});

test('either order of deleting a retained interface and its last claim leaves nothing', async () => {
  const held = async () => {
    const { body } = await get(`${ALPHA}/networkcontexts/net-a.lhr`);
    return body.status?.subnets?.map(({ held }: { held: string }) => held);
  };
  await send('POST', `${ALPHA.replace(/namespaces.*/, 'locations')}`, named('lhr', {}));
  const spec = { location: { name: 'lhr' }, ipFamilies: ['IPv6', 'IPv4'], reclaimPolicy: 'Retain' };
  await send('POST', CLAIMS, claim('order', spec));
  expect(await held()).not.toEqual(['0', '0']);
  expect((await send('DELETE', `${INTERFACES}/order`)).code).toBe(409);
  await send('DELETE', `${CLAIMS}/order`);
  expect((await send('DELETE', `${INTERFACES}/order`)).code).toBe(200);
  expect(await held()).toEqual(['0', '0']);
});

test('a block keeps the policy that it was given when its class is changed', async () => {
  const policy = { quarantine: '1h', visibility: 'shared', projects: ['*'] };
  const spec = { ipFamily: 'IPv4', defaultPrefixLength: 32, ...policy };
  await send('POST', `${IPAM}/ipclasses`, named('policy', spec));
  await pool('policies', '192.0.2.0/28', { classNames: ['policy'] });
  const take = (name: string) => send('POST', IPCLAIMS, named(name, { className: 'policy' }));
  expect((await take('before')).code).toBe(201);
  const change = { spec: { quarantine: '0s' } };
  expect((await send('PATCH', `${IPAM}/ipclasses/policy`, change)).code).toBe(200);
  expect((await take('after')).code).toBe(201);
  for (const name of ['before', 'after']) await send('DELETE', `${IPCLAIMS}/${name}`);
  await expect.poll(() => capacityOf('policies')).toMatchObject({ held: '0', quarantined: '1' });
  service.nowMs += 3_600_000;
  expect(await capacityOf('policies')).toMatchObject({ quarantined: '0' });
});
