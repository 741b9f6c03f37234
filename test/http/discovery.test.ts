import { describe, expect, test } from 'vitest';
import { GROUP, world } from './world.ts';

const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const AUTHORIZATION = '/apis/authorization.k8s.io/v1';
const EVENTS = '/apis/events.k8s.io/v1';
const ROOTS = ['/api/v1', GROUP, IPAM, EVENTS, AUTHORIZATION, '/apis/authentication.k8s.io/v1'];

describe('discovery', () => {
  const { app, get } = world({ version: '1.2.3' });

  test('names a version that clients can read', async () => {
    const { body } = await get('/version');
    expect(body).toMatchObject({ major: '1', gitVersion: 'v1.33.0+netalloc-1.2.3' });
  });

  test('lists groups and versions', async () => {
    expect((await get('/api')).body).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [],
    });
    const { body } = await get('/apis');
    expect(body.kind).toBe('APIGroupList');
    expect(body.groups.map(({ name }: { name: string }) => name)).toEqual([
      'networking.datumapis.com',
      'ipam.miloapis.com',
      'events.k8s.io',
      'authorization.k8s.io',
      'authentication.k8s.io',
    ]);
    const one = (await get('/apis/ipam.miloapis.com')).body;
    const version = { groupVersion: 'ipam.miloapis.com/v1alpha1', version: 'v1alpha1' };
    expect(one).toEqual({
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'ipam.miloapis.com',
      versions: [version],
      preferredVersion: version,
    });
  });

  test('lists resources with short names and the verbs that work', async () => {
    const lists = await Promise.all(ROOTS.map((root) => get(root)));
    const lines = lists.flatMap(({ body }) =>
      body.resources.map((one: Record<string, string | string[]>) =>
        [
          ...[body.groupVersion, one.name, one.singularName || '-', one.kind],
          ...[one.shortNames ?? '-', [one.categories ?? '-'].flat().join('/'), one.namespaced],
          [one.verbs].flat().join('/'),
        ].join(' '),
      ),
    );
    const rest = 'get/list/patch/update/watch';
    const all = `create/delete/deletecollection/${rest}`;
    const net = 'networking.datumapis.com/v1alpha';
    const ipam = 'ipam.miloapis.com/v1alpha1';
    const [network, address] = ['networking/all', 'ipam/all'];
    const told = `create/${rest}`;
    const noCreate = `delete/deletecollection/${rest}`;
    expect(lines).toEqual([
      `v1 namespaces namespace Namespace ns - false create/delete/${rest}`,
      `v1 events event Event ev - true ${told}`,
      `${net} networks network Network net ${network} true ${all}`,
      `${net} networkcontexts networkcontext NetworkContext netctx ${network} true ${all}`,
      `${net} locations location Location loc networking false ${all}`,
      `${net} networkinterfaceclaims networkinterfaceclaim NetworkInterfaceClaim nicc ${network} true ${all}`,
      `${net} networkinterfaces networkinterface NetworkInterface nic ${network} true ${noCreate}`,
      `${net} networkinterfaces/status - NetworkInterface - - true get/patch/update`,
      `${ipam} ippools ippool IPPool - ipam false ${all}`,
      `${ipam} ipclasses ipclass IPClass - ipam false ${all}`,
      `${ipam} ipclaims ipclaim IPClaim ipc ${address} true ${all}`,
      `${ipam} ipallocations ipallocation IPAllocation ipalloc ${address} true delete/deletecollection/get/list/watch`,
      `events.k8s.io/v1 events event Event - - true ${told}`,
      ...['SelfSubjectAccessReview', 'SelfSubjectRulesReview'].map((kind) => {
        const singular = kind.toLowerCase();
        return `authorization.k8s.io/v1 ${singular}s ${singular} ${kind} - - false create`;
      }),
      'authentication.k8s.io/v1 selfsubjectreviews selfsubjectreview SelfSubjectReview - - false create',
    ]);
  });

  test('promises no verb that does not work', async () => {
    const methods = {
      ...{ create: 'POST', delete: 'DELETE', deletecollection: 'DELETE' },
      ...{ get: 'GET', patch: 'PATCH', update: 'PUT' },
    };
    for (const root of ROOTS) {
      for (const { name, namespaced, verbs } of (await get(root)).body.resources) {
        const [plural, subresource] = name.split('/');
        const collection = `${root}${namespaced ? '/namespaces/:namespace' : ''}/${plural}`;
        const object = `${collection}/:name${subresource ? `/${subresource}` : ''}`;
        for (const verb of verbs) {
          const ofMany = ['create', 'deletecollection', 'list', 'watch'];
          const url = ofMany.includes(verb) ? collection : object;
          const method = methods[verb as keyof typeof methods] ?? 'GET';
          expect([url, method, app.hasRoute({ url, method: method as 'GET' })]).toEqual([
            url,
            method,
            true,
          ]);
        }
      }
    }
  });
});

describe('discovery of everything at once', () => {
  const { get } = world();
  const as = (version: string) =>
    `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  /** What kubectl sends. */
  const accept = `${as('v2')},${as('v2beta1')},application/json`;

  /** What an aggregated document says, in the words of the lists of each version. */
  function listsIn(body: { items: { metadata: { name: string }; versions: never[] }[] }) {
    return body.items.flatMap(({ metadata: { name: group }, versions }) =>
      versions.map(({ version, resources, freshness }) => {
        expect(freshness).toBe('Current');
        const groupVersion = group === '' ? version : `${group}/${version}`;
        return { groupVersion, resources: (resources as Aggregated[]).flatMap(plainly) };
      }),
    );
  }

  interface Aggregated {
    readonly resource: string;
    readonly responseKind: { readonly kind: string };
    readonly scope: string;
    readonly singularResource: string;
    readonly verbs: readonly string[];
    readonly subresources?: readonly { readonly subresource: string; readonly verbs: string[] }[];
  }

  function plainly(resource: Aggregated): object[] {
    const { scope, singularResource, responseKind, subresources = [], ...rest } = resource;
    const { resource: name, ...others } = rest;
    const namespaced = scope === 'Namespaced';
    const own = { name, singularName: singularResource, namespaced, kind: responseKind.kind };
    return [
      { ...own, ...others },
      ...subresources.map(({ subresource, verbs }) => {
        return { ...own, name: `${name}/${subresource}`, singularName: '', verbs };
      }),
    ];
  }

  test.each(['v2', 'v2beta1'])(
    'says in version %s what the lists say one by one',
    async (version) => {
      const documents = await Promise.all(
        ['/api', '/apis'].map((path) => get(path, { accept: `${as(version)},application/json` })),
      );
      for (const { body, headers } of documents) {
        expect(body).toMatchObject({
          kind: 'APIGroupDiscoveryList',
          apiVersion: `apidiscovery.k8s.io/${version}`,
        });
        // Clients tell by the type whether they were given what they asked for.
        expect([headers['content-type'], headers.vary]).toEqual([as(version), 'accept']);
      }
      const plain = await Promise.all(ROOTS.map((root) => get(root)));
      const lists = plain.map(({ body: { groupVersion, resources } }) => ({
        groupVersion,
        resources,
      }));
      expect(documents.flatMap(({ body }) => listsIn(body))).toEqual(lists);
    },
  );

  test('comes in the newest version that a client knows, and plainly if it knows none', async () => {
    expect((await get('/apis', { accept })).body.apiVersion).toBe('apidiscovery.k8s.io/v2');
    const plain = await get('/apis', { accept: `${as('v3')},application/json` });
    expect(plain.body.kind).toBe('APIGroupList');
    expect((await get('/apis', { accept: as('v3') })).code).toBe(406);
  });

  test('is not sent to who has it', async () => {
    const first = await get('/apis', { accept });
    const { etag } = first.headers;
    expect(etag).toMatch(/^"[0-9A-F]{32}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await get('/apis', { accept, 'if-none-match': known });
      expect([again.code, again.text, again.headers.etag]).toEqual([304, '', etag]);
    }
    expect((await get('/apis', { 'if-none-match': etag })).code).toBe(200);
  });
});

describe('the OpenAPI document', () => {
  const { get } = world();

  test('describes every route by the schemas that bodies are read by', async () => {
    const { code, body } = await get('/openapi.json');
    expect(code).toBe(200);
    expect(body.openapi).toBe('3.1.0');
    const path = body.paths[`${GROUP}/namespaces/{namespace}/networkinterfaceclaims`];
    expect(Object.keys(path ?? {})).toEqual(expect.arrayContaining(['get', 'post']));
    const { schemas } = body.components;
    expect(schemas.NetworkInterfaceClaim.properties.spec.properties.reclaimPolicy).toMatchObject({
      enum: ['Delete', 'Retain'],
      default: 'Delete',
    });
    expect(schemas.NetworkInterfaceClaim.additionalProperties).toBe(false);
    expect(schemas.Network.properties.spec.properties.mtu).toMatchObject({
      type: 'integer',
      minimum: 1300,
      maximum: 8856,
    });
    expect(JSON.stringify(path.post.requestBody)).toContain(
      '"#/components/schemas/NetworkInterfaceClaim"',
    );
    expect(JSON.stringify(path.post.responses)).toContain('"#/components/schemas/Status"');
  });

  test('says which paths and methods there are, and no others', async () => {
    const { body } = await get('/openapi.json');
    const lines = Object.entries<object>(body.paths).map(
      ([path, methods]) => `${path} ${Object.keys(methods).sort().join(' ')}`,
    );
    expect(lines.length).toBeGreaterThan(20);
    expect(lines).toContain('/healthz get');
    expect(lines).toContain(`${IPAM}/ippools/{name} delete get patch put`);
    expect(lines).toContain(
      `${GROUP}/namespaces/{namespace}/networkinterfaces/{name}/status get patch put`,
    );
    for (const line of lines) expect(line).not.toMatch(/head|options|trace/);
  });
});
