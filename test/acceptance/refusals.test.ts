import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { openStore } from '../../src/store/open-store.ts';
import { StoreFull } from '../../src/store/store.ts';
import { FaultyStore } from '../application/faulty-store.ts';
import { guarded, pathsOf, populate } from '../http/auth/guarded.ts';
import { type Answer, realService } from '../http/real-service.ts';
import {
  CLAIMS,
  CONTEXTS,
  claim,
  LOCATIONS,
  NAMESPACES,
  NETWORKS,
  network,
} from '../http/world.ts';

/** Each reason of the closed list is provoked over HTTP and says what is wrong, and where. */
let store: FaultyStore;
const service = realService('refusals', async (setting, options) => {
  store = new FaultyStore(await openStore(setting, options));
  return store;
});
const { send, get } = service;

const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const CLASSES = `${IPAM}/ipclasses`;
const POOLS = `${IPAM}/ippools`;
const IPCLAIMS = `${IPAM}/namespaces/alpha/ipclaims`;
const PRIVATE = 'tenant-endpoint-ipv4';

const here = { network: 'net-a', location: 'dfw' };
const own = { className: PRIVATE, scope: here };
const named = (name: string, spec: object = {}) => ({ metadata: { name }, spec });
const ipClaim = (spec: object, name = 'refused') => send('POST', IPCLAIMS, named(name, spec));
const made = async (asked: Promise<Answer>) => expect((await asked).code).toBe(201);

/** The streams that were written to since `after`. */
async function written(after: string): Promise<string[]> {
  const response = await fetch(`${service.url}/ledger/v1/events?follow=false&after=${after}`);
  const lines = (await response.text()).trim().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line).stream);
}

const head = async () => (await get(NAMESPACES)).body.metadata.resourceVersion as string;

/** A request is refused so, and nothing is written but what an attempt does in pools' streams. */
async function refused(ask: () => Promise<Answer>, code: number, reason: string, message: RegExp) {
  const before = await head();
  const answer = await ask();
  expect(answer.code).toBe(code);
  expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason, code });
  expect(answer.body.message).toMatch(message);
  const elsewhere = (stream: string) => !stream.startsWith('addressSpace-pool.');
  expect((await written(before)).filter(elsewhere)).toEqual([]);
  return answer;
}

const fieldsOf = ({ body }: Answer) =>
  body.details.causes.map(({ field }: { field: string }) => field);

describe('a request as such', () => {
  test('BadRequest', async () => {
    const text = () => send('POST', CLAIMS, '{"metadata":');
    await refused(text, 400, 'BadRequest', /the body is not valid JSON/);
    const unknown = () =>
      send('POST', `${CLAIMS}?fieldValidation=Strict`, claim('x', { colour: 1 }));
    await refused(unknown, 400, 'BadRequest', /unknown field "spec.colour"/);
  });

  test('MethodNotAllowed', async () => {
    const ask = () => send('PUT', CLAIMS, claim('x'));
    const { headers } = await refused(ask, 405, 'MethodNotAllowed', /PUT/);
    expect(headers.get('allow')).toContain('POST');
  });

  test('NotAcceptable', async () => {
    const ask = () => send('GET', CLAIMS, undefined, { accept: 'application/xml' });
    await refused(ask, 406, 'NotAcceptable', /application\/json/);
  });

  test('RequestEntityTooLarge', async () => {
    const ask = () => send('POST', CLAIMS, ' '.repeat(limits.bodyBytesMax + 1));
    await refused(ask, 413, 'RequestEntityTooLarge', /larger than 3145728 bytes/);
  });

  test('UnsupportedMediaType', async () => {
    const ask = () => send('POST', CLAIMS, claim('x'), { 'content-type': 'text/plain' });
    await refused(ask, 415, 'UnsupportedMediaType', /application\/json/);
  });

  test('IdempotencyKeyReused', async () => {
    const key = { 'idempotency-key': 'k' };
    await made(send('POST', CLAIMS, claim('keyed'), key));
    const ask = () => send('POST', CLAIMS, claim('other'), key);
    await refused(ask, 422, 'IdempotencyKeyReused', /another request/);
  });

  test('Expired', async () => {
    const feed = () => get('/ledger/v1/events?after=999999');
    await refused(feed, 410, 'Expired', /999999/);
    // A page token of a log that has gone further than this one.
    const { body } = await get(`${POOLS}?limit=1`);
    const page = JSON.parse(Buffer.from(body.metadata.continue, 'base64url').toString());
    const token = Buffer.from(JSON.stringify({ ...page, rv: '999999' })).toString('base64url');
    const list = () => get(`${POOLS}?limit=1&continue=${token}`);
    await refused(list, 410, 'Expired', /continue key is of a log that is no longer served/);
  });

  test('Timeout', async () => {
    const ask = () => get(`${CLAIMS}?resourceVersion=999999`);
    const { body } = await refused(ask, 504, 'Timeout', /Too large resource version: 999999/);
    expect(body.details.causes).toMatchObject([{ reason: 'ResourceVersionTooLarge' }]);
  });
});

describe('an object', () => {
  test('Invalid', async () => {
    const body = claim('x', { ipFamilies: ['IPv5'], interfaceName: '' });
    const ask = () => send('POST', CLAIMS, body);
    const wrong = await refused(ask, 422, 'Invalid', /claim.*"x" is invalid.*spec\.ipFamilies/i);
    expect(fieldsOf(wrong).sort()).toEqual(['spec.interfaceName', 'spec.ipFamilies[0]']);
    await made(send('POST', CLAIMS, claim('fixed')));
    const edit = () => send('PATCH', `${CLAIMS}/fixed`, { spec: { interfaceName: 'eth1' } });
    const kept = await refused(edit, 422, 'Invalid', /spec\.interfaceName.*immutable/);
    expect(fieldsOf(kept)).toEqual(['spec.interfaceName']);
  });

  test('NotFound', async () => {
    const ask = () => get(`${CLAIMS}/absent`);
    await refused(ask, 404, 'NotFound', /^networkinterfaceclaims\..* "absent" not found$/);
    const url = CLAIMS.replace('/alpha/', '/nowhere/');
    const write = () => send('POST', url, claim('x'));
    await refused(write, 404, 'NotFound', /^namespaces "nowhere" not found$/);
  });

  test('AlreadyExists', async () => {
    const ask = () => send('POST', NETWORKS, network('net-a'));
    await refused(ask, 409, 'AlreadyExists', /^networks\..* "net-a" already exists$/);
  });

  test('Conflict', async () => {
    const { body: read } = await get(`${NETWORKS}/net-a`);
    await send('PATCH', `${NETWORKS}/net-a`, { metadata: { labels: { tier: 'a' } } });
    const ask = () =>
      send('PUT', `${NETWORKS}/net-a`, { ...read, spec: { ...read.spec, mtu: 1400 } });
    await refused(ask, 409, 'Conflict', /networks\..* "net-a": the object has been modified/);
  });

  test('InUse', async () => {
    await made(send('POST', CLAIMS, claim('user')));
    const net = () => send('DELETE', `${NETWORKS}/net-a`);
    await refused(net, 409, 'InUse', /networks\..* "net-a" is in use: .*\d+ interfaces/);
    const place = () => send('DELETE', `${LOCATIONS}/dfw`);
    await refused(place, 409, 'InUse', /locations\..* "dfw" is in use: .*\d+ interfaces/);
    const project = () => send('DELETE', `${NAMESPACES}/alpha`);
    await refused(project, 409, 'InUse', /namespaces "alpha" is in use: .*\d+ interfaces/);
    const nic = () => send('DELETE', `${CLAIMS.replace('claims', 's')}/user`);
    await refused(nic, 409, 'InUse', /"user" is in use: .*claim "user"/);
  });
});

describe('a block', () => {
  test('ClassNotFound', async () => {
    await refused(() => ipClaim({ className: 'none' }), 422, 'ClassNotFound', /IPClass "none"/);
  });

  test('NoDefaultClass', async () => {
    const mark = (value: string | null) =>
      send('PATCH', `${CLASSES}/${PRIVATE}`, {
        metadata: { annotations: { 'ipam.miloapis.com/is-default-class': value } },
      });
    expect((await mark(null)).code).toBe(200);
    const ask = () => ipClaim({ ipFamily: 'IPv4', scope: here });
    await refused(ask, 422, 'NoDefaultClass', /no IPClass is the default of IPv4/);
    expect((await mark('true')).code).toBe(200);
    await made(ipClaim({ ipFamily: 'IPv4', scope: here }, 'by-family'));
  });

  test('Invalid: a second default class of a family', async () => {
    const annotations = { 'ipam.miloapis.com/is-default-class': 'true' };
    const second = { metadata: { name: 'second', annotations }, spec: { ipFamily: 'IPv4' } };
    const ask = () => send('POST', CLASSES, second);
    await refused(ask, 422, 'Invalid', /"second" is invalid: .*tenant-endpoint-ipv4/);
  });

  test('NoOfferingPool', async () => {
    await made(send('POST', CLASSES, named('unoffered', { ipFamily: 'IPv4' })));
    const spec = { className: 'unoffered', prefixLength: 32 };
    await refused(() => ipClaim(spec), 422, 'NoOfferingPool', /IPClass "unoffered"/);
    const pool = { poolRef: { name: 'none' }, prefixLength: 32 };
    await refused(() => ipClaim(pool), 422, 'NoOfferingPool', /IPPool "none"/);
  });

  test('PrefixLengthRejected', async () => {
    const ask = () => ipClaim({ ...own, prefixLength: 31 });
    await refused(ask, 422, 'PrefixLengthRejected', new RegExp(`"${PRIVATE}".*/31`));
    const parent = { ipFamily: 'IPv6', parentPoolRef: { name: 'tenant-ipv6' }, prefixLength: 0 };
    const child = () => send('POST', POOLS, named('large', parent));
    await refused(child, 422, 'PrefixLengthRejected', /"tenant-ipv6" .* no room for a \/0,/);
  });

  test('FamilyMismatch', async () => {
    const ask = () => ipClaim({ ...own, address: 'fd20::1' });
    await refused(ask, 422, 'FamilyMismatch', /fd20::1 is IPv6, not IPv4/);
  });

  test('ScopeRolesMissing', async () => {
    const ask = () => ipClaim({ className: PRIVATE, scope: { network: 'net-a' } });
    await refused(ask, 422, 'ScopeRolesMissing', /needs spec\.scope\.location/);
  });

  test('AddressTaken', async () => {
    await made(ipClaim({ ...own, address: '10.128.3.3' }, 'holder'));
    const ask = () => ipClaim({ ...own, address: '10.128.3.3' });
    const where = /10\.128\.3\.3\/32 is not free in pool "tenant-subnet.*IPAllocation "holder"/;
    await refused(ask, 409, 'AddressTaken', where);
    const reserved = () => ipClaim({ ...own, address: '10.128.0.1' });
    await refused(reserved, 409, 'AddressTaken', /10\.128\.0\.1\/32/);
  });

  test('RetainedAddressConflict', async () => {
    await made(ipClaim({ ...own, reclaimPolicy: 'Retain' }, 'kept'));
    await send('DELETE', `${IPCLAIMS}/kept`);
    const ask = () => ipClaim({ ...own, address: '10.128.4.4' }, 'kept');
    const message = /"kept" .*retained under its name has the block 10\.128\.0\.\d+\/32/;
    await refused(ask, 409, 'RetainedAddressConflict', message);
  });

  test('PoolOverlaps', async () => {
    const root = (name: string, cidr: string) =>
      send('POST', POOLS, named(name, { ipFamily: 'IPv4', cidr }));
    await made(root('first', '203.0.113.0/25'));
    const ask = () => root('second', '203.0.113.64/26');
    await refused(ask, 409, 'PoolOverlaps', /"second".*203\.0\.113\.64\/26 .* of pool "first"/);
  });

  test('Exhausted', async () => {
    const whole = { poolRef: { name: 'first' }, prefixLength: 25 };
    await made(ipClaim({ ...whole, prefixLength: 32 }, 'one'));
    const asked = await refused(
      () => ipClaim(whole),
      507,
      'Exhausted',
      /pool "first" \(root\).*\/25/,
    );
    expect(asked.headers.get('retry-after')).toBeNull();
    const child = named('part', {
      ...{ ipFamily: 'IPv4', parentPoolRef: { name: 'first' }, prefixLength: 25 },
    });
    const carve = () => send('POST', POOLS, child);
    const carved = await refused(carve, 507, 'Exhausted', /pool "first" \(root\) has no free \/25/);
    expect(carved.headers.get('retry-after')).toBeNull();
    const wholeRange = named('net-a.lhr', {
      network: { name: 'net-a' },
      location: { name: 'lhr' },
      subnets: [{ family: 'IPv4', prefix: '10.128.0.0/20' }],
    });
    await made(send('POST', LOCATIONS, named('lhr')));
    await refused(
      () => send('POST', CONTEXTS, wholeRange),
      409,
      'AddressTaken',
      /10\.128\.0\.0\/20/,
    );
  });

  test('QuotaExceeded', async () => {
    const spec = { ipFamily: 'IPv4', defaultPrefixLength: 32, projectQuota: 1 };
    const open = { visibility: 'shared', projects: ['*'] };
    await made(send('POST', CLASSES, named('scarce', { ...spec, ...open })));
    const pool = { ipFamily: 'IPv4', cidr: '192.0.2.0/28', classNames: ['scarce'] };
    await made(send('POST', POOLS, named('scarce', pool)));
    await made(ipClaim({ className: 'scarce', reclaimPolicy: 'Retain' }, 'mine'));
    // What is retained counts, too.
    await send('DELETE', `${IPCLAIMS}/mine`);
    const over = /holds 1 of the 1 .* of IPClass "scarce"/;
    await refused(() => ipClaim({ className: 'scarce' }), 403, 'QuotaExceeded', over);
    const nic = () => send('POST', CLAIMS, claim('over', { addresses: [{ class: 'scarce' }] }));
    await refused(nic, 403, 'QuotaExceeded', over);
    expect((await get(`${CLAIMS}/over`)).code).toBe(404);
  });
});

describe('whoever asks', () => {
  async function twoProjects() {
    const world = await guarded({ requestRate: { perSecondMax: 50, burstMax: 50 } });
    await populate(world, ['mine', 'foreign']);
    const me = world.be('me', { projects: [world.generation('mine')] });
    return { world, me };
  }

  test('Forbidden', async () => {
    const reserved = () => send('POST', NAMESPACES, named('kube-x'));
    await refused(reserved, 403, 'Forbidden', /namespaces "kube-x" is forbidden/);
    // A project that is going takes nothing new.
    const going = { metadata: { name: 'going', finalizers: ['x/y'] } };
    await made(send('POST', NAMESPACES, going));
    await send('DELETE', `${NAMESPACES}/going`);
    const late = () => send('POST', CLAIMS.replace('/alpha/', '/going/'), claim('late'));
    const { body } = await refused(late, 403, 'Forbidden', /"late" is forbidden: .*terminated/);
    expect(body.details.causes).toMatchObject([{ reason: 'NamespaceTerminating' }]);
    const { world, me } = await twoProjects();
    const theirs = pathsOf('foreign', 'networkinterfaceclaims', 'web');
    const before = await me.get(theirs);
    await world.operator.post(pathsOf('foreign', 'networkinterfaceclaims'), claim('web'));
    expect(before).toMatchObject({ code: 403, body: { reason: 'Forbidden' } });
    expect(await me.get(theirs)).toEqual(before);
  });

  test('Unauthorized', async () => {
    const { me } = await twoProjects();
    const mine = pathsOf('mine', 'networkinterfaceclaims');
    expect((await me.get(mine)).code).toBe(200);
    me.end();
    expect(await me.get(mine)).toMatchObject({ code: 401, body: { reason: 'Unauthorized' } });
  });

  test('TooManyRequests', async () => {
    const { me } = await twoProjects();
    const answers = await Promise.all(Array.from({ length: 60 }, () => me.get('/version')));
    const last = answers.findLast(({ code }) => code !== 200);
    expect(last).toMatchObject({ code: 429, body: { reason: 'TooManyRequests' } });
    expect(last?.body.details.retryAfterSeconds).toBeGreaterThan(0);
  });
});

describe('a ledger that cannot', () => {
  test('ServiceUnavailable', async () => {
    store.before = async () => {
      throw new StoreFull('no room');
    };
    const ask = () => send('POST', CLAIMS, claim('late'));
    const { headers } = await refused(ask, 503, 'ServiceUnavailable', /the store is full/);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    store.before = async () => {};
    expect(service.logged.splice(0).join()).toContain('the ledger cannot answer');
    await made(ask());
  });

  test('InternalError', async () => {
    store.before = async () => {
      throw new TypeError('a secret');
    };
    const ask = () => send('POST', CLAIMS, claim('later'));
    const { body } = await refused(ask, 500, 'InternalError', /under request id/);
    expect(JSON.stringify(body)).not.toContain('secret');
    store.before = async () => {};
    expect(service.logged.splice(0).join()).toContain('a secret');
    await made(ask());
  });
});

test('what shows that nothing is written shows what is', async () => {
  const before = await head();
  await made(send('POST', CLAIMS, claim('control')));
  expect(await head()).not.toBe(before);
  expect(await written(before)).toContain('addressSpace-project.alpha');
});
