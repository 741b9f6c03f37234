import { describe, expect, test } from 'vitest';
import { realService } from './real-service.ts';
import { CLAIMS, claim, NAMESPACES, NETWORKS, network } from './world.ts';

const CLASSES = '/apis/ipam.miloapis.com/v1alpha1/ipclasses';
const POOLS = '/apis/ipam.miloapis.com/v1alpha1/ippools';

const service = realService('ip-pools');
const { send, get } = service;

function pool(name: string, spec: object, metadata: object = {}) {
  return { metadata: { name, ...metadata }, spec: { ipFamily: 'IPv4', ...spec } };
}

const create = (name: string, spec: object, metadata?: object, headers?: object) =>
  send('POST', POOLS, pool(name, spec, metadata), headers);
const patch = (name: string, spec: object) => send('PATCH', `${POOLS}/${name}`, { spec });
const remove = (name: string) => send('DELETE', `${POOLS}/${name}`);
const answer = ({ code, body }: { code: number; body: { reason?: string } }) => [code, body.reason];
const fieldsOf = ({ body }: { body: { details?: { causes?: { field?: string }[] } } }) =>
  (body.details?.causes ?? []).map(({ field }) => field);

describe('an authored root', () => {
  test('is made, read with its counts, and deleted', async () => {
    const excluded = [{ cidr: '198.51.100.16/28', reason: 'routers' }];
    const reservations = { leading: 1, trailing: 1, unitPrefixLength: 32 };
    const spec = { cidr: '198.51.100.0/24', excludedCIDRs: excluded, reservations };
    const made = await create('edge', spec, { labels: { tier: 'edge' } });
    expect([made.code, made.body.spec]).toEqual([
      201,
      { ipFamily: 'IPv4', classNames: [], ...spec },
    ]);
    expect(made.body.status).toMatchObject({
      ...{ phase: 'Ready', allocatedCIDR: '198.51.100.0/24', utilizationPercent: 7.0312 },
      capacity: {
        ...{ total: '256', reserved: '18', held: '0', retained: '0' },
        ...{ quarantined: '0', carved: '0', free: '238' },
      },
    });
    expect(answer(await create('edge', spec))).toEqual([409, 'AlreadyExists']);
    expect((await remove('edge')).body.status).toBe('Success');
    expect((await get(`${POOLS}/edge`)).code).toBe(404);
    const again = await create('edge', { cidr: '198.51.100.0/25' });
    expect([again.code, again.body.metadata.uid === made.body.metadata.uid]).toEqual([201, false]);
    expect((await remove('edge')).code).toBe(200);
  });

  test('PoolOverlaps: no two roots overlap, whoever owns them', async () => {
    await create('first', { cidr: '203.0.113.0/25' });
    const refused = await create('second', { cidr: '203.0.113.64/26' });
    expect(answer(refused)).toEqual([409, 'PoolOverlaps']);
    expect(refused.body.message).toContain('203.0.113.64/26 meets 203.0.113.0/25 of pool "first"');
    expect(answer(await create('tenant', { ipFamily: 'IPv6', cidr: 'fd20:1::/48' }))).toEqual([
      409,
      'PoolOverlaps',
    ]);
    const further = { cidr: '192.0.2.0/25', additionalCIDRs: ['203.0.113.0/26'] };
    expect(answer(await create('third', further))).toEqual([409, 'PoolOverlaps']);
    expect((await get(`${POOLS}/third`)).code).toBe(404);
    expect(await remove('first')).toMatchObject({ code: 200 });
    expect(await create('second', { cidr: '203.0.113.64/26' })).toMatchObject({ code: 201 });
    expect(await remove('second')).toMatchObject({ code: 200 });
  });

  test.each([
    ['host bits', { cidr: '192.0.2.1/24' }, 'spec.cidr'],
    ['another family', { cidr: '2001:db8::/32' }, 'spec.cidr'],
    ['no range at all', {}, 'spec.cidr'],
    [
      'a range twice',
      { cidr: '192.0.2.0/24', additionalCIDRs: ['192.0.2.0/25'] },
      'spec.additionalCIDRs[0]',
    ],
    [
      'a class that is not there',
      { cidr: '192.0.2.0/24', classNames: ['none'] },
      'spec.classNames[0]',
    ],
    [
      'a class whose pools are made on demand',
      { cidr: '192.0.2.0/24', classNames: ['tenant-subnet-ipv4'] },
      'spec.classNames[0]',
    ],
    [
      'an exclusion outside',
      { cidr: '192.0.2.0/24', excludedCIDRs: [{ cidr: '198.51.100.0/28', reason: '' }] },
      'spec.excludedCIDRs[0].cidr',
    ],
    [
      'reservations that leave nothing',
      { cidr: '192.0.2.0/31', reservations: { leading: 1, trailing: 1, unitPrefixLength: 32 } },
      'spec.reservations',
    ],
    [
      'bounds the wrong way round',
      { cidr: '192.0.2.0/24', allocation: { minPrefixLength: 30, maxPrefixLength: 28 } },
      'spec.allocation',
    ],
    ['a length of its own', { cidr: '192.0.2.0/24', prefixLength: 28 }, 'spec.prefixLength'],
    [
      'an owner that is no project',
      { cidr: '192.0.2.0/24', projectRef: { name: 'A' } },
      'spec.projectRef.name',
    ],
    [
      'a lease that is no duration',
      { cidr: '192.0.2.0/24', maxRetentionLease: 'long' },
      'spec.maxRetentionLease',
    ],
  ])('Invalid: is refused with %s', async (_, spec, field) => {
    const refused = await create('wrong', spec);
    expect([...answer(refused), fieldsOf(refused)]).toEqual([422, 'Invalid', [field]]);
    expect((await get(`${POOLS}/wrong`)).code).toBe(404);
  });

  test('grows, and gives a range up that is empty', async () => {
    await create('wide', { cidr: '192.0.2.0/26' });
    const wider = await patch('wide', { additionalCIDRs: ['192.0.2.128/26'] });
    expect([wider.code, wider.body.status.capacity.total]).toEqual([200, '128']);
    expect(wider.body.metadata.generation).toBe(2);
    const taken = await create('other', { cidr: '192.0.2.128/27' });
    expect(answer(taken)).toEqual([409, 'PoolOverlaps']);
    const child = { parentPoolRef: { name: 'wide' }, prefixLength: 26 };
    expect((await create('low', child)).body.status.allocatedCIDR).toBe('192.0.2.0/26');
    expect((await create('high', child)).body.status.allocatedCIDR).toBe('192.0.2.128/26');
    const narrow = await patch('wide', { additionalCIDRs: [] });
    expect(answer(narrow)).toEqual([409, 'InUse']);
    expect(narrow.body.message).toContain('64 of its addresses are held or carved');
    expect((await remove('high')).code).toBe(200);
    const shrunk = await patch('wide', { additionalCIDRs: [] });
    expect([shrunk.code, shrunk.body.status.capacity.total]).toEqual([200, '64']);
    expect((await create('other', { cidr: '192.0.2.128/27' })).code).toBe(201);
    for (const name of ['other', 'low', 'wide']) expect((await remove(name)).code).toBe(200);
  });

  test('withholds more while it lives, but nothing that is held', async () => {
    await create('live', { cidr: '192.0.2.0/24' });
    await create('part', { parentPoolRef: { name: 'live' }, prefixLength: 28 });
    const exclude = (cidr: string) => patch('live', { excludedCIDRs: [{ cidr, reason: 'lab' }] });
    const refused = await exclude('192.0.2.0/29');
    expect(answer(refused)).toEqual([409, 'AddressTaken']);
    expect(refused.body.message).toContain('192.0.2.0/29 cannot be withheld');
    const free = await exclude('192.0.2.64/26');
    expect([free.code, free.body.status.capacity]).toMatchObject([
      200,
      { reserved: '64', carved: '16', free: '176' },
    ]);
    const back = await patch('live', { excludedCIDRs: null });
    expect([back.code, back.body.status.capacity.free]).toEqual([200, '240']);
    for (const name of ['part', 'live']) expect((await remove(name)).code).toBe(200);
  });

  test('Invalid: keeps its first range, family, parent and owner', async () => {
    await create('fixed', { cidr: '192.0.2.0/24' });
    const change = {
      ...{ ipFamily: 'IPv6', cidr: 'fd00::/64', parentPoolRef: { name: 'tenant-ipv6' } },
      ...{ prefixLength: 64, projectRef: { name: 'alpha' } },
    };
    const refused = await patch('fixed', change);
    expect(answer(refused)).toEqual([422, 'Invalid']);
    expect(fieldsOf(refused).sort()).toEqual(
      Object.keys(change)
        .map((field) => `spec.${field}`)
        .sort(),
    );
    expect((await remove('fixed')).code).toBe(200);
  });

  test('is held by its finalizers, and hands out nothing meanwhile', async () => {
    await create('kept', { cidr: '192.0.2.0/24' }, { finalizers: ['x/y'] });
    const going = await remove('kept');
    expect(going.body.metadata.deletionTimestamp).toBeDefined();
    expect(going.body.status.conditions[0]).toMatchObject({ reason: 'Terminating' });
    const child = await create('late', { parentPoolRef: { name: 'kept' }, prefixLength: 28 });
    expect(answer(child)).toEqual([507, 'Exhausted']);
    const body = { metadata: { finalizers: null } };
    expect((await send('PATCH', `${POOLS}/kept`, body)).code).toBe(200);
    expect((await get(`${POOLS}/kept`)).code).toBe(404);
    expect((await create('kept', { cidr: '192.0.2.0/25' })).code).toBe(201);
    expect((await remove('kept')).code).toBe(200);
  });
});

describe('an authored child', () => {
  test('Exhausted: names the pool, its level and the length', async () => {
    await create('root', { cidr: '192.0.2.0/28' });
    const child = (name: string, parent: string, prefixLength: number) =>
      create(name, { parentPoolRef: { name: parent }, prefixLength });
    const made = await child('left', 'root', 29);
    expect([made.code, made.body.status.capacity.total]).toEqual([201, '8']);
    const refused = await child('large', 'root', 28);
    expect(answer(refused)).toEqual([507, 'Exhausted']);
    expect(refused.body.message).toContain('pool "root" (root) has no free /28');
    const deep = await child('deep', 'left', 28);
    expect([...answer(deep), fieldsOf(deep)]).toEqual([
      ...[422, 'PrefixLengthRejected', ['spec.prefixLength']],
    ]);
    expect(deep.body.message).toContain('pool "left" (part of "root") has no room for a /28');
    expect(answer(await child('none', 'nowhere', 29))).toEqual([422, 'Invalid']);
    expect((await get(`${POOLS}/large`)).code).toBe(404);
    expect((await get(`${POOLS}/root`)).body.status.capacity.carved).toBe('8');
    for (const name of ['left', 'root']) expect((await remove(name)).code).toBe(200);
  });

  test('PrefixLengthRejected: is as long as its parent allows', async () => {
    const allocation = { minPrefixLength: 26, maxPrefixLength: 28 };
    await create('bounded', { cidr: '192.0.2.0/24', allocation });
    const child = (prefixLength: number) =>
      create('part', { parentPoolRef: { name: 'bounded' }, prefixLength });
    for (const length of [0, 25, 29]) {
      const refused = await child(length);
      expect(answer(refused)).toEqual([422, 'PrefixLengthRejected']);
      expect(fieldsOf(refused)).toEqual(['spec.prefixLength']);
    }
    const tooLong = await child(33);
    expect([...answer(tooLong), fieldsOf(tooLong)]).toEqual([
      ...[422, 'Invalid', ['spec.prefixLength']],
    ]);
    expect((await child(28)).code).toBe(201);
    for (const name of ['part', 'bounded']) expect((await remove(name)).code).toBe(200);
  });

  test('InUse: a pool with children is not deleted, and says how many', async () => {
    await create('mother', { cidr: '192.0.2.0/24' });
    for (const name of ['one', 'two']) {
      await create(name, { parentPoolRef: { name: 'mother' }, prefixLength: 28 });
    }
    const refused = await remove('mother');
    expect(answer(refused)).toEqual([409, 'InUse']);
    expect(refused.body.message).toContain('0 ranges of projects, 2 pools');
    for (const name of ['one', 'two', 'mother']) expect((await remove(name)).code).toBe(200);
  });
});

describe('writes', () => {
  test('a dry run says what would be, and makes nothing', async () => {
    const spec = { cidr: '192.0.2.0/24' };
    const made = await send('POST', `${POOLS}?dryRun=All`, pool('dry', spec));
    expect([made.code, made.body.status.allocatedCIDR]).toEqual([201, '192.0.2.0/24']);
    expect((await get(`${POOLS}/dry`)).code).toBe(404);
    await create('dry', spec);
    const overlap = await send('POST', `${POOLS}?dryRun=All`, pool('dry-2', spec));
    expect(answer(overlap)).toEqual([409, 'PoolOverlaps']);
    const wider = { spec: { additionalCIDRs: ['198.51.100.0/24'] } };
    const tried = await send('PATCH', `${POOLS}/dry?dryRun=All`, wider);
    expect(tried.body.spec.additionalCIDRs).toEqual(['198.51.100.0/24']);
    expect((await get(`${POOLS}/dry`)).body.spec.additionalCIDRs).toBeUndefined();
    expect((await create('free', { cidr: '198.51.100.0/24' })).code).toBe(201);
    expect((await send('DELETE', `${POOLS}/dry?dryRun=All`)).code).toBe(200);
    for (const name of ['dry', 'free']) expect((await remove(name)).code).toBe(200);
  });

  test('the same key and body give the same answer', async () => {
    const key = { 'idempotency-key': 'pool-1' };
    const first = await create('keyed', { cidr: '192.0.2.0/24' }, {}, key);
    const again = await create('keyed', { cidr: '192.0.2.0/24' }, {}, key);
    expect([again.code, again.body.metadata]).toEqual([201, first.body.metadata]);
    expect(answer(await create('keyed', { cidr: '192.0.2.0/25' }, {}, key))).toEqual([
      422,
      'IdempotencyKeyReused',
    ]);
    const gone = { 'idempotency-key': 'pool-2' };
    const deleted = await send('DELETE', `${POOLS}/keyed`, undefined, gone);
    expect((await send('DELETE', `${POOLS}/keyed`, undefined, gone)).body).toEqual(deleted.body);
  });

  test('many at once for one range: one of them has it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => create(`racer-${n}`, { cidr: '192.0.2.0/24' })),
    );
    expect(answers.map(({ code }) => code).sort()).toEqual([201, ...Array(7).fill(409)]);
    const winner = answers.find(({ code }) => code === 201)?.body.metadata.name;
    expect((await remove(winner)).code).toBe(200);
  });

  test('pools made on demand are read-only, and their pools stay with what stands on them', async () => {
    const name = 'tenant-project-ipv6.alpha';
    const { body } = await get(`${POOLS}/${name}`);
    expect(body.spec).toMatchObject({ classRef: { name: 'tenant-project-ipv6' } });
    const changed = await patch(name, { draining: true });
    expect(answer(changed)).toEqual([403, 'Forbidden']);
    expect(changed.body.message).toContain('a pool made on demand');
    expect(answer(await create('a.b', { cidr: '192.0.2.0/24' }))).toEqual([403, 'Forbidden']);
    expect(answer(await remove(name))).toEqual([409, 'InUse']);
    const used = await remove('tenant-network-ipv6.alpha.net-a');
    expect(answer(used)).toEqual([409, 'InUse']);
    expect(used.body.message).toContain('network "net-a" stands on it');
    expect(answer(await remove('tenant-network-ipv6.alpha.none'))).toEqual([404, 'NotFound']);
    await send('DELETE', `${NETWORKS}/net-a`);
    expect((await remove(name)).body.status).toBe('Success');
    expect((await get(`${POOLS}/${name}`)).code).toBe(404);
    expect((await send('POST', NETWORKS, network('net-a'))).code).toBe(201);
  });
});

describe('a pool for claims', () => {
  test('a claim that waits is met when a pool that offers its class appears', async () => {
    const spec = {
      ipFamily: 'IPv4',
      defaultPrefixLength: 32,
      visibility: 'shared',
      projects: ['*'],
    };
    await send('POST', CLASSES, { metadata: { name: 'public' }, spec });
    const waiting = await send('POST', CLAIMS, claim('web', { addresses: [{ class: 'public' }] }));
    expect(waiting.body.status.conditions[0]).toMatchObject({ reason: 'NoOfferingPool' });
    await create('public-a', { cidr: '198.51.100.0/32', classNames: ['public'] });
    const bound = await until(`${CLAIMS}/web`, (one) => one.status.externalAddresses?.length === 1);
    expect(bound.status.externalAddresses[0]).toMatchObject({ address: '198.51.100.0' });
    await send('POST', CLAIMS, claim('web-2', { addresses: [{ class: 'public' }] }));
    const counts = (await get(`${POOLS}/public-a`)).body.status;
    expect(counts).toMatchObject({ phase: 'Exhausted', capacity: { held: '1', free: '0' } });
    await patch('public-a', { additionalCIDRs: ['198.51.100.8/32'], draining: true });
    expect((await get(`${POOLS}/public-a`)).body.status.phase).toBe('Draining');
    expect((await get(`${CLAIMS}/web-2`)).body.status.externalAddresses).toBeUndefined();
    await patch('public-a', { draining: false });
    await until(`${CLAIMS}/web-2`, (one) => one.status.externalAddresses?.length === 1);
    const refused = await remove('public-a');
    expect([...answer(refused), refused.body.message]).toEqual([
      ...[409, 'InUse'],
      expect.stringContaining('2 blocks held, 0 ranges of projects, 0 pools'),
    ]);
  });

  test('InUse: a project that owns a pool is not deleted', async () => {
    await send('POST', NAMESPACES, { metadata: { name: 'owner' } });
    await create('own', { cidr: '192.0.2.0/24', projectRef: { name: 'owner' } });
    const refused = await send('DELETE', `${NAMESPACES}/owner`);
    expect([...answer(refused), refused.body.message]).toEqual([
      ...[409, 'InUse'],
      expect.stringContaining('it owns 1 pools: own'),
    ]);
    const child = { parentPoolRef: { name: 'own' }, prefixLength: 28 };
    expect(fieldsOf(await create('part', child))).toEqual(['spec.projectRef.name']);
    await remove('own');
    expect((await send('DELETE', `${NAMESPACES}/owner`)).code).toBe(200);
  });

  test('Invalid: a project that does not exist owns none', async () => {
    const late = await create('late', { cidr: '192.0.2.0/24', projectRef: { name: 'owner' } });
    expect([...answer(late), fieldsOf(late)]).toEqual([422, 'Invalid', ['spec.projectRef.name']]);
    expect((await get(`${POOLS}/late`)).code).toBe(404);
  });
});

/** Asks until the object is what is waited for. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
async function until(url: string, isIt: (object: any) => boolean): Promise<any> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const { body } = await get(url);
    if (isIt(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${url} did not become what it should`);
}
