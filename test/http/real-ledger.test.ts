import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { type Service, startService } from '../../src/service.ts';
import {
  CLAIMS,
  CONTEXTS,
  claim,
  INTERFACES,
  LOCATIONS,
  location,
  MERGE_PATCH,
  NAMESPACES,
  NETWORKS,
  network,
} from './world.ts';

/** The same surface over the ledger itself, in memory: what a fake cannot show. */
let service: Service;
let ids = 0;
const logged: string[] = [];

beforeAll(async () => {
  service = await startService(
    {
      ...{ listen: { host: '127.0.0.1', port: 0 }, data: '', store: 'memory', plan: undefined },
      ...{ location: undefined, logLevel: 'warn', timeOffsetSeconds: 0, security: undefined },
    },
    {
      clock: () => new Date('2026-03-02T08:00:00.123Z'),
      newId: () => {
        ids += 1;
        return uuidOf('real-ledger', ids);
      },
      random: () => 0.5,
      randomBytes,
      log: pino({ level: 'warn' }, { write: (line: string) => logged.push(line) }),
      version: '0.0.0',
    },
  );
  await send('POST', NAMESPACES, { metadata: { name: 'alpha' } });
  await send('POST', LOCATIONS, location('dfw', { topology: { a: 'b' }, provider: { c: [1] } }));
  await send('POST', NETWORKS, network('net-a', { ipFamilies: ['IPv6', 'IPv4'] }));
});

afterAll(async () => {
  await service.close();
  expect(logged).toEqual([]);
});

interface Answer {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly body: any;
  readonly headers: Headers;
}

async function send(
  method: string,
  url: string,
  body?: unknown,
  headers: object = {},
): Promise<Answer> {
  const type = method === 'PATCH' ? MERGE_PATCH : 'application/json';
  const response = await fetch(service.url + url, {
    method,
    headers: { 'content-type': type, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { code: response.status, body: await response.json(), headers: response.headers };
}

const get = (url: string) => send('GET', url);
const dual = { ipFamilies: ['IPv6', 'IPv4'] };

describe('over the real ledger', () => {
  test('a claim is answered with its addresses', async () => {
    const made = await send('POST', CLAIMS, claim('web-0', dual));
    expect(made.code).toBe(201);
    expect(made.body.status.addresses).toHaveLength(2);
    expect(made.body.metadata.labels).toEqual({ 'networking.datumapis.com/location': 'dfw' });
    expect((await get(`${CLAIMS}/web-0`)).body).toEqual(made.body);
  });

  test('what is read of any kind can be written back, and nothing changes', async () => {
    await send('POST', CLAIMS, claim('same', { ...dual, reclaimPolicy: 'Retain' }));
    const subnets = [{ family: 'IPv4', prefix: '10.128.32.0/20' }];
    const spec = { network: { name: 'net-b' }, location: { name: 'dfw' }, subnets };
    await send('POST', NETWORKS, network('net-b', { ipFamilies: ['IPv4'] }));
    expect((await send('POST', CONTEXTS, { spec })).code).toBe(201);
    const objects = [
      `${NAMESPACES}/alpha`,
      `${LOCATIONS}/dfw`,
      `${NETWORKS}/net-a`,
      `${CONTEXTS}/net-a.dfw`,
      `${CONTEXTS}/net-b.dfw`,
      `${CLAIMS}/same`,
      `${INTERFACES}/same`,
    ];
    for (const url of objects) {
      const { code, body } = await get(url);
      expect([url, code]).toEqual([url, 200]);
      const bare = { ...body, metadata: { name: body.metadata.name } };
      for (const written of [body, bare]) {
        const same = await send('PUT', url, written);
        expect([url, same.body]).toEqual([url, body]);
      }
      const patched = await send('PATCH', url, { metadata: { labels: { none: null } } });
      expect([url, patched.body]).toEqual([url, body]);
    }
    const status = `${INTERFACES}/same/status`;
    const { body } = await get(status);
    const same = await send('PUT', status, body);
    expect([same.code, same.body, same.headers.get('warning')]).toEqual([200, body, null]);
  });

  test('a dry run gives what would be given', async () => {
    const dry = await send('POST', `${CLAIMS}?dryRun=All`, claim('dry', dual));
    expect(dry.code).toBe(201);
    expect((await get(`${CLAIMS}/dry`)).code).toBe(404);
    const made = await send('POST', CLAIMS, claim('dry', dual));
    expect(made.body.status.addresses).toEqual(dry.body.status.addresses);
    const patch = { metadata: { labels: { a: '1' } } };
    const patched = await send('PATCH', `${CLAIMS}/dry?dryRun=All`, patch);
    expect(patched.body.metadata.labels.a).toBe('1');
    const gone = await send('DELETE', `${CLAIMS}/dry?dryRun=All`);
    expect(gone.body.status).toBe('Success');
    expect((await get(`${CLAIMS}/dry`)).body).toEqual(made.body);
  });

  test('a provider reports, tears down, and the addresses come free', async () => {
    await send('POST', CLAIMS, claim('nic', dual));
    const nic = `${INTERFACES}/nic`;
    const finalizers = ['provider.example.com/nic'];
    expect((await send('PATCH', nic, { metadata: { finalizers } })).code).toBe(200);
    const conditions = ['Prepared', 'Programmed'].map((type) => ({
      ...{ type, status: 'True', reason: 'Done', message: '' },
    }));
    const reported = await send('PATCH', `${nic}/status`, { status: { conditions, vpc: 'v' } });
    expect(reported.code).toBe(200);
    expect(reported.body.status.conditions).toContainEqual({
      ...conditions[0],
      lastTransitionTime: '2026-03-02T08:00:00Z',
    });
    const ready = (await get(`${CLAIMS}/nic`)).body.status.conditions.at(-1);
    expect([ready.type, ready.status]).toEqual(['Ready', 'True']);
    expect((await send('DELETE', nic)).body.reason).toBe('InUse');
    expect((await send('DELETE', `${CLAIMS}/nic`)).body.status).toBe('Success');
    const marked = (await get(nic)).body;
    expect(marked.metadata.deletionTimestamp).toBeDefined();
    expect((await send('DELETE', nic)).body).toEqual(marked);
    const key = { 'idempotency-key': 'teardown' };
    const last = await send('PATCH', nic, { metadata: { finalizers: null } }, key);
    expect(last.code).toBe(200);
    expect(last.body.metadata.name).toBe('nic');
    expect(last.body.metadata.finalizers).toBeUndefined();
    expect((await get(nic)).code).toBe(404);
    const again = await send('PATCH', nic, { metadata: { finalizers: null } }, key);
    expect([again.code, again.body]).toEqual([200, last.body]);
  });

  test('a key gives the first answer again, deletions and generated names included', async () => {
    const key = (name: string) => ({ 'idempotency-key': name });
    const body = { ...claim('x', dual), metadata: { generateName: 'keyed-' } };
    const made = await send('POST', CLAIMS, body, key('k1'));
    expect(made.code).toBe(201);
    const url = `${CLAIMS}/${made.body.metadata.name}`;
    const gone = await send('DELETE', url, undefined, key('k2'));
    expect(gone.body.details.uid).toBe(made.body.metadata.uid);
    expect((await send('POST', CLAIMS, body, key('k1'))).body).toEqual(made.body);
    expect((await send('DELETE', url, undefined, key('k2'))).body).toEqual(gone.body);
    const both = await Promise.all(
      [1, 2, 3].map(() => send('POST', CLAIMS, claim('race', dual), key('k3'))),
    );
    expect(both.map(({ code }) => code)).toEqual([201, 201, 201]);
    expect(new Set(both.map(({ body }) => body.metadata.uid)).size).toBe(1);
  });

  test('a key gives the end of an object again, whatever the ledger did right after', async () => {
    const nic = `${INTERFACES}/awaited`;
    await send('POST', CLAIMS, claim('awaited', dual));
    await send('PATCH', nic, { metadata: { finalizers: ['provider.example.com/nic'] } });
    await send('DELETE', `${CLAIMS}/awaited`);
    const next = await send('POST', CLAIMS, claim('awaited', dual));
    expect(next.body.status.conditions[0].reason).toBe('InterfaceTerminating');
    const end = () =>
      send('PATCH', nic, { metadata: { finalizers: null } }, { 'idempotency-key': 'end' });
    const ended = await end();
    expect((await get(nic)).body.metadata.uid).not.toBe(ended.body.metadata.uid);
    expect(await end()).toMatchObject({ code: 200, body: ended.body });
  });

  test('the removal of a last finalizer is answered with the object, what is kept included', async () => {
    const held = { finalizers: ['x.io/y'], labels: { own: 'a' } };
    const { body: made } = await send('POST', CLAIMS, claim('held', {}, held));
    await send('DELETE', `${CLAIMS}/held`);
    const last = await send('PATCH', `${CLAIMS}/held`, { metadata: { finalizers: null } });
    expect([last.code, last.body.metadata.finalizers]).toEqual([200, undefined]);
    expect(made.metadata.labels).toHaveProperty(['networking.datumapis.com/location']);
    expect(last.body.metadata.labels).toEqual(made.metadata.labels);

    await send('POST', NAMESPACES, { metadata: { name: 'held', finalizers: ['x.io/y'] } });
    await send('POST', NETWORKS.replace('/alpha/', '/held/'), network('net'));
    const { body: kept } = await get(`${NAMESPACES}/held`);
    await send('DELETE', `${NETWORKS.replace('/alpha/', '/held/')}/net`);
    await send('DELETE', `${NAMESPACES}/held`);
    const gone = await send('PATCH', `${NAMESPACES}/held`, { metadata: { finalizers: null } });
    expect(kept.metadata.annotations).toHaveProperty(['networking.datumapis.com/ipv6-range']);
    expect([gone.code, gone.body.metadata.annotations]).toEqual([200, kept.metadata.annotations]);
  });

  test('patches of many writers at once are all carried out', async () => {
    await send('POST', CLAIMS, claim('busy', dual));
    const writers = Array.from({ length: 8 }, (_, i) => `w${i}`);
    const answers = await Promise.all(
      writers.map((writer) =>
        send('PATCH', `${CLAIMS}/busy`, { metadata: { labels: { [writer]: 'x' } } }),
      ),
    );
    expect(answers.map(({ code }) => code)).toEqual(writers.map(() => 200));
    const { labels } = (await get(`${CLAIMS}/busy`)).body.metadata;
    expect(Object.keys(labels)).toEqual(expect.arrayContaining(writers));
  });

  test('an update of a network reaches its spec, and ranges in use are refused', async () => {
    const changed = await send('PATCH', `${NETWORKS}/net-a`, { spec: { mtu: 1500 } });
    expect([changed.code, changed.body.spec.mtu, changed.body.metadata.generation]).toEqual([
      200, 1500, 2,
    ]);
    const ipam = { ipv6Range: changed.body.status.ipam.ipv6Prefix };
    const taken = await send('POST', NETWORKS, network('net-c', { ipam }));
    expect([taken.code, taken.body.reason]).toEqual([409, 'AddressTaken']);
    const inUse = await send('DELETE', `${NETWORKS}/net-a`);
    expect([inUse.code, inUse.body.reason]).toEqual([409, 'InUse']);
  });

  test('pools, classes and namespaces are read', async () => {
    const pools = await get('/apis/ipam.miloapis.com/v1alpha1/ippools');
    expect(pools.body.kind).toBe('IPPoolList');
    const names = pools.body.items.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    );
    expect(names).toContain('tenant-ipv6');
    const one = await get(`/apis/ipam.miloapis.com/v1alpha1/ippools/${names.at(-1)}`);
    expect(one.body.apiVersion).toBe('ipam.miloapis.com/v1alpha1');
    const classes = await get('/apis/ipam.miloapis.com/v1alpha1/ipclasses');
    expect(classes.body.items.length).toBeGreaterThan(5);
    const { body } = await get(`${NAMESPACES}/alpha`);
    expect(body.metadata.annotations).toHaveProperty(['networking.datumapis.com/ipv6-range']);
  });

  test('pages of a list show one instant', async () => {
    const whole = await get(CLAIMS);
    const names: string[] = [];
    for (let token = ''; ; ) {
      const page = await get(`${CLAIMS}?limit=2&continue=${token}`);
      names.push(
        ...page.body.items.map((one: { metadata: { name: string } }) => one.metadata.name),
      );
      expect(page.body.metadata.resourceVersion).toBe(whole.body.metadata.resourceVersion);
      if (token === '') await send('POST', CLAIMS, claim('zz', dual));
      token = page.body.metadata.continue ?? '';
      if (token === '') break;
    }
    expect(names).toEqual(
      whole.body.items.map((one: { metadata: { name: string } }) => one.metadata.name),
    );
  });
});
