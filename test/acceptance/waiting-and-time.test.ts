import { expect, it } from 'vitest';
import { realService } from '../http/real-service.ts';
import { CLAIMS, claim, INTERFACES } from '../http/world.ts';

/** L8, L15 and L16: what becomes of those who wait or are retained as time goes on. */
const service = realService('waiting-and-time');
const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const POOLS = `${IPAM}/ippools`;
const HOUR = 3_600_000;
const six = { ipFamilies: ['IPv6'] };

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

const wants = (...classes: string[]) => ({
  ...six,
  addresses: classes.map((name) => ({ class: name })),
});
const kept = (...classes: string[]) => ({ ...wants(...classes), reclaimPolicy: 'Retain' });
const post = (name: string, spec: object, metadata = {}) =>
  service.send('POST', CLAIMS, claim(name, spec, metadata));
const remove = (name: string) => service.send('DELETE', `${CLAIMS}/${name}`);
const claimOf = async (name: string) => (await service.get(`${CLAIMS}/${name}`)).body;
const nicOf = (name: string) => service.get(`${INTERFACES}/${name}`);
const bound = async (name: string): Promise<Condition> =>
  (await claimOf(name)).status.conditions.find(({ type }: Condition) => type === 'Bound');
const reasonOf = async (name: string) => (await bound(name)).reason;
const externalOf = async (name: string) =>
  (await claimOf(name)).status.externalAddresses?.map(
    ({ address }: { address: string }) => address,
  );
const countsOf = async (pool: string) =>
  (await service.get(`${POOLS}/${pool}`)).body.status.capacity;

/** A class of single addresses, and a pool of that name which offers it. */
async function offer(name: string, cidr: string, policy: object = {}, pool: object = {}) {
  const single = { ipFamily: 'IPv4', defaultPrefixLength: 32, quarantine: '50ms' };
  const open = { visibility: 'shared', projects: ['*'] };
  const spec = { ...single, ...open, ...policy };
  await service.send('POST', `${IPAM}/ipclasses`, { metadata: { name }, spec });
  const range = { ipFamily: 'IPv4', cidr, classNames: [name], ...pool };
  const made = await service.send('POST', POOLS, { metadata: { name }, spec: range });
  expect(made.code).toBe(201);
}

it('L8 who waits for a full pool is served in order when a quarantine ends', async () => {
  await offer('order', '198.51.100.0/31', { quarantine: '1h' });
  for (const name of ['order-0', 'order-1', 'order-2', 'order-3']) {
    expect((await post(name, wants('order'))).code).toBe(201);
  }
  const { reason, message } = await bound('order-2');
  expect(reason).toBe('AddressPoolExhausted');
  expect(message).toContain('pool "order" (root) has no free /32');
  const [address] = await externalOf('order-0');
  await remove('order-0');
  await expect.poll(async () => (await countsOf('order')).quarantined).toBe('1');
  expect(await reasonOf('order-2')).toBe('AddressPoolExhausted');
  service.nowMs += HOUR;
  // It comes when the room is there and nobody has noticed yet, and still goes behind the others.
  await post('order-late', wants('order'));
  const late = await bound('order-late');
  expect(late.reason).toBe('AddressPoolExhausted');
  expect(late.message).toContain('others wait for an address of pool "order" (root)');
  // That somebody asked has the line tried again, from its beginning.
  await expect.poll(() => externalOf('order-2')).toEqual([address]);
  expect(await reasonOf('order-3')).toBe('AddressPoolExhausted');
  expect(await reasonOf('order-late')).toBe('AddressPoolExhausted');
});

it('L8 who waits for a full pool is served in order when that is widened', async () => {
  const wider = { spec: { additionalCIDRs: ['198.51.100.8/32'] } };
  expect((await service.send('PATCH', `${POOLS}/order`, wider)).code).toBe(200);
  await expect.poll(() => externalOf('order-3')).toEqual(['198.51.100.8']);
  expect(await reasonOf('order-late')).toBe('AddressPoolExhausted');
});

it('L8 a claim that cannot be met blocks nobody who can', async () => {
  await offer('common', '198.51.100.16/32');
  await offer('rare', '198.51.100.17/32');
  await post('common-0', wants('common'));
  await post('rare-0', wants('rare'));
  await post('greedy', wants('common', 'rare'));
  await post('modest', wants('common'));
  await post('private', six);
  expect(await reasonOf('private')).toBe('Bound');
  await remove('common-0');
  await expect.poll(async () => (await countsOf('common')).quarantined).toBe('1');
  service.nowMs += 50;
  await expect.poll(() => externalOf('modest')).toEqual(['198.51.100.16']);
  expect(await reasonOf('greedy')).toBe('AddressPoolExhausted');
});

/** Time goes on, and something is written, whereupon the project does what is due. */
async function pass(ms: number) {
  service.nowMs += ms;
  expect((await post(`at-${service.nowMs}`, six)).code).toBe(201);
}

const hours = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / HOUR;
const statusOf = async (name: string) => (await nicOf(name)).body.status;
const expiring = async (name: string) =>
  (await statusOf(name)).conditions.find(({ type }: Condition) => type === 'Expiring')?.status;

it('L15 a lease that is over is announced, and after the grace period all is released', async () => {
  const policy = { retentionLease: '9h', retentionGrace: '1h' };
  await offer('leased', '198.51.100.32/32', policy, { maxRetentionLease: '2h' });
  await post('leased', kept('leased'));
  await remove('leased');
  // The pool's bound is the shorter one.
  const { retention } = await statusOf('leased');
  expect(hours(retention.retainedAt, retention.expiresAt)).toBe(2);
  await pass(2 * HOUR - 1);
  expect(await expiring('leased')).toBeUndefined();
  await pass(1);
  await expect.poll(() => expiring('leased')).toBe('True');
  await pass(HOUR - 1);
  expect(await countsOf('leased')).toMatchObject({ retained: '1', quarantined: '0' });
  await pass(1);
  await expect.poll(async () => (await nicOf('leased')).code).toBe(404);
  await expect.poll(() => countsOf('leased')).toMatchObject({ retained: '0', quarantined: '1' });
});

it('L15 a claim that binds it again ends the lease, and the next one is a whole one', async () => {
  await offer('back', '198.51.100.48/31', { retentionLease: '2h', retentionGrace: '1h' });
  for (const name of ['back', 'lapsed']) {
    await post(name, kept('back'));
    await remove(name);
  }
  const address = (await nicOf('back')).body.spec.externalAddresses;
  await pass(2 * HOUR);
  await expect.poll(() => expiring('back')).toBe('True');
  await post('back', kept('back'));
  expect((await nicOf('back')).body.spec.externalAddresses).toEqual(address);
  expect(await statusOf('back')).toMatchObject({ phase: 'Bound' });
  expect(await statusOf('back')).not.toHaveProperty('retention');
  expect(await expiring('back')).not.toBe('True');
  await pass(HOUR);
  await expect.poll(async () => (await nicOf('lapsed')).code).toBe(404);
  expect(await statusOf('back')).toMatchObject({ phase: 'Bound' });
  await remove('back');
  const { retention } = await statusOf('back');
  expect(hours(retention.retainedAt, retention.expiresAt)).toBe(2);
  await pass(HOUR);
  expect(await expiring('back')).not.toBe('True');
});

it('L16 a claim that is being deleted is bound to nothing, and its name is not free', async () => {
  const pins = { ...six, reclaimPolicy: 'Retain', networkInterfaceName: 'prize' };
  await post('going', pins, { finalizers: ['x/y'] });
  const { metadata } = await claimOf('going');
  await remove('going');
  expect((await claimOf('going')).metadata.deletionTimestamp).toBeDefined();
  const again = await post('going', pins);
  expect(again).toMatchObject({ code: 409, body: { reason: 'AlreadyExists' } });
  await post('next', pins);
  await post('prize', { ...six, reclaimPolicy: 'Retain' });
  await remove('prize');
  await expect.poll(() => reasonOf('next')).toBe('Bound');
  expect((await nicOf('prize')).body.spec.claimRef).toMatchObject({ name: 'next' });
  expect(await reasonOf('going')).toBe('InterfaceNotFound');
  const freed = { metadata: { finalizers: null } };
  await service.send('PATCH', `${CLAIMS}/going`, freed);
  expect((await service.get(`${CLAIMS}/going`)).code).toBe(404);
  const { body } = await post('going', pins);
  expect(body.metadata.uid).not.toBe(metadata.uid);
});

it('L16 an interface that is being deleted is bound by nobody', async () => {
  await post('torn', six);
  const held = { metadata: { finalizers: ['x/y'] } };
  await service.send('PATCH', `${INTERFACES}/torn`, held);
  await remove('torn');
  const { body: going } = await nicOf('torn');
  expect(going.metadata.deletionTimestamp).toBeDefined();
  expect((await post('torn', six)).code).toBe(201);
  expect(await reasonOf('torn')).toBe('InterfaceTerminating');
  await service.send('PATCH', `${INTERFACES}/torn`, { metadata: { finalizers: null } });
  await expect.poll(() => reasonOf('torn')).toBe('Bound');
  expect((await nicOf('torn')).body.metadata.uid).not.toBe(going.metadata.uid);
});
