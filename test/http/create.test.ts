import { describe, expect, test } from 'vitest';
import {
  CLAIMS,
  CONTEXTS,
  claim,
  GROUP,
  LOCATIONS,
  location,
  NAMESPACES,
  NETWORKS,
  network,
  world,
} from './world.ts';

describe('creating', () => {
  test('a claim is sent with its defaults and answered whole', async () => {
    const { ledger, post } = world();
    const made = await post(CLAIMS, claim('web-0'));
    expect(made.code).toBe(201);
    expect(made.headers['content-type']).toMatch(/^application\/json/);
    expect(ledger.commands).toEqual([
      {
        type: 'RequestClaim',
        name: 'web-0',
        metadata: {},
        asOperator: true,
        spec: {
          network: { name: 'net-a' },
          location: { name: 'dfw' },
          interfaceName: 'eth0',
          attachmentMode: 'Netns',
          ipFamilies: ['IPv6'],
          reclaimPolicy: 'Delete',
        },
      },
    ]);
    expect(ledger.sent[0]).toMatchObject({
      project: 'alpha',
      request: {
        actor: { issuer: 'netalloc', subject: 'insecure-http', role: 'operator' },
        dryRun: false,
      },
    });
    expect(made.body).toEqual(ledger.views.get('NetworkInterfaceClaim', 'alpha', 'web-0')?.object);
  });

  test('the answer shows the object as its command left it, not as it became later', async () => {
    const { ledger, post } = world();
    const made = await post(CLAIMS, claim('web-0'));
    const { resourceVersion } = made.body.metadata;
    expect(ledger.history.filter(({ name }) => name === 'web-0')).toHaveLength(2);
    expect(resourceVersion).toBe('2');
  });

  test('a location is not required of a server that has one', async () => {
    const { ledger, post } = world({ defaultLocation: 'lhr' });
    const made = await post(CLAIMS, { metadata: { name: 'a' }, spec: { network: { name: 'n' } } });
    expect(made.code).toBe(201);
    expect(ledger.commands[0]).toMatchObject({ spec: { location: { name: 'lhr' } } });
  });

  test('values are kept as they were written', async () => {
    const { ledger, post } = world();
    const spec = {
      interfaceName: 'net1.100',
      attachmentMode: 'Hypervisor',
      ipFamilies: ['IPv4', 'IPv6'],
      addresses: [],
      reclaimPolicy: 'Retain',
      networkInterfaceName: 'web-0.old',
    };
    const metadata = {
      labels: { 'app.example.com/tier': 'web', empty: '' },
      annotations: { 'Example.com/Note': 'any "text"\n' },
      finalizers: ['example.com/teardown'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true }],
    };
    expect((await post(CLAIMS, claim('web-0', spec, metadata))).code).toBe(201);
    expect(ledger.commands[0]).toMatchObject({ spec, metadata });
  });

  test('what the ledger sets itself is taken and ignored', async () => {
    const { ledger, post } = world();
    const metadata = {
      uid: 'x',
      generation: 7,
      creationTimestamp: null,
      deletionTimestamp: '2020-01-01T00:00:00Z',
      managedFields: [{ manager: 'kubectl' }],
      selfLink: '/x',
      resourceVersion: '',
      labels: null,
    };
    const body = { ...claim('web-0', {}, metadata), status: { phase: 'Lost' } };
    expect((await post(CLAIMS, body)).code).toBe(201);
    expect(ledger.commands[0]).toMatchObject({ metadata: {} });
  });

  test('a network, a location and a context become their commands', async () => {
    const { ledger, post } = world();
    expect((await post(NETWORKS, network('net-a'))).code).toBe(201);
    const range = { ipv4Range: '10.0.0.0/8', ipv6Range: 'fd20:0:1::/48' };
    const ipam = { mode: 'Policy', ...range };
    expect((await post(NETWORKS, network('net-b', { mtu: 9_00 + 400, ipam }))).code).toBe(201);
    const topology = { region: 'us' };
    const provider = { gcp: { zone: ['a'] } };
    expect((await post(LOCATIONS, location('dfw', { topology, provider }))).code).toBe(201);
    const spec = {
      network: { name: 'net-a' },
      location: { name: 'dfw' },
      subnets: [{ family: 'IPv4', prefix: '10.128.0.0/20' }],
    };
    const made = await post(CONTEXTS, { metadata: {}, spec });
    expect(made.body.metadata.name).toBe('net-a.dfw');
    expect(ledger.sent.map(({ project, command }) => [project, command])).toEqual([
      [
        'alpha',
        {
          type: 'CreateNetwork',
          name: 'net-a',
          metadata: {},
          spec: { ipFamilies: ['IPv6'], mtu: 1460, ipam: { mode: 'Auto' } },
        },
      ],
      [
        'alpha',
        {
          type: 'CreateNetwork',
          name: 'net-b',
          metadata: {},
          spec: { ipFamilies: ['IPv6'], mtu: 1300, ipam: { mode: 'Policy', ...range } },
        },
      ],
      [
        undefined,
        {
          type: 'CreateLocation',
          name: 'dfw',
          metadata: {},
          spec: { topology, provider, projects: ['*'], draining: false },
        },
      ],
      [
        'alpha',
        {
          type: 'CreateNetworkContext',
          network: 'net-a',
          location: 'dfw',
          subnets: [{ family: 'IPv4', prefix: '10.128.0.0/20' }],
          metadata: {},
        },
      ],
    ]);
  });

  test('a context whose name is given has to be named after its network and location', async () => {
    const { post } = world();
    const spec = { network: { name: 'net-a' }, location: { name: 'dfw' } };
    expect((await post(CONTEXTS, { metadata: { name: 'net-a.dfw' }, spec })).code).toBe(201);
    const other = await post(CONTEXTS, { metadata: { name: 'dfw.net-a' }, spec });
    expect(other.code).toBe(422);
    expect(other.body.details.causes[0].field).toBe('metadata.name');
  });

  test('a namespace is a project of its own; reserved names are forbidden', async () => {
    const { ledger, post } = world();
    const body = { metadata: { name: 'beta', creationTimestamp: null }, spec: {}, status: {} };
    expect((await post(NAMESPACES, body)).code).toBe(201);
    expect(ledger.sent[0]).toMatchObject({
      project: 'beta',
      command: { type: 'CreateNamespace', metadata: {} },
    });
    for (const name of ['kube-system', 'netalloc-system', 'netalloc-x']) {
      const refused = await post(NAMESPACES, { metadata: { name } });
      expect(refused.code).toBe(403);
      expect(refused.body).toMatchObject({ reason: 'Forbidden', details: { kind: 'namespaces' } });
      expect(refused.body.message).toContain(`namespaces "${name}" is forbidden: `);
    }
    expect(ledger.sent).toHaveLength(1);
  });

  test('the built-in namespace takes no objects of clients', async () => {
    const { ledger, post } = world();
    const refused = await post(`${GROUP}/namespaces/netalloc-system/networks`, network('net-a'));
    expect([refused.code, refused.body.reason]).toEqual([403, 'Forbidden']);
    expect(ledger.sent).toHaveLength(0);
  });

  test('a spec whose fields all have defaults may be left out', async () => {
    const { ledger, post } = world();
    for (const path of [LOCATIONS, NETWORKS]) {
      expect((await post(path, { metadata: { name: 'a' } })).code).toBe(201);
    }
    expect(ledger.commands).toMatchObject([
      { type: 'CreateLocation', spec: { projects: ['*'], draining: false } },
      { type: 'CreateNetwork', spec: { ipFamilies: ['IPv6'] } },
    ]);
  });

  test('a body without a content type is JSON', async () => {
    const { request } = world();
    const body = JSON.stringify({ kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'b' } });
    expect((await request('POST', NAMESPACES, body)).code).toBe(201);
    const { code } = await request('POST', CLAIMS, JSON.stringify(claim('a')), {
      'content-type': 'Application/JSON; charset=UTF-8',
    });
    expect(code).toBe(201);
  });

  test('a second object of a name is refused', async () => {
    const { post } = world();
    await post(CLAIMS, claim('web-0'));
    const again = await post(CLAIMS, claim('web-0'));
    expect(again.code).toBe(409);
    expect(again.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'networkinterfaceclaims.networking.datumapis.com "web-0" already exists',
      reason: 'AlreadyExists',
      details: {
        name: 'web-0',
        group: 'networking.datumapis.com',
        kind: 'networkinterfaceclaims',
      },
      code: 409,
    });
  });

  test('a write into a namespace that does not exist is not found', async () => {
    const { ledger, post } = world();
    const refused = await post(`${GROUP}/namespaces/nowhere/networks`, network('net-a'));
    expect(refused.code).toBe(404);
    expect(refused.body.message).toBe('namespaces "nowhere" not found');
    const before = ledger.sent.length;
    for (const name of ['No_Such', 'a'.repeat(64), 'a.b', 'a%2Fb']) {
      const hopeless = await post(`${GROUP}/namespaces/${name}/networks`, network('net-a'));
      expect([hopeless.code, hopeless.body.reason]).toEqual([404, 'NotFound']);
    }
    expect(ledger.sent).toHaveLength(before);
  });

  test('the label of the location is the ledger\u2019s', async () => {
    const { ledger, post } = world();
    const key = 'networking.datumapis.com/location';
    const wrong = await post(CLAIMS, claim('a', {}, { labels: { [key]: 'lhr' } }));
    expect(wrong.code).toBe(422);
    expect(wrong.body.details.causes[0].field).toBe(`metadata.labels[${key}]`);
    expect(ledger.sent).toHaveLength(0);
    const right = await post(CLAIMS, claim('a', {}, { labels: { [key]: 'dfw', app: 'x' } }));
    expect(right.code).toBe(201);
    expect(ledger.commands[0]).toMatchObject({ metadata: { labels: { app: 'x' } } });
  });
});

describe('generateName', () => {
  const body = { ...claim('x'), metadata: { generateName: 'web-' } };

  test('names differ from request to request and use the alphabet of Kubernetes', async () => {
    const { post } = world();
    const names = new Set<string>();
    for (let i = 0; i < 5; i += 1) names.add((await post(CLAIMS, body)).body.metadata.name);
    expect(names.size).toBe(5);
    for (const name of names) expect(name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  test('a long prefix is cut, a name wins, and a hopeless prefix is refused', async () => {
    const { post } = world();
    const long = await post(CLAIMS, { ...body, metadata: { generateName: 'a'.repeat(100) } });
    expect(long.body.metadata.name).toHaveLength(63);
    const both = await post(CLAIMS, { ...body, metadata: { generateName: 'web-', name: 'b' } });
    expect(both.body.metadata.name).toBe('b');
    const hopeless = await post(CLAIMS, { ...body, metadata: { generateName: 'Web_' } });
    expect(hopeless.code).toBe(422);
    expect(hopeless.body.details.causes[0].field).toBe('metadata.generateName');
  });
});

describe('a dry run', () => {
  test('answers like the real thing and writes nothing', async () => {
    const { ledger, post, get } = world();
    const dry = await post(`${CLAIMS}?dryRun=All`, claim('web-0'));
    expect(dry.code).toBe(201);
    expect(dry.body.spec.interfaceName).toBe('eth0');
    expect(ledger.sent[0]?.request.dryRun).toBe(true);
    expect((await get(`${CLAIMS}/web-0`)).code).toBe(404);
  });

  test.each(['?dryRun=true', '?dryRun=', '?dryRun=All&dryRun=None'])(
    'refuses %s',
    async (query) => {
      const { ledger, post } = world();
      const refused = await post(CLAIMS + query, claim('web-0'));
      expect(refused.code).toBe(422);
      expect(refused.body.message).toContain('CreateOptions.meta.k8s.io "" is invalid: dryRun: ');
      expect(ledger.sent).toHaveLength(0);
    },
  );
});
