import { describe, expect, test } from 'vitest';
import { realService } from './real-service.ts';
import { CLAIMS, claim } from './world.ts';

const CLASSES = '/apis/ipam.miloapis.com/v1alpha1/ipclasses';
const POOLS = '/apis/ipam.miloapis.com/v1alpha1/ippools';
const DEFAULT = 'ipam.miloapis.com/is-default-class';

const service = realService('ip-classes');
const { send, get } = service;

function ipClass(name: string, spec: object = {}, metadata: object = {}) {
  return { metadata: { name, ...metadata }, spec: { ipFamily: 'IPv4', ...spec } };
}

const causesOf = ({ body }: { body: { details?: { causes?: { field?: string }[] } } }) =>
  (body.details?.causes ?? []).map(({ field }) => field);

describe('an IPClass', () => {
  test('is made with its defaults, read, changed and deleted', async () => {
    const made = await send('POST', CLASSES, ipClass('edge', { defaultPrefixLength: 32 }));
    expect([made.code, made.body.spec]).toEqual([
      201,
      {
        ...{ ipFamily: 'IPv4', defaultPrefixLength: 32, uniqueWithin: 'platform' },
        ...{ strategy: 'FirstFit', reclaimPolicy: 'Delete', visibility: 'platform' },
      },
    ]);
    const spec = { visibility: 'shared', projects: ['alpha'], quarantine: '10s', projectQuota: 3 };
    const patched = await send('PATCH', `${CLASSES}/edge`, { spec });
    expect([patched.code, patched.body.metadata.generation]).toEqual([200, 2]);
    expect(patched.body.spec).toMatchObject({ ...spec, defaultPrefixLength: 32 });
    const { resourceVersion } = made.body.metadata;
    const stale = { ...patched.body, metadata: { ...patched.body.metadata, resourceVersion } };
    expect((await send('PUT', `${CLASSES}/edge`, stale)).body.reason).toBe('Conflict');
    const labelled = await send('PATCH', `${CLASSES}/edge`, { metadata: { labels: { a: 'b' } } });
    expect([labelled.code, labelled.body.metadata.labels]).toEqual([200, { a: 'b' }]);
    expect(labelled.body.metadata.generation).toBe(2);
    expect((await send('DELETE', `${CLASSES}/edge`)).body.status).toBe('Success');
    expect((await get(`${CLASSES}/edge`)).code).toBe(404);
  });

  test('keeps the fields that its holdings rest on', async () => {
    await send('POST', CLASSES, ipClass('fixed', { defaultPrefixLength: 32 }));
    const change = {
      ipFamily: 'IPv6',
      parentClassName: 'tenant-subnet-ipv6',
      poolCIDR: 'fd00::/8',
    };
    const refused = await send('PATCH', `${CLASSES}/fixed`, { spec: change });
    expect([refused.code, refused.body.reason]).toEqual([422, 'Invalid']);
    expect(causesOf(refused).sort()).toEqual([
      'spec.ipFamily',
      'spec.parentClassName',
      'spec.poolCIDR',
    ]);
  });

  test.each([
    [{ projectQuotas: { Alpha: 1 } }, /projectQuotas.Alpha: Invalid value: "Alpha": .* lower case/],
    [{ projects: ['Alpha'] }, /projects\[0\]: Invalid value: "Alpha": .* lower case/],
    [{ projects: [5] }, /projects\[0\]: Invalid value: 5: must be the name of a project, or "\*"/],
  ])('says what is wrong with the name of a project in %j', async (spec, message) => {
    const { body } = await send('POST', CLASSES, ipClass('wrong', spec));
    expect(body).toMatchObject({ code: 422, message: expect.stringMatching(message) });
  });

  test.each([
    ['a parent that is not there', { parentClassName: 'none' }, 'spec.parentClassName'],
    ['a parent of the other family', { parentClassName: 'tenant-ipv6' }, 'spec.parentClassName'],
    [
      'a child no longer than its parent',
      { parentClassName: 'tenant-subnet-ipv4', defaultPrefixLength: 20 },
      'spec.parentClassName',
    ],
    ['a level without its outer one', { poolPer: ['location'] }, 'spec.poolPer'],
    ['a length that IPv4 has not', { defaultPrefixLength: 64 }, 'spec.defaultPrefixLength'],
    ['a quarantine that is no duration', { quarantine: 'soon' }, 'spec.quarantine'],
    ['uniqueness in a smaller realm', { uniqueWithin: 'project' }, 'spec.uniqueWithin'],
  ])('is refused with %s', async (_, spec, field) => {
    const refused = await send('POST', CLASSES, ipClass('wrong', spec));
    expect([refused.code, refused.body.reason]).toEqual([422, 'Invalid']);
    expect(causesOf(refused)).toContain(field);
    expect((await get(`${CLASSES}/wrong`)).code).toBe(404);
  });

  test('that becomes the default is given of the subnets that are there, as records tell', async () => {
    const parents = { poolPer: ['project', 'network'], poolCIDR: '172.16.0.0/12' };
    await send('POST', CLASSES, ipClass('net-b', parents));
    const reservations = { leading: 2, trailing: 2, unitPrefixLength: 32 };
    const subnets = { poolPer: ['project', 'network', 'location'], defaultPrefixLength: 24 };
    const of = { parentClassName: 'net-b', reservations };
    await send('POST', CLASSES, ipClass('sub-b', { ...subnets, ...of }));
    const end = { parentClassName: 'sub-b', defaultPrefixLength: 32 };
    await send('POST', CLASSES, ipClass('end-b', end));
    const onlyIPv4 = { ipFamilies: ['IPv4'] };
    await send('POST', CLAIMS, claim('before', onlyIPv4));
    const mark = (name: string, value: string | null) =>
      send('PATCH', `${CLASSES}/${name}`, { metadata: { annotations: { [DEFAULT]: value } } });
    await mark('tenant-endpoint-ipv4', null);
    expect((await mark('end-b', 'true')).code).toBe(200);
    expect((await send('POST', CLAIMS, claim('after', onlyIPv4))).code).toBe(201);
    await mark('end-b', null);
    await mark('tenant-endpoint-ipv4', 'true');
    const records = CLASSES.replace('ipclasses', 'namespaces/alpha/ipallocations');
    const { body } = await get(`${records}/interface:after:end-b`);
    const [before] = (await get(`${records}?fieldSelector=spec.holder.name%3Dbefore`)).body.items;
    expect(body.spec.poolRef).toEqual(before.spec.poolRef);
    expect((await get(`${POOLS}/${body.spec.poolRef.name}`)).code).toBe(200);
  });

  test('is the default of its family by an annotation, and never a second one', async () => {
    const annotations = { [DEFAULT]: 'true' };
    const second = ipClass('second', { defaultPrefixLength: 32 }, { annotations });
    const refused = await send('POST', CLASSES, second);
    expect([refused.code, refused.body.reason]).toEqual([422, 'Invalid']);
    expect(causesOf(refused)).toContain(`metadata.annotations[${DEFAULT}]`);
    const seeded = await get(`${CLASSES}/tenant-endpoint-ipv4`);
    expect(seeded.body.metadata.annotations).toEqual(annotations);
    const other = ipClass('other-endpoint-ipv4', {
      ...{ parentClassName: 'tenant-subnet-ipv4', defaultPrefixLength: 32 },
    });
    expect((await send('POST', CLASSES, other)).code).toBe(201);
    const mark = (name: string, value: string | null) =>
      send('PATCH', `${CLASSES}/${name}`, { metadata: { annotations: { [DEFAULT]: value } } });
    expect((await mark('other-endpoint-ipv4', 'true')).code).toBe(422);
    expect((await mark('tenant-endpoint-ipv4', null)).code).toBe(200);
    expect((await mark('other-endpoint-ipv4', 'true')).code).toBe(200);
    const bound = await send('POST', CLAIMS, claim('by-other', { ipFamilies: ['IPv4'] }));
    const { interfaces } = { interfaces: `${CLAIMS.replace('claims', 's')}/by-other` };
    expect(bound.code).toBe(201);
    const nic = await get(interfaces);
    expect(nic.body.spec.addresses[0].class).toBe('other-endpoint-ipv4');
  });

  test('InUse: is not deleted while a class, a pool or a block names it, and says how many', async () => {
    await send('POST', CLAIMS, claim('user', { ipFamilies: ['IPv6'] }));
    const parent = await send('DELETE', `${CLASSES}/tenant-subnet-ipv6`);
    expect([parent.code, parent.body.reason]).toEqual([409, 'InUse']);
    expect(parent.body.message).toMatch(/1 classes, 0 authored pools, and \d+ blocks and pools/);
    const held = await send('DELETE', `${CLASSES}/tenant-endpoint-ipv6`);
    expect([held.code, held.body.reason]).toEqual([409, 'InUse']);
    expect(held.body.message).toMatch(/0 classes, 0 authored pools, and [1-9]\d* blocks and pools/);
    await send('POST', CLASSES, ipClass('offered', { defaultPrefixLength: 32 }));
    const pool = { ipFamily: 'IPv4', cidr: '192.0.2.0/29', classNames: ['offered'] };
    expect((await send('POST', POOLS, { metadata: { name: 'offers' }, spec: pool })).code).toBe(
      201,
    );
    const offered = await send('DELETE', `${CLASSES}/offered`);
    expect([offered.code, offered.body.reason]).toEqual([409, 'InUse']);
    expect((await send('DELETE', `${POOLS}/offers`)).code).toBe(200);
    expect((await send('DELETE', `${CLASSES}/offered`)).code).toBe(200);
  });

  test('is held by its finalizers', async () => {
    await send('POST', CLASSES, ipClass('kept', {}, { finalizers: ['x/y'] }));
    const going = await send('DELETE', `${CLASSES}/kept`);
    expect(going.body.metadata.deletionTimestamp).toBeDefined();
    const offer = { ipFamily: 'IPv4', cidr: '192.0.2.8/29', classNames: ['kept'] };
    const late = await send('POST', POOLS, { metadata: { name: 'late' }, spec: offer });
    expect([late.code, causesOf(late)]).toEqual([422, ['spec.classNames[0]']]);
    const freed = await send('PATCH', `${CLASSES}/kept`, { metadata: { finalizers: null } });
    expect(freed.code).toBe(200);
    expect((await get(`${CLASSES}/kept`)).code).toBe(404);
  });
});
